"""Photos as training changes them, fetched and drawn by a real browser."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.dataset import Dataset
from core.train.preview import PROCESS
from tests.browser.conftest import ROOT, App, free_port
from tests.trained_sets import finish

MILLISECONDS_TO_START = 90_000  # PyTorch takes two seconds, many times that on a busy machine

# Whether a photo is seen so many ways, all asked for with these words, and all pictures have come.
ALL_CAME = """([wanted, words]) => {
  const all = [...document.images];
  const ways = all.filter(one => one.alt.includes(", changed, "));
  return ways.length === wanted
    && ways.every(one => decodeURIComponent(one.src).includes(words))
    && all.every(one => one.complete && one.naturalWidth > 0);
}"""


class OnePage(App):
    """The app beside this file."""

    script = Path(__file__).parent / "augmentation" / "app.py"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(self.script)]
                + [f"--server.port={self.port}", "--server.headless=true"],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self.wait_until_it_answers()


@pytest.fixture
def one_page(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    one = OnePage(free_port(), folder / "server.log")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def pets(photo_set):
    root = photo_set({"cat": 4, "d<b>og": 4})
    finish(Dataset.open(root).reconcile())
    return root


def sources(page):
    """The addresses of the ways, in order."""
    return page.evaluate(
        "[...document.images].filter(one => one.alt.includes(', changed, ')).map(one => one.src)"
    )


def test_a_photo_is_seen_eight_ways_that_follow_the_choices(one_page, page, pets):
    wrong = []
    page.on("response", lambda one: wrong.append(one.url) if one.status >= 400 else None)
    page.goto(one_page.address(pets))
    page.wait_for_function(ALL_CAME, arg=[8, '"rotate":10.0'], timeout=MILLISECONDS_TO_START)
    assert len(set(sources(page))) == 8

    page.get_by_text("Nothing that changes a count").click()
    page.get_by_text("For how many things are in a photo").wait_for()
    page.wait_for_function(ALL_CAME, arg=[8, '"rotate":0.0'])

    page.get_by_text("Set each change myself").click()
    page.get_by_role("slider", name="Turned by up to").press("ArrowRight")
    page.wait_for_function(ALL_CAME, arg=[8, '"rotate":1.0'])

    page.get_by_role("button", name="Other changes").click()
    page.wait_for_function("[...document.images].some(one => one.src.includes('seed=15&'))")
    page.wait_for_function(ALL_CAME, arg=[8, '"rotate":1.0'])

    page.get_by_text("No changes", exact=True).click()
    page.wait_for_function(ALL_CAME, arg=[0, ""])
    assert not wrong


def test_a_batch_has_its_classes_and_a_photo_its_numbers(one_page, page, pets):
    page.goto(one_page.address(pets))
    page.locator("figcaption", has_text="d<b>og").first.wait_for()
    page.get_by_text("64 photos of 96 × 96 pixels").wait_for()

    page.get_by_text("What a photo is to a computer").click()
    page.get_by_text("The 36 pixels in the frame").wait_for(timeout=MILLISECONDS_TO_START)
    page.locator("figcaption", has_text="how much blue").scroll_into_view_if_needed()
    page.wait_for_function(ALL_CAME, arg=[8, "seed"], timeout=MILLISECONDS_TO_START)

    cells = page.locator("[style*='rgb(']", has_text="")
    numbers = [line for line in cells.last.inner_text().split() if line]
    assert len(numbers) == 3 and all(0 <= int(one) <= 255 for one in numbers)


def test_the_process_that_draws_ends_with_the_app(one_page, page, pets):
    page.goto(one_page.address(pets))
    page.wait_for_function(ALL_CAME, arg=[8, "seed"], timeout=MILLISECONDS_TO_START)
    (helper,) = [one for one in one_page.process().children() if PROCESS in " ".join(one.cmdline())]

    one_page.kill()

    psutil.wait_procs([helper], timeout=20)
    assert not helper.is_running()
