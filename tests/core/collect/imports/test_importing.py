"""Bringing photos in: everything is kept, nothing twice, and the source is left as it was."""

import json
import os
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from core import jobs
from core.collect.imports import uploads
from core.collect.imports.arranging import Plan
from core.collect.imports.arrived import arrived_with, set_doubtful_aside
from core.collect.imports.importing import import_job
from core.collect.imports.records import load_record
from core.dataset import Dataset
from core.dataset.arrivals import set_aside
from core.dataset.sources import sources_of
from core.dataset.verdicts import load_verdicts
from core.errors import WinnowError
from core.user_folders import user_data
from tests.conftest import make_photo

HERE = "c0ffee"


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset.create(tmp_path / "target")


def png(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    make_photo(seed=seed).save(path)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two classes of two, a photo that cannot be read, a copy, and things that are no photos."""
    root = tmp_path / "mine"
    for number, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]):
        png(root / name, number)
    (root / "dog" / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    shutil.copy(root / "cat/1.png", root / "dog/copy.png")
    (root / "readme.txt").write_text("hello")
    (root / ".hidden").mkdir()
    return root


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


def bring(dataset: Dataset, source, plan=None, *, collection=HERE, stop_after=None, **choices):
    plan = asdict(plan or Plan(layout="classes"))
    task = import_job(str(dataset.root), collection, source, plan, **choices)
    reports = []
    try:
        while stop_after is None or len(reports) < stop_after:
            reports.append(next(task))
    except StopIteration as end:
        return end.value
    task.close()
    return None


def from_folder(path: Path) -> dict[str, str]:
    return {"kind": "folder", "path": str(path), "title": path.name}


def tree(root: Path) -> dict[str, bytes]:
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and ".winnow" not in file.parts
    }


def test_an_uploaded_zip_is_taken_in_checked_and_deleted(dataset, folder, tmp_path):
    upload = uploads.keep_archive("pets.zip", zipped(folder, tmp_path / "z.zip").read_bytes())

    result = bring(dataset, upload.source)

    assert dataset.counts() == {"cat": 2, "dog": 4}
    assert result == {"collection": HERE, "photos": 6, "told": [], "left_out": []}
    verdicts = load_verdicts(dataset)
    assert len(verdicts) == 6
    assert sum(verdict.kind != "good" for verdict in verdicts.values()) == 1
    assert not upload.path.parent.exists()
    assert not (dataset.root / ".winnow/arriving" / HERE).exists()


def test_where_each_photo_came_from_is_kept(dataset, folder, tmp_path):
    upload = uploads.keep_archive("pets.zip", zipped(folder, tmp_path / "z.zip").read_bytes())
    bring(dataset, upload.source)

    row = dataset.find("cat/1.png")
    source = sources_of(dataset, [row.id])[row.id]

    assert (source.via, source.query, source.title) == ("upload", "pets.zip", "cat/1.png")
    assert source.collection == HERE


def test_a_copied_folder_is_only_read(dataset, folder):
    before = {path: os.lstat(path).st_mtime_ns for path in [folder, *folder.rglob("*")]}
    contents = tree(folder)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)

    bring(dataset, from_folder(folder), via="folder")

    assert dataset.counts() == {"cat": 2, "dog": 4}
    assert tree(folder) == contents
    assert {path: os.lstat(path).st_mtime_ns for path in [folder, *folder.rglob("*")]} == before
    for path in folder.rglob("*"):
        path.chmod(0o755)  # so that it can be deleted


def test_links_in_a_folder_are_passed_over_and_told(dataset, folder):
    (folder / "cat" / "link.png").symlink_to(folder / "dog" / "1.png")
    (folder / "fox").symlink_to(folder / "dog")

    result = bring(dataset, from_folder(folder))

    assert dataset.counts() == {"cat": 2, "dog": 4}
    assert result["told"] == ["2 links are left out: they lead to other places."]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_a_pipe_among_the_photos_is_told_and_holds_nobody_up(dataset, folder):
    os.mkfifo(folder / "cat" / "pipe.jpg")

    result = bring(dataset, from_folder(folder))

    assert dataset.counts() == {"cat": 2, "dog": 4}
    assert result["told"] == ["cat/pipe.jpg is left out: it is no file but a pipe or a device."]


def test_all_of_an_import_is_one_undo_step(dataset, folder, monkeypatch):
    monkeypatch.setattr("core.collect.imports.importing.MOST_AT_ONCE", 2)

    bring(dataset, from_folder(folder))

    assert [step.words for step in dataset.history()] == ["Added 6 photos: cat 2, dog 4"]
    dataset.undo()
    assert dataset.counts() == {"cat": 0, "dog": 0} or dataset.counts() == {}
    dataset.redo()
    assert dataset.counts() == {"cat": 2, "dog": 4}


@pytest.mark.parametrize("stop_after", [1, 2, 4, 6, 8])
def test_an_import_that_was_stopped_goes_on_and_does_nothing_twice(
    dataset, folder, monkeypatch, stop_after
):
    monkeypatch.setattr("core.collect.imports.importing.MOST_AT_ONCE", 1)
    monkeypatch.setattr("core.collect.imports.importing.REPORT_SECONDS", 0)
    stopped = bring(dataset, from_folder(folder), stop_after=stop_after)
    reached = sum(dataset.counts().values())

    result = bring(dataset, from_folder(folder))

    assert stopped is None or stop_after > 7
    assert reached <= 6
    assert dataset.counts() == {"cat": 2, "dog": 4}
    assert result["photos"] == 6
    assert len(dataset.history()) == 1
    assert len(load_verdicts(dataset)) == 6
    assert bring(dataset, from_folder(folder))["photos"] == 6
    assert dataset.counts() == {"cat": 2, "dog": 4}


def test_a_killed_worker_leaves_whole_files_and_goes_on(dataset, tmp_path):
    many = tmp_path / "many"
    for number in range(60):
        png(many / ("cat", "dog")[number % 2] / f"{number}.png", number)
    arguments = {
        "root": str(dataset.root),
        "collection": HERE,
        "source": from_folder(many),
        "plan": asdict(Plan(layout="classes")),
        "via": "folder",
    }
    target = "tests.core.collect.imports.slow_import:import_slowly"
    job = jobs.start(dataset.home, "collect", target, arguments)
    wait_for(lambda: sum(Dataset.open(dataset.root).counts().values()) > 3)
    os.kill(job.pid, 9)
    wait_for(lambda: jobs.status(dataset.home, job.id).state == "crashed")
    reached = sum(dataset.counts().values())
    assert 0 < reached < 60

    bring(dataset, from_folder(many), via="folder")

    assert dataset.counts() == {"cat": 30, "dog": 30}
    for row in dataset.rows():
        with Image.open(dataset.path_of(row)) as photo:
            photo.load()
    assert not (dataset.root / ".winnow/arriving" / HERE).exists()


def wait_for(condition, seconds=30.0):
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_import_stopped_while_it_compares_has_arrived_and_compares_later(
    dataset, folder, monkeypatch
):
    png(dataset.root / "fox" / "0.png", 40)
    monkeypatch.setattr("core.collect.imports.importing.REPORT_SECONDS", 0)
    task = import_job(str(dataset.root), HERE, from_folder(folder), asdict(Plan(layout="classes")))
    assert any(report.phase == "compare" for report in task)
    task.close()
    assert load_record(dataset, HERE).done and not load_record(dataset, HERE).is_compared
    shutil.rmtree(folder)

    bring(dataset, from_folder(folder))

    assert load_record(dataset, HERE).is_compared
    assert dataset.counts() == {"cat": 2, "dog": 4, "fox": 1}


def test_copies_and_unreadable_files_are_counted_and_set_aside_together(dataset, folder):
    bring(dataset, from_folder(folder))

    found = arrived_with(dataset, HERE)
    assert found.photos == 6
    assert [dataset.get([copy.id])[copy.id].path for copy in found.copies] == ["dog/copy.png"]
    assert [dataset.get([one])[one].path for one in found.unreadable] == ["dog/broken.jpg"]

    step = set_doubtful_aside(dataset, HERE)

    assert len(step.changes) == 2
    assert dataset.counts() == {"cat": 2, "dog": 2}
    assert [row.reason for row in set_aside(dataset)] == ["The same file as cat/1.png."]
    assert arrived_with(dataset, HERE).doubtful == ()
    dataset.undo()
    assert dataset.counts() == {"cat": 2, "dog": 4}
    assert set_aside(dataset) == []


def test_copies_of_photos_that_were_there_before_are_counted_too(dataset, folder):
    png(dataset.root / "cat" / "old.png", 2)  # as dog/1.png
    for _ in dataset.refresh():
        pass

    bring(dataset, from_folder(folder))

    paths = {
        dataset.get([copy.id])[copy.id].path: dataset.get([copy.resembles])[copy.resembles].path
        for copy in arrived_with(dataset, HERE).copies
    }
    assert paths == {"dog/1.png": "cat/old.png", "dog/copy.png": "cat/1.png"}


def test_photos_that_show_the_same_in_other_bytes_are_counted(dataset, tmp_path):
    photo = make_photo(size=(400, 300), seed=5).resize((640, 480))
    for name, picture in {
        "old/a.png": photo,
        "new/b.jpg": photo.resize((320, 240)),
        "new/c.png": make_photo(size=(400, 300), seed=6).resize((640, 480)),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture.save(tmp_path / name)
    (dataset.root / "cat").mkdir()
    shutil.copy(tmp_path / "old/a.png", dataset.root / "cat/a.png")

    bring(dataset, from_folder(tmp_path / "new"), Plan(layout="unsorted", class_name="cat"))

    found = arrived_with(dataset, HERE)
    assert [dataset.get([copy.id])[copy.id].path for copy in found.copies] == ["cat/b.jpg"]
    assert [copy.is_exact for copy in found.copies] == [False]
    set_doubtful_aside(dataset, HERE)
    assert [row.kind for row in set_aside(dataset)] == ["near_duplicate"]


def test_train_and_valid_are_kept_in_an_empty_data_set(dataset, tmp_path):
    given = tmp_path / "given"
    for number in range(8):
        part = ("train", "valid")[number % 2]
        png(given / "set" / part / ("cat", "dog")[number // 4] / f"{number}.png", number)
    png(given / "set" / "train" / "loose.png", 99)
    plan = Plan(layout="split", prefix="set/", keep_parts=True)

    bring(dataset, from_folder(given), plan)

    assert set(tree(dataset.root)) == {
        *(f"train/{'cat' if n < 4 else 'dog'}/{n}.png" for n in range(0, 8, 2)),
        *(f"valid/{'cat' if n < 4 else 'dog'}/{n}.png" for n in range(1, 8, 2)),
        "unsorted/loose.png",
    }
    assert dataset.classes() == ["cat", "dog"]
    assert dataset.counts() == {"cat": 4, "dog": 4}
    assert len(load_verdicts(dataset)) == 9
    assert arrived_with(dataset, HERE).photos == 9
    assert [step.words for step in dataset.history()] == [
        "Added 9 photos: unsorted 1, cat 4, dog 4"
    ]
    dataset.undo()
    assert tree(dataset.root) == {}
    assert {path.name for path in dataset.root.iterdir()} == {".winnow"}


@pytest.mark.parametrize("stop_after", [2, 5, 9])
def test_a_kept_split_that_was_stopped_goes_on(dataset, tmp_path, monkeypatch, stop_after):
    monkeypatch.setattr("core.collect.imports.importing.MOST_AT_ONCE", 1)
    monkeypatch.setattr("core.collect.imports.importing.REPORT_SECONDS", 0)
    given = tmp_path / "given"
    for number in range(8):
        png(given / ("train", "valid")[number % 2] / "cat" / f"{number}.png", number)
    plan = Plan(layout="split", keep_parts=True)

    bring(dataset, from_folder(given), plan, stop_after=stop_after)
    bring(dataset, from_folder(given), plan)

    assert len(tree(dataset.root)) == 8
    assert {path.partition("/")[0] for path in tree(dataset.root)} == {"train", "valid"}
    assert dataset.classes() == ["cat"]
    assert len(dataset.history()) == 1
    assert arrived_with(dataset, HERE).photos == 8


def test_a_split_is_merged_where_photos_are_there_already(dataset, tmp_path):
    png(dataset.root / "cat" / "0.png", 50)
    given = tmp_path / "given"
    png(given / "train/cat/1.png", 1)
    png(given / "valid/cat/1.png", 2)

    result = bring(dataset, from_folder(given), Plan(layout="split", keep_parts=True))

    assert dataset.counts() == {"cat": 3}
    assert "cat/1 (2).png" in tree(dataset.root)
    assert "not kept" in result["told"][0]


def test_a_split_joins_the_split_of_a_data_set_that_has_one(dataset, tmp_path):
    for number, part in enumerate(("train", "valid")):
        png(dataset.root / part / "cat" / "0.png", number)
        png(tmp_path / "given" / part / "cat" / "0.png", 10 + number)
    for _ in dataset.refresh():
        pass

    bring(dataset, from_folder(tmp_path / "given"), Plan(layout="split", keep_parts=True))

    assert set(tree(dataset.root)) == {
        f"{part}/cat/{name}" for part in ("train", "valid") for name in ("0.png", "0 (2).png")
    }


def test_a_name_collision_in_capitals_replaces_nothing(dataset, tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(["cat/A.png", "cat/a.png", "Cat/a.png"]):
            archive.write(png(tmp_path / f"{number}.png", number), name)

    bring(dataset, {"kind": "zip", "path": str(path)})

    assert dataset.counts() == {"cat": 3}
    assert len({name.casefold() for name in tree(dataset.root)}) == 3
    assert path.exists()


def test_a_damaged_member_is_named_and_the_others_arrive(dataset, folder, tmp_path):
    path = zipped(folder, tmp_path / "z.zip")
    data = bytearray(path.read_bytes())
    place = data.index((folder / "cat/2.png").read_bytes()) + 60
    data[place] ^= 0xFF
    path.write_bytes(data)

    result = bring(dataset, {"kind": "zip", "path": str(path)})

    assert dataset.counts() == {"cat": 1, "dog": 4}
    assert result["left_out"] == ["cat/2.png is damaged inside the archive and cannot be unpacked."]


def test_uploaded_files_keep_their_names_and_never_choose_their_place(dataset, tmp_path):
    data = png(tmp_path / "1.png", 1).read_bytes()
    files = [
        ("../../evil.png", data),
        ("/etc/evil.png", data),
        ("holiday/cat/a.png", data),
        ("nul\0l\x1b[31m.png", data),
        ("x" * 400 + ".png", data),
    ]
    upload = uploads.keep_files("Photos", files)
    outside = set(tmp_path.iterdir())

    bring(dataset, upload.source, Plan(layout="unsorted"))

    assert dataset.unsorted_count() == 5
    assert set(tmp_path.iterdir()) == outside
    assert all(path.startswith("unsorted/") for path in tree(dataset.root))
    assert not upload.path.exists()


def test_names_that_are_not_utf_8_are_copied(dataset, folder):
    os.rename(folder / "cat/1.png", os.fsencode(folder / "cat") + b"/\xe4.png")

    bring(dataset, from_folder(folder))
    bring(dataset, from_folder(folder))

    assert dataset.counts() == {"cat": 2, "dog": 4}


def test_a_folder_inside_the_data_set_is_refused(dataset, folder):
    png(dataset.root / "cat" / "1.png", 1)
    for path in (dataset.root, dataset.root / "cat", dataset.root.parent):
        with pytest.raises(WinnowError, match="inside one another"):
            bring(dataset, from_folder(path))


def test_a_source_that_is_gone_is_a_sentence(dataset, tmp_path):
    for source in (
        from_folder(tmp_path / "gone"),
        {"kind": "zip", "path": str(tmp_path / "gone.zip")},
        {"kind": "files", "path": str(tmp_path / "gone"), "title": "Photos"},
    ):
        with pytest.raises(WinnowError):
            bring(dataset, source)


def test_a_refused_archive_writes_nothing(dataset, tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.jpg", b"x")
        archive.writestr("../evil.jpg", b"x")

    with pytest.raises(WinnowError, match="outside of its folder"):
        bring(dataset, {"kind": "zip", "path": str(path)})

    assert tree(dataset.root) == {}
    assert not (tmp_path / "evil.jpg").exists()
    assert dataset.history() == []


def test_uploads_that_nobody_came_back_for_are_deleted():
    forgotten = uploads.keep_archive("old.zip", b"PK")
    os.utime(forgotten.path.parent, (1, 1))

    fresh = uploads.keep_archive("new.zip", b"PK")

    assert not forgotten.path.exists()
    assert fresh.path.exists()
    uploads.discard(fresh.path)
    assert not fresh.path.parent.exists()


def test_only_uploads_are_ever_discarded(folder):
    uploads.discard(folder)
    uploads.discard(user_data())
    uploads.discard(user_data() / "uploads")
    uploads.discard(Path(""))

    assert folder.is_dir() and user_data().is_dir()


def test_a_second_batch_of_files_joins_the_first(tmp_path):
    first = uploads.keep_files("Camera", [("a.jpg", b"1")])

    both = uploads.keep_files("Camera", [("b.jpg", b"2")], add_to=first)

    assert [(name, file.read_bytes()) for name, file in uploads.files_in(both.path)] == [
        ("a.jpg", b"1"),
        ("b.jpg", b"2"),
    ]
    uploads.discard(both.path)


def test_a_job_s_arguments_survive_json(dataset, folder):
    plan = json.loads(json.dumps(asdict(Plan(layout="classes", prefix="a/"))))

    assert Plan.of(plan) == Plan(layout="classes", prefix="a/")
