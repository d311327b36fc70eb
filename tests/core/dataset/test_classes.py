"""Classes made, renamed, merged, split, deleted and ordered, and each of it undone."""

import json
import os

import pytest

from core.dataset import Dataset
from core.dataset.classes import (
    add_class,
    class_order,
    delete_class,
    merge_classes,
    order_classes,
    rename_class,
    split_off,
)
from core.errors import DatasetError


def state(dataset: Dataset, tree) -> tuple:
    """All that undo must bring back."""
    return (
        tree(dataset.root),
        dataset.classes(),
        dataset.counts(),
        class_order(dataset),
        sorted((row.id, row.path, row.class_name) for row in dataset.rows()),
    )


ACTS = {
    "add": lambda one: add_class(one, "kitten"),
    "rename": lambda one: rename_class(one, "cat", "kitten"),
    "rename empty": lambda one: rename_class(one, "empty", "kitten"),
    "merge": lambda one: merge_classes(one, ["cat", "bird"], "dog"),
    "split": lambda one: split_off(one, [row.id for row in one.rows()[:5]], "kitten"),
    "delete": lambda one: delete_class(one, "cat"),
    "delete empty": lambda one: delete_class(one, "empty"),
    "order": lambda one: order_classes(one, ["empty", "dog"]),
}


@pytest.fixture
def animals(make_set, run):
    """Classes with names that meet, a folder below one, an empty class, and unsorted photos."""
    dataset = make_set({"cat": 4, "dog": 3, "bird": 2, "unsorted": 2, "cat/more": 2})
    (dataset.root / "empty").mkdir()
    run(dataset.refresh())
    return dataset


@pytest.mark.parametrize("act", ACTS)
def test_every_act_is_one_step_that_undo_and_redo_go_over(act, animals, tree, catalogued, run):
    before = state(animals, tree)

    step = ACTS[act](animals)
    after = state(animals, tree)

    assert len(animals.history()) == 1
    assert animals.history()[0].words == step.words
    assert after != before
    animals.undo()
    assert state(animals, tree) == before
    animals.redo()
    assert state(animals, tree) == after
    assert catalogued(animals) == tree(animals.root).keys()
    looked = run(animals.reconcile())
    assert (looked.added, looked.moved, looked.changed, looked.gone) == (0, 0, 0, 0)
    assert state(animals, tree) == after


def test_a_new_class_gets_the_next_digit_and_the_others_keep_theirs(animals):
    add_class(animals, "ant")

    assert class_order(animals) == ["bird", "cat", "dog", "empty", "ant"]


def test_a_renamed_class_keeps_its_digit_and_its_folder_goes_as_a_whole(animals):
    (animals.root / "cat/captions.txt").write_text("what is on them")

    step = rename_class(animals, "cat", "kitten")

    assert step.words == "Renamed class cat to kitten (6 photos)"
    assert class_order(animals) == ["bird", "kitten", "dog", "empty"]
    assert (animals.root / "kitten/captions.txt").read_text() == "what is on them"
    assert not (animals.root / "cat").exists()
    assert (animals.root / "kitten/more/1.jpg").read_text() == "cat/more/1.jpg"


def test_a_name_may_change_in_its_capitals_alone(animals, tree):
    rename_class(animals, "cat", "Cat")

    assert "Cat" in animals.classes() and "cat" not in animals.classes()
    assert tree(animals.root)["Cat/0.jpg"] == "cat/0.jpg"


def test_photos_removed_from_a_renamed_class_are_restored_to_it(animals):
    photo = animals.rows(class_name="cat")[0].id
    animals.remove([photo])
    rename_class(animals, "cat", "kitten")

    animals.restore([photo])

    assert animals.get([photo])[photo].class_name == "kitten"
    assert "cat" not in animals.classes()


def test_undo_of_a_renaming_leaves_a_photo_alone_that_was_changed_since(animals):
    rename_class(animals, "cat", "kitten")
    (animals.root / "kitten/0.jpg").write_text("drawn upon")

    step = animals.undo()

    assert [skipped.file for skipped in step.skipped] == ["kitten/0.jpg"]
    assert (animals.root / "kitten/0.jpg").read_text() == "drawn upon"
    assert (animals.root / "cat/1.jpg").read_text() == "cat/1.jpg"
    assert animals.counts()["cat"] == 5


def test_undo_of_a_renaming_replaces_nothing_that_came_under_the_old_name(animals, run, tree):
    rename_class(animals, "cat", "kitten")
    (animals.root / "cat").mkdir()
    (animals.root / "cat/0.jpg").write_text("another one")
    run(animals.refresh())

    animals.undo()

    found = tree(animals.root)
    assert found["cat/0.jpg"] == "another one"
    assert "cat/0.jpg" in {text for path, text in found.items() if path != "cat/0.jpg"}
    assert len(found) == 14
    assert "kitten" not in animals.classes()


def test_merging_keeps_every_photo_where_names_meet(animals, tree):
    photos = sorted(tree(animals.root).values())

    step = merge_classes(animals, ["cat"], "dog")

    assert step.words == "Merged class cat into dog (6 photos)"
    assert animals.counts() == {"bird": 2, "dog": 9, "empty": 0}
    assert sorted(tree(animals.root).values()) == photos
    assert not (animals.root / "cat").exists()


def test_a_deleted_class_leaves_its_photos_unsorted_and_removes_none(animals):
    step = delete_class(animals, "cat")

    assert step.words == "Deleted class cat (6 photos)"
    assert animals.unsorted_count() == 8
    assert animals.removed_count() == 0


def test_a_folder_with_something_of_the_users_stays_as_an_empty_class(animals):
    (animals.root / "cat/notes.txt").write_text("mine")

    delete_class(animals, "cat")

    assert animals.counts()["cat"] == 0
    assert (animals.root / "cat/notes.txt").read_text() == "mine"


def test_what_file_managers_leave_behind_does_not_keep_a_class(animals):
    (animals.root / "cat/.DS_Store").write_text("debris")

    delete_class(animals, "cat")

    assert not (animals.root / "cat").exists()


def test_an_empty_class_that_cannot_go_is_told_and_is_no_step(animals):
    (animals.root / "empty/notes.txt").write_text("mine")

    with pytest.raises(DatasetError, match="something else than photos"):
        delete_class(animals, "empty")

    assert animals.history() == []
    assert "empty" in animals.classes()


def test_an_emptied_class_stays_until_it_is_deleted(animals, run):
    animals.relabel([row.id for row in animals.rows(class_name="cat")], "dog")
    run(animals.reconcile())

    assert animals.counts()["cat"] == 0


def test_split_photos_come_from_any_class(animals):
    some = [animals.rows(class_name=name)[0].id for name in ("cat", "dog", None)]

    split_off(animals, some, "odd ones")

    assert {row.id for row in animals.rows(class_name="odd ones")} == set(some)
    assert class_order(animals)[-1] == "odd ones"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "a name is needed"),
        (".hidden", "dot"),
        ("a/b", "slashes"),
        ("CAT", "already"),
        ("unsorted", "already"),
        ("con", "Windows keeps"),
        ("x" * 101, "too long"),
    ],
)
def test_names_that_folders_cannot_have_are_refused_with_a_sentence(name, why, animals, tree):
    before = state(animals, tree)

    for act in (
        lambda: add_class(animals, name),
        lambda: rename_class(animals, "dog", name),
        lambda: split_off(animals, [animals.rows()[0].id], name),
    ):
        with pytest.raises(DatasetError, match=why):
            act()

    assert state(animals, tree) == before
    assert animals.history() == []


def test_a_name_that_a_file_has_is_refused(animals):
    (animals.root / "Notes").write_text("mine")

    with pytest.raises(DatasetError, match="something called Notes"):
        rename_class(animals, "cat", "notes")


def test_an_unknown_class_is_refused(animals):
    for act in (
        lambda: rename_class(animals, "cow", "calf"),
        lambda: merge_classes(animals, ["cow"], "cat"),
        lambda: merge_classes(animals, ["cat"], "cow"),
        lambda: delete_class(animals, "cow"),
        lambda: order_classes(animals, ["cow"]),
    ):
        with pytest.raises(DatasetError, match="no class cow"):
            act()
    with pytest.raises(DatasetError, match="without a class"):
        rename_class(animals, "unsorted", "later")


@pytest.fixture
def parted(make_set):
    """A data set that brings its own split."""
    return make_set({"train/cat": 3, "train/dog": 2, "valid/cat": 2, "valid/dog": 1})


@pytest.mark.parametrize(
    "act",
    [
        lambda one: rename_class(one, "cat", "kitten"),
        lambda one: merge_classes(one, ["cat"], "dog"),
        lambda one: delete_class(one, "cat"),
        lambda one: split_off(one, [row.id for row in one.rows()[::2]], "kitten"),
        lambda one: add_class(one, "kitten"),
    ],
)
def test_acts_on_a_set_with_its_own_split_are_undone_too(act, parted, tree, run):
    before = state(parted, tree)

    act(parted)

    assert parted.parts() == ("train", "valid")
    run(parted.reconcile())
    assert parted.parts() == ("train", "valid")
    parted.undo()
    assert state(parted, tree) == before


def test_a_class_is_renamed_in_every_part(parted, tree):
    rename_class(parted, "cat", "kitten")

    assert parted.counts() == {"dog": 3, "kitten": 5}
    assert tree(parted.root)["valid/kitten/1.jpg"] == "valid/cat/1.jpg"


def test_the_last_class_of_a_training_part_stays(make_set):
    dataset = make_set({"train/cat": 2, "valid/cat": 1})

    with pytest.raises(DatasetError, match="last class in the training part"):
        delete_class(dataset, "cat")

    assert dataset.counts() == {"cat": 3}


def test_a_name_that_would_make_the_tree_a_split_is_refused(make_set):
    dataset = make_set({"trains/steam": 2, "valid/old": 1})

    with pytest.raises(DatasetError, match="parts of a split"):
        rename_class(dataset, "trains", "train")


def test_names_that_are_not_utf8_survive(make_set, run, tree):
    dataset = make_set({"cat": 2})
    os.mkdir(os.fsencode(dataset.root) + b"/caf\xe9")
    run(dataset.refresh())
    (odd,) = [name for name in dataset.classes() if name != "cat"]

    order_classes(dataset, [odd])
    rename_class(dataset, "cat", "kitten")

    assert class_order(dataset) == [odd, "kitten"]
    json.dumps(class_order(dataset))
    dataset.undo()
    assert class_order(dataset) == [odd, "cat"]
