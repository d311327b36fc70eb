"""Make the screenshots in ``docs/images`` anew: ``.venv/bin/python docs/screenshots.py``.

Walks the loop on the circles sample in the system's Chromium, with a user folder of its own, and
keeps each page in light and in dark. The marks on Review are made with real keys. Collect searches
a local server that plays Bing, whose photos are circles drawn by Winnow.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT))

# The folder above is not on the path before.
from core.collect.circle_sets import CircleChoices, file_name, picture  # noqa: E402
from launcher.server import serve  # noqa: E402
from tests.search_server import Item, SearchServer  # noqa: E402

SCHEMES = ("light", "dark")
MARKS = 3
SEARCHED = {"two circles": 2, "five circles": 5}  # class and search words: circles on its pictures
FOUND = 24  # pictures a search
# Counting needs all stages, and changes that keep every circle.
DEEP = ["--mode", "deep", "--freeze-to", "0", "--augment", "count", "--size", "128"]
DEEP += ["--epochs", "8"]
SIZE = {"width": 1280, "height": 860}
CHROMIUM_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
]
MEND = """
import sys
from pathlib import Path
from core.commands.shared import finish
from core.dataset import Dataset
from core.dataset.planted import planted
dataset = Dataset.open(Path(sys.argv[1]))
finish(dataset.refresh())
for content, true_class in planted(dataset).items():
    ids = [row.id for row in dataset.rows() if row.content == content]
    if dataset.get(ids)[ids[0]].class_name != true_class:
        dataset.relabel(ids, true_class)
"""


def main() -> None:
    """Make the sample, walk the loop twice, once in each scheme."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        # The title of Home is the folder's name, and its path is shown: a plain one.
        os.environ["WINNOW_DATA_DIR"] = folder
        welcome = run_module("core.commands.welcome")
        sample = Path(folder) / "samples" / "circles"
        with playing_bing(Path(folder) / "web") as bing:
            os.environ["WINNOW_SEARCH_BASE_BING"] = bing.url
            os.environ["WINNOW_ALLOW_LOOPBACK"] = "1"
            running = serve(None, data=Path(folder))
            try:
                with chromium() as browser:
                    collect(browser, running.address(), Path(folder))
                    walk(browser, running.address(), welcome["token"], sample)
            finally:
                running.end()


@contextmanager
def playing_bing(folder: Path) -> Iterator[SearchServer]:
    """A server that finds drawn circles, one of them twice, and a page that is no picture."""
    folder.mkdir()
    choices = CircleChoices(per_class=FOUND)
    with SearchServer(delay=0.05) as server:
        for words, circles in SEARCHED.items():
            drawn = [folder / file_name(choices, circles, number) for number in range(FOUND)]
            for number, path in enumerate(drawn):
                picture(choices, circles, number).save(path)
            found = [Item.photo(path) for path in drawn]
            server.offer(words, [*found[:6], Item.page(), *found[6:]])
        yield server


def collect(browser: Browser, address: str, folder: Path) -> None:
    """Collect two classes, and keep what the page shows then."""
    with tab(browser, SCHEMES[0]) as page:
        open_page(page, f"{address}/collect")
        page.get_by_role("button", name="Name and place").click()
        place = page.get_by_label("In the folder")
        place.fill(str(folder))
        place.press("Enter")
        still(page)
        page.keyboard.press("Escape")
        for row, words in enumerate(SEARCHED):
            for label, text in (("Class", words), ("Photos", str(FOUND - 4))):
                field = page.get_by_label(label, exact=True).nth(row)
                field.fill(text)
                field.press("Tab")
                still(page)
        page.get_by_role("button", name=f"Collect {len(SEARCHED) * (FOUND - 4)} photos").click()
        page.get_by_role("heading", name="photos came").wait_for()
        place_of_it = page.url
    for scheme in SCHEMES:
        with tab(browser, scheme) as page:
            keep(page, place_of_it, "collect", scheme)


def walk(browser: Browser, address: str, token: str, sample: Path) -> None:
    """Keep every page: first with the mistakes in, then mended and trained again."""
    for scheme in SCHEMES:
        with tab(browser, scheme) as page:
            for name in ("", "check", "label", "train", "results"):
                keep(page, f"{address}/{name}?set={token}", name or "home", scheme)
    with tab(browser, SCHEMES[0]) as page:
        open_page(page, f"{address}/review?set={token}")
        mark(page)
    for scheme in SCHEMES:
        with tab(browser, scheme) as page:
            open_page(page, f"{address}/review?set={token}")
            review(page, scheme)
            keep(page, f"{address}/history?set={token}", "history", scheme)
    subprocess.run([sys.executable, "-c", MEND, str(sample)], cwd=ROOT, check=True)
    run_module("core", "train", str(sample))
    for scheme in SCHEMES:
        with tab(browser, scheme) as page:
            keep(page, f"{address}/compare?set={token}", "compare", scheme)
    run_module("core", "train", str(sample), *DEEP)
    for scheme in SCHEMES:
        with tab(browser, scheme) as page:
            open_page(page, f"{address}/train?set={token}")
            page.get_by_role("radio", name="Deep").or_(
                page.get_by_role("button", name="Deep", exact=True)
            ).first.click()
            shoot(page, "train-deep", scheme)
            keep(page, f"{address}/runs?set={token}", "runs", scheme)


def mark(page: Page) -> None:
    """Move the first photos to the class that the model says, with keys."""
    page.get_by_role("option").first.click()
    for number in range(MARKS):
        words = page.get_by_role("option").nth(number).inner_text()
        page.keyboard.press(words.split("Model says ")[1][0])
    expect(page.get_by_text("now: ")).to_have_count(MARKS)
    expect(page.get_by_text(f"{MARKS} marked")).to_be_visible()  # so they are on disk


def review(page: Page, scheme: str) -> None:
    """Keep the gallery, and the large view with its heat maps."""
    expect(page.get_by_text(f"{MARKS} marked")).to_be_visible()
    page.get_by_role("option").nth(MARKS).click()
    shoot(page, "review", scheme)
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    expect(page.get_by_text("What speaks for")).to_have_count(2)
    expect(page.get_by_text("Drawing the heat map")).to_have_count(0)
    shoot(page, "heat-maps", scheme)


def keep(page: Page, address: str, name: str, scheme: str) -> None:
    """Open a page and keep how it looks."""
    open_page(page, address)
    shoot(page, name, scheme)


def open_page(page: Page, address: str) -> None:
    """Open a page and wait until its script has run and it stands still."""
    page.goto(address)
    page.get_by_role("heading", level=1).wait_for()
    still(page)


def still(page: Page) -> None:
    page.locator("[data-test-script-state=notRunning]").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.images].every(image => image.complete)")


def shoot(page: Page, name: str, scheme: str) -> None:
    """Keep the window as it is."""
    still(page)
    page.wait_for_timeout(800)  # charts fade in
    page.screenshot(path=IMAGES / f"{name}-{scheme}.png")


def run_module(module: str, *words: str) -> dict:
    """Run one of Winnow's modules; what it prints last as JSON, if it does."""
    ended = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    last = ended.stdout.decode().strip().splitlines()[-1]
    return json.loads(last) if last.startswith("{") else {}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        sys.exit("This needs Chromium: install the system's package.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, scheme: str) -> Iterator[Page]:
    """A tab in light or dark."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


if __name__ == "__main__":
    main()
