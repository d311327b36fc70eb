"""How often the loss chart changes in Chromium while a deep training runs beside it.

    python benchmarks/live_chart.py FOLDER [--photos 480]

FOLDER holds class folders; it is copied. The real network trains with the usual settings and then
with everything unfrozen, at its own image size. A change is another picture of the chart; how far
apart they are is counted in the page itself, from the first point to the end. Promised: at least
once a second, and the chart is never mounted anew while it grows.
"""

import argparse
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page

from benchmarks.finetune import copy_some
from benchmarks.gallery import chromium, running
from core import jobs
from tests.browser.conftest import App

PROMISED = 1.0  # seconds
LATE = 0.05  # of all gaps may be longer: epochs end, and the machine does other things
MILLISECONDS = 600_000
KINDS = {
    "usual settings": "Let Winnow choose: the last stages learn",
    "everything unfrozen": "Everything learns (unfrozen)",
}
# Every change of the chart: its moment, and which element it was, counted from 0.
WATCH = """chart => {
  const known = new Map();
  let last = null;
  window.changes = [];
  setInterval(() => {
    const drawn = document.querySelector(`${chart} canvas, ${chart} svg`);
    if (!drawn) return;
    if (!known.has(drawn)) known.set(drawn, known.size);
    const now = drawn.toDataURL ? drawn.toDataURL() : drawn.outerHTML;
    if (now === last) return;
    last = now;
    window.changes.push([performance.now() / 1000, known.get(drawn)]);
  }, 100);
}"""
CHART = "[aria-label^='Loss chart of deep training']"


def main() -> int:
    """Measure both, print, and fail if the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=480)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WINNOW_DATA_DIR"] = str(Path(folder) / "user")
        root = Path(folder) / "photos"
        print(f"{copy_some(arguments.folder, root, arguments.photos)} photos")
        with chromium() as new_page, running(App, Path(folder)) as app:
            held = [watched(app, new_page(), root, *kind) for kind in KINDS.items()]
        jobs.stop_all([root / ".winnow"], timeout_seconds=5)
    print(f"Load of the machine at the end: {os.getloadavg()[0]:.1f}")
    return 0 if all(held) else 1


def watched(app: App, page: Page, root: Path, name: str, freeze: str) -> bool:
    """Train once and print how far apart the changes are; whether the promise is kept."""
    page.set_default_timeout(60_000)
    page.goto(app.address(root, "train"))
    page.locator(".st-key-train_mode").get_by_text("Deep", exact=True).click()
    page.locator(".st-key-deep_advanced summary").first.click()
    page.locator(".st-key-deep_freeze input").first.click()
    page.locator(".st-key-deep_freeze input").first.fill(freeze)  # the list scrolls by itself
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("The plan: ")).first.wait_for()
    page.wait_for_timeout(1000)
    page.locator(".st-key-deep_start button:visible:not([disabled])").click()
    page.locator(".st-key-deep_figures").get_by_text(re.compile(r"\d+ of \d+")).wait_for(
        timeout=MILLISECONDS
    )
    page.evaluate(WATCH, CHART)
    page.locator(".st-key-deep_job_stop").first.wait_for(state="detached", timeout=MILLISECONDS)
    changes = page.evaluate("window.changes")
    page.close()
    growing = [moment for moment, element in changes if element == 0]
    gaps = [after - before for before, after in zip(growing, growing[1:], strict=False)]
    late = sum(gap > PROMISED for gap in gaps) / max(1, len(gaps))
    kept = len(gaps) > 3 and late <= LATE
    print(
        f"{name}: {len(growing)} changes of one chart, median gap {statistics.median(gaps):.2f} s, "
        f"longest {max(gaps):.2f} s, {late:.0%} over the promised {PROMISED:g} s: "
        f"{'kept' if kept else 'BROKEN'}"
    )
    return kept


if __name__ == "__main__":
    sys.exit(main())
