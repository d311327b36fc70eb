import os
import shutil

import pytest
from PIL import Image

from core.clean.copies import copies, crossing_pairs, leaks, shots, what_to_keep
from core.dataset import Dataset
from core.dataset.alike import save_groups
from core.dataset.facts import Facts, save_facts
from tests.conftest import make_photo
from tests.trained_sets import finish


@pytest.fixture
def dataset(tmp_path):
    """Six photos in two classes, one of them twice; "small" and "large" show one photo."""
    root = tmp_path / "photos"
    files = ("cat/a.png", "cat/b.png", "dog/c.png", "dog/d.png", "cat/large.png", "cat/small.png")
    for seed, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        make_photo(seed=seed).save(root / file)
    shutil.copy(root / "cat/a.png", root / "dog/a_too.png")
    found = Dataset.open(root)
    finish(found.reconcile())
    return found


def content(dataset, path):
    return dataset.find(path).content


def contents(dataset, *paths):
    return [content(dataset, path) for path in paths]


def group(dataset, *, near=(), exact=(), scenes=()):
    save_groups(
        dataset,
        {
            "near": [contents(dataset, *paths) for paths in near],
            "exact": [contents(dataset, *paths) for paths in exact],
            "scene": [contents(dataset, *paths) for paths in scenes],
        },
        compared=[],
    )


def paths(found):
    return [[row.path for row in one.files] for one in found]


def test_files_with_the_same_bytes_are_copies_even_before_anything_was_compared(dataset):
    assert paths(copies(dataset)) == [["cat/a.png", "dog/a_too.png"]]
    assert copies(dataset)[0].kind == "exact" and copies(dataset)[0].across


def test_groups_across_classes_come_first_and_then_the_largest(dataset):
    group(dataset, near=[["cat/large.png", "cat/small.png", "cat/b.png"]])

    assert paths(copies(dataset)) == [
        ["cat/a.png", "dog/a_too.png"],
        ["cat/b.png", "cat/large.png", "cat/small.png"],
    ]


def test_a_changed_copy_stands_with_all_files_of_the_same_bytes(dataset):
    group(dataset, near=[["cat/a.png", "dog/c.png"]])

    (found,) = copies(dataset)

    assert paths([found]) == [["cat/a.png", "dog/a_too.png", "dog/c.png"]]
    assert found.kind == "near"


def test_the_same_pixels_in_other_bytes_are_the_same_picture(dataset):
    group(dataset, near=[["dog/c.png", "dog/d.png"]], exact=[["dog/c.png", "dog/d.png"]])

    assert [one.kind for one in copies(dataset)] == ["exact", "exact"]


def test_a_group_of_which_one_file_is_left_is_none_and_is_back_when_that_is_undone(dataset):
    group(dataset, near=[["cat/large.png", "cat/small.png"]])
    dataset.remove([dataset.find("cat/small.png").id, dataset.find("dog/a_too.png").id])

    assert copies(dataset) == []

    dataset.undo()

    assert len(copies(dataset)) == 2


def test_copies_of_one_shot_alone_are_no_scene(dataset):
    near = [["cat/large.png", "cat/small.png"]]
    group(dataset, near=near, scenes=[["cat/large.png", "cat/small.png", "dog/d.png"]])
    assert len(shots(dataset)) == 1

    dataset.remove([dataset.find("dog/d.png").id])

    assert shots(dataset) == []


@pytest.mark.parametrize(
    ("rule", "kept"), [("largest", "cat/large.png"), ("sharpest", "cat/small.png")]
)
def test_the_best_copy_goes_by_the_rule(dataset, rule, kept):
    group(dataset, near=[["cat/large.png", "cat/small.png"]])
    large, small = contents(dataset, "cat/large.png", "cat/small.png")
    save_facts(dataset, [(large, Facts(400, 300, 5.0)), (small, Facts(200, 150, 9.0))])

    (choice,) = what_to_keep(dataset, copies(dataset)[1:], rule)

    assert choice.keep.path == kept
    assert len(choice.go) == 1


def test_the_oldest_copy_goes_by_its_time(dataset):
    os.utime(dataset.root / "dog/a_too.png", (1, 1))
    finish(dataset.reconcile())

    (choice,) = what_to_keep(dataset, copies(dataset), "oldest")

    assert choice.keep.path == "dog/a_too.png"


def test_the_copy_whose_licence_is_known_has_the_best_source(dataset):
    connection = dataset.connection()
    for path, licence in (("cat/a.png", None), ("dog/a_too.png", "CC0")):
        connection.execute(
            "INSERT INTO source(file, via, url, licence, at) VALUES(?, 'list', 'http://x/', ?, 5)",
            (dataset.find(path).id, licence),
        )

    (choice,) = what_to_keep(dataset, copies(dataset), "source")

    assert choice.keep.path == "dog/a_too.png"


def test_a_copy_in_a_class_is_better_than_one_in_none(dataset):
    (dataset.root / "unsorted").mkdir()
    shutil.copy(dataset.root / "cat/b.png", dataset.root / "unsorted" / "a.png")
    finish(dataset.reconcile())

    choices = what_to_keep(dataset, copies(dataset), "largest")

    assert "cat/b.png" in [choice.keep.path for choice in choices]


def test_no_photo_of_a_scene_is_ever_chosen_to_go(dataset):
    group(dataset, scenes=[["cat/a.png", "dog/d.png"]])

    with pytest.raises(ValueError, match="scene"):
        what_to_keep(dataset, shots(dataset), "largest")


def test_copies_and_scenes_that_cross_a_given_split_are_leaks(tmp_path):
    root = tmp_path / "split"
    for seed, file in enumerate(("train/cat/1.png", "train/cat/2.png", "valid/cat/3.png")):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        make_photo(seed=seed).save(root / file)
    shutil.copy(root / "train/cat/1.png", root / "valid/cat/1.png")
    shutil.copy(root / "train/cat/2.png", root / "train/cat/2_too.png")
    found = Dataset.open(root)
    finish(found.reconcile())
    group(found, scenes=[["train/cat/2.png", "valid/cat/3.png"]])

    copied, scene = leaks(found)

    assert [(one.path, other.path) for one, other in crossing_pairs(copied)] == [
        ("train/cat/1.png", "valid/cat/1.png")
    ]
    assert copied.parts == ("valid",)
    assert [row.path for row in scene.train] == ["train/cat/2.png", "train/cat/2_too.png"]


def test_a_folder_without_a_split_has_no_leaks(dataset):
    assert leaks(dataset) == []


def test_a_picture_of_one_colour_has_a_size_too(tmp_path):
    from core.networks.closer_look import _facts_of

    Image.new("RGB", (40, 20)).save(tmp_path / "a.png")

    assert _facts_of(tmp_path / "a.png") == Facts(40, 20, 0.0)
    assert _facts_of(tmp_path / "none.png") is None
