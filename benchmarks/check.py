"""The sweep against bare parallel Pillow, and against fastai where it is there: photos a second.

    python benchmarks/check.py [FOLDER] [--photos 5000] [--small] [--rounds 5]
        [--peer-python PYTHON]

Without a folder, photos of mixed size are made on the spot, from 200 pixels a side to 12 million
pixels; with ``--small`` all have 200 by 200. A folder is copied first and never written to.

All sides use all processors and start their processes within the time taken. Pillow opens and
loads every file: at full size; in the same way as our sweep, which takes of a JPEG a picture of at
least 64 pixels a side while it reads all of the file; and as fastai does, at 32 pixels a side. The
second is the same work as ours without its verdict and its measures.
Our sweep also judges and measures each and keeps what it found. fastai's ``verify_images`` runs in
a Python that has it. Sides take turns, so that other work on the machine weighs on all alike.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from PIL import Image

from core.clean.quality import DECODED_SIDE
from core.clean.sweep import check
from core.commands.shared import finish
from core.dataset import Dataset
from core.images.files import is_ignored
from core.images.helper_pool import available_cores

FASTAI_SIDE = 32  # pixels: what fastai asks a JPEG's reader for at least
SAME_WAY = "Pillow, decoding the same way"
PROMISED = {SAME_WAY: 0.8, "fastai's verify_images": 0.8}

# Sizes of the photos made, each with how many of 100 have it: what a web search and a phone bring.
MIXED = (
    ((200, 200), 25),
    ((400, 300), 25),
    ((500, 375), 20),
    ((1024, 768), 20),
    ((1600, 1200), 8),
    ((4000, 3000), 2),
)
SMALL = (((200, 200), 100),)
DIFFERENT = 8  # photos drawn of each size; copies differ in a comment, so that all are decoded

FASTAI = """
import json, sys, time
from pathlib import Path
from fastai.vision.utils import verify_images
if __name__ == "__main__":
    files = [Path(name) for name in json.loads(sys.stdin.read())]
    started = time.perf_counter()
    verify_images(files)
    print(time.perf_counter() - started)
"""


def main() -> None:
    """Print each side's median over interleaved rounds, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--small", action="store_true", help="make only photos of 200 by 200")
    parser.add_argument("--peer-python", type=Path, help="a Python with fastai")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "photos"
        if arguments.folder:
            shutil.copytree(arguments.folder, root, ignore=shutil.ignore_patterns(".winnow"))
        else:
            make_photos(root, arguments.photos, SMALL if arguments.small else MIXED)
        compare(root, rounds=arguments.rounds, peer=arguments.peer_python)


def compare(root: Path, *, rounds: int, peer: Path | None) -> None:
    """Time all sides in turn and print what came out."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    files = [path for path in files if not is_ignored(path.name)]
    ours = "Winnow"
    sides: dict[str, Callable[[], float]] = {
        "Pillow, full size": lambda: timed(lambda: decode_all(files, decodes)),
        SAME_WAY: lambda: timed(lambda: decode_all(files, decodes_as_we_do)),
        "Pillow, as small as fastai": lambda: timed(lambda: decode_all(files, decodes_small)),
        ours: lambda: check_all(root),
    }
    if peer is not None:
        sides["fastai's verify_images"] = lambda: verify_all(files, peer)
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, take in sides.items():
            seconds[side].append(take())
    medians = {side: statistics.median(taken) for side, taken in seconds.items()}
    print(f"{len(files)} files, {available_cores()} processors, medians of {rounds} rounds")
    for side, taken in seconds.items():
        spread = f"{min(taken):.2f} to {max(taken):.2f} s"
        print(f"{side}: {len(files) / medians[side]:.0f} files/s ({spread})")
    for side in sides:
        if side != ours:
            # Rounds are compared one by one: what disturbed one disturbed its neighbours.
            turns = zip(seconds[side], seconds[ours], strict=True)
            ratio = statistics.median(theirs / taken for theirs, taken in turns)
            limit = f", promised {PROMISED[side]}" if side in PROMISED else ""
            print(f"Winnow / {side}: {ratio:.2f}{limit}")


def check_all(root: Path) -> float:
    """Seconds our sweep takes on a data set never checked before; indexing is not counted."""
    shutil.rmtree(root / ".winnow", ignore_errors=True)
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return timed(lambda: finish(check(dataset)))


def verify_all(files: list[Path], peer: Path) -> float:
    """Seconds fastai takes; its imports are not counted."""
    done = subprocess.run(
        [str(peer), "-c", FASTAI],
        input=json.dumps([str(path) for path in files]),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def decode_all(files: list[Path], decode: Callable[[Path], bool]) -> None:
    """Bare Pillow on all processors."""
    with ProcessPoolExecutor(available_cores()) as pool:
        list(pool.map(decode, files, chunksize=32))


def decodes(path: Path) -> bool:
    """Whether Pillow can load the whole of a file."""
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:  # whatever a reader raises, which is more than Pillow's own errors
        return False
    return True


def decodes_as_we_do(path: Path) -> bool:
    """The same, a JPEG as small as our sweep takes it while all of it is read."""
    return _decodes_down_to(path, DECODED_SIDE)


def decodes_small(path: Path) -> bool:
    """The same, a JPEG as small as fastai takes it."""
    return _decodes_down_to(path, FASTAI_SIDE)


def _decodes_down_to(path: Path, side: int) -> bool:
    try:
        with Image.open(path) as image:
            image.draft(image.mode, (side, side))
            image.load()
    except Exception:  # whatever a reader raises, which is more than Pillow's own errors
        return False
    return True


def timed(action: Callable[[], object]) -> float:
    """Seconds an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def make_photos(root: Path, count: int, sizes: tuple[tuple[tuple[int, int], int], ...]) -> None:
    """Fill two class folders with JPEGs that hold about as much detail as photos."""
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
    number = 0
    for size, share in sizes:
        drawn = [_drawn(size, random) for _ in range(DIFFERENT)]
        for _ in range(count * share // 100):
            path = root / ("cat", "dog")[number % 2] / f"{number:06}.jpg"
            path.write_bytes(_with_comment(drawn[number % DIFFERENT], f"{number:06}".encode()))
            number += 1


def _drawn(size: tuple[int, int], random: np.random.Generator) -> bytes:
    coarse = Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    image = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-9, 10, image.shape, dtype=np.int16)
    with tempfile.TemporaryFile() as file:
        Image.fromarray(np.clip(image + grain, 0, 255).astype(np.uint8)).save(
            file, "JPEG", quality=88
        )
        file.seek(0)
        return file.read()


def _with_comment(jpeg: bytes, words: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + jpeg[2:]


if __name__ == "__main__":
    main()
