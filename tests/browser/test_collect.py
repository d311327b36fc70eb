"""Collect in Chromium: real searches through icrawler against a local server that plays Bing."""

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import jobs
from core.dataset import Dataset, arrivals, sources
from core.dataset.sources import Source
from core.images.identity import content_hash
from tests.search_server import CAPTCHA_PAGE, Item, SearchServer
from tests.trained_sets import finish, train_on_made_features

WANTED = 18
HOSTILE = "<img src=x onerror=window.obeyed=1> **b** :smile: \"q'"
PRIVATE = "http://10.0.0.1/private.jpg"
REASONS = (
    "The site sent a page instead of a picture.",
    "The address leads to a private network, which Winnow does not ask.",
    "The site refused (403).",
    "The file is larger than 30 MB.",
)


@pytest.fixture
def bing(monkeypatch) -> Iterator[SearchServer]:
    """A server for Bing's pages and for photos. Ask for it before the app: the app must know it."""
    with SearchServer(delay=0.1) as server:
        monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", server.url)
        monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
        yield server


@pytest.fixture
def real_bing(monkeypatch, test_data) -> Iterator[SearchServer]:
    """The same with the pages that Bing really sent."""
    template = test_data / "search_pages" / "bing_images_real.html"
    with SearchServer(template=template, delay=1.0) as server:
        monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", server.url)
        monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
        yield server


@pytest.fixture
def many(tmp_path, save_image) -> list[Path]:
    """Different made photos, large enough to be kept."""
    return [
        save_image(tmp_path / "web" / f"{seed}.jpg", size=(96, 80), seed=seed) for seed in range(40)
    ]


def some(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())[:WANTED]


def results(photos: list[Path]) -> list[Item]:
    """Everything the web has to offer: photos, and what only looks like one."""
    return [
        *(Item.photo(path) for path in photos[:4]),
        Item.page(),
        Item.photo(photos[0], name="again.jpg"),
        Item.broken(photos[1]),
        Item.redirect(PRIVATE),
        Item.slow(photos[4], seconds=3),
        Item.refused(403),
        Item.large(),
        *(Item.photo(path) for path in photos[5:]),
    ]


def contents(files: list[Path]) -> set[str]:
    return {content_hash(path) for path in files}


def photos_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def fill(page, row: int, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True).nth(row)
    field.fill(text)
    field.press("Tab")


def press_when_drawn(page, settled, name: str | re.Pattern[str]) -> None:
    settled(page)
    page.get_by_role("button", name=name).first.click()


def test_two_classes_are_collected_through_icrawler(
    real_bing, own_app, page, settled, test_data, tmp_path
):
    chihuahuas = some(test_data / "chihuahua_muffin" / "chihuahua")
    muffins = some(test_data / "chihuahua_muffin" / "muffin")
    offered = {
        "chihuahua": set(real_bing.offer("chihuahua dog", results(chihuahuas))),
        "muffin": set(real_bing.offer("muffin", results(muffins))),
    }
    page.goto(f"{own_app.url}/collect")
    page.get_by_role("button", name="Name and place").click()
    place = page.get_by_label("In the folder")
    place.fill(str(tmp_path))
    place.press("Enter")
    settled(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="chihuahua vs muffin").click()
    page.get_by_role("button", name="Collect 100 photos").wait_for()
    for row in range(2):
        fill(page, row, "Photos", str(WANTED))

    press_when_drawn(page, settled, f"Collect {2 * WANTED} photos")

    # Photos are there to be seen while others still come.
    page.get_by_alt_text("A photo of").first.wait_for()
    assert page.get_by_role("button", name="Stop", exact=True).is_visible()
    page.get_by_role("heading", name=f"{2 * WANTED} photos came").wait_for(timeout=60_000)

    root = tmp_path / "chihuahua-muffin"
    assert contents(photos_in(root / "chihuahua")) == contents(chihuahuas)
    assert contents(photos_in(root / "muffin")) == contents(muffins)
    assert list((root / ".winnow" / "arriving").glob("*/*")) == []

    page.get_by_text("Addresses that gave no photo (10)").click()
    for reason in REASONS:
        page.get_by_text(reason).first.wait_for()
    page.get_by_text(re.compile("cut short|end is missing|damaged")).first.wait_for()

    dataset = Dataset.open(root)
    rows = dataset.rows()
    known = sources.sources_of(dataset, [row.id for row in rows])
    assert len(rows) == len(known) == 2 * WANTED
    for row in rows:
        source = known[row.id]
        assert (source.via, source.url in offered[row.class_name]) == ("bing", True)
        assert source.query == {"chihuahua": "chihuahua dog", "muffin": "muffin"}[row.class_name]
        assert source.page.startswith(f"{real_bing.url}/shown-on/")
        assert source.title and time.time() - source.at < 600
    # The broken one is a part of a photo of the set; the copy is set aside, not gone.
    assert {one.kind for one in arrivals.set_aside(dataset)} == {"duplicate"}
    assert max(real_bing.pictures_asked().values()) == 1

    settled(page)
    page.get_by_text("Set aside", exact=True).first.click()
    page.get_by_text("2 photos came too").wait_for()
    page.get_by_text("The same file as").first.wait_for()
    page.get_by_role("button", name="Keep it anyway").first.click()
    page.get_by_text("1 photo came too").wait_for()
    page.get_by_role("button", name="Undo keeping").click()
    page.get_by_text("2 photos came too").wait_for()

    page.get_by_text("Where photos came from").click()
    field = page.get_by_label("Find photos")
    field.fill("chihuahua dog")
    field.press("Enter")
    page.get_by_text(f"{WANTED} photos", exact=True).wait_for()
    shown_on = page.get_by_role("link", name=re.compile("shown-on")).first
    assert shown_on.get_attribute("rel") == "noopener noreferrer"
    assert "Go to Train" in page.locator(".st-key-collect_next").inner_text()


def test_stopped_and_resumed_it_fetches_nothing_twice(bing, own_app, page, settled, many, tmp_path):
    bing.gives_at_most = 8  # so that it cannot be done before Stop is pressed
    bing.offer("cat", [Item.photo(path) for path in many])
    root = Dataset.create(tmp_path / "pets", ["cat"]).root
    page.goto(own_app.address(root, "collect"))
    fill(page, 0, "Class", "cat")
    fill(page, 0, "Photos", "30")
    press_when_drawn(page, settled, "Collect 30 photos")
    page.get_by_alt_text("A photo of cat").first.wait_for()

    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped. What was finished is kept.").wait_for()

    kept = len(photos_in(root / "cat"))
    assert 0 < kept < 30
    asked = bing.pictures_asked()
    had = {sources.sources_of(Dataset.open(root), [row.id])[row.id].url for row in _rows(root)}
    bing.gives_at_most = None
    press_when_drawn(page, settled, "Resume")
    page.get_by_role("heading", name="30 photos came").wait_for()
    assert len(contents(photos_in(root / "cat"))) == 30
    again = bing.pictures_asked() - asked
    assert not any(path in url for path in again for url in had)

    before = bing.pictures_asked()
    press_when_drawn(page, settled, "Get more")
    more = page.get_by_label("More photos for each class")
    more.fill("6")
    more.press("Enter")
    press_when_drawn(page, settled, "Get them")
    page.get_by_role("heading", name="36 photos came").wait_for()
    assert not set(before) & set(bing.pictures_asked() - before)


def test_a_worker_killed_in_the_middle_is_said_and_goes_on_where_it_was(
    bing, own_app, page, settled, many, tmp_path
):
    bing.gives_at_most = 8
    bing.offer("cat", [Item.photo(path) for path in many])
    root = Dataset.create(tmp_path / "pets", ["cat"]).root
    page.goto(own_app.address(root, "collect"))
    fill(page, 0, "Class", "cat")
    fill(page, 0, "Photos", "30")
    press_when_drawn(page, settled, "Collect 30 photos")
    page.get_by_alt_text("A photo of cat").first.wait_for()

    os.kill(jobs.latest(root / ".winnow", "collect").pid, signal.SIGKILL)
    page.get_by_text("ended without a word").wait_for()
    bing.gives_at_most = None
    press_when_drawn(page, settled, "Resume")

    page.get_by_role("heading", name="30 photos came").wait_for()
    assert len(contents(photos_in(root / "cat"))) == len(photos_in(root / "cat")) == 30
    assert list((root / ".winnow" / "arriving").glob("*/*")) == []


def _rows(root: Path) -> list:
    dataset = Dataset.open(root)
    finish(dataset.refresh())
    return dataset.rows()


def test_an_engine_that_refuses_is_said_and_the_next_best_way_is_a_button(
    bing, own_app, page, settled, many, tmp_path
):
    bing.search_answer = lambda query, first: (200, CAPTCHA_PAGE)
    bing.offer("cat", [Item.photo(path) for path in many[:5]])
    root = Dataset.create(tmp_path / "pets", ["cat"]).root
    page.goto(own_app.address(root, "collect"))
    fill(page, 0, "Class", "cat")
    fill(page, 0, "Photos", "5")
    press_when_drawn(page, settled, "Collect 5 photos")

    page.get_by_text("Bing asks whether a person is searching").wait_for()
    page.get_by_role("heading", name="No photo came").wait_for()
    page.get_by_role("button", name="Try Wikimedia Commons").wait_for()
    press_when_drawn(page, settled, "Paste links")
    page.get_by_role("textbox", name="Links, one a line").wait_for()

    bing.search_answer = None
    press_when_drawn(page, settled, "Try again")
    page.get_by_role("heading", name="5 photos came").wait_for()
    assert len(photos_in(root / "cat")) == 5


def test_pasted_links_go_into_their_classes(bing, own_app, page, settled, many, tmp_path):
    urls = bing.offer("", [*(Item.photo(path) for path in many[:3]), Item.page()])
    root = Dataset.create(tmp_path / "pets").root
    page.goto(own_app.address(root, "collect"))
    page.get_by_role("radio", name="List of links").click()
    field = page.get_by_role("textbox", name="Links, one a line")
    field.fill(f"{urls[0]},cat\n{urls[1]},dog\n{urls[2]},dog\n{urls[3]},cat")
    field.press("Tab")

    press_when_drawn(page, settled, "Fetch 4 photos")
    page.get_by_role("heading", name="3 photos came").wait_for()

    assert len(photos_in(root / "cat")) == 1
    assert len(photos_in(root / "dog")) == 2
    page.get_by_text("Addresses that gave no photo (1)").click()
    page.get_by_text(REASONS[0]).first.wait_for()


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses such names")
def test_hostile_names_and_words_are_shown_and_never_obeyed(
    bing, own_app, page, settled, many, tmp_path
):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    title = f"{HOSTILE} ![x](https://beacon.example/x.png)"
    bing.offer(HOSTILE, [replace(Item.photo(path), title=title) for path in many[:4]])
    root = Dataset.create(tmp_path / HOSTILE).root
    page.goto(own_app.address(root, "collect"))
    fill(page, 0, "Class", HOSTILE)
    fill(page, 0, "Photos", "6")
    press_when_drawn(page, settled, "Collect 6 photos")

    page.get_by_role("heading", name="4 photos came").wait_for()
    page.get_by_alt_text(f"A photo of {HOSTILE}").first.wait_for()
    page.get_by_text("no more pictures for these words").wait_for()
    settled(page)
    page.get_by_text("Where photos came from").click()
    field = page.get_by_label("Find photos")
    field.fill(HOSTILE)
    field.press("Enter")
    page.get_by_text("4 photos", exact=True).wait_for()

    assert photos_in(root / HOSTILE)
    assert page.evaluate("window.obeyed") is None
    elsewhere = [url for url in asked if "beacon" in url or "src=x" in url or url.endswith("/x")]
    assert elsewhere == []
    assert page.get_by_test_id("stException").count() == 0


def test_the_empty_page_fits_a_narrow_dark_screen(app, new_page, settled):
    page = new_page(viewport={"width": 420, "height": 900}, color_scheme="dark")
    page.goto(f"{app.url}/collect")
    page.get_by_role("button", name="impressionist vs modernist paintings").wait_for()
    settled(page)

    assert page.get_by_role("heading", name="Collect").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    wide = page.get_by_role("button", name="Collect photos").bounding_box()
    assert wide["x"] >= 0 and wide["x"] + wide["width"] <= 420


def test_pictures_that_arrive_keep_those_before_them(bing, own_app, page, settled, many, tmp_path):
    bing.delay = 1.5  # eight at a time: what is there stays in the line for a while
    bing.gives_at_most = 3  # so that more come only once they are watched
    bing.offer("cat", [Item.photo(path) for path in many])
    root = Dataset.create(tmp_path / "pets", ["cat"]).root
    page.goto(own_app.address(root, "collect"))
    fill(page, 0, "Class", "cat")
    fill(page, 0, "Photos", "40")
    press_when_drawn(page, settled, "Collect 40 photos")
    page.get_by_alt_text("A photo of cat").first.wait_for()
    row = page.locator(".row").first
    height = row.bounding_box()["height"]

    row.evaluate(
        """row => { window.drawnAgain = new Promise(done => {
          const before = [...row.querySelectorAll("img")];
          setTimeout(() => done("no more came"), 30_000);
          const looking = setInterval(() => {
            const now = [...row.querySelectorAll("img")];
            if (now.length <= before.length) return;
            clearInterval(looking);
            done(!before.every((image) => now.includes(image) && image.complete));
          }, 20);
        })}"""
    )
    bing.gives_at_most = None

    assert page.evaluate("window.drawnAgain") is False
    assert row.bounding_box()["height"] == height
    jobs.stop_all([Dataset.open(root).home], timeout_seconds=10)


def test_the_large_view_says_where_a_photo_came_from(app, page, photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    dataset = Dataset.open(root)
    source = Source(
        via="wikimedia", query="old cat", author="<b>Jane</b>", licence="CC BY 4.0", at=1.0
    )
    with dataset.writing() as connection:
        for row in dataset.rows():
            sources.save_source(connection, row.id, source)
    page.goto(app.address(root, "review"))
    page.get_by_role("option").first.wait_for()

    page.get_by_role("option").first.click()
    page.keyboard.press("Enter")

    page.get_by_text("Found with Wikimedia Commons, searching for “old cat”").wait_for()
    page.get_by_text("By <b>Jane</b> · Licence: CC BY 4.0").wait_for()
