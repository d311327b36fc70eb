import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.collect import samples
from core.collect.samples import SAMPLES, make_sample, swap_labels
from core.dataset import Dataset
from core.dataset.planted import found, planted
from core.errors import DatasetError


@pytest.fixture(scope="module")
def circles(tmp_path_factory):
    root = tmp_path_factory.mktemp("samples") / "circles"
    return finish(make_sample("circles", root))


def test_the_circles_are_500_pictures_of_1_to_5(circles):
    counts = {
        folder.name: len(list(folder.iterdir()))
        for folder in circles.root.iterdir()
        if folder.name != ".winnow"
    }

    assert counts == dict.fromkeys("12345", 100)
    assert circles.images == 500


def test_what_was_swapped_is_known_and_not_yet_found(circles):
    dataset = opened(circles.root)

    assert len(planted(dataset)) == circles.planted == 14  # 3 % of 500, in pairs
    assert found(dataset) == (0, 14)


def test_mending_a_planted_mistake_counts_as_found(circles, tmp_path):
    dataset = opened(Path(shutil.copytree(circles.root, tmp_path / "circles")))
    content, true_class = next(iter(planted(dataset).items()))
    (row,) = [row for row in dataset.rows() if row.content == content]

    dataset.relabel([row.id], true_class)

    assert row.class_name != true_class
    assert found(dataset) == (1, 14)


def test_no_two_pictures_are_the_same(circles):
    contents = [row.content for row in opened(circles.root).rows()]

    assert len(set(contents)) == len(contents) == 500


def test_the_same_seed_makes_the_same_files(circles, tmp_path):
    again = finish(make_sample("circles", tmp_path / "again"))
    other = finish(make_sample("circles", tmp_path / "other", seed=1))

    assert tree(again.root) == tree(circles.root)
    assert tree(other.root) != tree(circles.root)


def test_a_picture_s_name_does_not_tell_its_class(circles):
    names = [path.name for path in circles.root.glob("*/*.png")]

    assert sorted(names) == [f"{number:04}.png" for number in range(1, 501)]


def test_the_digits_are_1797_in_ten_classes(tmp_path):
    made = finish(make_sample("digits", tmp_path / "digits"))

    assert made.images == len(list(made.root.glob("*/*.png"))) == 1797
    assert made.classes == tuple("0123456789")
    assert made.planted == 54
    with Image.open(made.root / "0" / next((made.root / "0").iterdir()).name) as picture:
        assert picture.size == (128, 128)


def test_many_circles_are_45_to_50(tmp_path):
    made = finish(make_sample("circles-hard", tmp_path / "hard"))

    assert made.classes == ("45", "46", "47", "48", "49", "50")
    assert made.images == 360


def test_each_sample_says_how_many_pictures_it_has():
    said = {name: sample.sentence.split(" ")[0] for name, sample in SAMPLES.items()}

    assert said == {"circles": "500", "circles-hard": "360", "digits": "1,797"}


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(DatasetError, match="holds something already"):
        finish(make_sample("circles", tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_used(tmp_path):
    root = tmp_path / "empty"
    root.mkdir()

    finish(make_sample("circles", root))

    assert (root / "5").is_dir()


def test_a_file_in_the_way_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(DatasetError, match="cannot be used"):
        finish(make_sample("circles", tmp_path / "file"))


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)

    with pytest.raises(DatasetError, match="the disk is full"):
        finish(make_sample("circles", tmp_path / "circles"))

    assert list(tmp_path.iterdir()) == []


def test_stopping_halfway_leaves_nothing(tmp_path):
    task = make_sample("circles", tmp_path / "circles")
    for _ in range(5):
        next(task)

    task.close()

    assert list(tmp_path.iterdir()) == []


def test_on_a_network_share_the_list_of_mistakes_is_where_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("core.dataset.places.is_on_network", lambda root: True)

    made = finish(make_sample("circles", tmp_path / "circles"))

    dataset = opened(made.root)
    assert dataset.home != made.root / ".winnow"
    assert len(planted(dataset)) == 14


def test_an_unknown_sample_is_our_own_mistake(tmp_path):
    with pytest.raises(ValueError, match="no sample"):
        finish(make_sample("squares", tmp_path / "squares"))


def test_swapped_labels_keep_the_class_sizes_and_their_distance():
    labels = np.repeat(np.arange(1, 6), 40)

    given = swap_labels(labels, share=0.1, apart=2, random=np.random.default_rng(0))

    swapped = np.flatnonzero(given != labels)
    assert len(swapped) == 20
    assert Counter(given.tolist()) == Counter(labels.tolist())
    assert (np.abs(given[swapped] - labels[swapped]) >= 2).all()


def test_labels_too_alike_to_swap_are_left_as_they_are():
    labels = np.repeat([1, 2], 50)

    given = swap_labels(labels, share=0.1, apart=2, random=np.random.default_rng(0))

    assert (given == labels).all()


def test_the_list_of_mistakes_survives_any_reader(circles):
    written = (circles.root / samples.HOME / samples.PLANTED).read_bytes()

    assert written.isascii()
    assert set(json.loads(written).values()) <= set("12345")


def opened(root):
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return dataset


def finish(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def tree(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.glob("[0-9]*/*.png")
    }
