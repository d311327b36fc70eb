import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.dataset import Dataset, places
from core.errors import DatasetError

ROOT = Path(__file__).parents[3]

not_on_windows = pytest.mark.skipif(
    os.name == "nt", reason="Windows neither deletes nor moves a catalogue that is open"
)


@pytest.fixture
def read_only_set(tmp_path, monkeypatch):
    """A data set in a folder that cannot be written. (Permissions do not hold for root.)"""
    root = tmp_path / "photos"
    for path in ("cat/0.jpg", "cat/1.jpg", "dog/0.jpg"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    monkeypatch.setattr(places, "can_write", lambda root: False)
    return root


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder .*nowhere"):
        Dataset.open(tmp_path / "nowhere")


def test_a_new_data_set_has_its_class_folders(tmp_path):
    dataset = Dataset.create(tmp_path / "new", ["cat", "dog"])

    assert dataset.counts() == {"cat": 0, "dog": 0}
    assert sorted(path.name for path in dataset.root.iterdir()) == [".winnow", "cat", "dog"]


@pytest.mark.parametrize("classes", [["cat", "Cat"], [".."], ["unsorted"], ["a/b"]])
def test_a_new_data_set_with_names_that_cannot_be_is_refused(tmp_path, classes):
    with pytest.raises(DatasetError):
        Dataset.create(tmp_path / "new", classes)

    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_not_made_into_a_new_data_set(make_set):
    with pytest.raises(DatasetError, match="not empty"):
        Dataset.create(make_set({"cat": 1}).root, ["dog"])


def test_a_photo_is_found_by_relative_and_by_absolute_path(make_set):
    dataset = make_set({"cat": 1})

    found = dataset.find("cat/0.jpg")

    assert dataset.find(str(dataset.root / "cat" / "0.jpg")) == found
    assert dataset.find("cat/../cat/./0.jpg") == found
    assert dataset.path_of(found).read_text() == "cat/0.jpg"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../outside.jpg", "outside"),
        ("/etc/passwd", "outside"),
        ("cat/../../outside.jpg", "outside"),
        ("cat/0.jpg\0", "outside"),
        ("cat/link.jpg", "link"),
        ("linked/outside.jpg", "link"),
        ("cat/nothing.jpg", "no photo"),
        ("cat/" + "x" * 300, "cannot be looked up|no photo"),
        (".winnow/catalog.sqlite", "no photo"),
        ("cat", "no photo"),
        ("", "no photo"),
    ],
)
def test_a_path_that_is_no_photo_of_the_data_set_is_refused(path, said, make_set, tmp_path):
    dataset = make_set({"cat": 1})
    (tmp_path / "outside.jpg").write_text("outside")
    (dataset.root / "cat/link.jpg").symlink_to(tmp_path / "outside.jpg")
    (dataset.root / "linked").symlink_to(tmp_path)

    with pytest.raises(DatasetError, match=said):
        dataset.find(path)


def test_a_removed_photo_is_not_found_but_its_content_is(make_set):
    dataset = make_set({"cat": 1})
    photo = dataset.find("cat/0.jpg")
    dataset.remove([photo.id])

    with pytest.raises(DatasetError, match="no photo"):
        dataset.find(".winnow/removed/cat/0.jpg")
    assert dataset.by_content(photo.content).read_text() == "cat/0.jpg"
    assert dataset.by_content("0" * 32) is None
    assert dataset.by_content("") is None


def test_a_link_to_a_data_set_opens_the_one_it_leads_to(make_set, tmp_path):
    dataset = make_set({"cat": 1})
    (tmp_path / "link").symlink_to(dataset.root)

    opened = Dataset.open(tmp_path / "link")

    assert (opened.root, opened.token) == (dataset.root, dataset.token)
    assert opened.find(str(tmp_path / "link" / "cat" / "0.jpg")) == dataset.find("cat/0.jpg")


def test_a_winnow_folder_that_is_a_link_is_refused(make_set, tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    (root / ".winnow").symlink_to(tmp_path)

    with pytest.raises(DatasetError, match="not a folder of its own"):
        Dataset.open(root)


def test_a_read_only_folder_can_be_judged_and_every_edit_offers_a_copy(read_only_set, run):
    before = sorted(read_only_set.rglob("*"))
    dataset = Dataset.open(read_only_set)
    run(dataset.reconcile())
    ids = [row.id for row in dataset.rows()]

    assert dataset.read_only
    assert not dataset.home.is_relative_to(read_only_set)
    assert dataset.counts() == {"cat": 2, "dog": 1}
    for edit in (
        lambda: dataset.relabel(ids, "dog"),
        lambda: dataset.remove(ids),
        lambda: dataset.restore(ids),
        dataset.undo,
        dataset.redo,
    ):
        with pytest.raises(DatasetError, match="Work on a copy"):
            edit()
    assert sorted(read_only_set.rglob("*")) == before


def test_a_read_only_data_set_keeps_its_catalogue_from_one_opening_to_the_next(read_only_set, run):
    dataset = Dataset.open(read_only_set)
    run(dataset.reconcile())
    dataset.set_setting("shown", "once")

    assert Dataset.open(read_only_set).setting("shown") == "once"
    assert Dataset.open(read_only_set).counts() == {"cat": 2, "dog": 1}


def test_on_a_network_share_the_catalogue_lies_with_the_user_and_edits_work(
    make_set, monkeypatch, run, tree
):
    root = make_set({"cat": 1, "dog": 0}).root
    monkeypatch.setattr(places, "is_on_network", lambda root: True)
    dataset = Dataset.open(root)
    run(dataset.reconcile())

    dataset.remove([dataset.rows()[0].id])

    assert not dataset.home.is_relative_to(root)
    assert tree(root) == {".winnow/removed/cat/0.jpg": "cat/0.jpg"}
    dataset.undo()
    assert tree(root) == {"cat/0.jpg": "cat/0.jpg"}


def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(monkeypatch):
    mounts = [("/", "ext4"), ("/mnt/share", "cifs"), ("/mnt/share/disk", "xfs")]
    monkeypatch.setattr(places, "_mounts", lambda: mounts)

    assert places.is_on_network(Path("/mnt/share/photos"))
    assert not places.is_on_network(Path("/mnt/share/disk/photos"))
    assert not places.is_on_network(Path("/mnt/shared"))


def test_settings_are_kept(make_set):
    dataset = make_set({"cat": 1})

    dataset.set_setting("backbone", "lite2")

    assert Dataset.open(dataset.root).setting("backbone") == "lite2"
    assert dataset.setting("nothing") is None
    assert dataset.setting("nothing", "default") == "default"


def test_a_thread_that_ends_closes_its_connection(make_set):
    dataset = make_set({"cat": 1})
    seen = []

    def look():
        seen.append(dataset.connection())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        seen[0].execute("SELECT 1")
    assert dataset.rows()


def test_ten_processes_may_open_a_new_data_set_at_once(tmp_path):
    root = tmp_path / "photos"
    (root / "cat").mkdir(parents=True)
    (root / "cat/0.jpg").write_text("photo")
    code = (
        "import sys; from pathlib import Path; from core.dataset import Dataset\n"
        "d = Dataset.open(Path(sys.argv[1])); [None for _ in d.refresh()]\n"
        "assert [r.id for r in d.rows()] == [1], d.rows()"
    )

    started = [
        subprocess.Popen([sys.executable, "-c", code, str(root)], cwd=ROOT) for _ in range(10)
    ]

    assert [process.wait(timeout=60) for process in started] == [0] * 10


def test_two_tabs_and_the_command_line_at_once_lose_nothing(make_set, tree, catalogued, run):
    root = make_set({"cat": 10, "dog": 10, "bird": 0}).root
    photos = sorted(tree(root).values())
    words = [sys.executable, "-m", "core"]
    commands = [
        subprocess.Popen([*words, *rest], cwd=ROOT, stderr=subprocess.PIPE)
        for rest in (["relabel", root, "bird", "cat/9.jpg"], ["undo", root], ["scan", root])
    ]

    def work(tab):
        dataset, dice = Dataset.open(root), random.Random(tab)
        for _ in range(20):
            ids = [row.id for row in dice.sample(dataset.rows(), 3)]
            act = dice.choice(["relabel", "remove", "undo", "refresh"])
            if act == "relabel":
                dataset.relabel(ids, dice.choice(dataset.classes()))
            elif act == "remove":
                dataset.remove(ids[:1])
            elif act == "undo" and dataset.next_undo():
                with contextlib.suppress(DatasetError):  # the other tab was quicker
                    dataset.undo()
            else:
                run(dataset.refresh())

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    said = [command.communicate(timeout=60)[1] for command in commands]

    assert not any(b"Traceback" in words for words in said)
    assert sorted(tree(root).values()) == photos
    dataset = Dataset.open(root)
    assert catalogued(dataset) == tree(root).keys()
    assert run(dataset.reconcile()).photos == len(dataset.rows())


def test_importing_the_data_set_brings_in_nothing_heavy():
    heavy = "{'numpy', 'pandas', 'torch', 'streamlit', 'PIL', 'sklearn'}"
    code = f"import sys, core.dataset; print(sorted({heavy} & sys.modules.keys()))"

    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert printed.stdout.strip() == "[]"


@not_on_windows
def test_a_data_set_moved_elsewhere_keeps_its_history(make_set, tmp_path, run):
    dataset = make_set({"cat": 1, "dog": 0})
    dataset.relabel([dataset.rows()[0].id], "dog")
    os.rename(dataset.root, tmp_path / "moved")

    moved = Dataset.open(tmp_path / "moved")
    run(moved.reconcile())
    moved.undo()

    assert moved.counts() == {"cat": 1, "dog": 0}
    assert moved.token != dataset.token


def test_a_catalogue_of_a_newer_winnow_is_left_alone(make_set):
    dataset = make_set({"cat": 1})
    dataset.connection().execute("PRAGMA user_version=99")

    with pytest.raises(DatasetError, match="newer Winnow"):
        Dataset.open(dataset.root)


@pytest.mark.parametrize("inside", [".winnow", ".winnow/removed", ".winnow/removed/cat"])
def test_a_folder_of_winnows_own_is_no_data_set(inside, make_set):
    root = make_set({"cat": 1}).root
    (root / inside).mkdir(parents=True, exist_ok=True)

    with pytest.raises(DatasetError, match="belongs to Winnow itself"):
        Dataset.open(root / inside)
    with pytest.raises(DatasetError, match="belongs to Winnow itself"):
        Dataset.create(root / inside / "new")


@pytest.mark.parametrize("name", ["x" * 300, "~nobody-of-this-name/photos", "zero\0byte"])
def test_a_folder_that_cannot_be_is_a_sentence(name):
    with pytest.raises(DatasetError, match="no folder"):
        Dataset.open(Path(name))


def test_a_class_folder_replaced_by_a_link_since_is_not_read_through(make_set, tmp_path):
    dataset = make_set({"cat": 1, "dog": 0})
    photo = dataset.find("cat/0.jpg")
    shutil.move(dataset.root / "cat", tmp_path / "elsewhere")
    (dataset.root / "cat").symlink_to(tmp_path / "elsewhere")

    assert dataset.by_content(photo.content) is None
