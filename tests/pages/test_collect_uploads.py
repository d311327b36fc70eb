"""Uploads and folders on the Collect page: seen first, sorted as chosen, then added."""

import io
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.dataset import Dataset
from core.user_folders import user_data
from tests.conftest import make_photo

SECONDS_TO_ARRIVE = 60


@pytest.fixture(autouse=True)
def no_uploads_of_others(user_data_of_its_own):
    shutil.rmtree(user_data_of_its_own / "uploads", ignore_errors=True)


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset.create(tmp_path / "target")


@pytest.fixture
def uploads(open_page, dataset):
    """The Collect page with a way to upload chosen: ``uploads("zip")``."""

    def open_way(way: str = "zip") -> AppTest:
        page = open_page("collect", dataset.root)
        page.segmented_control(key="collect_way").set_value("uploads").run()
        if way != "zip":
            page.segmented_control(key="upload_way").set_value(way).run()
        return page

    return open_way


def photo(seed: int) -> bytes:
    file = io.BytesIO()
    make_photo(seed=seed).save(file, "PNG")
    return file.getvalue()


def zipped(names, **more: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, photo(number))
        for name, data in more.items():
            archive.writestr(name.replace("__", "."), data)
    return file.getvalue()


def send(page: AppTest, name: str, data: bytes) -> AppTest:
    page.file_uploader[0].upload(name, data, "application/octet-stream")
    return page.run()


def words_of(page: AppTest) -> str:
    drawn = [*page.markdown, *page.caption, *page.warning, *page.error, *page.info]
    return "\n".join(str(one.value) for one in drawn).replace("\u2060", "").replace("\\", "")


def chosen(page: AppTest, key: str):
    """A widget of the upload that waits, by the end of its key."""
    every = [*page.segmented_control, *page.selectbox, *page.text_input, *page.checkbox]
    return next(one for one in every if one.key and one.key.endswith(key))


def add(page: AppTest, dataset: Dataset) -> jobs.JobStatus:
    """Press Add, and wait until the photos are in."""
    next(one for one in page.button if one.label.startswith("Add ")).click().run()
    assert not page.exception
    deadline = time.monotonic() + SECONDS_TO_ARRIVE
    while jobs.alive(job := jobs.latest(dataset.home, "collect")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    page.run()
    assert not page.exception
    return job


def kept_uploads() -> list[Path]:
    folder = user_data() / "uploads"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_zip_is_seen_before_it_is_added_and_forgotten_afterwards(uploads, dataset):
    page = send(uploads(), "pets.zip", zipped(["set/cat/1.png", "set/cat/2.png", "set/dog/3.png"]))
    assert "**pets.zip** · 2 classes, 3 photos: cat 2, dog 1." in words_of(page)
    assert dataset.counts() == {}
    assert page.file_uploader[0].value is None
    assert len(kept_uploads()) == 1

    job = add(page, dataset)

    assert job.state == "done"
    assert dataset.counts() == {"cat": 2, "dog": 1}
    assert "3 photos from pets.zip are in 2 classes. All were checked." in words_of(page)
    assert kept_uploads() == []


def test_an_upload_that_is_not_wanted_is_deleted(uploads, dataset):
    page = send(uploads(), "pets.zip", zipped(["cat/1.png"]))

    next(one for one in page.button if one.label == "Do not add them").click().run()

    assert kept_uploads() == []
    assert "pets.zip" not in words_of(page)


def test_a_refused_zip_is_a_sentence_and_leaves_nothing(uploads, dataset):
    page = send(uploads(), "evil.zip", zipped(["cat/1.png", "../evil.png"]))

    assert "evil.zip was not opened: ../evil.png in it would be written" in words_of(page)
    assert kept_uploads() == []
    assert not page.exception

    page = send(page, "pets.zip", zipped(["cat/1.png"]))
    assert "evil.zip" not in words_of(page)


def test_a_new_upload_takes_the_place_of_the_one_that_waits(uploads):
    page = send(uploads(), "first.zip", zipped(["cat/1.png"]))

    page = send(page, "second.zip", zipped(["dog/1.png"]))

    assert "second.zip" in words_of(page) and "first.zip" not in words_of(page)
    assert len(kept_uploads()) == 1


def test_flat_photos_are_sorted_by_a_pattern_that_fits_their_names(uploads, dataset):
    names = [f"{dog}_{number}.png" for number in range(6) for dog in ("great_pyrenees", "pug")]
    page = send(uploads(), "dogs.zip", zipped(names))
    assert chosen(page, "_layout").value == "flat"
    table = page.dataframe[0].value
    assert len(table) <= 10
    assert {"great_pyrenees", "pug"} == set(table["Class"])
    assert "2 classes: great_pyrenees 6, pug 6." in words_of(page)

    add(page, dataset)

    assert dataset.counts() == {"great_pyrenees": 6, "pug": 6}


def test_a_pattern_of_ones_own_is_tried_and_its_faults_are_said(uploads, dataset):
    names = [f"{number:02}x{animal}.png" for number in range(4) for animal in ("cat", "dog")]
    page = send(uploads(), "pets.zip", zipped(names))
    chosen(page, "_layout").set_value("flat").run()
    if any(one.key.endswith("_shape") for one in page.selectbox):
        chosen(page, "_shape").set_value("Another pattern").run()

    chosen(page, "_pattern").set_value("x(.+").run()
    assert "A bracket ( is never closed by ), at place 2" in words_of(page)
    assert next(one for one in page.button if one.label.startswith("Add ")).disabled
    chosen(page, "_pattern").set_value(r"^(\w+\w+)+x$").run()
    assert not page.exception
    chosen(page, "_pattern").set_value(r"x([a-z]+)\.").run()

    add(page, dataset)
    assert dataset.counts() == {"cat": 4, "dog": 4}


def test_a_list_in_the_zip_sorts_photos_and_names_the_lines_it_cannot_use(uploads, dataset):
    table = b"file,label\n0.png,cat\n1.png,dog\nnowhere.png,cat\n"
    page = send(uploads(), "pets.zip", zipped(["0.png", "1.png", "2.png"], labels__csv=table))

    said = words_of(page)
    assert "Line 4: there is no photo nowhere.png." in said
    assert "1 photo not in the list: 2.png." in said
    assert "1 photo will be unsorted" in said
    add(page, dataset)
    assert dataset.counts() == {"cat": 1, "dog": 1}
    assert dataset.unsorted_count() == 1
    assert "Line 4: there is no photo nowhere.png." in words_of(page)


def test_a_class_the_data_set_does_not_have_is_named_until_it_may_be_made(uploads, dataset):
    (dataset.root / "cat").mkdir()
    table = b"0.png,cat\n1.png,fox\n"
    page = send(uploads(), "pets.zip", zipped(["0.png", "1.png"], labels__csv=table))
    assert "Line 2: there is no class fox in this data set." in words_of(page)

    chosen(page, "_make_new").set_value(True).run()

    assert "fox" in words_of(page) and "Line 2" not in words_of(page)
    add(page, dataset)
    assert dataset.counts() == {"cat": 1, "fox": 1}


def test_a_list_of_new_classes_says_to_tick_the_box_that_makes_them(uploads, dataset):
    (dataset.root / "cat").mkdir()
    table = b"0.png,fox\n1.png,owl\n"
    page = send(uploads(), "pets.zip", zipped(["0.png", "1.png"], labels__csv=table))
    assert "none of the list's classes: fox, owl. Tick the box above" in words_of(page)

    chosen(page, "_make_new").set_value(True).run()

    assert "Tick the box" not in words_of(page)
    add(page, dataset)
    assert dataset.counts() == {"cat": 0, "fox": 1, "owl": 1}


def test_a_list_may_be_uploaded_by_itself(uploads, dataset):
    page = send(uploads(), "pets.zip", zipped(["0.png", "1.png"]))
    chosen(page, "_layout").set_value("list").run()

    page.file_uploader[1].upload("labels.csv", b"0.png,cat\n1.png,dog\n", "text/csv")
    page.run()

    add(page, dataset)
    assert dataset.counts() == {"cat": 1, "dog": 1}
    assert kept_uploads() == []


def test_photos_one_by_one_go_into_a_class_that_is_chosen(uploads, dataset):
    (dataset.root / "fox").mkdir()
    page = uploads("photos")
    page.file_uploader[0].upload("IMG_1.png", photo(1), "image/png")
    page.file_uploader[0].upload("IMG_2.png", photo(2), "image/png")
    page.run()
    assert "2 photos in no class folders." in words_of(page)
    assert "2 photos will be unsorted" in words_of(page)

    chosen(page, "_class").set_value("fox").run()

    add(page, dataset)
    assert dataset.counts() == {"fox": 2}


def test_copies_and_unreadable_files_are_counted_with_one_button(uploads, dataset):
    data = photo(1)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {"a.png": data, "b.png": data, "c.jpg": b"<html>"}.items():
            archive.writestr(f"cat/{name}", content)
    page = send(uploads(), "pets.zip", file.getvalue())
    add(page, dataset)
    assert dataset.counts() == {"cat": 3}
    assert "1 is a copy of a photo that is there, 1 cannot be read" in words_of(page)

    page.button(key="set_doubtful_aside").click().run()

    assert dataset.counts() == {"cat": 1}
    assert not page.exception
    assert all(one.key != "set_doubtful_aside" for one in page.button)


def test_train_and_valid_are_kept_in_an_empty_data_set(uploads, dataset):
    names = [f"{part}/{name}/{n}.png" for part in ("train", "valid") for name in "ab" for n in "12"]
    page = send(uploads(), "given.zip", zipped(names))
    assert "They come divided: train 4, valid 4." in words_of(page)

    add(page, dataset)

    assert dataset.parts() == ("train", "valid")
    assert dataset.counts() == {"a": 4, "b": 4}


def test_train_and_valid_come_together_where_classes_are_there_and_it_is_said(uploads, dataset):
    (dataset.root / "a").mkdir()
    (dataset.root / "a" / "9.png").write_bytes(photo(9))
    names = [f"{part}/a/{number}.png" for part in ("train", "valid") for number in "12"]
    page = send(uploads(), "given.zip", zipped(names))

    assert "The division into train and valid is not kept" in words_of(page)
    add(page, dataset)
    assert dataset.counts() == {"a": 5}


def test_a_new_data_set_is_made_with_the_classes_that_come(tmp_path):
    root = Path(__file__).resolve().parents[2]
    page = AppTest.from_file(str(root / "ui/main.py"), default_timeout=60).run()
    page.switch_page(str(root / "pages/collect.py")).run()
    page.text_input(key="collect_set_parent").set_value(str(tmp_path)).run()
    page.segmented_control(key="collect_way").set_value("uploads").run()
    page = send(page, "pets.zip", zipped(["cat/1.png", "dog/1.png"]))

    next(one for one in page.button if one.label.startswith("Add ")).click().run()

    assert not page.exception
    assert sorted(path.name for path in (tmp_path / "cat-dog").iterdir()) == [
        ".winnow",
        "cat",
        "dog",
    ]
    jobs.stop_all([tmp_path / "cat-dog" / ".winnow"], timeout_seconds=20)


def test_hostile_names_are_shown_as_they_are_written(uploads):
    hostile = "<img src=x onerror=alert(1)> **b** ![](http:evil) 'q' \u202egpj"

    page = send(uploads(), f"{hostile}.zip", zipped([f"{hostile}/1.png", "dog/2.png"]))

    assert not page.exception
    assert all("<img src=x onerror" not in one.proto.body for one in page.get("html"))


def folders(open_page, dataset, folder: Path) -> AppTest:
    page = open_page("collect", dataset.root)
    page.segmented_control(key="collect_way").set_value("folders").run()
    return page.text_input(key="collect_folder_path").set_value(str(folder)).run()


def test_a_folder_is_recognised_and_used_where_it_is(open_page, dataset, photo_set):
    mine = photo_set({"cat": 2, "dog": 3}, name="wrapped/mine")

    page = folders(open_page, dataset, mine.parent)
    assert "2 classes, 5 photos: cat 2, dog 3." in words_of(page)
    page.button(key="use_folder").click().run()

    assert not page.exception
    assert Dataset.open(mine).counts() == {"cat": 2, "dog": 3}
    assert not (mine.parent / ".winnow").exists()


def test_a_folder_is_copied_and_left_as_it_was(open_page, dataset, photo_set):
    mine = photo_set({"cat": 2, "dog": 3}, name="mine")
    before = sorted(mine.rglob("*"))
    page = folders(open_page, dataset, mine)
    page.segmented_control(key="collect_folder_how").set_value("copy").run()

    page.button(key="look_through").click().run()
    assert "2 classes, 5 photos: cat 2, dog 3." in words_of(page)
    add(page, dataset)

    assert dataset.counts() == {"cat": 2, "dog": 3}
    assert sorted(mine.rglob("*")) == before
