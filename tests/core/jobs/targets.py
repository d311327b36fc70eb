"""Long work for the tests to run in a worker."""

import os
import time
from pathlib import Path

from core.errors import DatasetError
from core.jobs.progress import JobResult, Progress, Task


def count(steps: int, *, name: str = "") -> Task[JobResult]:
    """Report at once, step by step."""
    for step in range(1, steps + 1):
        yield Progress(
            phase="count",
            done=step,
            total=steps,
            message=f"Counting {name}",
            metrics={"step": step, "loss": 1 / step},
        )
    return {"counted": steps, "name": name}


def until(flag: str, *, kept: str | None = None) -> Task[JobResult]:
    """Report until a file appears; ``kept`` counts how often the work was begun."""
    if kept:
        with Path(kept).open("a") as begun:
            begun.write("begun\n")
    done = 0
    while not Path(flag).exists():
        done += 1
        yield Progress(phase="wait", done=done, total=0, message="Waiting")
        time.sleep(0.02)
    return {"pid": os.getpid()}


def deaf() -> Task[JobResult]:
    """Report once, then never come back."""
    yield Progress(phase="deaf", done=0, total=0, message="Not listening")
    time.sleep(3600)
    return {}


def mendable() -> Task[JobResult]:
    """Fail with a sentence for the user."""
    yield Progress(phase="fail", done=0, total=0, message="Failing")
    raise DatasetError("The folder holds no photos. Choose another one.")


def broken() -> Task[JobResult]:
    """Fail as a mistake of ours would."""
    yield Progress(phase="fail", done=0, total=0, message="Failing")
    raise KeyError("a rare mistake")


def lets_go(released: str) -> Task[JobResult]:
    """Note that the task was closed in good order."""
    try:
        while True:
            yield Progress(phase="hold", done=0, total=0, message="Holding")
            time.sleep(0.02)
    finally:
        Path(released).touch()
