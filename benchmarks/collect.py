"""Collecting against fetching one photo after the other: photos a second, and their ratio.

    python benchmarks/collect.py [FOLDER] [--photos 1000] [--delay 0.05] [--rounds 2]

A local server in a process of its own waits for DELAY before each photo. One side asks it for one
photo after the other over one connection and writes them down. The other is Winnow's whole way:
16 connections, every photo decoded, hashed, held against all others, taken into the catalogue.
Without a folder, small photos are made on the spot; a folder is only read.
"""

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import requests
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.collect.collecting import Wanted, collect
from core.collect.engines.bing import read_bing
from core.collect.web.limits import Limits
from core.commands.shared import finish
from core.dataset import Dataset

AT_LEAST = 8.0


def main() -> None:
    """Print both sides' medians over interleaved rounds, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    os.environ["WINNOW_ALLOW_LOOPBACK"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["WINNOW_DATA_DIR"] = str(Path(scratch) / "user")
        folder = arguments.folder or Path(scratch) / "served"
        if arguments.folder is None:
            make_photos(folder, arguments.photos)
        with serving(folder, arguments.delay) as address:
            compare(address, folder.name, Path(scratch), arguments.photos, arguments.rounds)


def compare(address: str, query: str, scratch: Path, count: int, rounds: int) -> None:
    """Time both sides in turn and print what came out."""
    os.environ["WINNOW_SEARCH_BASE_BING"] = address
    urls = found_urls(address, query)[:count]
    seconds: dict[str, list[float]] = {"one after the other": [], "Winnow": []}
    for number in range(rounds):
        one_by_one = scratch / f"plain-{number}"
        seconds["one after the other"].append(timed(partial(fetch_in_turn, urls, one_by_one)))
        dataset = Dataset.create(scratch / f"collected-{number}")
        seconds["Winnow"].append(timed(partial(collected, dataset, query, len(urls))))
        print(f"round {number + 1}: {state_of(dataset)}")
    medians = {side: statistics.median(taken) for side, taken in seconds.items()}
    print(f"{len(urls)} photos, medians of {rounds} rounds")
    for side, taken in seconds.items():
        spread = f"{min(taken):.2f} to {max(taken):.2f} s"
        print(f"{side}: {len(urls) / medians[side]:.0f} photos/s ({spread})")
    ratio = medians["one after the other"] / medians["Winnow"]
    print(f"Winnow / one after the other: {ratio:.1f} (at least {AT_LEAST:g})")


def collected(dataset: Dataset, query: str, count: int) -> None:
    """Winnow's way: from the search to photos in the data set."""
    finish(
        collect(
            dataset,
            [Wanted(class_name=query, query=query, engine="bing", most=count)],
            collection=secrets.token_hex(8),
            limits=Limits(connections=16, a_host=16),
        )
    )


def fetch_in_turn(urls: list[str], folder: Path) -> None:
    """The plain way, over a connection that is kept open: nothing but the bytes on disk."""
    folder.mkdir()
    with requests.Session() as session:
        for number, url in enumerate(urls):
            (folder / f"{number:06}.jpg").write_bytes(session.get(url, timeout=30).content)


def state_of(dataset: Dataset) -> str:
    """How many photos the data set holds, and how many were set aside."""
    return f"{len(dataset.rows())} kept, {dataset.removed_count()} set aside"


def found_urls(address: str, query: str) -> list[str]:
    """All results of the server for the query."""
    urls: list[str] = []
    while True:
        asked = urlencode({"q": query, "first": len(urls) + 1})
        page = requests.get(f"{address}/images/async?{asked}", timeout=30).text
        found = [one.url for one in read_bing(page)]
        if not found:
            return urls
        urls += found


@contextmanager
def serving(folder: Path, delay: float) -> Iterator[str]:
    """The server in a process of its own; yields its address."""
    words = [sys.executable, "-m", "tests.search_server", str(folder), "--delay", str(delay)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def timed(action: Callable[[], object]) -> float:
    """Seconds an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def make_photos(folder: Path, count: int) -> None:
    """Small JPEGs of about 15 KB, none like another."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        image = np.asarray(coarse.resize((320, 240), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = random.integers(-9, 10, image.shape, dtype=np.int16)
        photo = Image.fromarray(np.clip(image + grain, 0, 255).astype(np.uint8))
        photo.save(folder / f"{number:06}.jpg", quality=80)


if __name__ == "__main__":
    main()
