"""Steps as History lists them, and going back and forward over several."""

import pytest

from core.dataset import history
from core.errors import DatasetError


@pytest.fixture
def animals(make_set):
    """Steps 1 relabel, 2 remove, 3 restore, all of the first two cats."""
    dataset = make_set({"cat": 3, "dog": 1})
    ids = [row.id for row in dataset.rows(class_name="cat")[:2]]
    dataset.relabel(ids, "dog")
    dataset.remove(ids)
    dataset.restore(ids)
    return dataset


def test_steps_are_listed_newest_first_and_by_pages(animals):
    listed = history.page(animals)

    assert history.count(animals) == 3
    assert [entry.words for entry in listed] == [
        "Restored 2 photos to dog",
        "Removed 2 photos from dog",
        "Relabelled 2 photos: cat to dog",
    ]
    assert history.page(animals, skip=1, limit=1) == listed[1:2]
    assert {len(entry.pictures) for entry in listed} == {2}


def test_an_undone_step_is_listed_as_such_and_is_fixed_once_something_else_is_done(animals):
    animals.undo()
    assert [(entry.undone, entry.fixed) for entry in history.page(animals, limit=1)] == [
        (True, None)
    ]
    animals.relabel([animals.rows(class_name="cat")[0].id], "dog")

    assert history.page(animals)[1].fixed == history.OVERTAKEN


def test_what_going_back_will_take_is_told_before(animals):
    ahead = history.to_undo(animals, 1)

    assert (ahead.steps, ahead.photos, ahead.newest) == (2, 4, 3)
    assert [one.words for one in ahead.headings] == [
        "Restored 2 photos to dog",
        "Removed 2 photos from dog",
    ]
    assert len(history.to_undo(animals, 1, named=1).headings) == 1


def test_going_back_to_the_start_and_forward_again_ends_where_it_began(animals, run, tree):
    before = tree(animals.root)

    back = run(history.undo_back_to(animals, 0))
    assert (back.steps, back.photos, back.skipped) == (3, 6, ())
    assert sorted(tree(animals.root)) == ["cat/0.jpg", "cat/1.jpg", "cat/2.jpg", "dog/0.jpg"]
    forward = run(history.redo_up_to(animals))

    assert (forward.steps, forward.photos) == (3, 6)
    assert tree(animals.root) == before


def test_going_forward_can_stop_at_a_step(animals, run):
    run(history.undo_back_to(animals, 0))

    assert history.to_redo(animals, 2).steps == 2
    assert run(history.redo_up_to(animals, 2)).steps == 2
    assert animals.next_redo().id == 3


def test_a_step_that_came_meanwhile_ends_going_back_and_is_named(animals, run):
    asked = history.to_undo(animals, 0)
    animals.relabel([animals.rows(class_name="dog")[0].id], "cat")

    with pytest.raises(DatasetError, match="Something else was done meanwhile .Relabelled 1 photo"):
        run(history.undo_back_to(animals, 0, newest=asked.newest))
    assert animals.next_undo().id == 4


def test_going_back_stopped_in_the_middle_stands_after_a_whole_step(animals):
    task = history.undo_back_to(animals, 0)
    next(task)
    task.close()

    assert animals.next_undo().id == 2
    assert animals.removed_count() == 2


def test_what_going_back_left_alone_is_named_and_the_rest_is_done(animals, run):
    (animals.root / "dog/1.jpg").write_text("drawn upon")

    result = run(history.undo_back_to(animals, 0))

    assert (result.steps, result.photos, result.left_alone) == (3, 3, 3)
    assert {one.file for one in result.skipped} == {"dog/1.jpg", ".winnow/removed/dog/1.jpg"}
    assert history.page(animals)[0].left_alone == 1
    (left,) = history.left_alone(animals, 3)
    assert (left.file, left.reason) == ("dog/1.jpg", "This file has been changed since.")


def test_a_data_set_without_steps_has_nothing_to_go_back_over(make_set, run):
    dataset = make_set({"cat": 1})

    assert history.page(dataset) == []
    assert run(history.undo_back_to(dataset, 0)).steps == 0
    assert run(history.redo_up_to(dataset)).steps == 0
