"""Data sets that bring their own split into train, valid and test."""

from dataclasses import replace

import pytest

from core.dataset import Dataset
from core.dataset.arrivals import Aside, take_in
from core.dataset.parts import folder_for, part_of

CAT_AND_DOG = {"train/cat": 3, "train/dog": 2, "valid/cat": 2, "valid/dog": 1}


def ids(dataset, *paths):
    return [dataset.find(path).id for path in paths]


def opened_anew(dataset, run):
    again = Dataset.open(dataset.root)
    run(again.refresh())
    return again


def test_classes_lie_in_the_parts(make_set, tree):
    dataset = make_set(CAT_AND_DOG)

    assert dataset.parts() == ("train", "valid")
    assert dataset.counts() == {"cat": 5, "dog": 3}
    assert dataset.unsorted_count() == 0
    assert len(tree(dataset.root)) == 8


@pytest.mark.parametrize(
    "folders",
    [
        {"Train/cat": 1, "VAL/cat": 1, "Test/dog": 1},
        {"train/cat": 1, "validation/dog": 1, "unsorted": 1, ".hidden/x": 1},
        {"train/cat": 1, "train/dog": 1},
        {"train/cat": 1, "train/dog": 1, "valid": 0},
        {"train/cat": 1, "train/dog": 1, "": 1},
    ],
)
def test_a_split_tree_is_known_by_its_folders(make_set, folders):
    assert make_set(folders).classes() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        ({"train": 2, "bus": 2}, ["bus", "train"]),
        ({"train/steam": 2, "bus/red": 2}, ["bus", "train"]),
        ({"train": 2, "test": 2}, ["test", "train"]),
        ({"train/cat": 2, "test": 2}, ["test", "train"]),
        ({"valid/cat": 2, "test/cat": 2}, ["test", "valid"]),
        ({"trains/cat": 2, "valid/cat": 2}, ["trains", "valid"]),
    ],
)
def test_other_trees_are_none(make_set, folders, classes):
    dataset = make_set(folders)

    assert dataset.parts() == ()
    assert dataset.classes() == classes


def test_photos_right_in_a_part_have_no_class(make_set):
    dataset = make_set({**CAT_AND_DOG, "train": 2, "unsorted": 1})

    assert (dataset.counts(), dataset.unsorted_count()) == ({"cat": 5, "dog": 3}, 3)


def test_a_class_is_listed_once_and_emptied_ones_too(make_set):
    assert make_set({**CAT_AND_DOG, "valid/cow": 0}).classes() == ["cat", "cow", "dog"]


def test_a_folder_below_a_class_belongs_to_it(make_set):
    dataset = make_set({**CAT_AND_DOG, "train/cat/winter": 2})

    assert dataset.counts() == {"cat": 7, "dog": 3}


def test_a_relabelled_photo_stays_in_its_part(make_set, tree):
    dataset = make_set(CAT_AND_DOG)

    step = dataset.relabel(ids(dataset, "train/cat/2.jpg", "valid/cat/1.jpg"), "dog")

    assert [change.now for change in step.changes] == ["train/dog/2.jpg", "valid/dog/1.jpg"]
    assert dataset.counts() == {"cat": 3, "dog": 5}
    assert step.words == "Relabelled 2 photos: cat to dog"
    dataset.undo()
    assert tree(dataset.root)["valid/cat/1.jpg"] == "valid/cat/1.jpg"
    assert dataset.counts() == {"cat": 5, "dog": 3}


def test_a_photo_without_a_class_goes_to_the_top_and_back_into_train(make_set):
    dataset = make_set(CAT_AND_DOG)
    (moved,) = ids(dataset, "valid/cat/1.jpg")

    dataset.relabel([moved], "unsorted")
    assert dataset.get([moved])[moved].path == "unsorted/1.jpg"
    assert dataset.parts() == ("train", "valid")
    dataset.relabel([moved], "dog")

    assert dataset.get([moved])[moved].path == "train/dog/1 (2).jpg"
    dataset.undo()
    dataset.undo()
    assert dataset.get([moved])[moved].path == "valid/cat/1.jpg"
    assert not (dataset.root / "unsorted").exists()


def test_a_photo_right_in_a_part_gets_its_class_there(make_set):
    dataset = make_set({**CAT_AND_DOG, "valid": 1})

    step = dataset.relabel(ids(dataset, "valid/0.jpg"), "cat")

    assert step.changes[0].now == "valid/cat/0 (2).jpg"


def test_a_new_class_is_made_in_the_photos_own_parts_and_taken_away_again(make_set, run):
    dataset = make_set(CAT_AND_DOG)

    dataset.relabel(ids(dataset, "train/cat/2.jpg", "valid/cat/1.jpg"), "kitten", new=True)
    assert opened_anew(dataset, run).counts() == {"cat": 3, "dog": 3, "kitten": 2}
    dataset.undo()

    assert dataset.counts() == {"cat": 5, "dog": 3}
    assert not any((dataset.root / part / "kitten").exists() for part in ("train", "valid"))
    dataset.redo()
    assert (dataset.root / "valid/kitten/1.jpg").is_file()


@pytest.mark.parametrize("path", ["train/cat/0.jpg", "valid/cat/0.jpg", "train/0.jpg", "0.jpg"])
def test_a_removed_photo_comes_back_to_its_part(make_set, tree, run, path):
    dataset = make_set({**CAT_AND_DOG, "train": 1, "": 1})
    before = tree(dataset.root)
    given = dataset.find(path).class_name

    (change,) = dataset.remove(ids(dataset, path)).changes
    (removed,) = dataset.removed_rows()
    assert (removed.path, removed.class_name) == (path, given)
    assert run(dataset.reconcile()).changed == 0
    dataset.restore([change.file_id])

    assert tree(dataset.root) == before
    assert dataset.find(path).class_name == given


def test_removed_photos_find_their_way_back_without_the_catalogue(make_set, run):
    dataset = make_set(CAT_AND_DOG)
    dataset.remove(ids(dataset, "valid/cat/0.jpg"))
    for file in dataset.home.glob("catalog.sqlite*"):
        file.unlink()

    again = Dataset.open(dataset.root)
    run(again.reconcile())

    (removed,) = again.removed_rows()
    assert (removed.path, removed.class_name) == ("valid/cat/0.jpg", "cat")


def test_a_photo_removed_before_the_split_comes_back_into_train(make_set, run):
    dataset = make_set({"cat": 2, "dog": 1})
    dataset.remove(ids(dataset, "cat/1.jpg"))
    (dataset.root / "train").mkdir()
    for name in ("cat", "dog"):
        (dataset.root / name).rename(dataset.root / "train" / name)
    run(dataset.refresh())

    step = dataset.restore([dataset.removed_rows()[0].id])

    assert step.changes[0].now == "train/cat/1.jpg"
    assert dataset.counts() == {"cat": 2, "dog": 1}


def test_the_tree_is_looked_at_anew_when_it_changes_by_hand(make_set, run):
    dataset = make_set(CAT_AND_DOG)
    rows = {row.id: row.class_name for row in dataset.rows()}

    (dataset.root / "bus").mkdir()
    run(dataset.refresh())
    assert dataset.counts() == {"bus": 0, "train": 5, "valid": 3}
    (dataset.root / "bus").rmdir()
    run(dataset.refresh())

    assert dataset.counts() == {"cat": 5, "dog": 3}
    assert {row.id: row.class_name for row in dataset.rows()} == rows


def test_class_folders_may_be_moved_into_parts_by_hand(make_set, run):
    dataset = make_set({"cat": 2, "dog": 1})
    rows = {row.id: row.class_name for row in dataset.rows()}

    (dataset.root / "train").mkdir()
    for name in ("cat", "dog"):
        (dataset.root / name).rename(dataset.root / "train" / name)
    found = run(dataset.refresh())

    assert (found.moved, found.added, found.gone) == (3, 0, 0)
    assert {row.id: row.class_name for row in dataset.rows()} == rows


def test_another_unsorted_folder_may_lie_beside_the_parts(make_set):
    dataset = make_set({**CAT_AND_DOG, "raw": 2})
    assert dataset.classes() == ["raw", "train", "valid"]

    dataset.set_setting("unsorted", "raw")

    assert (dataset.counts(), dataset.unsorted_count()) == ({"cat": 5, "dog": 3}, 2)
    dataset.set_setting("unsorted", "unsorted")
    assert dataset.classes() == ["raw", "train", "valid"]


def test_photos_that_arrive_are_for_training(make_set):
    split = make_set({"Validation/cat": 1, "Train/cat": 1})
    plain = make_set({"cat": 1}, name="plain")

    assert (split.folder_for("cat"), split.folder_for(None)) == ("Train/cat", "unsorted")
    assert (plain.folder_for("cat"), plain.folder_for(None)) == ("cat", "unsorted")


def test_the_part_of_a_path():
    parts = ("TRAIN", "test", "val")

    assert [
        part_of(path, parts) for path in ("TRAIN/cat/1.jpg", "val/1.jpg", "test/cat/1.jpg")
    ] == [
        "train",
        "valid",
        "test",
    ]
    assert part_of("train/1.jpg", ()) is None
    assert folder_for("cat", parts, unsorted="unsorted", beside="val/dog/1.jpg") == "val/cat"
    assert folder_for("cat", parts, unsorted="unsorted", beside="unsorted/1.jpg") == "TRAIN/cat"


def test_class_names_that_look_alike_are_found_across_parts(make_set, run):
    dataset = make_set({"train/cat": 1, "valid/Cat": 1})

    assert run(dataset.reconcile()).look_alikes == (("Cat", "cat"),)


def test_arrivals_go_to_train_as_one_step(make_set, stage, tree):
    dataset = make_set(CAT_AND_DOG)
    before = tree(dataset.root)
    arrivals = stage(dataset, "cat", 2) + stage(dataset, "cow") + stage(dataset, None)

    taken = take_in(dataset, arrivals, collection="c0ffee")

    folders = [dataset.get([one])[one].path.rpartition("/")[0] for one in taken.ids]
    assert folders == ["train/cat", "train/cat", "train/cow", "unsorted"]
    assert dataset.counts() == {"cat": 7, "cow": 1, "dog": 3}
    dataset.undo()
    left = {path: text for path, text in tree(dataset.root).items() if "removed" not in path}
    assert left == before
    assert dataset.classes() == ["cat", "dog"]
    dataset.restore([row.id for row in dataset.removed_rows()])
    assert dataset.counts() == {"cat": 7, "cow": 1, "dog": 3}


def test_a_photo_set_aside_on_arrival_is_restored_into_train(make_set, stage):
    dataset = make_set(CAT_AND_DOG)
    aside = Aside(kind="too_small", reason="It is small.")
    (arrival,) = stage(dataset, "dog")

    taken = take_in(dataset, [replace(arrival, aside=aside)], collection="c0ffee")
    (removed,) = dataset.removed_rows()
    assert (removed.class_name, removed.path.rpartition("/")[0]) == ("dog", "train/dog")
    dataset.restore(taken.ids)

    assert dataset.counts() == {"cat": 5, "dog": 4}
