"""What is done by hand is told, and kept apart from what Winnow can take back."""

import os

import pytest

from core.dataset import history, outside


@pytest.fixture
def told(run):
    """Look at the folders and give the words of what was found done by hand."""

    def look(dataset) -> list[str]:
        run(dataset.reconcile())
        return [one.words.removeprefix("Outside Winnow: ") for one in outside.news(dataset)]

    return look


def test_a_first_look_has_nothing_to_tell(make_set, told):
    assert told(make_set({"cat": 3, "unsorted": 1})) == []


def test_photos_moved_by_hand_are_told_with_their_classes(make_set, told):
    dataset = make_set({"cat": 3, "dog": 1})
    for name in ("0.jpg", "1.jpg"):
        (dataset.root / "cat" / name).rename(dataset.root / "dog" / f"moved {name}")

    assert told(dataset) == ["2 photos moved: cat to dog"]


def test_a_class_folder_renamed_by_hand_is_told_as_one(make_set, told):
    dataset = make_set({"cat": 3, "cat/winter": 1, "dog": 1})
    (dataset.root / "cat").rename(dataset.root / "kitten")

    assert told(dataset) == ["class folder cat renamed to kitten (4 photos)"]


def test_deleted_added_and_changed_photos_are_named(make_set, told):
    dataset = make_set({"cat": 3})
    (dataset.root / "cat/0.jpg").unlink()
    (dataset.root / "cat/1.jpg").write_text("something else")
    (dataset.root / "cat/new.jpg").write_text("new")

    assert told(dataset) == [
        "1 photo deleted (cat/0.jpg); 1 photo added (cat/new.jpg); 1 photo changed (cat/1.jpg)"
    ]


def test_a_photo_replaced_by_another_is_told_as_deleted(make_set, told):
    dataset = make_set({"cat": 2})
    os.replace(dataset.root / "cat/0.jpg", dataset.root / "cat/1.jpg")

    assert told(dataset) == ["1 photo renamed; 1 photo deleted (cat/1.jpg)"]


def test_a_photo_that_comes_back_later_is_not_told_as_moved(make_set, told, tmp_path):
    dataset = make_set({"cat": 2})
    (dataset.root / "cat/0.jpg").rename(tmp_path / "away.jpg")
    assert told(dataset) == ["1 photo deleted (cat/0.jpg)"]
    (tmp_path / "away.jpg").rename(dataset.root / "cat/0.jpg")

    assert told(dataset)[0] == "1 photo came back (cat/0.jpg)"


def test_removed_photos_that_are_taken_out_or_deleted_by_hand_are_told(make_set, told):
    dataset = make_set({"cat": 3, "dog": 0})
    dataset.remove([row.id for row in dataset.rows()[:2]])
    removed = dataset.root / ".winnow/removed/cat"
    (removed / "0.jpg").rename(dataset.root / "dog/0.jpg")
    (removed / "1.jpg").unlink()

    assert told(dataset) == [
        "1 photo moved: the removed photos to dog; 1 photo deleted that had been removed"
    ]


def test_news_are_told_until_they_are_read(make_set, told):
    dataset = make_set({"cat": 3})
    (dataset.root / "cat/0.jpg").unlink()
    told(dataset)
    (first,) = outside.news(dataset)

    outside.dismiss(dataset, first.id)
    assert outside.news(dataset) == []
    (dataset.root / "cat/1.jpg").unlink()

    assert told(dataset) == ["1 photo deleted (cat/1.jpg)"]


def test_what_was_done_by_hand_stands_in_history_and_is_never_undone(make_set, told):
    dataset = make_set({"cat": 3, "dog": 1})
    ids = [row.id for row in dataset.rows()]
    step = dataset.relabel(ids[:1], "dog")
    (dataset.root / "cat/1.jpg").rename(dataset.root / "dog/moved.jpg")
    told(dataset)

    newest, before = history.page(dataset)
    assert (newest.kind, newest.fixed, newest.pictures) == (
        "outside",
        history.OUTSIDE,
        (dataset.get([ids[1]])[ids[1]].content,),
    )
    assert before.id == step.id
    assert dataset.undo().id == step.id
    assert dataset.find("dog/moved.jpg").id == ids[1]
    assert [one.id for one in dataset.history()] == [step.id]


def test_what_winnow_does_itself_is_no_news(make_set, told, stage, run):
    from core.dataset.arrivals import take_in
    from core.dataset.emptying import empty_removed

    dataset = make_set({"cat": 3})
    take_in(dataset, stage(dataset, "owl", 2), collection="c0ffee")
    dataset.remove([row.id for row in dataset.rows()[:3]])
    dataset.undo()
    dataset.redo()
    run(empty_removed(dataset))

    assert told(dataset) == []
