"""The Train page, clicked through without a browser."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, runs
from core.dataset import Dataset
from tests.trained_sets import finish, make_features, train_on_made_features

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def words(page: AppTest) -> str:
    told = [*page.markdown, *page.subheader, *page.caption, *page.info, *page.warning]
    return "\n".join(element.value for element in told)


def wait_for_the_job(home: Path) -> jobs.JobStatus:
    deadline = time.monotonic() + SECONDS
    while (job := jobs.latest(home, "train")) is None or jobs.alive(job):
        assert time.monotonic() < deadline, "the job never ended"
        time.sleep(0.05)
    return job


@pytest.fixture
def known(photo_set) -> Path:
    """Photos whose features are there already, never trained on."""
    root = photo_set({"cat": 12, "dog": 12})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=6)
    return root


def test_the_page_says_what_it_will_learn_from(open_page, known):
    page = open_page("train", known)

    assert "**24 photos** in **2 classes**" in words(page)
    assert not page.exception


def test_a_network_that_came_along_is_chosen_at_first(open_page, known):
    page = open_page("train", known)

    choice = page.selectbox(key="train_backbone")
    assert choice.options[:3] == ["EfficientNet-Lite0", "EfficientNet-Lite1", "EfficientNet-Lite2"]
    assert choice.value == "lite0"


def test_a_network_whose_weights_are_not_here_cannot_be_trained(
    open_page, known, monkeypatch, tmp_path
):
    for name in ("WINNOW_CACHE_DIR", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "empty"))
    page = open_page("train", known)

    page.selectbox(key="train_backbone").set_value("resnet50").run()

    assert page.button(key="train_start").disabled
    assert not page.exception


def test_a_single_class_is_refused_before_training(open_page, photo_set):
    page = open_page("train", photo_set({"cat": 3}))

    assert "at least two classes" in words(page)
    assert page.button(key="train_start").disabled


def test_a_class_of_one_photo_is_mentioned_before_training(open_page, photo_set):
    page = open_page("train", photo_set({"cat": 3, "dog": 1}))

    assert "cannot be judged" in words(page)
    assert not page.button(key="train_start").disabled


def test_unsorted_photos_are_said_to_be_left_out(open_page, photo_set):
    page = open_page("train", photo_set({"cat": 3, "dog": 3, "unsorted": 2}))

    assert "Left out: 2 photos without a class" in words(page)


def test_train_starts_one_job_and_ends_in_the_error_in_words(open_page, known):
    page = open_page("train", known)

    page.button(key="train_start").click().run()
    job = wait_for_the_job(Dataset.open(known).home)
    page.run()

    assert job.state == "done", job
    assert "Wrong on 4 of 24 photos it had not seen, 16.7 %." in words(page)
    assert page.button(key="train_to_results").label == "See the results"


def test_a_job_that_failed_is_explained_and_can_be_started_again(open_page, known):
    home = Dataset.open(known).home
    jobs.start(home, "train", "core.train.quick:no_such_function", {})
    wait_for_the_job(home)

    page = open_page("train", known)

    assert page.error
    assert page.button(key="train_resume").label == "Start again"


def test_earlier_runs_are_listed(open_page, known):
    train_on_made_features(known)
    train_on_made_features(known)

    page = open_page("train", known)

    assert len(runs.list_runs(Dataset.open(known).home)) == 2
    tables = [table.value for table in page.dataframe]
    earlier = next(table for table in tables if "Result" in table)
    assert earlier["Result"].tolist() == ["Wrong on 4 of 24 photos it had not seen, 16.7 %."]


def test_a_damaged_run_is_explained(open_page, known):
    train_on_made_features(known)
    next(Dataset.open(known).home.glob("runs/*/metrics.jsonl")).write_bytes(b"\xff")

    page = open_page("train", known)

    assert "damaged" in page.error[0].value
    assert not page.button(key="train_start").disabled
