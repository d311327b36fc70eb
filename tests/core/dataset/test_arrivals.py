"""Finished files become photos of the data set, as one step that can be undone."""

import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.dataset import Dataset, journal
from core.dataset.arrivals import (
    ABANDONED_SECONDS,
    Aside,
    clear_staging,
    set_aside,
    staging,
    take_in,
)
from core.dataset.fetched import Fetched, known, refused
from core.dataset.names import MAX_FILE_NAME_BYTES
from core.dataset.sources import sources_of
from core.errors import DatasetError

ROOT = Path(__file__).parents[3]
COLLECTION = "c0ffee"
COPY = Aside(kind="duplicate", reason="The same photo is there already.", resembles=1)


def ways(step) -> set[tuple[str | None, str | None]]:
    return {(change.source, change.target) for change in step.changes}


# One step


def test_finished_files_become_photos_of_their_classes(make_set, stage, tree, catalogued, run):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat", 2) + stage(dataset, "dog") + stage(dataset, None)

    taken = take_in(dataset, arrivals, collection=COLLECTION)

    rows = dataset.get(taken.ids)
    assert [rows[one].class_name for one in taken.ids] == ["cat", "cat", "dog", None]
    assert [rows[one].content for one in taken.ids] == [one.content for one in arrivals]
    assert dataset.counts() == {"cat": 3, "dog": 1} and dataset.unsorted_count() == 1
    assert catalogued(dataset) == tree(dataset.root).keys()
    assert not list(staging(dataset, COLLECTION).iterdir())
    looked = run(dataset.reconcile())
    assert (looked.photos, looked.added, looked.changed, looked.gone) == (5, 0, 0, 0)


def test_all_batches_of_a_collection_are_one_step(make_set, stage):
    dataset = make_set({"cat": 1})

    first = take_in(dataset, stage(dataset, "cat", 2), collection=COLLECTION)
    second = take_in(dataset, stage(dataset, "dog", 3), collection=COLLECTION, step=first.step)
    third = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION, step=second.step)

    assert first.step == second.step == third.step
    (step,) = dataset.history()
    assert step.kind == "collect" and step.words == "Collected 6 photos: cat 3, dog 3"
    assert {change.file_id for change in step.changes} == {*first.ids, *second.ids, *third.ids}


def test_undo_moves_what_was_collected_to_the_removed_and_redo_back(
    make_set, stage, tree, catalogued
):
    dataset = make_set({"cat": 1})
    before = tree(dataset.root)
    taken = take_in(dataset, stage(dataset, "cat", 2), collection=COLLECTION)
    taken = take_in(
        dataset, stage(dataset, "dog") + stage(dataset, "owl"), collection=COLLECTION, step=1
    )
    collected = tree(dataset.root)

    undone = dataset.undo()
    left = {path for path in tree(dataset.root) if not path.startswith(".winnow")}
    folders = {path.name for path in dataset.root.iterdir()}
    removed = dataset.removed_count()
    redone = dataset.redo()

    assert taken.step == undone.id == redone.id == 1
    assert ways(undone) == {("cat", None), ("dog", None), ("owl", None)}
    assert ways(redone) == {(None, "cat"), (None, "dog"), (None, "owl")}
    assert not undone.skipped and not redone.skipped
    assert left == before.keys() and folders == {"cat", ".winnow"} and removed == 4
    assert tree(dataset.root) == collected and catalogued(dataset) == collected.keys()
    assert dataset.counts() == {"cat": 3, "dog": 1, "owl": 1}


def test_what_was_undone_can_be_restored_one_by_one(make_set, stage):
    dataset = make_set({"cat": 1})
    taken = take_in(dataset, stage(dataset, "dog", 2), collection=COLLECTION)
    dataset.undo()

    dataset.restore(taken.ids[:1])

    assert dataset.get(taken.ids)[taken.ids[0]].class_name == "dog"
    assert [row.id for row in dataset.removed_rows()] == [taken.ids[1]]


def test_a_batch_begins_a_new_step_after_something_else_was_done(make_set, stage):
    dataset = make_set({"cat": 2, "dog": 0})
    first = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION)
    dataset.relabel([dataset.rows(class_name="cat")[0].id], "dog")

    second = take_in(dataset, stage(dataset, "cat", 2), collection=COLLECTION, step=first.step)

    assert [step.words for step in dataset.history()] == [
        "Collected 2 photos to cat",
        "Relabelled 1 photo: cat to dog",
        "Collected 1 photo to cat",
    ]
    assert second.step == dataset.next_undo().id != first.step


def test_a_batch_begins_a_new_step_after_the_collection_was_undone(make_set, stage):
    dataset = make_set({"cat": 1})
    first = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION)
    dataset.undo()

    second = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION, step=first.step)

    assert second.step not in (None, first.step)
    assert dataset.counts() == {"cat": 2} and dataset.removed_count() == 1
    assert dataset.next_redo() is None


def test_a_batch_does_not_join_a_step_of_another_kind(make_set, stage):
    dataset = make_set({"cat": 2, "dog": 0})
    step = dataset.relabel([dataset.rows()[0].id], "dog")

    taken = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION, step=step.id)

    assert taken.step != step.id and len(dataset.history()) == 2


def test_a_step_undone_since_can_still_be_redone_while_photos_arrive(make_set, stage):
    dataset = make_set({"cat": 2, "dog": 0})
    first = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION)
    dataset.relabel([dataset.rows()[0].id], "dog")
    dataset.undo()

    second = take_in(dataset, stage(dataset, "cat"), collection=COLLECTION, step=first.step)

    assert second.step == first.step
    assert dataset.redo().words == "Relabelled 1 photo: cat to dog"
    assert [dataset.undo().kind, dataset.undo().kind] == ["relabel", "collect"]
    assert dataset.counts() == {"cat": 2, "dog": 0}


@pytest.mark.parametrize(
    ("via", "classes", "words"),
    [
        ("bing", {"cat": 1}, "Collected 1 photo to cat"),
        ("list", {"cat": 2, "dog": 1}, "Collected 3 photos: cat 2, dog 1"),
        ("upload", {None: 3}, "Added 3 photos to unsorted"),
        ("folder", dict.fromkeys("abcde", 1), "Added 5 photos to 5 classes"),
    ],
)
def test_a_collection_is_told_in_words(via, classes, words, make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = [
        one for name, count in classes.items() for one in stage(dataset, name, count, via=via)
    ]

    take_in(dataset, arrivals, collection=COLLECTION)

    assert dataset.next_undo().words == words


def test_an_empty_batch_changes_nothing(make_set):
    dataset = make_set({"cat": 1})

    taken = take_in(dataset, [], collection=COLLECTION, step=7)

    assert (taken.step, taken.ids) == (7, ())
    assert dataset.history() == []


# Set aside


def test_photos_set_aside_are_not_in_the_data_set_but_can_be_restored(make_set, stage, tree):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "dog", aside=COPY, name="dog.jpg") + stage(dataset, "cat")
    taken = take_in(dataset, arrivals, collection=COLLECTION)
    aside = set_aside(dataset, COLLECTION)
    counts = dataset.counts()

    step = dataset.restore(taken.ids[:1])

    (row,) = aside
    assert (row.id, row.file, row.class_name) == (taken.ids[0], "dog/dog.jpg", "dog")
    assert (row.kind, row.reason, row.resembles) == (COPY.kind, COPY.reason, 1)
    assert row.collection == COLLECTION and row.content == arrivals[0].content
    assert counts == {"cat": 2}
    assert ways(step) == {(None, "dog")} and "dog/dog.jpg" in tree(dataset.root)
    assert dataset.counts() == {"cat": 2, "dog": 1}
    assert set_aside(dataset, COLLECTION) == []


def test_setting_aside_is_no_step_and_undo_leaves_it_alone(make_set, stage):
    dataset = make_set({"cat": 2, "dog": 0})
    relabelled = dataset.relabel([dataset.rows()[0].id], "dog")

    taken = take_in(dataset, stage(dataset, "cat", 2, aside=COPY), collection=COLLECTION)

    assert taken.step is None and len(taken.ids) == 2
    assert [step.id for step in dataset.history()] == [relabelled.id]
    assert dataset.undo().id == relabelled.id
    assert dataset.next_redo().id == relabelled.id
    assert len(set_aside(dataset)) == dataset.removed_count() == 2


def test_undo_and_redo_of_a_collection_leave_what_was_set_aside(make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat", 2) + stage(dataset, "cat", aside=COPY)
    taken = take_in(dataset, arrivals, collection=COLLECTION)

    undone = dataset.undo()
    listed = [row.id for row in set_aside(dataset)]
    redone = dataset.redo()

    assert len(undone.changes) == len(redone.changes) == 2
    assert listed == [row.id for row in set_aside(dataset)] == [taken.ids[2]]


def test_what_was_set_aside_is_restored_into_a_class_that_is_not_there_any_more(
    make_set, stage, run
):
    dataset = make_set({"cat": 1, "dog": 0})
    taken = take_in(dataset, stage(dataset, "dog", aside=COPY), collection=COLLECTION)
    (dataset.root / "dog").rmdir()
    run(dataset.refresh())
    classes = dataset.classes()

    dataset.restore(taken.ids)

    assert classes == ["cat"]
    assert dataset.counts() == {"cat": 1, "dog": 1}


def test_what_a_person_removes_again_is_not_listed_as_set_aside(make_set, stage):
    dataset = make_set({"cat": 1})
    taken = take_in(dataset, stage(dataset, "cat", aside=COPY), collection=COLLECTION)
    dataset.restore(taken.ids)
    dataset.undo()
    after_undo = set_aside(dataset)
    dataset.redo()

    dataset.remove(taken.ids)

    assert [row.id for row in after_undo] == list(taken.ids)
    assert set_aside(dataset) == [] and dataset.removed_count() == 1


def test_what_was_set_aside_is_listed_by_collection_newest_first(make_set, stage):
    dataset = make_set({"cat": 1})
    one = take_in(dataset, stage(dataset, "cat", 2, aside=COPY), collection=COLLECTION)
    other = take_in(
        dataset, stage(dataset, "cat", aside=COPY, collection="beef"), collection="beef"
    )

    assert [row.id for row in set_aside(dataset)] == [*other.ids, *one.ids[::-1]]
    assert [row.id for row in set_aside(dataset, "beef")] == list(other.ids)


# Names


def test_a_name_that_is_taken_gets_a_number(make_set, stage, tree):
    dataset = make_set({"cat": 2})
    arrivals = [*stage(dataset, "cat", 2, name="0.jpg"), *stage(dataset, "cat", name="1.jpg")]

    taken = take_in(dataset, arrivals, collection=COLLECTION)

    paths = [dataset.get(taken.ids)[one].path for one in taken.ids]
    assert paths == ["cat/0 (2).jpg", "cat/0 (3).jpg", "cat/1 (2).jpg"]
    assert tree(dataset.root)["cat/0.jpg"] == "cat/0.jpg"


def test_a_name_taken_among_the_removed_gets_a_number(make_set, stage):
    dataset = make_set({"cat": 1})
    dataset.remove([dataset.rows()[0].id])
    first = take_in(dataset, stage(dataset, "cat", name="0.jpg"), collection=COLLECTION)

    dataset.undo()
    dataset.restore(first.ids)

    assert dataset.rows()[0].path == "cat/0.jpg"
    assert dataset.removed_count() == 1


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("../../escape.jpg", "_.._escape.jpg"),
        ("/etc/passwd", "_etc_passwd"),
        ("a\\b:c*d?.jpg", "a_b_c_d_.jpg"),
        (".hidden.jpg", "hidden.jpg"),
        ("new\nline\x00\x1b.png", "new_line__.png"),
        ("con.jpg", "con_.jpg"),
        ("half \ud83d.jpg", "half _.jpg"),
        ("not utf-8 \udcff.jpg", "not utf-8 _.jpg"),
        ("", "photo"),
        ("...", "photo"),
        (".jpg", "jpg"),
        ("<b>&\"'.jpg", "_b_&_'.jpg"),
        ("\u202egpj.exe.jpg", "\u202egpj.exe.jpg"),
        ("🐕 犬.jpg", "🐕 犬.jpg"),
    ],
)
def test_a_hostile_name_becomes_a_plain_one_in_its_folder(wanted, given, make_set, stage, run):
    dataset = make_set({"cat": 1})

    taken = take_in(dataset, stage(dataset, "cat", name=wanted or " "), collection=COLLECTION)

    (one,) = taken.ids
    assert dataset.get([one])[one].path == f"cat/{given}"
    assert run(dataset.reconcile()).added == 0


def test_a_name_too_long_for_a_file_system_is_cut(make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat", 2, name="犬" * 200 + ".jpeg")

    taken = take_in(dataset, arrivals, collection=COLLECTION)

    names = [dataset.get(taken.ids)[one].path.removeprefix("cat/") for one in taken.ids]
    assert all(len(name.encode()) <= MAX_FILE_NAME_BYTES for name in names)
    assert names[0].endswith("犬.jpeg") and names[1].endswith("犬 (2).jpeg")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a/b", "slashes separate folders"),
        ("..", "begin with a dot"),
        (".winnow", "begin with a dot"),
        ("", "a name is needed"),
        ("CAT", "There is a class called cat already"),
        ("x" * 200, "too long"),
        ("nul", "Windows keeps this name"),
        ("a\x00b", "cannot be shown"),
    ],
)
def test_a_refused_class_name_is_a_sentence_and_takes_in_nothing(name, why, make_set, stage, tree):
    dataset = make_set({"cat": 1})
    before = tree(dataset.root)
    arrivals = stage(dataset, "cat") + [replace(stage(dataset, "cat")[0], class_name=name)]

    with pytest.raises(DatasetError, match=why):
        take_in(dataset, arrivals, collection=COLLECTION)

    assert tree(dataset.root) == before
    assert all(one.staged.exists() for one in arrivals)
    assert dataset.history() == []


def test_two_new_classes_that_differ_only_in_capitals_are_refused(make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "Dog") + stage(dataset, "dog")

    with pytest.raises(DatasetError, match="There is a class called Dog already"):
        take_in(dataset, arrivals, collection=COLLECTION)


def test_the_name_of_the_unsorted_folder_means_no_class(make_set, stage):
    dataset = make_set({"cat": 1})

    taken = take_in(dataset, stage(dataset, "unsorted"), collection=COLLECTION)

    assert dataset.get(taken.ids)[taken.ids[0]].class_name is None


# What can go wrong


def test_a_staged_file_that_vanished_is_skipped_and_its_address_open_again(
    make_set, stage, catalogued, tree
):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat", 3)
    fetched = [
        Fetched(class_name="cat", url=one.source.url, outcome="kept", collection=COLLECTION)
        for one in arrivals
    ]
    arrivals[1].staged.unlink()

    taken = take_in(dataset, arrivals, collection=COLLECTION, fetched=fetched)

    assert [one is None for one in taken.ids] == [False, True, False]
    (skipped,) = taken.skipped
    assert (skipped.file, skipped.reason) == (arrivals[1].name, "This file is no longer there.")
    assert dataset.next_undo().words == "Collected 2 photos to cat"
    assert dataset.history()[0].skipped == ()
    urls = [one.source.url for one in arrivals]
    assert known(dataset, "cat", urls) == {urls[0], urls[2]}
    assert [row.url for row in refused(dataset, COLLECTION)] == [urls[1]]
    assert catalogued(dataset) == tree(dataset.root).keys()
    (sources,) = dataset.connection().execute("SELECT count(*) FROM source").fetchone()
    assert sources == 2


def test_a_batch_of_which_nothing_is_left_is_no_step_and_makes_no_class(make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "dog", 2)
    for one in arrivals:
        one.staged.unlink()

    taken = take_in(dataset, arrivals, collection=COLLECTION)

    assert (taken.step, taken.ids) == (None, (None, None))
    assert dataset.next_undo() is None and dataset.history() == []
    assert dataset.classes() == ["cat"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_class_that_is_a_link_takes_in_nothing(make_set, stage, tmp_path):
    dataset = make_set({"cat": 1})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (dataset.root / "dog").symlink_to(elsewhere)
    arrivals = stage(dataset, "dog")

    taken = take_in(dataset, arrivals, collection=COLLECTION)

    assert taken.ids == (None,) and "link" in taken.skipped[0].reason
    assert not list(elsewhere.iterdir()) and arrivals[0].staged.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_arriving_photos_do_not_go_through_a_link(make_set, tmp_path):
    dataset = make_set({"cat": 1})
    (dataset.root / ".winnow" / "arriving").symlink_to(tmp_path)

    with pytest.raises(DatasetError, match="is a link"):
        staging(dataset, COLLECTION)


def test_a_file_that_lies_elsewhere_is_not_moved(make_set, stage, tmp_path):
    dataset = make_set({"cat": 1})
    (arrival,) = stage(dataset, "cat")
    stranger = tmp_path / "stranger.jpg"
    stranger.write_text("not ours")

    for place in (stranger, dataset.root / "cat" / "0.jpg", arrival.staged / ".." / ".." / "x"):
        with pytest.raises(ValueError, match="staging"):
            take_in(dataset, [replace(arrival, staged=place)], collection=COLLECTION)

    assert stranger.exists() and dataset.counts() == {"cat": 1}


@pytest.mark.parametrize("collection", ["", "..", "a/b", "x" * 65, "a b"])
def test_a_collection_cannot_be_named_like_a_path(collection, make_set):
    with pytest.raises(ValueError, match="collection"):
        staging(make_set({"cat": 1}), collection)


def test_a_look_at_the_folders_does_not_take_staged_files_for_photos(make_set, stage, run):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat", 2)

    looked = run(dataset.reconcile())
    photos = dataset.rows()
    taken = take_in(dataset, arrivals, collection=COLLECTION)
    again = run(dataset.reconcile())

    assert (looked.photos, looked.added, len(photos)) == (1, 0, 1)
    assert (again.photos, again.added, again.gone) == (3, 0, 0)
    assert set(dataset.get(taken.ids)) == set(taken.ids)


def test_a_look_begun_before_photos_arrive_and_ended_after_it_gives_them_no_second_row(
    make_set, stage, run
):
    dataset = make_set({"cat": 1})
    for number in range(200):
        (dataset.root / "cat" / f"by hand {number}.jpg").write_text(f"{number}")
    looking = dataset._reconciler()
    differences = run(looking._compare(everything=True))
    taken = take_in(dataset, stage(dataset, "cat", 3), collection=COLLECTION)
    looking._note_lost(differences)
    for _ in looking._note_found(differences):
        pass

    assert dataset.counts() == {"cat": 204}
    assert set(dataset.get(taken.ids)) == set(taken.ids)
    assert (run(dataset.refresh()).added, len(sources_of(dataset, taken.ids))) == (0, 3)


def test_leftovers_are_cleared_by_their_owner_alone(make_set, stage):
    dataset = make_set({"cat": 1})
    (mine,) = stage(dataset, "cat")
    (other,) = stage(dataset, "cat", collection="beef")

    clear_staging(dataset, COLLECTION)

    assert not mine.staged.exists() and other.staged.exists()
    assert staging(dataset, COLLECTION).is_dir()


def test_leftovers_of_a_collection_abandoned_long_ago_are_cleared(make_set, stage):
    dataset = make_set({"cat": 1})
    (old,) = stage(dataset, "cat", collection="01d")
    (other,) = stage(dataset, "cat", collection="beef")
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(old.staged.parent, (long_ago, long_ago))
    staging(dataset, COLLECTION)
    os.utime(staging(dataset, COLLECTION), (long_ago, long_ago))

    assert staging(dataset, COLLECTION).is_dir()

    assert not old.staged.parent.exists() and other.staged.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_what_is_no_plain_file_is_not_taken_in(make_set, stage, tmp_path):
    dataset = make_set({"cat": 1})
    secret = tmp_path / "secret.txt"
    secret.write_text("not a photo")
    link, folder = stage(dataset, "cat", 2)
    for one in (link, folder):
        one.staged.unlink()
    link.staged.symlink_to(secret)
    folder.staged.mkdir()

    taken = take_in(dataset, [link, folder], collection=COLLECTION)

    assert taken.ids == (None, None) and len(taken.skipped) == 2
    assert secret.exists() and dataset.counts() == {"cat": 1}


def test_a_file_in_the_way_of_a_class_folder_is_a_reason(make_set, stage):
    dataset = make_set({"cat": 1})
    (dataset.root / "dog").write_text("a file without an extension")

    taken = take_in(dataset, stage(dataset, "dog") + stage(dataset, "cat"), collection=COLLECTION)

    assert taken.ids[0] is None and taken.ids[1] is not None
    assert "could not be moved" in taken.skipped[0].reason
    assert (dataset.root / "dog").read_text() == "a file without an extension"


def test_photos_taken_in_on_a_full_disk_are_there_once_it_has_room(make_set, stage, monkeypatch):
    dataset = make_set({"cat": 1})

    def fail(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "finish_step", fail)
        with pytest.raises(DatasetError, match="finishes it by itself"):
            take_in(dataset, stage(dataset, "dog", 2), collection=COLLECTION)
    left = list(staging(dataset, COLLECTION).iterdir())

    assert left == [] and dataset.counts() == {"cat": 1, "dog": 2}
    assert dataset.undo().words == "Collected 2 photos to dog"


def test_undo_leaves_a_photo_that_was_moved_or_edited_since_and_names_it(make_set, stage, run):
    dataset = make_set({"cat": 1})
    taken = take_in(dataset, stage(dataset, "dog", 3), collection=COLLECTION)
    moved, edited, untouched = (dataset.get(taken.ids)[one] for one in taken.ids)
    dataset.path_of(moved).rename(dataset.root / "cat" / "moved.jpg")
    dataset.path_of(edited).write_text("edited")
    run(dataset.reconcile())

    step = dataset.undo()

    assert [change.file_id for change in step.changes] == [untouched.id]
    assert {skipped.file: skipped.reason for skipped in step.skipped} == {
        moved.path: "This file has been moved since.",
        edited.path: "This file has been changed since.",
    }
    assert dataset.counts() == {"cat": 2, "dog": 1}


# Places


def test_photos_for_a_set_with_its_own_split_are_for_training(make_set, stage):
    dataset = make_set({"train/cat": 2, "train/dog": 1, "valid/cat": 1})
    arrivals = stage(dataset, "cat", name="new.jpg") + stage(dataset, "owl", name="new.jpg")
    arrivals += stage(dataset, "dog", aside=COPY, name="copy.jpg")

    taken = take_in(dataset, arrivals, collection=COLLECTION)
    dataset.restore(taken.ids[2:])

    paths = [dataset.get(taken.ids)[one].path for one in taken.ids]
    assert paths == ["train/cat/new.jpg", "train/owl/new.jpg", "train/dog/copy.jpg"]
    assert dataset.counts() == {"cat": 4, "dog": 2, "owl": 1}
    dataset.undo()
    dataset.undo()
    assert dataset.counts() == {"cat": 3, "dog": 1}


def test_a_data_set_that_cannot_be_written_is_refused(make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat")
    read_only = Dataset(dataset.root, dataset.home, read_only=True)

    with pytest.raises(DatasetError, match="cannot be written"):
        staging(read_only, COLLECTION)
    with pytest.raises(DatasetError, match="cannot be written"):
        take_in(read_only, arrivals, collection=COLLECTION)

    assert arrivals[0].staged.exists()


def test_photos_arrive_beside_the_others_where_the_catalogue_lies_with_the_user(
    tmp_path, stage, tree, monkeypatch, run
):
    monkeypatch.setenv("WINNOW_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("core.dataset.places.is_on_network", lambda root: True)
    root = tmp_path / "share"
    (root / "cat").mkdir(parents=True)
    dataset = Dataset.open(root)
    run(dataset.reconcile())

    arrivals = stage(dataset, "cat", 2) + stage(dataset, "dog", aside=COPY)
    taken = take_in(dataset, arrivals, collection=COLLECTION)
    dataset.undo()
    undone = tree(root)
    dataset.redo()
    dataset.restore(taken.ids[2:])

    assert not dataset.home.is_relative_to(root)
    assert arrivals[0].staged.is_relative_to(root)
    assert len(undone) == 3 and all(path.startswith(".winnow/removed/") for path in undone)
    assert dataset.counts() == {"cat": 2, "dog": 1}


def test_photos_taken_in_are_known_to_a_catalogue_made_anew(make_set, stage, run):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat", 2) + stage(dataset, "dog", aside=COPY)
    take_in(dataset, arrivals, collection=COLLECTION)
    for file in dataset.home.glob("catalog.sqlite*"):
        file.unlink()

    dataset = Dataset.open(dataset.root)
    run(dataset.reconcile())

    assert dataset.counts() == {"cat": 3} and dataset.removed_count() == 1


WORKER = """
import sys, uuid
from pathlib import Path
from core.dataset import Dataset
from core.dataset.arrivals import Arrival, staging, take_in
from core.images.identity import content_hash

collection, step = sys.argv[2], None
dataset = Dataset.open(Path(sys.argv[1]))
for batch in range(15):
    arrivals = []
    for _ in range(5):
        staged = staging(dataset, collection) / uuid.uuid4().hex
        staged.write_text(staged.name)
        arrivals.append(
            Arrival(staged=staged, name="photo.jpg", class_name="cat", content=content_hash(staged))
        )
    taken = take_in(dataset, arrivals, collection=collection, step=step)
    assert None not in taken.ids, taken.skipped
    step = taken.step
"""


def test_two_processes_may_take_in_photos_at_once(make_set, tree, catalogued, run):
    dataset = make_set({"cat": 1})
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, dataset.root, name],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for name in ("a1", "b2")
    ]

    ends = [worker.wait(timeout=60) for worker in workers]

    assert ends == [0, 0]
    found = tree(dataset.root)
    assert len(set(found.values())) == len(found) == 151
    assert catalogued(dataset) == found.keys()
    assert run(dataset.reconcile()).added == 0
    assert sum(len(step.changes) for step in dataset.history(500)) == 150
