"""Which photo goes into which class, and what a person is told before it happens."""

import pytest

from core.collect.imports.arranging import Plan, arrange
from core.errors import DatasetError


def arranged(names, plan, *, known=(), table=b"", **choices):
    return arrange(
        names, plan, known=list(known), unsorted="unsorted", read=lambda name: table, **choices
    )


def placed(found) -> dict[str, str | None]:
    return {place.name: place.class_name for place in found.places}


def test_photos_go_into_the_classes_of_their_folders():
    found = arranged(
        ["a/cat/1.jpg", "a/dog/2.jpg", "a/3.jpg", "a/unsorted/4.jpg", "a/cat/.x", "a/l.csv"],
        Plan(layout="classes", prefix="a/"),
    )

    assert placed(found) == {
        "a/cat/1.jpg": "cat",
        "a/dog/2.jpg": "dog",
        "a/3.jpg": None,
        "a/unsorted/4.jpg": None,
    }
    assert (found.classes, found.unsorted) == ({"cat": 1, "dog": 1}, 2)


def test_names_that_differ_in_capitals_become_the_class_that_is_there():
    found = arranged(["Cat/1.jpg", "CAT/2.jpg"], Plan(layout="classes"), known=["cat"])

    assert found.classes == {"cat": 2}
    assert len(found.sentences) == 2
    assert "they become one class, cat" in found.sentences[0]


@pytest.mark.parametrize("folder", ["x" * 150, "a\x1bb", "c\udce4t", "con", "dot."])
def test_a_folder_that_cannot_be_a_class_leaves_its_photos_unsorted_and_is_told(folder):
    found = arranged([f"{folder}/1.jpg", "cat/2.jpg"], Plan(layout="classes"))

    assert placed(found) == {f"{folder}/1.jpg": None, "cat/2.jpg": "cat"}
    assert len(found.sentences) == 1
    assert "Its 1 photo will be unsorted" in found.sentences[0]


def test_a_split_that_is_kept_gives_each_photo_its_part():
    found = arranged(["train/cat/1.jpg", "valid/cat/1.jpg"], Plan(layout="split", keep_parts=True))

    assert [(place.part, place.class_name) for place in found.places] == [
        ("train", "cat"),
        ("valid", "cat"),
    ]
    assert found.sentences == ()


def test_a_split_that_is_merged_says_so():
    found = arranged(["train/cat/1.jpg", "valid/cat/1.jpg"], Plan(layout="split"))

    assert found.classes == {"cat": 2}
    assert found.sentences[0].startswith("The division into train and valid is not kept")


def test_a_pattern_s_misses_are_told():
    names = ["cat_1.jpg", "dog_2.jpg", *(f"{n}.jpg" for n in range(9))]

    found = arranged(names, Plan(layout="flat", pattern=r"^([a-z]+)_\d"))

    assert found.classes == {"cat": 1, "dog": 1}
    assert found.unsorted == 9
    assert found.sentences == (
        "9 photos not matched by the pattern: 0.jpg, 1.jpg, 2.jpg and others.",
    )


def test_a_pattern_that_never_ends_is_a_sentence():
    with pytest.raises(DatasetError, match="takes too long"):
        arranged(["a" * 60 + ".jpg"], Plan(layout="flat", pattern=r"^(a+)+$"), seconds=0.3)


def test_a_table_s_problems_and_photos_it_does_not_name_are_told():
    found = arranged(
        ["a.jpg", "b.jpg", "l.csv"],
        Plan(layout="list", list_name="l.csv"),
        table=b"a.jpg,cat\nc.jpg,dog\n",
    )

    assert placed(found) == {"a.jpg": "cat", "b.jpg": None}
    assert found.sentences == (
        "Line 2: there is no photo c.jpg.",
        "1 photo not in the list: b.jpg.",
    )


def test_all_photos_may_go_into_one_class_or_none():
    assert arranged(["a/1.jpg"], Plan(layout="unsorted")).classes == {}
    assert arranged(["a/1.jpg"], Plan(layout="unsorted", class_name="Fox")).classes == {"Fox": 1}
