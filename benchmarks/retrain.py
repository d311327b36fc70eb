"""How long from one relabel to the new ranking, and how much memory that takes.

    python benchmarks/retrain.py [--photos 900 10000] [--classes 10] [--rounds 7]

Each round relabels one photo, trains in a fresh process as the app does (start of Python, imports,
fit, saving the run), and ranks all photos by the new run. The features are made up and shaped like
a network's: a few directions carry most of what varies, and classes overlap. Prints the medians
beside what is promised, and fails if a promise is broken.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from core.dataset import Dataset
from core.networks.features import FeatureStore
from core.review.ranking import Suspect, ranking
from core.runs import latest_run, load_predictions

PROMISED_SECONDS = {900: 1.0, 10_000: 6.0, 100_000: 60.0}
DIRECTIONS = 400  # that carry most of what varies in the made features
APART = 0.015  # distance of class centres, for an error rate of some percent of 900
WORKER = (
    "import sys; from core.train.quick import train_quick_job\n"
    "for _ in train_quick_job(sys.argv[1]): pass"
)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One relabel and what followed, in seconds."""

    relabel: float
    train: float  # a process from its start to its end
    cpu: float  # that the process used, on all cores
    rank: float

    @property
    def total(self) -> float:
        return self.relabel + self.train + self.rank


def main() -> int:
    """Measure every size that was asked for."""
    arguments = _arguments()
    kept = [measure(count, arguments.classes, arguments.rounds) for count in arguments.photos]
    return 0 if all(kept) else 1


def measure(count: int, classes: int, rounds: int) -> bool:
    """Print the medians for one size; whether the promise for it was kept."""
    with tempfile.TemporaryDirectory() as scratch:
        dataset = make_set(Path(scratch) / "photos", count, classes)
        one_round(dataset, 0)  # deals the folds and warms the disk cache
        done = [one_round(dataset, number) for number in range(1, rounds + 1)]
        run = latest_run(dataset.home)
        assert run is not None
        total = statistics.median(one.total for one in done)
        promised = PROMISED_SECONDS.get(count)
        print(f"{count:,} photos, {classes} classes, error rate {run.error_rate:.1%}:")
        for name in ("relabel", "train", "cpu", "rank", "total"):
            values = [getattr(one, name) for one in done]
            print(f"  {name:8} {statistics.median(values):6.2f} s  (worst {max(values):.2f} s)")
        print("  of the training: " + ", ".join(f"{k} {v:.2f} s" for k, v in run.seconds.items()))
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"  most memory of a training process so far: {memory:.0f} MB")
        if promised is None:
            return True
        kept = total <= promised
        word = "kept" if kept else "BROKEN"
        print(f"  promised {promised:.0f} s: {word}, {total / promised:.2f} of it")
        return kept


def one_round(dataset: Dataset, number: int) -> Round:
    """Relabel one photo, train in a fresh process, rank."""
    rows = dataset.rows()
    row = rows[(number * 37) % len(rows)]
    classes = dataset.classes()
    target = classes[(classes.index(str(row.class_name)) + 1) % len(classes)]

    begin = time.perf_counter()
    dataset.relabel([row.id], target)
    relabelled = time.perf_counter()
    cpu = _cpu_of_children()
    subprocess.run([sys.executable, "-c", WORKER, str(dataset.root)], check=True, cwd=ROOT)
    trained = time.perf_counter()
    assert rank(dataset)
    ranked = time.perf_counter()
    return Round(
        relabel=relabelled - begin,
        train=trained - relabelled,
        cpu=_cpu_of_children() - cpu,
        rank=ranked - trained,
    )


def rank(dataset: Dataset) -> list[Suspect]:
    """The photos by the newest run, worst first."""
    run = latest_run(dataset.home)
    assert run is not None
    return ranking(run, load_predictions(dataset.home, run.id), dataset)


def make_set(root: Path, count: int, classes: int) -> Dataset:
    """A data set of files that are no photos, with features of their own."""
    labels = np.arange(count) % classes
    for number, label in enumerate(labels.tolist()):
        folder = root / f"class {label:03}"
        if number < classes:
            folder.mkdir(parents=True)
        (folder / f"{number:06}.jpg").write_text(str(number))
    dataset = Dataset.open(root)
    for _ in dataset.reconcile():
        pass
    _add_features(dataset, classes)
    return dataset


def _add_features(dataset: Dataset, classes: int) -> None:
    random = np.random.default_rng(0)
    spread = 1 / np.sqrt(1 + np.arange(DIRECTIONS))
    mixing = random.normal(0, 0.05, (DIRECTIONS, 1280))
    centres = random.normal(0, APART, (classes, DIRECTIONS)) * spread * DIRECTIONS**0.5
    store = FeatureStore(dataset.home, "lite0")
    for index, name in enumerate(dataset.classes()):
        rows = dataset.rows(class_name=name)
        for start in range(0, len(rows), 4096):
            part = rows[start : start + 4096]
            latent = centres[index] + random.normal(0, 1, (len(part), DIRECTIONS)) * spread
            features = 0.4 + latent @ mixing + random.normal(0, 0.02, (len(part), 1280))
            both = np.repeat(features[:, None].astype(np.float16), 2, axis=1)
            store.add([row.content for row in part], both)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, nargs="+", default=[900, 10_000])
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
