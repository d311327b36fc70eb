"""The sweep against bare parallel Pillow: files a second, and their ratio.

    python benchmarks/check.py [FOLDER] [--rounds 5] [--photos 2000]

Without a folder, photos of 500 by 375 pixels are made on the spot. A folder is copied first and
never written to. Both sides use all processors and start their processes within the time taken;
Pillow opens and loads every file, our sweep also judges it and keeps the verdict.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from core.clean.sweep import check
from core.commands.shared import finish
from core.dataset import Dataset
from core.images.files import is_ignored
from core.images.helper_pool import available_cores


def main() -> None:
    """Print both sides' medians over interleaved rounds, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, default=2000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "photos"
        if arguments.folder:
            shutil.copytree(arguments.folder, root, ignore=shutil.ignore_patterns(".winnow"))
        else:
            make_photos(root, arguments.photos)
        compare(root, rounds=arguments.rounds)


def compare(root: Path, *, rounds: int) -> None:
    """Time both sides in turn and print what came out."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    files = [path for path in files if not is_ignored(path.name)]
    seconds: dict[str, list[float]] = {"Pillow": [], "Winnow": []}
    for _ in range(rounds):
        seconds["Pillow"].append(timed(lambda: decode_all(files)))
        dataset = freshly_indexed(root)
        seconds["Winnow"].append(timed(lambda: finish(check(dataset))))  # noqa: B023
    medians = {side: statistics.median(taken) for side, taken in seconds.items()}
    print(f"{len(files)} files, {available_cores()} processors, medians of {rounds} rounds")
    for side, taken in seconds.items():
        spread = f"{min(taken):.2f} to {max(taken):.2f} s"
        print(f"{side}: {len(files) / medians[side]:.0f} files/s ({spread})")
    print(f"Winnow / Pillow: {medians['Pillow'] / medians['Winnow']:.2f}")


def freshly_indexed(root: Path) -> Dataset:
    """The data set as never checked before; indexing is not part of the time taken."""
    shutil.rmtree(root / ".winnow", ignore_errors=True)
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return dataset


def decode_all(files: list[Path]) -> None:
    """Bare Pillow on all processors."""
    with ProcessPoolExecutor(available_cores()) as pool:
        list(pool.map(decodes, files, chunksize=32))


def decodes(path: Path) -> bool:
    """Whether Pillow can load the whole of a file."""
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:
        return False
    return True


def timed(action: Callable[[], object]) -> float:
    """Seconds an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def make_photos(root: Path, count: int) -> None:
    """Fill two class folders with JPEGs that hold about as much detail as photos."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        image = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = random.integers(-9, 10, image.shape, dtype=np.int16)
        path = root / ("cat", "dog")[number % 2] / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(image + grain, 0, 255).astype(np.uint8)).save(path, quality=88)


if __name__ == "__main__":
    main()
