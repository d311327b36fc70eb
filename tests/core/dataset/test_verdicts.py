from core.dataset import Dataset
from core.dataset.verdicts import StoredVerdict, load_verdicts, save_verdicts


def verdict(row, kind="good", reason=None):
    return StoredVerdict(file_id=row.id, content=row.content, kind=kind, reason=reason)


def test_verdicts_are_kept_through_moves_removal_and_reopening(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = dataset.rows()
    given = [verdict(first), verdict(second, "blank", "One colour.")]
    save_verdicts(dataset, given)
    dataset.relabel([first.id], "dog")
    dataset.remove([second.id])

    assert load_verdicts(Dataset.open(dataset.root)) == {one.file_id: one for one in given}


def test_a_verdict_holds_only_while_the_file_is_the_same(make_set, run):
    dataset = make_set({"cat": 2})
    first, second = dataset.rows()
    save_verdicts(dataset, [verdict(first), verdict(second)])
    (dataset.root / first.path).write_text("another photo")
    run(dataset.reconcile())

    assert load_verdicts(dataset).keys() == {second.id}


def test_a_new_verdict_takes_the_place_of_the_last(make_set):
    dataset = make_set({"cat": 1})
    (row,) = dataset.rows()
    save_verdicts(dataset, [verdict(row)])
    save_verdicts(dataset, [verdict(row, "corrupt", "Damaged.")])

    assert load_verdicts(dataset)[row.id].kind == "corrupt"


def test_a_file_that_cannot_be_read_is_judged_again_each_time(make_set):
    dataset = make_set({"cat": 1})
    (row,) = dataset.rows()
    dataset.connection().execute("UPDATE file SET content=''")
    save_verdicts(dataset, [verdict(row._replace(content=""), "corrupt", "Cannot be read.")])

    assert load_verdicts(dataset) == {}
