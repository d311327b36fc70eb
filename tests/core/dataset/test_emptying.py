"""Deleting removed photos for good: only those, and the journal stays sound."""

import os

import pytest

from core.dataset import deleting, emptying, history, removed
from core.dataset.arrivals import Aside, take_in
from core.dataset.deleting import DELETED
from core.dataset.emptying import empty_removed, removed_total
from core.dataset.verdicts import StoredVerdict, save_verdicts


@pytest.fixture
def animals(make_set):
    """Cats 0 and 1 are removed, by one step each; cat 2 and dog 0 are there."""
    dataset = make_set({"cat": 3, "dog": 1})
    for row in dataset.rows(class_name="cat")[:2]:
        dataset.remove([row.id])
    return dataset


def test_emptying_deletes_the_removed_photos_and_no_other(animals, run, tree, catalogued):
    assert (removed_total(animals).photos, removed_total(animals).size) == (2, "18 bytes")

    emptied = run(empty_removed(animals))

    assert (emptied.photos, emptied.bytes, emptied.skipped) == (2, 18, ())
    assert sorted(tree(animals.root)) == ["cat/2.jpg", "dog/0.jpg"]
    assert catalogued(animals) == tree(animals.root).keys()
    assert not list((animals.root / ".winnow/removed").iterdir())
    looked = run(animals.reconcile())
    assert (looked.added, looked.gone) == (0, 0)


def test_only_the_photos_named_are_deleted_and_never_present_ones(animals, run, tree):
    ids = {row.path: row.id for row in [*animals.rows(), *animals.removed_rows()]}

    emptied = run(empty_removed(animals, [ids["cat/0.jpg"], ids["dog/0.jpg"]]))

    assert emptied.photos == 1
    assert sorted(tree(animals.root)) == [".winnow/removed/cat/1.jpg", "cat/2.jpg", "dog/0.jpg"]


def test_a_step_with_no_photo_left_leaves_undo_and_says_why(animals, run):
    run(empty_removed(animals))

    assert animals.next_undo() is None
    newest, second, first = history.page(animals)
    assert newest.words == "Deleted 2 photos for good (18 bytes)"
    assert newest.fixed == history.FOR_GOOD
    assert first.fixed == second.fixed == history.DELETED_FOR_GOOD


def test_a_removal_still_counts_as_an_edit_when_its_photos_are_deleted(animals, run):
    run(empty_removed(animals))

    assert animals.edited_since(None)


def test_a_step_that_lost_some_photos_brings_back_the_others_and_names_those(make_set, run):
    dataset = make_set({"cat": 3})
    ids = [row.id for row in dataset.rows()]
    dataset.remove(ids)
    run(empty_removed(dataset, ids[:1]))

    step = dataset.undo()

    assert [change.file_id for change in step.changes] == ids[1:]
    assert [(one.file, one.reason) for one in step.skipped] == [
        (".winnow/removed/cat/0.jpg", DELETED)
    ]


def test_what_is_undone_before_emptying_can_be_redone_after_it(make_set, run):
    dataset = make_set({"cat": 3, "dog": 0})
    ids = [row.id for row in dataset.rows()]
    dataset.remove(ids[:1])
    dataset.relabel(ids[1:2], "dog")
    dataset.undo()

    run(empty_removed(dataset))

    assert dataset.redo().words == "Relabelled 1 photo: cat to dog"


def test_a_file_changed_among_the_removed_ones_is_left_alone_and_named(animals, run):
    changed = animals.root / ".winnow/removed/cat/0.jpg"
    changed.write_text("another photo, put here by hand")

    emptied = run(empty_removed(animals))

    assert emptied.photos == 1
    assert [(one.file, one.reason) for one in emptied.skipped] == [
        (".winnow/removed/cat/0.jpg", deleting.CHANGED)
    ]
    assert changed.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_nothing_behind_a_link_is_deleted(animals, run, tmp_path):
    folder = animals.root / ".winnow/removed/cat"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")

    emptied = run(empty_removed(animals))

    assert emptied.photos == 0
    assert {one.reason for one in emptied.skipped} == {deleting.BEHIND_A_LINK}
    assert sorted(os.listdir(tmp_path / "elsewhere")) == ["0.jpg", "1.jpg"]


def test_thumbnails_go_with_the_last_photo_of_a_content(make_set, run):
    dataset = make_set({"cat": 2, "dog": 1})
    (dataset.root / "dog/copy.jpg").write_text((dataset.root / "cat/0.jpg").read_text())
    run(dataset.reconcile())
    copied, alone = dataset.rows(class_name="cat")
    thumbs = [
        dataset.home / folder / row.content[:2] / f"{row.content}.webp"
        for row in (copied, alone)
        for folder in emptying.THUMBNAILS
    ]
    for thumb in thumbs:
        thumb.parent.mkdir(parents=True, exist_ok=True)
        thumb.write_bytes(b"small copy")
    dataset.remove([copied.id, alone.id])

    run(empty_removed(dataset))

    assert [thumb.exists() for thumb in thumbs] == [True, True, False, False]


def test_emptying_in_batches_is_one_step_and_can_be_stopped_between_them(
    make_set, run, monkeypatch
):
    monkeypatch.setattr(emptying, "BATCH_FILES", 2)
    dataset = make_set({"cat": 7})
    ids = [row.id for row in dataset.rows()]
    dataset.remove(ids[:2])
    dataset.remove(ids[2:])
    task = empty_removed(dataset)
    assert next(task).done == 2
    task.close()

    assert dataset.removed_count() == 5
    assert [entry.fixed for entry in history.page(dataset)][2] == history.DELETED_FOR_GOOD
    assert dataset.next_undo().words == "Removed 5 photos from cat"
    assert run(empty_removed(dataset)).photos == 5
    assert [entry.words for entry in history.page(dataset)][:2] == [
        "Deleted 5 photos for good (45 bytes)",
        "Deleted 2 photos for good (18 bytes)",
    ]


def test_with_nothing_removed_nothing_is_written(make_set, run):
    dataset = make_set({"cat": 1})

    emptied = run(empty_removed(dataset))

    assert (emptied.step, emptied.photos) == (None, 0)
    assert history.count(dataset) == 0


def test_removed_photos_tell_why_they_are_there(make_set, stage, run):
    dataset = make_set({"cat": 5})
    ids = [row.id for row in dataset.rows()]
    broken = dataset.rows()[0]
    verdict = StoredVerdict(
        file_id=broken.id, content=broken.content, kind="truncated", reason="It is cut short."
    )
    save_verdicts(dataset, [verdict])
    dataset.remove(ids[:1])
    dataset.remove(ids[1:3])
    take_in(
        dataset,
        stage(dataset, "cat", aside=Aside(kind="too_small", reason="It is small.")),
        collection="c0ffee",
    )
    take_in(dataset, stage(dataset, "dog"), collection="c0ffee")
    dataset.undo()
    run(dataset.reconcile())
    (dataset.root / "cat/4.jpg").rename(dataset.root / ".winnow/removed/4.jpg")
    run(dataset.reconcile())

    assert removed.counts(dataset) == {"hand": 4, "check": 1, "arrival": 1}
    assert {photo.reason for photo in removed.page(dataset)} == {
        "It is cut short.",
        "It is small.",
        "Removed by hand, among 2 photos from cat.",
        "Here since a step was undone that it came in with: Collected 1 photo to dog.",
        "It was put here outside Winnow.",
    }
    assert removed.ids(dataset, ["check"]) == ids[:1]
    assert len(removed.page(dataset, ["hand"], skip=1, limit=2)) == 2


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (812, "812 bytes"), (1_234, "1.2 KB"), (34_000_000, "34 MB"), (2e9, "2.0 GB")],
)
def test_sizes_are_told_as_people_say_them(number, words):
    assert deleting.size(int(number)) == words
