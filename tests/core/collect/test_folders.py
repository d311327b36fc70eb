import os
import time
from pathlib import Path

import pytest

from core.collect.folders import places, subfolders, tally, too_broad
from core.collect.tallies import Tallies
from core.errors import DatasetError


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_photos_are_counted_in_a_folder_and_one_folder_down(tmp_path):
    touch(tmp_path / "a.jpg", tmp_path / "cat" / "b.PNG", tmp_path / "cat" / "c.heic")
    touch(tmp_path / "cat" / "notes.txt", tmp_path / "empty" / "x.pdf")
    touch(tmp_path / ".hidden" / "d.jpg", tmp_path / "cat" / ".e.jpg")

    counted = tally(tmp_path)

    assert (counted.photos, counted.loose, counted.class_folders) == (3, 1, 1)
    assert not counted.more


def test_class_folders_of_a_divided_folder_are_those_in_its_parts(tmp_path):
    touch(tmp_path / "train" / "cat" / "1.jpg", tmp_path / "train" / "dog" / "1.jpg")
    touch(tmp_path / "valid" / "cat" / "1.jpg", tmp_path / "valid" / "2.jpg", tmp_path / "3.jpg")

    counted = tally(tmp_path)

    assert (counted.photos, counted.loose, counted.class_folders) == (5, 2, 3)


def test_a_class_of_trains_is_a_class_folder(tmp_path):
    touch(tmp_path / "train" / "steam" / "1.jpg", tmp_path / "train" / "2.jpg")
    touch(tmp_path / "bus" / "1.jpg")
    touch(tmp_path / "flat" / "train" / "1.jpg", tmp_path / "flat" / "test" / "1.jpg")

    assert (tally(tmp_path).photos, tally(tmp_path).class_folders) == (2, 2)
    assert tally(tmp_path / "flat").class_folders == 2


def test_a_count_is_given_up_after_so_many_entries(tmp_path):
    touch(*(tmp_path / f"{number}.jpg" for number in range(50)))

    counted = tally(tmp_path, most=20)

    assert counted.more
    assert 0 < counted.photos <= 20


def test_a_count_is_given_up_after_a_while(tmp_path):
    touch(*(tmp_path / f"{number}.jpg" for number in range(200)))

    assert tally(tmp_path, seconds=0.0).more


def test_folders_are_listed_as_people_count_and_without_hidden_ones(tmp_path):
    for name in ("set 10", "set 9", "Alpha", ".git", "$RECYCLE.BIN", "²"):
        (tmp_path / name).mkdir()
    touch(tmp_path / "file.jpg")

    names = [folder.name for folder in subfolders(tmp_path)]

    assert names == ["Alpha", "set 9", "set 10", "²"]


def test_names_that_are_not_utf8_are_listed(tmp_path):
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")

    assert [folder.name for folder in subfolders(tmp_path)] == ["\udcff"]


def test_a_folder_that_is_gone_is_explained(tmp_path):
    with pytest.raises(DatasetError, match="no folder"):
        subfolders(tmp_path / "gone")


def test_home_is_a_place_and_too_much_for_one_data_set():
    assert places()[0].path == Path.home()
    assert too_broad(Path.home()) is not None
    assert too_broad(Path.home().parent) is not None


def test_a_folder_within_home_is_not_too_much(tmp_path):
    assert too_broad(tmp_path / "photos") is None


def test_tallies_come_in_later_and_are_remembered(tmp_path):
    for name in ("a", "b"):
        touch(tmp_path / name / "1.jpg")
    folders = [tmp_path / "a", tmp_path / "b"]
    tallies = Tallies()

    first = tallies.known(folders, wait_seconds=10)

    assert {folder: counted.photos for folder, counted in first.items()} == dict.fromkeys(
        folders, 1
    )
    assert tallies.known(folders) == first


def test_a_folder_that_does_not_answer_holds_up_nobody(tmp_path, monkeypatch):
    def never(folder):
        time.sleep(3600)

    monkeypatch.setattr("core.collect.tallies.tally", never)
    began = time.monotonic()

    assert Tallies().known([tmp_path], wait_seconds=0.05) == {}
    assert time.monotonic() - began < 5
