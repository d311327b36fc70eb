"""How long a data set of 100,000 photos takes to open again, to refresh and to change.

    python -m benchmarks.dataset [--photos N] [--folder FOLDER]

Makes small files in ten class folders below FOLDER (kept for the next time), indexes them once,
then measures in a process of its own what a user waits for. Promised on an idle 2-core machine:
reopening under 5 seconds, a refresh under 0.05.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CLASSES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    root = arguments.folder / f"winnow-benchmark-{arguments.photos}"
    if arguments.inner:
        print(json.dumps(measure(root)))
        return
    make(root, arguments.photos)
    command = [sys.executable, "-m", "benchmarks.dataset", "--inner"]
    command += ["--photos", str(arguments.photos), "--folder", str(arguments.folder)]
    for run in ("first", "again"):
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        print(f"\n{run}")
        for name, figure in json.loads(printed).items():
            print(f"  {name:40} {figure:10.3f}")


def make(root: Path, photos: int) -> None:
    """Write the files, unless they are there."""
    for number in range(photos):
        path = root / f"class_{number % CLASSES}" / f"{number:07}.jpg"
        if number < CLASSES:
            path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(f"photo {number}".encode() * 30)


def measure(root: Path) -> dict[str, float]:
    """Seconds for each thing a user waits for, and the memory it took."""
    import psutil

    from core.dataset import Dataset

    figures: dict[str, float] = {}

    def timed(name: str, action: Callable[[], object], times: int = 1) -> None:
        taken = []
        for _ in range(times):
            started = time.perf_counter()
            action()
            taken.append(time.perf_counter() - started)
        figures[f"{name}, s"] = statistics.median(taken)

    holder: list[Dataset] = []
    timed("open", lambda: holder.append(Dataset.open(root)))
    dataset = holder[0]
    timed("reconcile", lambda: list(dataset.reconcile()))
    timed("refresh", lambda: list(dataset.refresh()), times=5)
    timed("rows", dataset.rows)
    timed("rows, nothing changed", dataset.rows, times=5)
    timed("counts", dataset.counts, times=5)
    photo = dataset.rows(class_name="class_0")[0].id
    timed("relabel one", lambda: dataset.relabel([photo], "class_1"))
    timed("refresh after it", lambda: list(dataset.refresh()))
    timed("rows after it", dataset.rows)
    timed("undo", dataset.undo)
    thousand = [row.id for row in dataset.rows(class_name="class_0")[:1000]]
    timed("relabel a thousand", lambda: dataset.relabel(thousand, "class_1"))
    timed("undo a thousand", dataset.undo)
    memory = psutil.Process().memory_info()
    figures["memory at its peak, MB"] = getattr(memory, "peak_wset", peak_bytes()) / 1e6
    return figures


def peak_bytes() -> int:
    """The most memory this process held, where the system keeps count."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
