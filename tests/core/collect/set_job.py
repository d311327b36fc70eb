"""The job of a ready-made set with torchvision's addresses changed, for a worker to run."""

from pathlib import Path

from core.collect.known_sets import SETS
from core.collect.ready_made import ready_made
from core.dataset import Dataset


def job(root, collection, name, program):
    """As ``ready_made_job``, with another program."""
    brought = yield from ready_made(
        Dataset.open(Path(root)), SETS[name], collection=collection, program=program
    )
    return {"photos": brought.photos}
