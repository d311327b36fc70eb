"""How long history takes where there is much of it: 100,000 photos, 100,000 steps.

    python -m benchmarks.history [--photos N] [--steps N] [--folder FOLDER]

Makes small files in ten class folders below FOLDER and deletes them afterwards. Promised on an
idle 2-core machine: naming a version and comparing it with now under 2 seconds each, a page of
history in a fraction of one.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

from benchmarks.dataset import make
from core.dataset import Dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    root = arguments.folder / f"winnow-benchmark-history-{arguments.photos}"
    try:
        make(root, arguments.photos)
        for name, seconds in measure(root, arguments.steps).items():
            print(f"  {name:56} {seconds:8.3f} s", flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, steps: int) -> dict[str, float]:
    """Seconds for each thing a person waits for on the History page."""
    from core.dataset import history, outside, removed, versions
    from core.dataset.emptying import empty_removed, removed_total

    figures: dict[str, float] = {}

    def timed(name: str, action: Callable[[], object], times: int = 1) -> None:
        taken = []
        for _ in range(times):
            started = time.perf_counter()
            action()
            taken.append(time.perf_counter() - started)
        figures[name] = statistics.median(taken)

    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    every = [row.id for row in dataset.rows()]
    half = every[: len(every) // 2]
    timed("name a version", lambda: versions.name_version(dataset, "before"))
    timed("relabel half of the photos, one step", lambda: dataset.relabel(half, "class_0"))
    timed("compare with now", lambda: versions.compare(dataset, 1), times=3)
    versions.name_version(dataset, "after")
    timed("compare two versions", lambda: versions.compare(dataset, 1, 2), times=3)
    timed(
        "a page of 60 photos that moved",
        lambda: versions.differences(dataset, 1, None, "moved", skip=600),
        times=3,
    )
    timed("remove all photos, one step", lambda: dataset.remove(every))
    timed("undo it", lambda: finish(history.undo_back_to(dataset, 1)))
    timed("redo it", lambda: finish(history.redo_up_to(dataset)))
    timed("what undoing all would take back", lambda: history.to_undo(dataset, 0), times=3)
    timed("the first page of such steps", lambda: history.page(dataset), times=5)
    timed("count removed photos by reason", lambda: removed.counts(dataset), times=3)
    timed("a page of removed photos", lambda: removed.page(dataset), times=3)
    timed("the last page of them", lambda: removed.page(dataset, skip=len(every) - 24), times=3)
    timed("how much emptying would delete", lambda: removed_total(dataset), times=3)
    timed("delete all removed photos for good", lambda: finish(empty_removed(dataset)))
    add_steps(dataset, steps)
    timed(f"the first page of {steps:,} steps", lambda: history.page(dataset), times=5)
    timed("their last page", lambda: history.page(dataset, skip=steps - 20), times=5)
    timed("count them", lambda: history.count(dataset), times=5)
    timed("what undoing all of them would take back", lambda: history.to_undo(dataset, 0), times=3)
    timed("news of what was done outside", lambda: outside.news(dataset), times=5)
    return figures


def add_steps(dataset: Dataset, steps: int) -> None:
    """Write steps of one photo each straight into the journal: doing them would take an hour."""
    with dataset.writing() as connection:
        (last,) = connection.execute("SELECT max(id) FROM step").fetchone()
        connection.executemany(
            "INSERT INTO step(id, time, kind, words) VALUES(?, ?, 'relabel', ?)",
            [
                (
                    last + number,
                    float(number),
                    f"Relabelled 1 photo: class_{number % 10} to class_0",
                )
                for number in range(1, steps + 1)
            ],
        )
        connection.executemany(
            "INSERT INTO move(step, seq, file, before, after, carried, content, bytes, mtime_ns) "
            "VALUES(?, 0, ?, x'61', x'62', 1, 'c', 1, 1)",
            [(last + number, number) for number in range(1, steps + 1)],
        )


def finish(task: Generator) -> object:
    """Run a task to its end and give its result."""
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


if __name__ == "__main__":
    main()
