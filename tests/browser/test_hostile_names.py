"""Folders and files whose names try to be code: every page shows them, none obeys them."""

import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.dataset import Dataset
from tests.trained_sets import train_on_made_features

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows refuses such names")

# Everything a name could try, none of it with a slash: that ends a name on disk.
SCRIPT = "<img src=x onerror=window.obeyed=1>"
# Browsers read "https:name" and "\\\\name" as addresses elsewhere, slashes or not.
MARKDOWN = "![x](https:beacon.example) ![y](\\\\beacon.example\\y.png) [z](javascript:obeyed=1)"
CLASSES = [
    SCRIPT,
    MARKDOWN,
    "\"quoted' & `ticked` $x^2$ <b onmouseover=obeyed=1>bold :red[loud]",
    "two\nlines\tand a tab",
    "\N{SMILING FACE WITH SUNGLASSES} \N{FAMILY}",
    "\u05d0\u05d1\u05d2 \u202egpj.exe",
    "x" * 200,
    "%{customdata} {{7*7}} ${7*7}",
]
NOT_UTF8 = "caf\udce9"  # the byte E9 alone, as Python reads it
PHOTOS_IN_A_CLASS = 6
PAGES = ["", "collect", "check", "train", "runs", "results", "review", "compare"]


@pytest.fixture
def hostile_set(tmp_path: Path, save_image) -> Path:
    """A trained data set of hostile names."""
    root = tmp_path / "set <script>window.obeyed=1<"
    seed = 0
    for class_name in [*CLASSES, *_names_that_are_not_text()]:
        folder = root / class_name
        folder.mkdir(parents=True)
        for number in range(PHOTOS_IN_A_CLASS):
            made = save_image(tmp_path / "made.png", seed=seed)
            stem = CLASSES[(seed + number) % len(CLASSES)]
            os.replace(made, folder / f"{number}{stem[:190]}.png")
            seed += 1
    for _ in range(2):  # Compare wants two
        train_on_made_features(root)
    return root


def _names_that_are_not_text() -> list[str]:
    # Other file systems refuse such names.
    return [NOT_UTF8] if sys.platform == "linux" else []


def _files(root: Path) -> dict[bytes, int]:
    """Every photo of the tree, by name and size."""
    found = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        folders[:] = [name for name in folders if name != b".winnow"]
        for name in names:
            path = os.path.join(folder, name)
            found[path] = os.path.getsize(path)
    return found


def _settle(page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def test_hostile_names_are_shown_on_every_page_and_never_obeyed(app, page, hostile_set):
    before = _files(hostile_set)
    asked, dialogs = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))

    for name in PAGES:
        page.goto(app.address(hostile_set, name))
        page.get_by_test_id("stMain").get_by_role("heading").first.wait_for()
        _settle(page)
        assert page.get_by_test_id("stException").count() == 0, f"{name}: {app.said()}"
        assert page.evaluate("window.obeyed") is None, name

    elsewhere = [url for url in asked if _origin(url) not in (app.url, "data:", "blob:")]
    assert elsewhere == []
    assert dialogs == []
    assert _files(hostile_set) == before


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme in ("data", "blob"):
        return f"{parts.scheme}:"
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"


def test_a_photo_of_a_hostile_class_can_be_looked_up_and_relabelled(app, page, hostile_set):
    before = sorted(_files(hostile_set).values())
    page.goto(app.address(hostile_set, "results"))
    pair = page.locator("[class*=st-key-results_pair_] button:visible").first
    pair.click()
    page.get_by_role("list", name="Photos").get_by_role("img").first.wait_for()

    page.locator(".st-key-results_review button").click()
    tile = page.get_by_role("option").first
    tile.wait_for()
    tile.click()
    page.keyboard.press("2")

    _wait_for_a_step(hostile_set)
    assert page.evaluate("window.obeyed") is None
    assert sorted(_files(hostile_set).values()) == before


def _wait_for_a_step(root: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if Dataset.open(root).history():
            return
        time.sleep(0.1)
    pytest.fail("The relabel never reached the disk.")
