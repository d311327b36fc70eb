"""Does the app hold at 100,000 photos? Makes such a data set, then measures reopening and pages.

    python benchmarks/large.py [--photos 100000] [--folder DIR]

The photos are tiny and the features and predictions made up: what is measured is the catalogue,
the pages and the server's memory, not the network. Prints each figure beside its limit. Give
``--folder`` to use a data set again; otherwise it is made in a temporary folder and deleted.
"""

import argparse
import io
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

CLASSES = 15
BASE_PHOTOS = 20
ERROR_SHARE = 0.04  # of made predictions
BATCH = 4096
SECONDS_TO_REOPEN = 5.0
SECONDS_TO_APPEAR = 2.0
SERVER_MEGABYTES = 1000.0
VISITS = 5
FLIPS = 50
BROWSER_GROWTH = 1.2  # over the flips after the first ten: more than that is growth
# One key turns a page; resolves with the seconds until other photos stand there, in sight drawn.
FLIP = """async key => {
  const root = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
  const first = () => root.querySelector('.tile').dataset.id;
  const before = first(), began = performance.now();
  root.querySelector('.tile').dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  const drawn = () => [...root.querySelectorAll('.tile')]
    .filter(tile => tile.getBoundingClientRect().top < innerHeight)
    .every(tile => tile.querySelector('img').naturalWidth > 0);
  while (first() === before || !drawn()) {
    if (performance.now() - began > 30000) throw new Error('the page was not turned');
    await new Promise(done => setTimeout(done, 10));
  }
  return (performance.now() - began) / 1000;
}"""

# Page, and something on it that is there only once its content is.
PAGES = {
    "home": "[data-testid='stMain'] h1",
    "check": "[data-testid='stMain'] h1",
    "train": ".st-key-train_start",
    "results": ".js-plotly-plot .nsewdrag",
    "review": "[role=option] img",
    "label": "[role=option] img",
    "compare": "[data-testid='stMain'] h1",
}


def make_photos(root: Path, photos: int) -> None:
    """Write tiny JPEGs into class folders: few pictures, but no two files with the same bytes."""
    random = np.random.default_rng(0)
    bases = []
    for _ in range(BASE_PHOTOS):
        coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        coarse.resize((64, 64), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=70)
        bases.append(buffer.getvalue())
    for number in range(photos):
        folder = root / f"class_{number % CLASSES:02}"
        if number < CLASSES:
            folder.mkdir(parents=True, exist_ok=True)
        # What follows the end of a JPEG is no part of the picture.
        unique = bases[number % BASE_PHOTOS] + number.to_bytes(4, "little")
        (folder / f"{number:06}.jpg").write_bytes(unique)


def make_features(home: Path, contents: list[str]) -> None:
    """Fill the feature store with numbers of the right shape."""
    from core.networks.features import FeatureStore

    store = FeatureStore(home, "lite0")
    random = np.random.default_rng(1)
    pattern = random.standard_normal((BATCH, 2, 1280), dtype=np.float32).astype(np.float16)
    for start in range(0, len(contents), BATCH):
        part = contents[start : start + BATCH]
        store.add(part, pattern[: len(part)])


def make_run(home: Path, rows: list, *, identity: str, seed: int) -> None:
    """Save a run whose predictions are right but for a small share."""
    from core.runs import Predictions, Run, save_run

    random = np.random.default_rng(seed)
    classes = tuple(sorted({row.class_name for row in rows}))
    index = {name: at for at, name in enumerate(classes)}
    given = np.array([index[row.class_name] for row in rows], np.int16)
    favourite = given.astype(np.int64)
    mistaken = random.random(len(rows)) < ERROR_SHARE
    favourite[mistaken] = (given[mistaken] + random.integers(1, len(classes))) % len(classes)
    probs = random.random((len(rows), len(classes)), dtype=np.float32) + 0.05
    probs[np.arange(len(rows)), favourite] += random.uniform(4, 80, len(rows))
    probs /= probs.sum(axis=1, keepdims=True)
    predictions = Predictions(
        file_id=np.array([row.id for row in rows], np.int64),
        content=tuple(row.content for row in rows),
        given=given,
        fold=(np.arange(len(rows)) % 5).astype(np.int8),
        probs=probs,
    )
    loss = float(np.mean(-np.log(probs[np.arange(len(rows)), given])))
    run = Run(
        id=identity,
        mode="quick",
        backbone="lite0",
        classes=classes,
        images=len(rows),
        judged=len(rows),
        wrong=int(mistaken.sum()),
        error_rate=float(mistaken.mean()),
        loss=loss,
        seconds={"embed": 820.0, "fit": 21.0},
        l2=0.001,
        folds=5,
        created=time.time(),
        step=None,
        settings={},
        warnings=(),
    )
    size = (len(classes), 1280)
    tensors = {
        "weight": random.standard_normal(size, dtype=np.float32),
        "bias": np.zeros(len(classes), np.float32),
        "fold_weight": random.standard_normal((5, *size), dtype=np.float32),
        "fold_bias": np.zeros((5, len(classes)), np.float32),
    }
    curve = [
        {"phase": "fit", "step": step, "train_loss": 1 / step, "valid_loss": 1.1 / step + 0.1}
        for step in range(1, 31)
    ]
    save_run(home, run, predictions, tensors, curve)


def first_indexing(root: Path) -> float:
    """Seconds to index a data set that Winnow has never seen."""
    from core.dataset import Dataset

    started = time.perf_counter()
    for _ in Dataset.open(root).reconcile():
        continue
    return time.perf_counter() - started


REOPEN = """
import sys, time
started = time.perf_counter()
from pathlib import Path
from core.dataset import Dataset
dataset = Dataset.open(Path(sys.argv[1]))
for _ in dataset.reconcile():
    pass
print(sum(dataset.counts().values()), time.perf_counter() - started)
"""


def reopening(root: Path, photos: int) -> float:
    """Seconds to open it again and look at every file, in a new process, imports included."""
    seconds = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", REOPEN, str(root)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        found, took = done.stdout.split()
        if int(found) != photos:
            raise SystemExit(f"Reopening found {found} photos instead of {photos}.")
        seconds.append(float(took))
    return statistics.median(seconds)


@contextmanager
def server(environment: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """Run the app on a free port; gives its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py"]
        + [f"--server.port={port}", "--server.headless=true"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://localhost:{port}"
    try:
        wait_for(f"{address}/_stcore/health")
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_for(url: str) -> None:
    """Return once the address answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("The app did not start within a minute.")


def visit_pages(address: str, token: str, process: psutil.Process) -> tuple[dict, float]:
    """Median seconds until each page shows its content, and the server's peak memory in MB."""
    from playwright.sync_api import sync_playwright

    medians, peak = {}, 0.0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", shutil.which("chromium")),
            args=["--no-sandbox"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{address}/?set={token}")  # the browser's cache, as any second visit has it
        page.wait_for_selector("h1", timeout=60_000)
        for name, sign in PAGES.items():
            seconds = []
            for _ in range(VISITS):
                started = time.perf_counter()
                path = "" if name == "home" else name
                page.goto(f"{address}/{path}?set={token}", wait_until="commit")
                page.wait_for_selector(sign, timeout=60_000)
                page.wait_for_selector(
                    "[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000
                )
                seconds.append(time.perf_counter() - started)
                peak = max(peak, process.memory_info().rss / 1e6)
            medians[name] = statistics.median(seconds)
            print(f"  {name}: " + ", ".join(f"{value:.2f}" for value in seconds), flush=True)
        flips, memory = flip_pages(page, f"{address}/label?set={token}&photos=all")
        medians["label, flip"] = statistics.median(flips)
        peak = max(peak, process.memory_info().rss / 1e6)
        print(
            f"  {FLIPS} flips of 200 photos: median {medians['label, flip']:.2f}, "
            f"worst {max(flips):.2f}; browser {memory[0]:.0f} MB after ten flips, "
            f"{memory[1]:.0f} MB at the end",
            flush=True,
        )
        medians["browser growth"] = memory[1] / memory[0]
        browser.close()
    return medians, peak


def flip_pages(page: "Page", address: str) -> tuple[list[float], tuple[float, float]]:
    """Turn pages of the Label page by key; seconds of each, and the browser's memory in MB."""
    session = page.context.new_cdp_session(page)
    page.goto(address)
    page.wait_for_selector("[role=option] img", timeout=60_000)
    seconds, early = [], 0.0
    for flip in range(FLIPS):
        seconds.append(page.evaluate(FLIP, "]"))
        if flip == 9:
            early = browser_memory(session)
    return seconds, (early, browser_memory(session))


def browser_memory(session: "CDPSession") -> float:
    """What the tab's scripts hold after a collection, in MB."""
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def prepare(root: Path, photos: int) -> float | None:
    """Make what is not there yet; gives the seconds of the first indexing, if it took place."""
    from core.dataset import Dataset
    from core.runs import latest_run

    indexing = None
    if not root.exists():
        print(f"Writing {photos:,} photos", flush=True)
        make_photos(root, photos)
        print("Indexing", flush=True)
        indexing = first_indexing(root)
    dataset = Dataset.open(root)
    if latest_run(dataset.home) is None:
        print("Making features and runs", flush=True)
        rows = dataset.rows()
        make_features(dataset.home, [row.content for row in rows])
        make_run(dataset.home, rows, identity="20260101-120000-000000", seed=2)
        make_run(dataset.home, rows, identity="20260101-130000-000000", seed=3)
    return indexing


def report(figures: list[tuple[str, float, float | None, str]]) -> bool:
    """Print a table of figures, limits and their ratio; say whether all limits are kept."""
    print(f"\n{'what':<28}{'measured':>12}{'limit':>10}{'ratio':>8}")
    kept = True
    for what, value, limit, unit in figures:
        line = f"{what:<28}{value:>9.2f} {unit:<2}"
        if limit is not None:
            kept = kept and value < limit
            line += f"{limit:>7.0f} {unit:<2}{value / limit:>8.2f}"
        print(line)
    return kept


def measure(folder: Path, photos: int) -> bool:
    """Measure everything on a data set in this folder; say whether all limits are kept."""
    os.environ["WINNOW_DATA_DIR"] = str(folder / "user")
    from core.dataset.recent import remember

    root = folder / "photos"
    indexing = prepare(root, photos)
    figures: list[tuple[str, float, float | None, str]] = []
    busy = [psutil.getloadavg()[0]]
    if indexing is not None:
        figures.append(("first indexing", indexing, None, "s"))
    figures.append(("reopening", reopening(root, photos), SECONDS_TO_REOPEN, "s"))
    with server({**os.environ}) as (address, process):
        medians, peak = visit_pages(address, remember(root), process)
    growth = medians.pop("browser growth")
    figures.append(("browser, end against start", growth, BROWSER_GROWTH, ""))
    for name, seconds in medians.items():
        figures.append((f"page {name} appears", seconds, SECONDS_TO_APPEAR, "s"))
    figures.append(("server memory, peak", peak, SERVER_MEGABYTES, "MB"))
    busy.append(psutil.getloadavg()[0])
    print(
        f"\nProcesses that wanted to run, before and after: {busy[0]:.1f} and {busy[1]:.1f}, "
        f"on {os.cpu_count()} cores. Far more than cores: the figures say little about Winnow."
    )
    return report(figures)


def main() -> None:
    """Run the benchmark; exit 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="kept afterwards, and used again if it exists")
    chosen = parser.parse_args()
    if chosen.folder:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        kept = measure(chosen.folder, chosen.photos)
    else:
        with tempfile.TemporaryDirectory(prefix="winnow-large-") as folder:
            kept = measure(Path(folder), chosen.photos)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
