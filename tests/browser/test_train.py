"""The Train page in Chromium: what can be seen while it works, and how it ends."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from core import jobs
from core.dataset import Dataset
from core.networks.export import prepared
from tests import slow_training
from tests.trained_sets import finish, make_features

MILLISECONDS = 60_000  # for what waits for a network
CHART = "Loss chart"


@pytest.fixture
def many_photos(photo_set):
    """Enough photos to watch the network at work for some seconds."""
    if not prepared("lite0"):
        pytest.skip("needs the exported network: python -m core.networks.export lite0")
    return photo_set({"cat": 120, "dog": 120, "fox": 120})


@pytest.fixture
def known_photos(photo_set):
    """Photos whose features are there: training takes a moment."""
    root = photo_set({"cat": 12, "dog": 12})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=6)
    return root


def start(page) -> None:
    page.locator(".st-key-train_start button").click()


def chart_states(page, *, until) -> list[str]:
    """Every last point of the loss chart that was said until something is there."""
    seen: list[str] = []
    deadline = time.monotonic() + MILLISECONDS / 1000
    while time.monotonic() < deadline:
        said = page.locator("[class*='st-key-train_live_'][class*='_said']").all_inner_texts()
        seen.extend(point for point in said if point not in seen)
        if until.count():
            return seen
        page.wait_for_timeout(30)
    pytest.fail(f"Nothing came of it; seen: {seen}")


def at_work(page) -> None:
    """Wait until the speed and the time left are said."""
    page.get_by_text(re.compile(r"\d a second")).wait_for(timeout=MILLISECONDS)


def outcome(page):
    return page.get_by_role("heading", name=re.compile("it had not seen"))


def test_progress_and_loss_are_seen_while_it_works_and_the_error_in_words_after(
    app, page, many_photos
):
    page.goto(app.address(many_photos, "train"))
    page.get_by_text("360 photos").first.wait_for()

    start(page)
    at_work(page)
    states = chart_states(page, until=outcome(page))

    assert len({state for state in states if "held-out" in state}) >= 2, states
    assert re.search(r"of 360 photos|all 360 photos", outcome(page).inner_text())
    page.locator(".st-key-train_to_results button").click()
    page.wait_for_url(re.compile("/results"))


@pytest.fixture
def endless(known_photos, tmp_path):
    """A data set that is being trained on until the file of the second value is there."""
    flag = tmp_path / "enough"
    home = Dataset.open(known_photos).home
    jobs.start(home, "train", slow_training.TARGET, {"flag": str(flag)})
    yield known_photos, flag
    jobs.stop_all([home], timeout_seconds=5)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def test_a_reload_and_a_second_tab_show_the_same_training(app, new_page, endless):
    root, flag = endless
    first, second = new_page(), new_page()
    first.goto(app.address(root, "train"))
    at_work(first)

    first.reload()
    second.goto(app.address(root, "train"))

    for page in (first, second):
        at_work(page)
        page.locator(f"[aria-label^='{CHART}']").wait_for()
        assert page.locator(".st-key-train_start button").is_disabled()
    flag.touch()
    for page in (first, second):
        page.locator(".st-key-train_stop").wait_for(state="detached")
        assert page.locator(".st-key-train_start button").is_enabled()


def test_stop_ends_it_within_two_seconds_and_resume_goes_on(app, page, endless):
    root, _ = endless
    home = Dataset.open(root).home
    page.goto(app.address(root, "train"))
    at_work(page)

    page.locator(".st-key-train_stop button").click()
    wait_until(lambda: jobs.latest(home, "train").state != "running")
    asked = time.monotonic()
    wait_until(lambda: not jobs.alive(jobs.latest(home, "train")))
    assert time.monotonic() - asked < 2

    page.locator(".st-key-train_resume button").click()
    at_work(page)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
def test_a_killed_worker_shows_as_crashed_and_can_be_resumed(app, page, endless):
    root, _ = endless
    page.goto(app.address(root, "train"))
    at_work(page)

    os.kill(jobs.latest(Dataset.open(root).home, "train").pid, signal.SIGKILL)

    page.locator(".st-key-train_resume button").click()
    at_work(page)


def test_training_on_known_photos_takes_a_moment(app, page, known_photos):
    page.goto(app.address(known_photos, "train"))

    start(page)

    outcome(page).wait_for()
    page.locator(f"[aria-label^='{CHART}']").wait_for()


def test_one_class_is_explained_before_training(app, page, photo_set, tmp_path: Path):
    root = photo_set({"cat": 5, "dog": 1})
    shutil.rmtree(root / "dog")

    page.goto(app.address(root, "train"))

    page.get_by_test_id("stAlert").first.wait_for()
    assert page.locator(".st-key-train_start button").is_disabled()
