"""Ready-made sets and drawn pictures on the Collect page, clicked through without a browser."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.collect import ready_made
from core.collect.known_sets import SETS
from core.dataset import Dataset
from ui.collecting import made_here

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """New data sets and downloads of a test of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def started(monkeypatch):
    """The jobs that would have been started."""
    asked = []

    def note(home, kind, target, arguments):
        asked.append((home, kind, target, dict(arguments)))

    monkeypatch.setattr(made_here.job_status, "start", note)
    return asked


@pytest.fixture
def collect(open_page, tmp_path):
    def run(way, root=None):
        if root is None:
            root = tmp_path / "mine"
            Dataset.create(root)
        page = open_page("collect", root)
        page.segmented_control(key="collect_way").set_value(way).run()
        assert not page.exception
        return page

    return run


def words(page: AppTest) -> str:
    told = [*page.markdown, *page.caption, *page.warning, *page.error]
    return "\n".join(element.value for element in told)


def test_every_set_says_its_size_and_terms_and_has_one_button(collect):
    page = collect("ready_made")

    said = words(page)
    for title in ("Oxford-IIIT Pet", "Imagenette", "Flowers 102", "Food-101", "EuroSAT"):
        assert f"**{title}**" in said
    assert "7,349 photos · 37 classes" in said
    assert "Download: 811 MB" in said
    assert "Download: 5.0 GB" in said
    assert "CC BY-SA 4.0" in said
    assert "of disk are free" in said
    assert len([button for button in page.button if button.label.startswith("Get ")]) == 6


def test_a_part_of_a_set_is_asked_for_with_how_many_that_are(collect, started):
    page = collect("ready_made")

    page.toggle(key="set_part").set_value(True).run()
    page.number_input(key="set_most").set_value(20).run()
    assert "At most 740 of 7,349 photos" in words(page)
    page.button(key="set_get_pets").click().run()

    [(home, kind, target, arguments)] = started
    assert (kind, target) == ("collect", "core.collect.ready_made:ready_made_job")
    assert arguments.pop("collection")
    assert Path(arguments.pop("root")) == home.parent
    assert arguments == {"name": "pets", "most": 20, "flat": False}


def test_the_larger_version_and_the_flat_form_can_be_chosen(collect, started):
    page = collect("ready_made")

    page.segmented_control(key="set_version_imagenette").set_value("320 pixels").run()
    assert "Download: 342 MB" in words(page)
    page.button(key="set_get_imagenette").click().run()
    page.checkbox(key="set_flat_pets").check().run()
    page.button(key="set_get_pets").click().run()

    assert [one[3]["name"] for one in started] == ["imagenette-320", "pets"]
    assert [one[3]["flat"] for one in started] == [False, True]


def test_a_set_that_does_not_fit_on_the_disk_cannot_be_asked_for(collect, monkeypatch):
    room = SimpleNamespace(free=3_000_000_000)
    monkeypatch.setattr(ready_made.shutil, "disk_usage", lambda folder: room)

    page = collect("ready_made")

    food = page.button(key="set_get_food")
    assert food.disabled
    assert "3.0 GB are free" in food.help
    assert not page.button(key="set_get_eurosat").disabled


def test_a_download_that_is_there_is_said_and_can_be_deleted(collect):
    known = SETS["imagenette-160"]
    folder = ready_made.cache_folder(known)
    folder.mkdir(parents=True)
    (folder / "imagenette2-160.tgz").write_bytes(bytes(12_000_000))

    page = collect("ready_made")
    assert "Download: 99 MB, of which 12 MB are here" in words(page)
    page.button(key="set_delete_imagenette-160").click().run()

    assert not folder.exists()
    assert "of which" not in words(page)


def test_circles_are_previewed_and_drawn_into_a_new_data_set(home):
    page = AppTest.from_file(str(Path(__file__).parents[2] / "ui/main.py"), default_timeout=60)
    page.run().switch_page(str(Path(__file__).parents[2] / "pages/collect.py")).run()
    page.segmented_control(key="collect_way").set_value("generators").run()
    page.number_input(key="circles_most").set_value(3).run()
    page.number_input(key="circles_per_class").set_value(4).run()
    page.selectbox(key="circles_side").set_value(96).run()
    assert "3 classes, 12 pictures of 96 × 96 pixels" in words(page)

    page.button(key="circles_draw").click().run()

    assert not page.exception
    dataset = Dataset.open(home / "circles-1-3")
    deadline = time.monotonic() + 60
    while jobs.alive(job := jobs.latest(dataset.home, "collect")):
        assert time.monotonic() < deadline, "the drawing never ended"
        time.sleep(0.05)
    assert job.state == "done", job.log_tail
    assert dataset.counts() == {"1": 4, "2": 4, "3": 4}


def test_circles_that_do_not_fit_are_said_before_and_not_drawn(collect):
    page = collect("generators")

    page.number_input(key="circles_fewest").set_value(60).run()
    page.number_input(key="circles_most").set_value(70).run()
    page.selectbox(key="circles_side").set_value(96).run()

    assert "70 circles do not fit on 96 pixels" in words(page)
    assert not [button for button in page.button if button.key == "circles_draw"]
    page.toggle(key="circles_overlap").set_value(True).run()
    assert page.button(key="circles_draw").label == "Draw 1,100 pictures"


def test_of_many_classes_some_are_previewed_the_last_one_too(collect):
    page = collect("generators")

    page.number_input(key="circles_most").set_value(30).run()

    assert "10 of 30 classes are shown" in words(page)
