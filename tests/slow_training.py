"""A training that goes on until it is told to end: for tests of what pages show meanwhile."""

import time
from pathlib import Path

from core.jobs.progress import JobResult, Progress, Task

TARGET = f"{__name__}:until_told"
PHOTOS = 1000


def until_told(flag: str) -> Task[JobResult]:
    """Report ten times a second, with points for the chart, until the flag file is there."""
    done = 0
    while not Path(flag).exists():
        done = min(done + 1, PHOTOS)
        yield Progress(
            phase="embed",
            done=done,
            total=PHOTOS,
            message="Looking at photos: 10 a second, about 90 s left.",
            metrics={"photos": done, "train_loss": 0.5 / done, "valid_loss": 1 / done},
        )
        time.sleep(0.1)
    return {}
