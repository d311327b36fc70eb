"""How fast the gallery and Review are in Chromium: loading, marking, training again.

    python benchmarks/gallery.py [--rounds 5]

Works on made photos and made features in a folder that is deleted afterwards. Prints medians and
the machine's load, which decides more than anything else here, beside what is promised.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright

from core.dataset import Dataset
from tests.browser.conftest import CHROMIUM_OPTIONS, App, free_port
from tests.browser.test_many_tiles import GalleryApp
from tests.conftest import make_photo
from tests.trained_sets import finish, train_on_made_features

CLASSES, PHOTOS, MANY = 10, 900, 500
READY = """count => {
  const host = document.querySelector('[data-testid=stBidiComponentIsolated]');
  const tiles = host?.shadowRoot ? [...host.shadowRoot.querySelectorAll('.tile')] : [];
  const seen = tiles.filter(tile => tile.getBoundingClientRect().top < innerHeight);
  const drawn = tile => tile.querySelector('img').naturalWidth > 0;
  const state = document.querySelector('[data-test-script-state]')?.dataset.testScriptState;
  return tiles.length === count && seen.every(drawn) && state === 'notRunning';
}"""
# One key; resolves with the milliseconds until it was painted and until it was on disk.
PRESS = """async () => {
  const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
  const gallery = root.querySelector('.gallery');
  const saved = new Promise(done => new MutationObserver((_, watch) => {
    if (gallery.dataset.unsaved === '0') { watch.disconnect(); done(performance.now()); }
  }).observe(gallery, {attributeFilter: ['data-unsaved']}));
  const began = performance.now();
  root.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'x', bubbles: true}));
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const painted = performance.now() - began;
  return [painted, await saved - began];
}"""
WATCH_LIST = """() => {
  const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
  window.relisted = new Promise(done => {
    let began = 0;
    const start = () => (began = performance.now());
    document.addEventListener('click', start, {capture: true, once: true});
    new MutationObserver((_, watch) => {
      watch.disconnect();
      done(performance.now() - began);
    }).observe(root.querySelector('.grid'), {childList: true});
  });
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WINNOW_DATA_DIR"] = str(Path(folder) / "user")
        root = make_set(Path(folder) / "photos", PHOTOS)
        many = make_set(Path(folder) / "many", MANY)
        finish(Dataset.open(many).reconcile())
        train_on_made_features(root, mistaken_every=3)
        with chromium() as new_page:
            with running(App, Path(folder)) as app:
                label(app, new_page(), root, rounds)
                review(app, new_page(), root, rounds)
            with running(GalleryApp, Path(folder)) as app:
                load(app.address(many), new_page(), MANY, rounds)
    print(f"Load of the machine while measuring: {os.getloadavg()[0]:.1f}")


def label(app: App, page: Page, root: Path, rounds: int) -> None:
    """Load 200 photos on the Label page and mark some."""
    load(app.address(root, "label", photos="all"), page, 200, rounds, promised=2.0)
    page.locator(".tile").first.click()
    presses = []
    for _ in range(4 * rounds):
        presses.append(page.evaluate(PRESS))
        page.wait_for_timeout(50)
    tell("Label: key to repaint", [painted / 1000 for painted, _ in presses], promised=0.05)
    seconds = [saved / 1000 for _, saved in presses]
    tell("Label: key to disk and back", seconds, promised=0.3)
    dataset = Dataset.open(root)
    while dataset.next_undo() is not None:
        dataset.undo()


def review(app: App, page: Page, root: Path, rounds: int) -> None:
    """Load, mark and retrain on the Review page."""
    count = PHOTOS // 3
    load(app.address(root, "review"), page, min(200, count), rounds)
    page.locator(".tile").first.click()
    presses = []
    for _ in range(4 * rounds):
        presses.append(page.evaluate(PRESS))
        page.wait_for_timeout(50)
    tell("key to repaint", [painted / 1000 for painted, _ in presses], promised=0.05)
    tell("key to disk and back", [saved / 1000 for _, saved in presses])
    seconds = []
    for _ in range(rounds):
        page.locator('.tile[data-state="open"]').first.click()
        page.keyboard.press("x")
        page.wait_for_timeout(1500)
        page.evaluate(WATCH_LIST)
        page.get_by_role("button", name="Train again").click()
        seconds.append(page.evaluate("window.relisted") / 1000)
        page.wait_for_timeout(1500)
    tell(f"click on Train again to the new list ({PHOTOS} photos)", seconds, promised=2.0)


def load(
    address: str, page: Page, count: int, rounds: int, *, promised: float | None = None
) -> None:
    """From the start of the navigation until all tiles are there and all in sight are drawn."""
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_function(READY, arg=count, polling=20)
        seconds.append(time.perf_counter() - began)
    tell(f"load of {count} photos", seconds[1:], promised=promised)  # the first makes thumbnails


def tell(what: str, seconds: list[float], *, promised: float | None = None) -> None:
    """Print the median, and the promise where there is one."""
    promise = "" if promised is None else f" (promised: {promised:.3g} s)"
    print(f"{what}: {statistics.median(seconds):.3f} s, worst {max(seconds):.3f} s{promise}")


def make_set(root: Path, photos: int) -> Path:
    """A folder of made photos in ten classes."""
    for number in range(photos):
        path = root / str(number % CLASSES) / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_photo(size=(320, 240), seed=number).save(path)
    return root


@contextmanager
def running(kind: type[App], folder: Path) -> Iterator[App]:
    """A server of the app."""
    app = kind(free_port(), folder / "server.log")
    app.start()
    try:
        yield app
    finally:
        app.stop()


@contextmanager
def chromium() -> Iterator[Callable[[], Page]]:
    """The system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_OPTIONS))
        yield lambda: browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


if __name__ == "__main__":
    main()
