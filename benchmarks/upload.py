"""How soon an uploaded zip is in the data set, checked and visible, in Chromium.

    python benchmarks/upload.py [--photos 600] [--rounds 3]

Made photos of 640x480, about 100 KB each, in three class folders. The clock runs from handing the
file to the browser until twelve of its photos are drawn on the page, the click on Add included.
Prints each part, the machine's load, which decides much here, and the limit that is promised.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright

from core.dataset import Dataset
from core.dataset.verdicts import load_verdicts
from tests.browser.conftest import CHROMIUM_OPTIONS, App, free_port
from tests.browser.test_uploads import jpeg, open_uploads, upload, wait_for_pictures, zip_of

LIMIT_SECONDS = 10
PARTS = ("sent and looked through", "added, checked", "drawn")


def main() -> None:
    """Measure some rounds, each into an empty data set, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="winnow-upload-") as place:
        os.environ["WINNOW_DATA_DIR"] = f"{place}/user"
        rounds = measure(Path(place), chosen.photos, chosen.rounds)
    for number, part in enumerate(PARTS):
        print(f"{part:>24}: {statistics.median(one[number] for one in rounds):5.2f} s")
    total = statistics.median(map(sum, rounds))
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    print(f"{'in all':>24}: {total:5.2f} s (limit {LIMIT_SECONDS} s for 600; {cores} cores, "
          f"load {load:.1f})")  # fmt: skip


def measure(place: Path, photos: int, rounds: int) -> list[list[float]]:
    """Seconds of each part, round by round."""
    names = [f"set/{('cat', 'dog', 'fox')[n % 3]}/{n:05}.jpg" for n in range(photos)]
    made = {name: jpeg(seed, (640, 480), grain=27) for seed, name in enumerate(names)}
    archive = zip_of(place / "holiday.zip", made)
    print(f"{photos} photos, {archive.stat().st_size / 1e6:.0f} MB")
    app = App(free_port(), place / "server.log")
    app.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=list(CHROMIUM_OPTIONS)
            )
            return [
                one_round(browser.new_page(), app, place / f"round {number}", archive, photos)
                for number in range(rounds)
            ]
    finally:
        app.stop()


def one_round(page: Page, app: App, root: Path, archive: Path, photos: int) -> list[float]:
    """Seconds of each part."""
    page.set_default_timeout(300_000)
    Dataset.create(root)
    open_uploads(page, app, root)
    times = [time.monotonic()]
    upload(page, archive)
    add = page.get_by_role("button", name=f"Add {photos:,} photos")
    add.wait_for()
    times.append(time.monotonic())
    add.click()
    page.get_by_text("All were checked.").wait_for()
    times.append(time.monotonic())
    wait_for_pictures(page, 12)
    times.append(time.monotonic())
    dataset = Dataset.open(root)
    assert len(dataset.rows()) == len(load_verdicts(dataset)) == photos
    page.close()
    return [end - begin for begin, end in zip(times, times[1:], strict=False)]


if __name__ == "__main__":
    main()
