import os
import random
import sqlite3
import stat
import time

import pytest

from core.dataset import Dataset, reconcile
from core.errors import DatasetError

not_on_windows = pytest.mark.skipif(
    os.name == "nt", reason="Windows neither deletes nor moves a catalogue that is open"
)


def later(folder):
    """Move a folder's time on, as if the last change to it came a while after the one before."""
    now = os.stat(folder).st_mtime_ns
    os.utime(folder, ns=(now, now + 1_000_000_000))


def test_photos_in_class_folders_and_below_and_outside_are_told_apart(make_set):
    dataset = make_set({"cat": 2, "cat/winter": 1, "dog": 0, "": 1, "unsorted": 2, ".hidden": 1})

    assert dataset.classes() == ["cat", "dog"]
    assert dataset.counts() == {"cat": 3, "dog": 0}
    assert dataset.unsorted_count() == 3
    assert [row.path for row in dataset.rows(class_name="cat")] == [
        "cat/0.jpg",
        "cat/1.jpg",
        "cat/winter/0.jpg",
    ]
    assert [row.path for row in dataset.rows(class_name=None)] == [
        "0.jpg",
        "unsorted/0.jpg",
        "unsorted/1.jpg",
    ]


def test_side_files_hidden_files_links_and_pipes_are_passed_over(make_set, tmp_path, run):
    dataset = make_set({"cat": 1})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.jpg").write_text("secret")
    for name in ("Thumbs.db", ".DS_Store", "notes.TXT"):
        (dataset.root / "cat" / name).write_text("no photo")
    (dataset.root / "cat/link.jpg").symlink_to(tmp_path / "outside/secret.jpg")
    (dataset.root / "linked class").symlink_to(tmp_path / "outside")
    (dataset.root / "cat/loop").symlink_to(dataset.root)
    if hasattr(os, "mkfifo"):
        os.mkfifo(dataset.root / "cat/pipe.jpg")

    found = run(dataset.reconcile())

    assert [row.path for row in dataset.rows()] == ["cat/0.jpg"]
    assert dataset.classes() == ["cat"]
    assert found.links == 3


def test_a_photo_moved_by_hand_keeps_its_row(make_set, run):
    dataset = make_set({"cat": 2, "dog": 0})
    photo = dataset.find("cat/0.jpg")
    (dataset.root / "cat/0.jpg").rename(dataset.root / "dog/renamed.jpg")

    found = run(dataset.reconcile())

    assert (found.moved, found.added, found.gone) == (1, 0, 0)
    assert dataset.find("dog/renamed.jpg").id == photo.id
    assert dataset.get([photo.id])[photo.id].class_name == "dog"


def test_a_class_folder_renamed_by_hand_keeps_its_rows(make_set, run):
    dataset = make_set({"cat": 3, "cat/winter": 1, "dog": 1})
    ids = [row.id for row in dataset.rows(class_name="cat")]
    (dataset.root / "cat").rename(dataset.root / "kitten")

    found = run(dataset.refresh())

    assert (found.moved, found.added, found.gone) == (4, 0, 0)
    assert [row.id for row in dataset.rows(class_name="kitten")] == ids
    assert dataset.classes() == ["dog", "kitten"]


def test_between_photos_of_one_content_the_name_decides_which_was_moved(make_set, run):
    dataset = make_set({"cat": 0, "dog": 0})
    for name in ("a.jpg", "b.jpg"):
        (dataset.root / "cat" / name).write_text("the same")
    run(dataset.reconcile())
    ids = {row.path: row.id for row in dataset.rows()}
    for name in ("a.jpg", "b.jpg"):
        (dataset.root / "cat" / name).rename(dataset.root / "dog" / name)

    run(dataset.reconcile())

    assert {row.path: row.id for row in dataset.rows()} == {
        "dog/a.jpg": ids["cat/a.jpg"],
        "dog/b.jpg": ids["cat/b.jpg"],
    }


def test_photos_swapped_by_hand_keep_their_rows(make_set, run):
    dataset = make_set({"cat": 1, "dog": 1})
    cat, dog = dataset.find("cat/0.jpg").id, dataset.find("dog/0.jpg").id
    (dataset.root / "cat/0.jpg").rename(dataset.root / "waiting")
    (dataset.root / "dog/0.jpg").rename(dataset.root / "cat/0.jpg")
    (dataset.root / "waiting").rename(dataset.root / "dog/0.jpg")
    for path in ("cat/0.jpg", "dog/0.jpg"):
        later(dataset.root / path)

    run(dataset.reconcile())

    assert dataset.find("cat/0.jpg").id == dog
    assert dataset.find("dog/0.jpg").id == cat


def test_a_photo_rewritten_in_place_keeps_its_row(make_set, run):
    dataset = make_set({"cat": 1})
    before = dataset.find("cat/0.jpg")
    (dataset.root / "cat/0.jpg").write_text("turned upright")

    found = run(dataset.reconcile())

    after = dataset.find("cat/0.jpg")
    assert found.changed == 1
    assert after.id == before.id
    assert after.content != before.content
    assert after.bytes == len("turned upright")


def test_a_photo_that_comes_back_gets_its_row_back(make_set, run):
    dataset = make_set({"cat": 1, "dog": 1})
    photo = dataset.find("cat/0.jpg")
    (dataset.root / "cat/0.jpg").unlink()
    assert run(dataset.reconcile()).gone == 1
    (dataset.root / "dog/back.jpg").write_text("cat/0.jpg")

    run(dataset.reconcile())

    assert dataset.find("dog/back.jpg").id == photo.id


def test_a_copy_is_a_photo_of_its_own(make_set, run):
    dataset = make_set({"cat": 1, "dog": 0})
    photo = dataset.find("cat/0.jpg")
    (dataset.root / "dog/copy.jpg").write_text("cat/0.jpg")

    found = run(dataset.reconcile())

    assert (found.added, found.moved) == (1, 0)
    assert dataset.find("dog/copy.jpg").id != photo.id
    assert dataset.find("dog/copy.jpg").content == photo.content


def test_a_removed_photo_put_back_by_hand_is_present_again(make_set, run):
    dataset = make_set({"cat": 1})
    photo = dataset.find("cat/0.jpg")
    dataset.remove([photo.id])
    (dataset.root / ".winnow/removed/cat/0.jpg").rename(dataset.root / "cat/back.jpg")

    run(dataset.refresh())

    assert dataset.find("cat/back.jpg").id == photo.id
    assert dataset.removed_rows() == []


@not_on_windows
def test_a_catalogue_that_was_deleted_is_built_anew_with_the_removed_photos(make_set, run):
    dataset = make_set({"cat": 2})
    dataset.remove([dataset.find("cat/0.jpg").id])
    for file in dataset.home.glob("catalog.sqlite*"):
        file.unlink()

    run(dataset.refresh())

    assert [row.path for row in dataset.rows()] == ["cat/1.jpg"]
    assert [(row.path, row.class_name) for row in dataset.removed_rows()] == [("cat/0.jpg", "cat")]
    dataset.restore([dataset.removed_rows()[0].id])
    assert dataset.counts() == {"cat": 2}


@not_on_windows
def test_a_damaged_catalogue_is_set_aside(make_set, run):
    root = make_set({"cat": 2}).root
    for file in (root / ".winnow").glob("catalog.sqlite-*"):
        file.unlink()
    (root / ".winnow/catalog.sqlite").write_bytes(b"this is no database" * 100)

    dataset = Dataset.open(root)
    run(dataset.refresh())

    assert dataset.counts() == {"cat": 2}
    assert list(dataset.home.glob("damaged-*"))


@pytest.mark.parametrize("offset", [4096, 8192, 12288])
def test_a_catalogue_damaged_inside_is_set_aside(offset, make_set, run):
    dataset = make_set({"cat": 2})
    root = dataset.root
    dataset.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (root / ".winnow/catalog.sqlite").open("rb+") as file:
        file.seek(offset)
        file.write(random.Random(offset).randbytes(4000))
    for file in (root / ".winnow").glob("catalog.sqlite-*"):
        file.unlink()

    again = Dataset.open(root)
    run(again.refresh())

    assert again.counts() == {"cat": 2}
    assert list(again.home.glob("damaged-*"))


def test_a_catalogue_without_one_of_its_tables_is_set_aside(make_set, run):
    dataset = make_set({"cat": 2})
    dataset.connection().execute("DROP TABLE verdict")

    again = Dataset.open(dataset.root)
    run(again.refresh())

    assert again.counts() == {"cat": 2}
    assert list(again.home.glob("damaged-*"))


def test_damage_met_while_writing_is_a_sentence(make_set):
    dataset = make_set({"cat": 1})

    with pytest.raises(DatasetError, match="is damaged.*Open the data set again"):
        with dataset.writing():
            raise sqlite3.DatabaseError("database disk image is malformed")


def test_refresh_finds_what_was_added_renamed_and_deleted_by_hand(make_set, run):
    dataset = make_set({"cat": 3, "dog": 1})
    (dataset.root / "cat/0.jpg").unlink()
    (dataset.root / "cat/1.jpg").rename(dataset.root / "dog/1.jpg")
    (dataset.root / "bird/small").mkdir(parents=True)
    (dataset.root / "bird/small/new.jpg").write_text("new")
    for folder in ("cat", "dog", ""):
        later(dataset.root / folder)

    found = run(dataset.refresh())

    assert (found.added, found.moved, found.gone) == (1, 1, 1)
    assert dataset.counts() == {"bird": 1, "cat": 1, "dog": 2}


def test_refresh_looks_only_into_folders_that_changed(make_set, run, monkeypatch):
    dataset = make_set({"cat": 3, "dog": 1})
    for folder in ("", "cat", "dog"):
        os.utime(dataset.root / folder, (1_000, 1_000))
    run(dataset.refresh())
    read = []
    list_folder = reconcile.list_folder
    monkeypatch.setattr(
        reconcile, "list_folder", lambda root, path: read.append(path) or list_folder(root, path)
    )

    run(dataset.refresh())
    assert read == []
    (dataset.root / "dog/new.jpg").write_text("new")
    run(dataset.refresh())
    assert read == ["dog"]


def test_a_folder_that_changed_while_it_was_read_is_read_once_more(make_set, run, monkeypatch):
    dataset = make_set({"cat": 1})
    (dataset.root / "cat/late.jpg").write_text("in the same tick")
    same_tick = os.stat(dataset.root / "cat").st_mtime_ns
    with dataset.writing() as connection:
        connection.execute("UPDATE folder SET mtime_ns=? WHERE path=?", (same_tick, b"cat"))
    assert run(dataset.refresh()).added == 0

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10)

    assert run(dataset.refresh()).added == 1


def test_an_emptied_class_stays_until_its_folder_is_deleted(make_set, run):
    dataset = make_set({"cat": 1, "dog": 1})
    (dataset.root / "cat/0.jpg").unlink()
    run(dataset.reconcile())
    assert dataset.counts() == {"cat": 0, "dog": 1}

    (dataset.root / "cat").rmdir()
    run(dataset.reconcile())

    assert dataset.counts() == {"dog": 1}


def test_a_class_folder_replaced_by_a_link_holds_nothing(make_set, tmp_path, run):
    dataset = make_set({"cat": 1, "cat/winter": 1, "dog": 1})
    (dataset.root / "cat").rename(tmp_path / "elsewhere")
    (dataset.root / "cat").symlink_to(tmp_path / "elsewhere")

    for look in (dataset.refresh, dataset.reconcile):
        run(look())
        assert [row.path for row in dataset.rows()] == ["dog/0.jpg"]
        assert dataset.classes() == ["dog"]


def test_a_link_in_place_of_the_removed_files_is_not_followed(make_set, tmp_path, run):
    dataset = make_set({"cat": 2})
    dataset.remove([dataset.find("cat/0.jpg").id])
    (dataset.root / ".winnow/removed").rename(tmp_path / "elsewhere")
    (dataset.root / ".winnow/removed").symlink_to(tmp_path / "elsewhere")

    run(dataset.reconcile())
    step = dataset.remove([dataset.find("cat/1.jpg").id])

    assert dataset.removed_rows() == []
    assert len(step.skipped) == 1
    assert [row.path for row in dataset.rows()] == ["cat/1.jpg"]


def test_a_folder_that_cannot_be_opened_is_reported_and_its_photos_stay(make_set, run, monkeypatch):
    dataset = make_set({"cat": 2, "dog": 1})
    scandir = os.scandir

    def refused(path):
        if os.path.basename(path) == "cat":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)

    found = run(dataset.reconcile())

    assert [skipped.file for skipped in found.unreadable] == ["cat"]
    assert dataset.counts() == {"cat": 2, "dog": 1}


def test_a_file_that_cannot_be_read_is_reported_each_time_and_has_no_content(
    make_set, run, monkeypatch
):
    dataset = make_set({"cat": 1})
    (dataset.root / "cat/locked.jpg").write_text("locked")
    content_hash = reconcile.content_hash

    def refused(path):
        if path.name == "locked.jpg":
            raise PermissionError(13, "Permission denied")
        return content_hash(path)

    monkeypatch.setattr(reconcile, "content_hash", refused)
    found = run(dataset.reconcile())
    version = dataset.version()
    again = run(dataset.reconcile())

    assert [skipped.file for skipped in found.unreadable] == ["cat/locked.jpg"]
    assert again.unreadable == found.unreadable
    assert dataset.find("cat/locked.jpg").content == ""
    assert dataset.version() == version
    monkeypatch.undo()
    run(dataset.reconcile())
    assert dataset.find("cat/locked.jpg").content != ""


@not_on_windows
def test_a_data_set_whose_folder_is_gone_is_a_sentence_and_nothing_is_forgotten(
    make_set, run, tmp_path
):
    dataset = make_set({"cat": 2})
    dataset.root.rename(tmp_path / "unplugged")

    with pytest.raises(DatasetError, match="Check that"):
        run(dataset.refresh())
    with pytest.raises(DatasetError, match="Check that"):
        run(dataset.reconcile())

    assert not dataset.root.exists()
    (tmp_path / "unplugged").rename(dataset.root)
    assert Dataset.open(dataset.root).counts() == {"cat": 2}


def test_stopping_loses_nothing_that_was_reported(make_set, run, monkeypatch):
    monkeypatch.setattr(reconcile, "BATCH_SECONDS", 0.0)
    monkeypatch.setattr(reconcile, "HASHED_AT_ONCE", 5)
    dataset = make_set({"cat": 0})
    for number in range(20):
        (dataset.root / f"cat/{number}.jpg").write_text(str(number))
    task = dataset.reconcile()
    reports = [next(task) for _ in range(3)]
    while not reports[-1].done or reports[-1].total == 0:
        reports.append(next(task))
    task.close()

    assert len(dataset.rows()) == reports[-1].done < 20
    assert run(dataset.refresh()).photos == 20


def test_a_second_look_changes_nothing(make_set, run):
    dataset = make_set({"cat": 3, "": 1})
    version = dataset.version()

    found = run(dataset.reconcile())

    assert (found.photos, found.added, found.changed, found.moved, found.gone) == (4, 0, 0, 0, 0)
    assert dataset.version() == version


def test_another_folder_can_stand_for_photos_without_a_class(make_set, run):
    dataset = make_set({"cat": 1, "inbox": 2})

    dataset.set_setting("unsorted", "inbox")

    assert dataset.counts() == {"cat": 1}
    assert dataset.unsorted_count() == 2
    assert Dataset.open(dataset.root).unsorted == "inbox"
    with pytest.raises(DatasetError, match="cannot be called"):
        dataset.set_setting("unsorted", "..")


def test_lists_follow_single_changes_and_great_ones(make_set, run):
    dataset = make_set({"cat": 5, "dog": 2})
    other = Dataset.open(dataset.root)
    for act in (
        lambda: other.relabel([other.rows()[0].id], "dog"),
        lambda: other.remove([row.id for row in other.rows(class_name="dog")]),
        lambda: other.undo(),
    ):
        dataset.rows()
        act()
        assert dataset.rows() == Dataset.open(dataset.root).rows()
        assert dataset.rows(class_name="cat") == [
            row for row in dataset.rows() if row.class_name == "cat"
        ]


def test_a_hand_edited_tree_with_odd_permissions_still_opens(make_set, run):
    dataset = make_set({"cat": 1})
    os.chmod(dataset.root / "cat/0.jpg", stat.S_IRUSR)

    assert run(dataset.reconcile()).photos == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among files")
def test_a_pipe_among_the_photos_is_reported_and_never_opened(make_set, run):
    dataset = make_set({"cat": 1})
    os.mkfifo(dataset.root / "cat/pipe.jpg")

    found = run(dataset.reconcile())

    assert found.photos == 1
    assert [skipped.file for skipped in found.unreadable] == ["cat/pipe.jpg"]
    assert "pipe" in found.unreadable[0].reason
