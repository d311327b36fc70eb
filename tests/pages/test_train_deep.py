"""The deep mode of the Train page, clicked through without a browser, on a stand-in job."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, runs
from core.dataset import Dataset
from core.train.settings import DeepSettings
from core.train.unfinished import unfinished
from tests import deep_stand_in
from tests.trained_sets import train_on_made_features
from ui import training
from ui.training_deep import work

SECONDS = 60


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    """Deep training and the search for a rate take a second and need no network."""
    monkeypatch.setattr(work, "DEEP_TARGET", deep_stand_in.TARGET)
    monkeypatch.setattr(work, "FINDER_TARGET", deep_stand_in.FINDER_TARGET)


@pytest.fixture
def known(photo_set) -> Path:
    """Photos with a quick run, on which four of them are mistaken."""
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    return root


@pytest.fixture
def deep(open_page, known) -> AppTest:
    """The page in its deep mode."""
    return in_deep_mode(open_page("train", known))


def in_deep_mode(page: AppTest) -> AppTest:
    return page.segmented_control(key="train_mode").set_value("deep").run()


def words(page: AppTest) -> str:
    told = [*page.markdown, *page.subheader, *page.caption, *page.info, *page.warning, *page.error]
    # As it is read: names are escaped, and kept from being taken for emoji codes.
    return "\n".join(element.value for element in told).replace("\\", "").replace("\u2060", "")


def home_of(root: Path) -> Path:
    return Dataset.open(root).home


def ended(root: Path, kind: str = training.KIND) -> jobs.JobStatus:
    deadline = time.monotonic() + SECONDS
    while (job := jobs.latest(home_of(root), kind)) is None or jobs.alive(job):
        assert time.monotonic() < deadline, "the job never ended"
        time.sleep(0.05)
    return job


def stopped_after_an_epoch(root: Path, settings: DeepSettings) -> None:
    """Start deep training and stop it in its second epoch."""
    home = home_of(root)
    arguments = {"root": str(root), "settings": settings.to_json()}
    job = jobs.start(home, training.KIND, deep_stand_in.TARGET, arguments)
    deadline = time.monotonic() + SECONDS
    while not any(row.get("kind") == "epoch" for row in jobs.metrics(home, job.id)):
        assert time.monotonic() < deadline, "no epoch was ever over"
        time.sleep(0.02)
    jobs.stop(home, job.id)
    assert ended(root).state == "stopped"


def asked(root: Path) -> DeepSettings:
    """What the newest training was asked for."""
    home = home_of(root)
    return work.settings_of(home, jobs.latest(home, training.KIND))


def test_quick_is_what_the_page_opens_on(open_page, known):
    page = open_page("train", known)

    assert page.segmented_control(key="train_mode").value == "quick"
    assert page.button(key="train_start").label == "Train"


def test_deep_training_starts_by_what_was_chosen_and_ends_in_what_is_kept(deep, known):
    deep.number_input(key="deep_epochs").set_value(2)
    deep.text_input(key="deep_lr").set_value("0,003").run()
    deep.button(key="deep_start").click().run()
    assert ended(known).state == "done"
    deep.run()

    assert (asked(known).epochs, asked(known).lr, asked(known).augment) == (2, 0.003, "side")
    assert "Deep training is kept" in words(deep)
    table = deep.table[0].value
    assert table["Answer"].tolist()[:2] == ["Quick", "Deep, looking once"]
    assert any("★" in answer for answer in table["Answer"])
    assert not deep.exception


def test_where_nobody_chose_anything_the_usual_settings_are_taken(deep, known):
    assert "The plan: 4 epochs, 20 steps, at a rate of up to 0.0003." in words(deep)

    deep.button(key="deep_start").click().run()

    assert asked(known) == DeepSettings()
    ended(known)


def test_while_it_runs_the_page_shows_it_and_offers_to_stop(deep, known):
    deep.button(key="deep_start").click().run()

    assert deep.button(key="deep_job_stop").label == "Stop"
    assert "deep_start" not in [button.key for button in deep.button]
    deep.button(key="deep_job_stop").click().run()
    assert ended(known).state == "stopped"


def test_a_page_opened_in_mid_run_opens_on_deep(open_page, known):
    arguments = {"root": str(known), "settings": DeepSettings().to_json()}
    job = jobs.start(home_of(known), training.KIND, deep_stand_in.TARGET, arguments)

    page = open_page("train", known)

    assert page.segmented_control(key="train_mode").value == "deep"
    jobs.stop(home_of(known), job.id)
    ended(known)


def test_a_rate_that_is_no_number_is_explained(deep):
    deep.text_input(key="deep_lr").set_value("fast").run()

    assert "type a learning rate such as 0.001" in words(deep)
    assert deep.button(key="deep_start").disabled


def test_restarts_say_how_many_epochs_there_are(deep):
    deep.segmented_control(key="deep_schedule").set_value("sgdr").run()

    assert "7 epochs in cycles of 1, 2, 4" in words(deep)


def test_three_rates_are_asked_for_one_per_group(deep, known):
    deep.segmented_control(key="deep_rates").set_value("three").run()
    deep.number_input(key="deep_epochs").set_value(1).run()
    deep.button(key="deep_start").click().run()
    ended(known)

    assert asked(known).lrs == (1e-4, 1e-3, 1e-2)


def test_a_search_suggests_rates_that_fill_the_field(deep, known):
    deep.button(key="deep_find").click().run()
    assert ended(known, work.FINDER).state == "done"
    deep.run()
    deep.button(key="deep_rate_valley").click().run()

    label = deep.button(key="deep_rate_valley").label
    assert label == f"Valley: {deep.text_input(key='deep_lr').value}"


def test_a_search_for_other_settings_says_so(deep, known):
    deep.button(key="deep_find").click().run()
    ended(known, work.FINDER)
    deep.number_input(key="deep_batch").set_value(8).run()

    assert "found for other settings" in words(deep)


def test_a_stopped_training_can_be_resumed_kept_or_started_afresh(open_page, known):
    stopped_after_an_epoch(known, DeepSettings(epochs=3))

    page = in_deep_mode(open_page("train", known))

    assert "**1 of 3 epochs**" in words(page)
    for key in ("deep_resume", "deep_keep", "deep_afresh"):
        assert not page.button(key=key).disabled
    assert page.number_input(key="deep_epochs").value == 3


def test_resume_goes_on_and_finishes(open_page, known):
    stopped_after_an_epoch(known, DeepSettings(epochs=2))
    page = in_deep_mode(open_page("train", known))

    page.button(key="deep_resume").click().run()
    job = ended(known)

    assert job.state == "done"
    home = home_of(known)
    epochs = [row for row in jobs.metrics(home, job.id) if row.get("kind") == "epoch"]
    assert [row["epoch"] for row in epochs] == [2]
    assert unfinished(home) is None


def test_keep_makes_a_run_of_what_it_has_learnt(open_page, known):
    stopped_after_an_epoch(known, DeepSettings(epochs=3))
    page = in_deep_mode(open_page("train", known))

    page.button(key="deep_keep").click().run()
    ended(known)
    page.run()

    assert runs.list_runs(home_of(known))[0].mode == "deep"
    assert "Deep training is kept" in words(page)


def test_a_diverged_training_is_explained_and_the_page_works_on(deep, known):
    deep.text_input(key="deep_lr").set_value("5").run()
    deep.button(key="deep_start").click().run()
    assert ended(known).state == "failed"
    deep.run()

    assert "too high: training diverged at step 4" in words(deep)
    assert not deep.button(key="deep_start").disabled


def test_an_unfinished_training_is_remembered_after_a_quick_one(open_page, known):
    stopped_after_an_epoch(known, DeepSettings(epochs=3))
    training.start(Dataset.open(known), backbone="lite0")
    ended(known)

    page = in_deep_mode(open_page("train", known))

    assert "was not finished" in words(page)
    assert page.button(key="deep_resume").label == "Resume"


def test_settings_brought_along_open_the_deep_mode(open_page, known):
    page = open_page("home", known)
    page.session_state["train_settings"] = {
        **DeepSettings(epochs=9, lr=0.02).to_json(),
        "start_from": "20260101-000000-000000",
    }

    page.switch_page(str(Path(__file__).resolve().parents[2] / "pages/train.py")).run()

    assert page.segmented_control(key="train_mode").value == "deep"
    assert page.number_input(key="deep_epochs").value == 9
    assert page.text_input(key="deep_lr").value == "0.02"
    assert "Goes on from the network of an earlier run" in words(page)
    page.button(key="deep_start_anew").click().run()
    assert "Goes on from" not in words(page)


def test_one_class_cannot_be_trained_in_depth(open_page, photo_set):
    page = in_deep_mode(open_page("train", photo_set({"cat": 3})))

    assert page.button(key="deep_start").disabled
    assert page.button(key="deep_find").disabled
