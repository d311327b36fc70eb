import json

import pytest

from core.dataset import Dataset
from core.errors import RunError
from core.runs.in_use import (
    CHOSEN,
    LIVE_KEPT,
    add_live_run,
    live_runs,
    run_for_labels,
    run_in_use,
    use,
)
from core.runs.notes import Note, write_note
from core.runs.removed import remove_run, restore_run
from core.runs.store import delete_run, list_runs
from tests.made_runs import small_run


@pytest.fixture
def dataset(tmp_path):
    return Dataset.open(tmp_path)


def quick(dataset, number):
    return small_run(dataset.home, number)


def deep(dataset, number, kept="blend"):
    return small_run(dataset.home, number, mode="deep", kept=kept, judged_folds=(0,))


def live(dataset, number):
    run = quick(dataset, number)
    add_live_run(dataset, run.id)
    return run


def test_without_runs_none_is_in_use(dataset):
    assert run_in_use(dataset) is None
    assert run_for_labels(dataset) is None


def test_the_newest_run_is_in_use(dataset):
    quick(dataset, 1)
    newest = deep(dataset, 2)

    assert run_in_use(dataset) == newest


def test_a_deep_run_that_did_not_beat_quick_is_not_chosen_by_itself(dataset):
    fine = quick(dataset, 1)
    deep(dataset, 2, kept="quick")

    assert run_in_use(dataset) == fine


def test_where_there_is_no_other_run_it_is_in_use_all_the_same(dataset):
    only = deep(dataset, 1, kept="quick")

    assert run_in_use(dataset) == only


def test_a_run_that_was_chosen_stays_in_use(dataset):
    old, beaten = quick(dataset, 1), deep(dataset, 2, kept="quick")
    quick(dataset, 3)

    use(dataset, old.id)
    assert run_in_use(dataset) == old
    use(dataset, beaten.id)
    assert run_in_use(dataset) == beaten


def test_what_is_trained_on_purpose_afterwards_takes_its_place(dataset):
    old = quick(dataset, 1)
    quick(dataset, 2)
    use(dataset, old.id)

    newest = quick(dataset, 3)

    assert run_in_use(dataset) == newest


def test_what_is_learnt_while_labelling_follows_a_quick_run(dataset):
    quick(dataset, 1)

    learnt = live(dataset, 2)

    assert run_in_use(dataset) == learnt
    assert run_for_labels(dataset) == learnt


def test_what_is_learnt_while_labelling_follows_a_quick_run_that_was_chosen(dataset):
    old = quick(dataset, 1)
    quick(dataset, 2)
    use(dataset, old.id)

    learnt = live(dataset, 3)

    assert run_in_use(dataset) == learnt


@pytest.mark.parametrize("chosen", [False, True])
def test_a_deep_run_in_use_stays_so_while_somebody_labels(dataset, chosen):
    good = deep(dataset, 1)
    if chosen:
        use(dataset, good.id)

    learnt = live(dataset, 2)

    assert run_in_use(dataset) == good
    assert run_for_labels(dataset) == learnt  # suggestions follow the labels


def test_an_older_run_learnt_while_labelling_suggests_nothing_after_a_deep_one(dataset):
    live(dataset, 1)

    good = deep(dataset, 2)

    assert run_for_labels(dataset) == good


def test_a_chosen_run_that_was_deleted_gives_way_and_comes_back_with_its_folder(dataset):
    old, newer = quick(dataset, 1), quick(dataset, 2)
    use(dataset, old.id)

    remove_run(dataset.home, old.id)
    assert run_in_use(dataset) == newer

    restore_run(dataset.home, old.id)
    assert run_in_use(dataset) == old


def test_a_damaged_run_is_not_in_use(dataset):
    fine, damaged = quick(dataset, 1), quick(dataset, 2)
    use(dataset, damaged.id)
    (dataset.home / "runs" / damaged.id / "run.json").write_text("{")

    assert run_in_use(dataset) == fine


def test_a_run_that_is_not_there_cannot_be_taken_into_use(dataset):
    with pytest.raises(RunError, match="There is no run"):
        use(dataset, "20261122-081530-000009")


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"run": "x"}', '"x"'])
def test_a_choice_that_cannot_be_read_is_none(dataset, kept):
    newest = quick(dataset, 1)
    dataset.set_setting(CHOSEN, kept)

    assert run_in_use(dataset) == newest


def test_of_runs_learnt_while_labelling_only_the_newest_stay(dataset):
    made = [live(dataset, number) for number in range(1, LIVE_KEPT + 3)]

    assert live_runs(dataset) == [run.id for run in made[-LIVE_KEPT:]]
    assert list_runs(dataset.home) == made[:1:-1]


def test_those_that_were_named_or_chosen_stay_too(dataset):
    named, chosen = live(dataset, 1), live(dataset, 2)
    write_note(dataset.home, named.id, Note(name="Before the holidays"))
    use(dataset, chosen.id)

    for number in range(3, 9):
        live(dataset, number)

    ids = [run.id for run in list_runs(dataset.home)]
    assert named.id in ids and chosen.id in ids
    assert len(ids) == LIVE_KEPT + 2


def test_a_list_of_those_that_cannot_be_read_is_empty(dataset):
    for kept in ("{", json.dumps({"a": 1}), json.dumps([3, None])):
        dataset.set_setting("live_runs", kept)

        assert live_runs(dataset) == []


def test_a_run_deleted_for_good_is_none_in_use(dataset):
    only = quick(dataset, 1)
    use(dataset, only.id)

    delete_run(dataset.home, only.id)

    assert run_in_use(dataset) is None
