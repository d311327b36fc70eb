"""Drawing counted circles into a data set: the job behind the page."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from core.collect.bringing import Brought, Coming, bring
from core.collect.circle_sets import CircleChoices, file_name, objection, picture
from core.dataset import Dataset
from core.dataset.sources import Source
from core.errors import DatasetError
from core.jobs.progress import JobResult, Task

MESSAGE = "Drawing circles."


def generate(dataset: Dataset, choices: CircleChoices, *, collection: str) -> Task[Brought]:
    """Draw the pictures of all classes into their folders; those drawn before stay as they are.

    Raises:
        DatasetError: If the choices do not fit, or the data set cannot be written.
    """
    if problem := objection(choices):
        raise DatasetError(problem)
    coming = list(_pictures(choices, collection, at=time.time()))
    return (yield from bring(dataset, coming, collection=collection, message=MESSAGE))


def generate_job(root: str, collection: str, choices: Mapping[str, Any]) -> Task[JobResult]:
    """Draw circles by the choices, the fields of ``CircleChoices``, into a data set."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    brought = yield from generate(dataset, CircleChoices(**choices), collection=collection)
    return {
        "collection": collection,
        "photos": brought.photos,
        "already_there": brought.already_there,
    }


def _pictures(choices: CircleChoices, collection: str, *, at: float) -> Iterator[Coming]:
    # One of each class after the other, so that a data set stopped early is still an even one.
    for number in range(choices.per_class):
        for count in choices.counts:
            name = file_name(choices, count, number)
            yield Coming(
                name=name,
                class_name=str(count),
                source=Source(
                    via="generator", query=choices.words, title=name, at=at, collection=collection
                ),
                write=_writes(choices, count, number),
            )


def _writes(choices: CircleChoices, count: int, number: int) -> Callable[[Path], None]:
    return partial(_draw, choices, count, number)


def _draw(choices: CircleChoices, count: int, number: int, path: Path) -> None:
    picture(choices, count, number).save(path)
