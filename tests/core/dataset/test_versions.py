"""Naming how a data set is, and what has changed since."""

import pytest

from core.dataset.emptying import empty_removed
from core.dataset.versions import (
    ClassChange,
    Moved,
    compare,
    differences,
    forget_version,
    name_version,
    versions,
)
from core.errors import DatasetError


@pytest.fixture
def animals(make_set):
    return make_set({"cat": 4, "dog": 2, "unsorted": 1})


def change(name, **numbers) -> ClassChange:
    zero = dict.fromkeys(("before", "after", "moved_in", "moved_out", "came", "gone"), 0)
    return ClassChange(class_name=name, **{**zero, **numbers})


def test_a_version_is_named_listed_and_forgotten(animals):
    first = name_version(animals, "  before   cleaning ")
    second = name_version(animals, "after")

    assert (first.name, first.photos, first.step) == ("before cleaning", 7, 0)
    assert versions(animals) == [second, first]
    forget_version(animals, first.id)
    assert versions(animals) == [second]
    assert compare(animals, second.id).is_same


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (" ", "needs a name"),
        ("x" * 81, "too long"),
        ("a\0b", "cannot be shown"),
        ("BEFORE", "There is a version called before already"),
    ],
)
def test_names_that_cannot_be_are_refused_with_a_sentence(animals, name, said):
    name_version(animals, "before")

    with pytest.raises(DatasetError, match=said):
        name_version(animals, name)
    assert len(versions(animals)) == 1


def test_what_moved_is_gone_and_came_is_counted_class_by_class(animals, run):
    ids = [row.id for row in animals.rows(class_name="cat")]
    dog = animals.rows(class_name="dog")[0].id
    before = name_version(animals, "before")
    animals.relabel(ids[:2], "dog")
    animals.relabel(ids[2:3], "unsorted")
    animals.remove([dog, ids[3]])
    (animals.root / "owl").mkdir()
    (animals.root / "owl/new.jpg").write_text("new")
    run(animals.reconcile())

    found = compare(animals, before.id)

    assert (found.before, found.after) == (7, 6)
    assert (found.moves, found.gone, found.came, found.rewritten) == (3, 2, 1, 0)
    assert found.moved == (
        Moved(source="cat", target="dog", photos=2),
        Moved(source="cat", target=None, photos=1),
    )
    assert found.classes == (
        change("cat", before=4, after=0, moved_out=3, gone=1),
        change("dog", before=2, after=3, moved_in=2, gone=1),
        change("owl", after=1, came=1),
        change(None, before=1, after=2, moved_in=1),
    )
    assert not found.is_same


def test_two_versions_are_compared_with_one_another(animals):
    ids = [row.id for row in animals.rows(class_name="cat")]
    first = name_version(animals, "first")
    animals.relabel(ids[:1], "dog")
    second = name_version(animals, "second")
    animals.relabel(ids[1:3], "dog")

    assert compare(animals, first.id, second.id).moves == 1
    assert compare(animals, second.id).moves == 2
    assert compare(animals, first.id).moves == 3


def test_a_photo_renamed_by_hand_in_its_class_is_no_difference_worth_telling(animals, run):
    before = name_version(animals, "before")
    (animals.root / "cat/0.jpg").rename(animals.root / "cat/renamed.jpg")
    run(animals.reconcile())

    found = compare(animals, before.id)

    assert (found.is_same, found.renamed) == (True, 1)


def test_the_photos_that_differ_are_listed_by_way_and_class(animals, run):
    ids = [row.id for row in animals.rows(class_name="cat")]
    before = name_version(animals, "before")
    animals.relabel(ids[:2], "dog")
    animals.relabel(ids[2:3], "unsorted")
    animals.remove(ids[3:])
    (animals.root / "dog/0.jpg").write_text("drawn upon")
    run(animals.reconcile())

    def listed(way, **more):
        return [one.file_id for one in differences(animals, before.id, None, way, **more)]

    assert sorted(listed("moved")) == ids[:3]
    assert sorted(listed("moved", source="cat", target="dog")) == ids[:2]
    assert listed("moved", target=None) == ids[2:3]
    assert len(listed("moved", skip=1, limit=1)) == 1
    (gone,) = differences(animals, before.id, None, "gone")
    assert (gone.file_id, gone.source, gone.is_restorable, gone.is_there) == (
        ids[3],
        "cat",
        True,
        True,
    )
    assert [one.path for one in differences(animals, before.id, None, "rewritten")] == ["dog/0.jpg"]
    assert listed("came") == []


def test_a_photo_deleted_for_good_is_named_as_gone_and_cannot_be_shown(animals, run):
    before = name_version(animals, "before")
    animals.remove([animals.rows()[0].id])
    run(empty_removed(animals))

    (gone,) = differences(animals, before.id, None, "gone")

    assert (gone.path, gone.is_restorable, gone.is_there) == ("cat/0.jpg", False, False)


def test_going_back_to_a_version_s_step_leaves_no_difference(animals):
    ids = [row.id for row in animals.rows(class_name="cat")]
    animals.relabel(ids[:1], "dog")
    before = name_version(animals, "before")
    animals.relabel(ids[1:2], "dog")

    assert before.step == 1
    animals.undo()
    assert compare(animals, before.id).is_same
