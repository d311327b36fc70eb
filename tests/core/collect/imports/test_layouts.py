"""How photos are sorted, told from paths alone."""

import pytest

from core.collect.imports.layouts import recognise

CATS = ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg"]


def under(folder: str, names) -> list[str]:
    return [f"{folder}/{name}" for name in names]


def test_class_folders_are_counted_in_words():
    found = recognise([*CATS, "readme.txt", ".DS_Store", "__MACOSX/cat/._1.jpg"])

    assert found.layout == "classes"
    assert found.classes == {"cat": 2, "dog": 1}
    assert found.sentence == "2 classes, 3 photos: cat 2, dog 1."


@pytest.mark.parametrize("folder", ["photos", "my archive/data/photos"])
def test_folders_that_wrap_everything_are_no_class(folder):
    names = under(folder, under("photos", CATS))

    found = recognise(names)

    assert found.layout == "classes"
    assert found.classes == {"cat": 2, "dog": 1}
    assert found.prefix == f"{folder}/photos/"


def test_a_single_folder_of_photos_is_a_class():
    found = recognise(["chihuahua/a.jpg", "chihuahua/b.jpg"])

    assert (found.layout, found.prefix, found.classes) == ("classes", "", {"chihuahua": 2})


def test_folders_below_a_class_belong_to_it():
    assert recognise(["cat/old/1.jpg", "cat/2.jpg", "dog/3.jpg"]).classes == {"cat": 2, "dog": 1}


def test_photos_beside_class_folders_are_counted_as_loose():
    found = recognise([*CATS, "9.jpg"])

    assert found.loose == 1
    assert found.sentence.endswith("1 photo in no class folder.")


def test_the_unsorted_folder_is_no_class():
    found = recognise([*CATS, "unsorted/9.jpg"])

    assert found.classes == {"cat": 2, "dog": 1}
    assert found.loose == 1


@pytest.mark.parametrize("parts", [("train", "valid"), ("Train", "TEST"), ("train", "val", "test")])
@pytest.mark.parametrize("wrapper", ["", "set/"])
def test_train_and_valid_with_class_folders_are_a_given_split(parts, wrapper):
    names = [f"{wrapper}{part}/{name}" for part in parts for name in CATS]

    found = recognise(names)

    assert found.layout == "split"
    assert found.prefix == wrapper
    assert found.parts == dict.fromkeys(parts, 3)
    assert found.classes == {"cat": 2 * len(parts), "dog": len(parts)}
    assert "They come divided" in found.sentence


@pytest.mark.parametrize(
    "names",
    [
        ["train/1.jpg", "car/2.jpg"],
        ["train/1.jpg", "valid/2.jpg"],
        ["train/cat/1.jpg", "valid/2.jpg"],
        ["train/cat/1.jpg", "valid/cat/2.jpg", "bus/blue/3.jpg"],
        ["train/cat/1.jpg", "valid/cat/2.jpg", "3.jpg"],
        ["trains/cat/1.jpg", "valid/cat/2.jpg"],
    ],
)
def test_a_class_of_trains_exists(names):
    found = recognise(names)

    assert found.layout == "classes"
    assert not found.parts


def test_a_lonely_train_with_classes_in_it_is_a_split():
    assert recognise(under("train", CATS)).layout == "split"


def test_flat_photos_named_after_classes_are_sorted_by_their_names():
    names = [f"n0{number % 10}_{number}.JPEG" for number in range(100)]

    found = recognise(names)

    assert found.layout == "flat"
    assert found.patterns[0].pattern == r"^(.+)_\d+\.[^.]+$"


def test_one_folder_of_photos_named_after_classes_is_no_class_of_its_own():
    names = [f"images/great_pyrenees_{n}.jpg" for n in range(5)]
    names += [f"images/pug_{n}.jpg" for n in range(5)]

    assert recognise(names).layout == "flat"


def test_flat_photos_without_a_pattern_are_unsorted():
    found = recognise([f"IMG_{number:04}.jpg" for number in range(30)])

    assert found.layout == "unsorted"
    assert found.sentence == "30 photos in no class folders."


def test_flat_photos_with_a_table_are_sorted_by_it():
    found = recognise(["images/a.jpg", "images/b.jpg", "labels.csv"])

    assert (found.layout, found.lists) == ("list", ("labels.csv",))


def test_files_that_are_no_pictures_by_their_names_are_counted():
    assert recognise([*CATS, "cat/notes.pdf", "dog/photo"]).odd == 2


def test_nothing_at_all_is_a_sentence():
    found = recognise(["readme.txt"])

    assert (found.layout, found.sentence) == ("unsorted", "There are no photos in it.")


def test_many_classes_are_named_in_part():
    found = recognise([f"class{number:02}/1.jpg" for number in range(40)])

    assert found.sentence.startswith("40 classes, 40 photos: class00 1, ")
    assert found.sentence.endswith("and 34 more.")
