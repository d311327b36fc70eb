"""The ready-made sets, through torchvision itself, from a local site in the real sets' formats."""

import os
import shutil
import signal
import time
from types import SimpleNamespace

import pytest
from PIL import Image

from core import jobs
from core.collect import ready_made as module
from core.collect.known_sets import SETS
from core.collect.ready_made import (
    cache_folder,
    delete_download,
    downloaded_bytes,
    ready_made,
)
from core.collect.ready_made_process import Photo, chosen, plain_class
from core.dataset import Dataset
from core.dataset.sources import sources_of
from core.errors import DatasetError
from tests.core.collect.set_server import MADE, SetServer
from tests.trained_sets import finish

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def site():
    server = SetServer()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def dataset(tmp_path):
    return Dataset.create(tmp_path / "photos")


def bring(dataset, site, name="pets", *, collection="c1", **choices):
    program = site.program(dataset.root.parent)
    return ready_made(dataset, SETS[name], collection=collection, program=program, **choices)


CLASSES = {
    "pets": {"abyssinian": 6, "great pyrenees": 6, "yorkshire terrier": 6},
    "imagenette-160": {"tench": 8, "French horn": 8, "golf ball": 8},
    "flowers": {"pink primrose": 4, "globe thistle": 4, "blackberry lily": 4},
    "food": {"apple pie": 6, "fish and chips": 6},
    "eurosat": {"annual crop": 4, "forest": 4, "sea lake": 4},
    "cifar10": dict.fromkeys(
        ["airplane", "automobile", "bird", "cat", "deer"]
        + ["dog", "frog", "horse", "ship", "truck"],
        6,
    ),
}


@pytest.mark.parametrize("name", CLASSES)  # the two of Imagenette differ in nothing but a name
def test_a_set_is_downloaded_and_lies_in_class_folders_with_plain_names(name, site, dataset):
    site.files = MADE[name]()

    brought = finish(bring(dataset, site, name))

    assert dataset.counts() == CLASSES[name]
    assert brought.photos == sum(CLASSES[name].values())
    for row in dataset.rows():
        with Image.open(dataset.path_of(row)) as picture:
            picture.load()
            assert picture.size == ((32, 32) if name == "cifar10" else (64, 48))
    assert {row.path.rpartition(".")[2] for row in dataset.rows()} == {
        "png" if name == "cifar10" else "jpg"
    }


def test_it_knows_where_it_is_from_is_one_step_and_leaves_only_the_download_behind(site, dataset):
    site.files = MADE["pets"]()
    finish(bring(dataset, site))

    row = next(row for row in dataset.rows() if "great_pyrenees_3" in row.path)
    source = sources_of(dataset, [row.id])[row.id]
    assert (source.via, source.query) == ("set", "Oxford-IIIT Pet")
    assert source.title == "great_pyrenees_3.jpg"
    assert source.licence == "CC BY-SA 4.0"
    assert source.page.startswith("https://www.robots.ox.ac.uk/")
    assert source.collection == "c1"

    left = {path.name for path in cache_folder(SETS["pets"]).rglob("*") if path.is_file()}
    assert left == {"images.tar.gz", "annotations.tar.gz"}
    assert downloaded_bytes(SETS["pets"]) == sum(len(data) for data in site.files.values())
    delete_download(SETS["pets"])
    assert downloaded_bytes(SETS["pets"]) == 0

    dataset.undo()
    assert sum(dataset.counts().values()) == 0
    dataset.redo()
    assert dataset.counts() == CLASSES["pets"]


def test_a_larger_part_holds_the_smaller_one_and_needs_no_network(site, dataset):
    site.files = MADE["pets"]()

    finish(bring(dataset, site, most=2))
    first = {row.path for row in dataset.rows()}
    asked = len(site.asked)
    brought = finish(bring(dataset, site, most=5, collection="c2"))

    assert len(first) == 6
    assert first < {row.path for row in dataset.rows()}
    assert set(dataset.counts().values()) == {5}
    assert (brought.photos, brought.already_there) == (9, 6)
    assert len(site.asked) == asked


def test_the_flat_form_has_the_set_s_own_names_and_no_classes(site, dataset):
    site.files = MADE["pets"]()

    finish(bring(dataset, site, flat=True))

    assert dataset.classes() == []
    names = {row.path.rpartition("/")[2] for row in dataset.rows(class_name=None)}
    assert {"great_pyrenees_1.jpg", "Abyssinian_6.jpg"} <= names
    assert len(names) == 18


def test_stopped_while_photos_arrive_it_goes_on_without_a_download_as_one_step(
    site, dataset, monkeypatch
):
    monkeypatch.setattr("core.collect.bringing.MOST_AT_ONCE", 4)
    monkeypatch.setattr("core.collect.bringing.REPORT_SECONDS", 0)
    site.files = MADE["pets"]()
    task = bring(dataset, site)
    while not sum(dataset.counts().values()):
        next(task)
    task.close()
    asked = len(site.asked)

    brought = finish(bring(dataset, site))

    assert brought.already_there >= 4
    assert dataset.counts() == CLASSES["pets"]
    assert len(site.asked) == asked
    assert len(dataset.history()) == 1
    assert not list((dataset.root / ".winnow").glob("arriving/*"))


def test_half_an_unpacked_set_is_not_taken_for_a_whole_one(site, dataset):
    site.files = MADE["pets"]()
    half = cache_folder(SETS["pets"]) / "oxford-iiit-pet"
    for folder in (half / "images", half / "annotations"):
        folder.mkdir(parents=True)
    (half / "images" / "Abyssinian_100.mat").write_bytes(b"")

    finish(bring(dataset, site))

    assert dataset.counts() == CLASSES["pets"]


def test_a_damaged_download_is_said_and_thrown_away(site, dataset):
    site.files = MADE["food"]()
    task = bring(dataset, site, "food")
    whole = site.files["food-101.tar.gz"]
    site.files["food-101.tar.gz"] = whole[:-20] + bytes(20)

    with pytest.raises(DatasetError, match=r"Food-101 is not what its makers published.*data\."):
        finish(task)

    assert downloaded_bytes(SETS["food"]) == 0
    assert dataset.counts() == {}


def test_a_connection_that_breaks_is_said_and_the_rest_comes_later(site, dataset):
    site.files = MADE["food"]()
    site.cut_after = 5000

    with pytest.raises(DatasetError, match="cannot be reached.*What was downloaded is kept"):
        finish(bring(dataset, site, "food"))

    assert downloaded_bytes(SETS["food"]) == 5000
    site.cut_after = None
    finish(bring(dataset, site, "food"))
    assert site.sent["food-101.tar.gz"] == len(site.files["food-101.tar.gz"])


def test_a_file_in_the_cache_that_is_too_long_is_downloaded_anew(site, dataset):
    site.files = MADE["food"]()
    place = cache_folder(SETS["food"]) / "food-101.tar.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(bytes(len(site.files[place.name]) + 10))

    finish(bring(dataset, site, "food"))

    assert dataset.counts() == CLASSES["food"]


def test_without_a_network_a_sentence_says_so(site, dataset):
    program = site.program(dataset.root.parent)
    site.close()

    with pytest.raises(DatasetError, match="^127.0.0.1 cannot be reached: there may be no network"):
        finish(ready_made(dataset, SETS["pets"], collection="c1", program=program))

    assert dataset.counts() == {}


def test_a_site_that_refuses_is_said_with_where_to_get_the_set(site, dataset):
    site.status = 404

    with pytest.raises(DatasetError, match=r"refused the download \(404\).*vgg/data/pets"):
        finish(bring(dataset, site))


def test_too_small_a_disk_is_said_before_anything_is_asked_for(site, dataset, monkeypatch):
    free = SimpleNamespace(free=3_000_000_000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: free)

    with pytest.raises(DatasetError, match=r"Food-101 needs about 15\.\d GB .* has 3\.0 GB free"):
        finish(bring(dataset, site, "food"))

    assert site.asked == []


def test_a_second_window_waits_for_the_first(site, dataset, tmp_path):
    site.files = {"food-101.tar.gz": MADE["food"]()["food-101.tar.gz"] + bytes(1_000_000)}
    site.chunk, site.seconds_a_chunk = 65_536, 0.05
    first = bring(dataset, site, "food")
    while next(first).phase != "download":
        pass
    second = bring(Dataset.create(tmp_path / "other"), site, "food", collection="c2")

    progress = next(second)

    assert progress.phase == "wait"
    assert "Another window" in progress.message
    with pytest.raises(DatasetError, match="is being prepared"):
        delete_download(SETS["food"])
    first.close()
    assert {next(second).phase for _ in range(3)} != {"wait"}
    second.close()


def test_torchvision_that_dies_is_said(dataset):
    died = ["sh", "-c", "exit 3"] if shutil.which("sh") else ["cmd", "/c", "exit 3"]

    with pytest.raises(DatasetError, match="ended without a word"):
        finish(ready_made(dataset, SETS["pets"], collection="c1", program=died))


def start_job(dataset, site):
    arguments = {
        "root": str(dataset.root),
        "collection": "c1",
        "name": "food",
        "program": site.program(dataset.root.parent),
    }
    jobs.start(dataset.home, "collect", "tests.core.collect.set_job:job", arguments)
    return wait_until(dataset, lambda job: job.phase == "download" and job.done >= 1)


def wait_until(dataset, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition(job := jobs.latest(dataset.home, "collect")):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


@pytest.fixture
def slow_food(site):
    site.files = {"food-101.tar.gz": MADE["food"]()["food-101.tar.gz"] + bytes(4_000_000)}
    site.chunk, site.seconds_a_chunk = 65_536, 0.05
    return site


def test_a_job_stops_within_two_seconds_and_resumes_where_it_was(dataset, slow_food):
    job = start_job(dataset, slow_food)

    began = time.monotonic()
    jobs.stop(dataset.home, job.id)
    stopped = wait_until(dataset, lambda job: not jobs.alive(job), seconds=5)

    assert time.monotonic() - began < 2.5
    assert stopped.state == "stopped"
    assert 1 <= stopped.done < stopped.total == 4  # in MB
    assert downloaded_bytes(SETS["food"]) > 1_000_000
    assert dataset.counts() == {}
    slow_food.seconds_a_chunk = 0
    jobs.resume(dataset.home, job.id)
    done = wait_until(dataset, lambda job: job.finished)
    assert done.state == "done", (done.error, done.log_tail)
    assert dataset.counts() == CLASSES["food"]
    assert slow_food.sent["food-101.tar.gz"] < 1.2 * len(slow_food.files["food-101.tar.gz"])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends a process otherwise")
def test_a_killed_worker_takes_its_download_with_it_and_the_next_one_goes_on(dataset, slow_food):
    job = start_job(dataset, slow_food)

    os.kill(job.pid, signal.SIGKILL)
    wait_until(dataset, lambda job: job.state == "crashed")

    slow_food.seconds_a_chunk = 0
    jobs.resume(dataset.home, job.id)
    done = wait_until(dataset, lambda job: job.finished)
    assert done.state == "done", (done.error, done.log_tail)
    assert dataset.counts() == CLASSES["food"]
    assert any(wanted is not None for _, wanted in slow_food.asked)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("great_pyrenees", "great pyrenees"),
        ("HerbaceousVegetation", "Herbaceous Vegetation"),
        ("colt's foot", "colt's foot"),
        ("pink-yellow dahlia?", "pink-yellow dahlia"),
    ],
)
def test_class_names_become_words_that_can_name_a_folder(name, plain):
    assert plain_class(name) == plain


def test_no_more_than_asked_for_are_chosen_of_each_class():
    photos = [
        Photo(key=f"{number}", class_name=name, path="")
        for name, count in (("cat", 9), ("dog", 2))
        for number in range(count)
    ]

    few, more = chosen(photos, 3), chosen(photos, 5)

    assert [photo.class_name for photo in few] == ["cat"] * 3 + ["dog"] * 2
    assert set(few) < set(more)
    assert chosen(photos, 0) == photos


@pytest.mark.parametrize("name", SETS)
def test_every_set_says_what_a_person_wants_to_know_before(name):
    known = SETS[name]

    assert known.photos > 1000
    assert known.classes >= 10
    assert known.unpacked_bytes > known.download_bytes
    assert known.home.startswith("https://")
    assert known.terms_url.startswith("https://")
    assert known.terms.endswith(".")
