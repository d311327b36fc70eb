import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from core.dataset import Dataset, journal, moving
from core.dataset.locking import TreeLock
from core.errors import DatasetError


def ids_of(dataset, class_name):
    return [row.id for row in dataset.rows(class_name=class_name)]


def test_a_relabelled_photo_lies_in_its_new_class_and_keeps_its_row(make_set, tree):
    dataset = make_set({"cat": 2, "dog": 1})
    photo = dataset.find("cat/1.jpg")

    step = dataset.relabel([photo.id], "dog")

    assert tree(dataset.root) == {
        "cat/0.jpg": "cat/0.jpg",
        "dog/0.jpg": "dog/0.jpg",
        "dog/1.jpg": "cat/1.jpg",
    }
    assert dataset.get([photo.id])[photo.id] == photo._replace(path="dog/1.jpg", class_name="dog")
    (change,) = step.changes
    assert (change.file, change.now) == ("cat/1.jpg", "dog/1.jpg")
    assert (change.source, change.target) == ("cat", "dog")
    assert step.words == "Relabelled 1 photo: cat to dog"


def test_a_name_that_is_taken_gets_a_number(make_set, tree):
    dataset = make_set({"cat": 1, "dog": 1, "bird": 1})

    dataset.relabel(ids_of(dataset, "cat") + ids_of(dataset, "bird"), "dog")

    assert tree(dataset.root) == {
        "dog/0.jpg": "dog/0.jpg",
        "dog/0 (2).jpg": "cat/0.jpg",
        "dog/0 (3).jpg": "bird/0.jpg",
    }


def test_a_name_taken_between_plan_and_move_is_never_replaced(make_set, tree, monkeypatch):
    dataset = make_set({"cat": 1, "dog": 0})
    move = moving.move

    def taken_first(source, target, part):
        if not target.exists() and target.name == "0.jpg":
            target.write_text("someone else's")
        move(source, target, part)

    monkeypatch.setattr(moving, "move", taken_first)

    step = dataset.relabel(ids_of(dataset, "cat"), "dog")

    assert tree(dataset.root) == {"dog/0.jpg": "someone else's", "dog/0 (2).jpg": "cat/0.jpg"}
    assert step.changes[0].now == "dog/0 (2).jpg"


def test_undo_takes_back_the_last_step_whoever_made_it(make_set, tree):
    dataset = make_set({"cat": 2, "dog": 1})
    before = tree(dataset.root)
    dataset.relabel(ids_of(dataset, "cat"), "dog")

    step = Dataset.open(dataset.root).undo()

    assert tree(dataset.root) == before
    assert [(c.file, c.now) for c in step.changes] == [
        ("dog/0 (2).jpg", "cat/0.jpg"),
        ("dog/1.jpg", "cat/1.jpg"),
    ]
    assert [(c.source, c.target) for c in step.changes] == [("dog", "cat")] * 2
    assert step.undone


def test_undo_and_redo_go_through_all_steps_after_a_restart(make_set, tree):
    dataset = make_set({"cat": 3, "dog": 1})
    states = [tree(dataset.root)]
    for act in (
        lambda: dataset.relabel(ids_of(dataset, "cat")[:2], "dog"),
        lambda: dataset.remove(ids_of(dataset, "dog")),
        lambda: dataset.restore([dataset.removed_rows()[0].id]),
    ):
        act()
        states.append(tree(dataset.root))
    dataset = Dataset.open(dataset.root)

    undone = []
    while dataset.next_undo():
        dataset.undo()
        undone.append(tree(dataset.root))
    redone = []
    while dataset.next_redo():
        dataset.redo()
        redone.append(tree(dataset.root))

    assert undone == states[-2::-1]
    assert redone == states[1:]


@pytest.fixture
def full_disk(monkeypatch):
    """Let no step be marked done, as on a full disk, while the fixture's context is entered."""

    @contextlib.contextmanager
    def full():
        def fail(*_, **__):
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(journal, "finish_step", fail)
            yield

    return full


def test_a_step_cut_short_by_a_full_disk_says_not_to_repeat_it(make_set, full_disk):
    dataset = make_set({"cat": 1, "dog": 0})

    with full_disk(), pytest.raises(DatasetError, match="This step .* do not repeat it.*full"):
        dataset.relabel(ids_of(dataset, "cat"), "dog")
    with full_disk(), pytest.raises(DatasetError, match="step before .* do not repeat it.*full"):
        dataset.remove([])

    assert Dataset.open(dataset.root).counts() == {"cat": 0, "dog": 1}


def test_an_undo_or_redo_cut_short_by_a_full_disk_is_finished_and_not_done_twice(
    make_set, full_disk
):
    dataset = make_set({"cat": 3, "dog": 0})
    steps = [dataset.relabel(ids_of(dataset, "cat")[:1], "dog") for _ in range(3)]

    with full_disk(), pytest.raises(DatasetError, match="do not repeat it"):
        dataset.undo()
    undone = dataset.undo()
    again = dataset.undo()

    assert [undone.id, again.id] == [steps[2].id, steps[1].id]
    assert len(undone.changes) == 1
    assert dataset.counts() == {"cat": 2, "dog": 1}

    with full_disk(), pytest.raises(DatasetError, match="do not repeat it"):
        dataset.redo()

    assert dataset.redo().id == steps[1].id
    assert dataset.counts() == {"cat": 1, "dog": 2}


def test_an_undo_finished_on_opening_is_told(make_set, full_disk):
    dataset = make_set({"cat": 1, "dog": 0})
    step = dataset.relabel(ids_of(dataset, "cat"), "dog")
    with full_disk(), pytest.raises(DatasetError, match="do not repeat it"):
        dataset.undo()

    again = Dataset.open(dataset.root)

    assert again.finished_on_opening["undo"].id == step.id


def test_nothing_left_to_undo_or_redo_is_said(make_set):
    dataset = make_set({"cat": 1})

    with pytest.raises(DatasetError, match="Nothing left to undo"):
        dataset.undo()
    with pytest.raises(DatasetError, match="Nothing left to redo"):
        dataset.redo()


def test_a_new_step_drops_what_could_be_redone(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = ids_of(dataset, "cat")
    dataset.relabel([first], "dog")
    dataset.undo()

    dataset.remove([second])

    assert dataset.next_redo() is None
    assert [(step.kind, step.undone) for step in dataset.history()] == [
        ("remove", False),
        ("relabel", True),
    ]


def test_undo_leaves_alone_what_was_changed_or_taken_away_since_and_names_it(make_set, tree):
    dataset = make_set({"cat": 4, "dog": 0})
    dataset.relabel(ids_of(dataset, "cat"), "dog")
    (dataset.root / "dog/0.jpg").write_text("another photo")
    (dataset.root / "dog/1.jpg").unlink()
    (dataset.root / "dog/2.jpg").rename(dataset.root / "cat/by hand.jpg")

    step = dataset.undo()

    assert {skipped.file: skipped.reason for skipped in step.skipped} == {
        "dog/0.jpg": "This file has been changed since.",
        "dog/1.jpg": "This file is no longer there.",
        "dog/2.jpg": "This file is no longer there.",
    }
    assert tree(dataset.root) == {
        "dog/0.jpg": "another photo",
        "cat/by hand.jpg": "cat/2.jpg",
        "cat/3.jpg": "cat/3.jpg",
    }


def test_undo_leaves_alone_what_was_moved_by_hand_since(make_set, run):
    dataset = make_set({"cat": 1, "dog": 0, "bird": 0})
    dataset.relabel(ids_of(dataset, "cat"), "dog")
    (dataset.root / "dog/0.jpg").rename(dataset.root / "bird/0.jpg")
    run(dataset.reconcile())

    step = dataset.undo()

    assert [skipped.reason for skipped in step.skipped] == ["This file has been moved since."]
    assert dataset.counts() == {"bird": 1, "cat": 0, "dog": 0}
    assert dataset.next_undo() is None


def test_a_file_touched_but_not_changed_is_undone(make_set):
    dataset = make_set({"cat": 1, "dog": 0})
    dataset.relabel(ids_of(dataset, "cat"), "dog")
    os.utime(dataset.root / "dog/0.jpg", ns=(1, 1))

    step = dataset.undo()

    assert not step.skipped
    assert dataset.counts() == {"cat": 1, "dog": 0}


def test_undo_makes_a_class_folder_deleted_since_anew(make_set, tree, run):
    dataset = make_set({"cat": 1, "dog": 0})
    before = tree(dataset.root)
    dataset.relabel(ids_of(dataset, "cat"), "dog")
    (dataset.root / "cat").rmdir()
    run(dataset.refresh())

    dataset.undo()

    assert tree(dataset.root) == before
    assert dataset.classes() == ["cat", "dog"]


def test_undoing_a_relabel_to_a_new_class_takes_the_class_away_and_redo_brings_it_back(make_set):
    dataset = make_set({"cat": 2})

    dataset.relabel(ids_of(dataset, "cat")[:1], "dog", new=True)
    assert dataset.counts() == {"cat": 1, "dog": 1}
    dataset.undo()
    assert dataset.counts() == {"cat": 2}
    dataset.redo()
    assert dataset.counts() == {"cat": 1, "dog": 1}


def test_a_new_class_that_someone_used_since_stays_on_undo(make_set, run):
    dataset = make_set({"cat": 1})
    dataset.relabel(ids_of(dataset, "cat"), "dog", new=True)
    (dataset.root / "dog/by hand.jpg").write_text("by hand")

    dataset.undo()
    run(dataset.reconcile())

    assert dataset.counts() == {"cat": 1, "dog": 1}


def test_an_unknown_class_is_refused_unless_it_is_new(make_set):
    dataset = make_set({"cat": 1})

    with pytest.raises(DatasetError, match="no class bird"):
        dataset.relabel(ids_of(dataset, "cat"), "bird")
    with pytest.raises(DatasetError, match="Did you mean cat"):
        dataset.relabel(ids_of(dataset, "cat"), "CAT")
    with pytest.raises(DatasetError, match="called cat already"):
        dataset.relabel(ids_of(dataset, "cat"), "Cat", new=True)
    assert dataset.classes() == ["cat"]


def test_a_photo_already_in_its_class_is_no_step(make_set):
    dataset = make_set({"cat": 1})

    step = dataset.relabel(ids_of(dataset, "cat"), "cat")

    assert (step.id, step.changes) == (0, ())
    assert dataset.history() == []


def test_a_step_whose_files_are_all_gone_is_not_in_the_history(make_set):
    dataset = make_set({"cat": 1})
    ids = ids_of(dataset, "cat")
    (dataset.root / "cat/0.jpg").unlink()

    step = dataset.relabel(ids, "dog", new=True)

    assert [skipped.file for skipped in step.skipped] == ["cat/0.jpg"]
    assert (step.id, dataset.history(), dataset.classes()) == (0, [], ["cat"])


def test_photos_without_a_class_move_in_and_out(make_set, tree):
    dataset = make_set({"": 1, "unsorted": 1, "cat": 1})
    no_class = ids_of(dataset, None)

    dataset.relabel(no_class, "cat")
    step = dataset.relabel([no_class[0]], "unsorted")

    assert (step.changes[0].source, step.changes[0].target) == ("cat", "unsorted")
    assert dataset.counts() == {"cat": 2}
    assert [row.path for row in dataset.rows(class_name=None)] == ["unsorted/0 (2).jpg"]


def test_a_removed_photo_can_be_restored_to_the_folder_it_was_in(make_set, tree):
    dataset = make_set({"cat/winter": 1, "": 1, "dog": 0})
    before = tree(dataset.root)
    ids = [row.id for row in dataset.rows()]

    removed = dataset.remove(ids)
    assert {change.target for change in removed.changes} == {None}
    assert dataset.rows() == []
    assert [(row.path, row.class_name) for row in dataset.removed_rows()] == [
        ("cat/winter/0.jpg", "cat"),
        ("0.jpg", None),
    ]
    restored = dataset.restore(ids)

    assert [(c.source, c.target) for c in restored.changes] == [(None, "unsorted"), (None, "cat")]
    assert tree(dataset.root) == before
    assert dataset.removed_count() == 0


def test_removed_photos_of_one_name_do_not_replace_each_other(make_set, tree):
    dataset = make_set({"cat": 1, "cat/winter": 1})

    dataset.remove([row.id for row in dataset.rows()])

    assert sorted(tree(dataset.root).values()) == ["cat/0.jpg", "cat/winter/0.jpg"]


def test_a_class_folder_replaced_by_a_link_receives_nothing(make_set, tmp_path):
    dataset = make_set({"cat": 1, "dog": 0})
    outside = tmp_path / "outside"
    outside.mkdir()
    (dataset.root / "dog").rmdir()
    (dataset.root / "dog").symlink_to(outside)

    step = dataset.relabel(ids_of(dataset, "cat"), "dog")

    assert [skipped.reason for skipped in step.skipped] == [
        "A link to another place stands in its way."
    ]
    assert list(outside.iterdir()) == []
    assert (dataset.root / "cat/0.jpg").exists()


def test_a_photo_replaced_by_a_link_is_left_alone(make_set, tmp_path):
    dataset = make_set({"cat": 1, "dog": 0})
    outside = tmp_path / "outside.jpg"
    outside.write_text("outside")
    (dataset.root / "cat/0.jpg").unlink()
    (dataset.root / "cat/0.jpg").symlink_to(outside)

    step = dataset.relabel(ids_of(dataset, "cat"), "dog")

    assert len(step.skipped) == 1
    assert (dataset.root / "cat/0.jpg").is_symlink()


def test_the_version_grows_with_every_change_by_anyone(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    other = Dataset.open(dataset.root)
    first, second = ids_of(dataset, "cat")
    seen = [dataset.version()]

    for act in (
        lambda: other.relabel([first], "dog"),
        lambda: dataset.remove([second]),
        other.undo,
        dataset.redo,
    ):
        act()
        assert dataset.version() == other.version() > seen[-1]
        seen.append(dataset.version())

    assert dataset.rows() == other.rows()


def test_two_threads_on_one_data_set_both_get_their_marks_done(make_set):
    from concurrent.futures import ThreadPoolExecutor

    dataset = make_set({"cat": 20, "dog": 0})
    ids = ids_of(dataset, "cat")

    with ThreadPoolExecutor(4) as pool:
        steps = list(pool.map(lambda one: dataset.relabel([one], "dog"), ids))

    assert dataset.counts() == {"cat": 0, "dog": 20}
    assert len({step.id for step in steps}) == 20


def test_a_lock_held_by_another_for_too_long_is_one_sentence(make_set):
    home = make_set({"cat": 1}).home

    with TreeLock(home).tried() as is_held:
        assert is_held
        with pytest.raises(DatasetError, match="Another window or command"):
            with TreeLock(home).held(wait_seconds=0.01):
                pytest.fail("two held the lock at once")


def test_a_folder_that_may_not_be_changed_is_a_sentence_for_each_photo(make_set, monkeypatch):
    dataset = make_set({"cat": 2, "dog": 0})

    def refused(source: Path, target: Path, part: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(moving, "move", refused)

    step = dataset.relabel(ids_of(dataset, "cat"), "dog")

    assert step.changes == ()
    assert {skipped.reason for skipped in step.skipped} == {
        "You may not move this file. Check the permissions of its folder."
    }
    assert dataset.counts() == {"cat": 2, "dog": 0}


def test_photos_of_a_class_folder_deleted_during_a_step_are_found_gone_by_a_refresh(make_set, run):
    dataset = make_set({"cat": 3, "dog": 0})
    first, *_ = ids_of(dataset, "cat")
    shutil.rmtree(dataset.root / "cat")

    step = dataset.relabel([first], "dog")
    found = run(dataset.refresh())

    assert len(step.skipped) == 1
    assert found.gone == 3
    assert dataset.counts() == {"dog": 0}
