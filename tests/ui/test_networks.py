"""The choice of a network, clicked through without a browser."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.networks import speed
from core.networks.backbones import BACKBONES
from core.user_folders import user_data
from ui import networks

SECONDS = 60


def draw():
    import streamlit as st

    from ui import networks

    name = networks.choose(key="network", disabled=False)
    st.write(f"Chosen: {name}, {networks.ready(name)}")


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """A user who has downloaded and measured nothing, and has no connection."""
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WINNOW_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("WINNOW_WEIGHTS_URL", "http://127.0.0.1:9")  # nobody listens there


@pytest.fixture
def page():
    return AppTest.from_function(draw, default_timeout=SECONDS).run()


def words(page):
    told = [*page.markdown, *page.caption, *page.info, *page.error]
    return "\n".join(element.value for element in told)


def end_of(kind):
    deadline = time.monotonic() + SECONDS
    while not (job := jobs.latest(user_data(), kind)) or jobs.alive(job):
        assert time.monotonic() < deadline, "the job never ended"
        time.sleep(0.05)
    return job


def test_a_network_that_came_along_is_chosen_at_first(page):
    assert page.selectbox(key="network").value == "lite0"
    assert "Chosen: lite0, True" in words(page)
    assert "224 × 224 pixels" in words(page)
    assert not page.info
    assert not page.exception


def test_all_networks_can_be_chosen_and_the_table_says_which_are_here(page):
    assert page.selectbox(key="network").options == [one.title for one in BACKBONES.values()]
    assert page.dataframe[0].value["Weights"].tolist()[:4] == [
        *3 * ["came with Winnow"],
        "needs a download of 47 MB",
    ]


def test_a_network_that_is_not_here_offers_its_download(page):
    page.selectbox(key="network").set_value("resnet34").run()

    assert "Chosen: resnet34, False" in words(page)
    assert "not on this computer yet" in page.info[0].value
    assert page.button(key="network_download").label == "Download ResNet-34 (87 MB)"


def test_without_a_connection_the_download_ends_in_a_sentence_and_can_be_tried_again(page):
    page.selectbox(key="network").set_value("resnet18").run()
    page.button(key="network_download").click().run()
    end_of("weights_resnet18")
    page.run()

    assert "no connection to" in page.error[0].value
    assert page.button(key="network_resnet18_resume").label == "Start again"
    assert not page.exception


def test_weights_that_have_come_are_offered_no_more(page, tmp_path):
    page.selectbox(key="network").set_value("resnet18").run()
    file = tmp_path / "cache/weights/resnet18-f37072fd.pth"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    page.run()

    assert "Chosen: resnet18, True" in words(page)
    assert "It is on this computer." in words(page)
    assert not page.info


def test_with_random_weights_every_network_is_ready(page, monkeypatch):
    monkeypatch.setenv("WINNOW_RANDOM_WEIGHTS", "1")

    page.selectbox(key="network").set_value("dino").run()

    assert "Chosen: dino, True" in words(page)


def test_what_was_measured_here_is_said_and_stands_in_the_table(page):
    found = {"device": "cpu", "channels_last": True, "bf16": False}
    speed._remember("speed", "lite0", 224, {**found, "looking": 91.2, "training": 9.34})
    page.run()

    assert "looks at about 91 photos a second, trains in depth on 9.3" in words(page)
    table = page.dataframe[0].value
    assert table["Looks at"][0] == 91.2


def test_measuring_is_offered_for_what_is_not_known_yet(page):
    speed._remember("speed", "lite0", 224, {"looking": 91.2, "training": 9.34})
    page.run()

    page.button(key="network_measure").click().run()
    job = jobs.latest(user_data(), "speed")
    asked = jobs.control.JobFolder(user_data(), job.id).read_request()
    jobs.stop_all([user_data()], timeout_seconds=10)

    assert "lite0" not in asked.arguments["backbones"]
    assert len(asked.arguments["backbones"]) == len(BACKBONES) - 1


def test_a_download_counts_in_megabytes():
    job = jobs.JobStatus(id="a", kind="b", state="running", done=2_621_440, total=46_830_571)

    told = networks._in_megabytes(job)

    assert (told.done, told.total) == (2, 46)
