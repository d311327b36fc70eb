"""The Check page in Chromium: progress, stop, crash, results."""

import os
import signal
import time
from pathlib import Path

import pytest

from core import jobs


@pytest.fixture
def partly_broken(photo_set) -> Path:
    root = photo_set({"cat": 6, "dog": 6}, name="pets")
    (root / "cat" / "page.jpg").write_text("<html>not found</html>")
    (root / "dog" / "empty.jpg").touch()
    return root


def waiting_job(root: Path) -> jobs.JobStatus:
    """Work that looks like a check and ends only when it is stopped."""
    arguments = {"flag": str(root.parent / "never")}
    return jobs.start(root / ".winnow", "check", "tests.core.jobs.targets:until", arguments)


def test_a_check_shows_what_was_found_and_moves_it_away(app, page, partly_broken):
    page.goto(app.address(partly_broken, "check"))

    page.get_by_role("button", name="Check the photos").click()
    page.get_by_role("button", name="Move all 2 to removed").click()

    page.get_by_text("All fine: 12 photos checked").wait_for()
    assert not (partly_broken / "cat" / "page.jpg").exists()
    page.get_by_role("button", name="See 2 removed photos").click()
    page.get_by_role("button", name="Restore all 2").click()
    page.get_by_text("No removed photos").wait_for()
    page.get_by_role("link", name="Check").click()
    page.get_by_role("button", name="Move all 2 to removed").wait_for()
    assert (partly_broken / "cat" / "page.jpg").exists()


def test_stop_says_so_at_once_and_the_work_ends_within_two_seconds(app, page, partly_broken):
    page.goto(app.address(partly_broken, "check"))
    page.get_by_role("heading", name="Check").wait_for()
    job = waiting_job(partly_broken)
    page.reload()
    page.get_by_role("button", name="Stop", exact=True).click()
    asked_at = time.monotonic()

    page.get_by_text("Stopped. What was finished is kept.").wait_for()

    assert time.monotonic() - asked_at < 4
    assert jobs.status(partly_broken / ".winnow", job.id).state == "stopped"
    page.get_by_role("button", name="Resume").wait_for()


def test_a_killed_worker_shows_as_crashed_and_can_be_resumed(app, page, partly_broken):
    page.goto(app.address(partly_broken, "check"))
    page.get_by_role("heading", name="Check").wait_for()
    job = waiting_job(partly_broken)
    page.reload()
    page.get_by_role("button", name="Stop", exact=True).wait_for()

    os.kill(job.pid, signal.SIGKILL)

    page.get_by_text("ended without a word").wait_for()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    jobs.stop(partly_broken / ".winnow", jobs.latest(partly_broken / ".winnow", "check").id)


def test_two_tabs_that_start_a_check_at_once_share_one_worker(app, new_page, partly_broken):
    tabs = [new_page(), new_page()]
    for tab in tabs:
        tab.goto(app.address(partly_broken, "check"))
        tab.get_by_role("button", name="Check the photos").wait_for()

    for tab in tabs:
        tab.get_by_role("button", name="Check the photos").click(no_wait_after=True)

    for tab in tabs:
        tab.get_by_text("Cannot be used").wait_for()
    kinds = [path.name for path in (partly_broken / ".winnow" / "jobs").glob("*-check")]
    assert 1 <= len(kinds) <= 2  # the second click may come when the first check is done


def test_the_list_of_bad_files_fits_a_narrow_dark_screen(app, new_page, partly_broken):
    page = new_page(viewport={"width": 420, "height": 900}, color_scheme="dark")
    page.goto(app.address(partly_broken, "check"))
    page.get_by_role("button", name="Check the photos").click()
    page.get_by_role("button", name="Move all 2 to removed").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") <= 420
