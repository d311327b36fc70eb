"""Bringing files that are made here, or lie in the cache, into a data set.

They are written to the data set's own disk first and then taken in, a few hundred at a time. All
of a collection is one undo step, stopped and continued as often as one likes.
"""

import errno
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset import Dataset
from core.dataset.arrivals import Arrival, TakenIn, step_to_join, take_in
from core.dataset.claims import claimed
from core.dataset.names import canonical, shown
from core.dataset.sources import Source
from core.errors import DatasetError
from core.images.identity import content_hash
from core.jobs.progress import Progress, Task

MOST_AT_ONCE = 500
SECONDS_AT_ONCE = 1.5
REPORT_SECONDS = 0.3


@dataclass(frozen=True, kw_only=True)
class Coming:
    """One file on its way into a data set."""

    name: str  # wanted on disk
    class_name: str | None
    source: Source  # its title names the file within what it comes out of
    write: Callable[[Path], None]  # writes the finished file to a path


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What arrived."""

    photos: int
    already_there: int  # of earlier calls


def bring(
    dataset: Dataset, coming: Sequence[Coming], *, collection: str, message: str
) -> Task[Brought]:
    """Write files and take them in, without those that are there already; phase ``collect``.

    Stopping keeps what was taken in; called again it goes on from there.

    Raises:
        DatasetError: If the data set cannot be written or its disk is full.
    """
    try:
        with claimed(dataset, collection) as folder:
            return (yield from _bring(dataset, coming, folder, collection, message))
    except OSError as error:
        raise DatasetError(_why(dataset, error)) from error


def _bring(
    dataset: Dataset, coming: Sequence[Coming], folder: Path, collection: str, message: str
) -> Task[Brought]:
    there = _titles_there(dataset, coming)
    wanted = [one for one in coming if one.source.title not in there]
    total = len(coming)
    done = total - len(wanted)
    arrived = 0
    spelled = {canonical(name): name for name in dataset.classes()}
    step = step_to_join(dataset, collection)
    yield Progress(phase="collect", done=done, total=total, message=message)
    staged: list[Arrival] = []
    began = reported = time.monotonic()
    for number, one in enumerate(wanted):
        path = folder / f"{number}{Path(one.name).suffix}"
        one.write(path)
        staged.append(_arrival(one, path, spelled))
        now = time.monotonic()
        if len(staged) == MOST_AT_ONCE or now - began > SECONDS_AT_ONCE:
            taken = take_in(dataset, staged, collection=collection, step=step)
            step, arrived = taken.step, arrived + _arrived(taken)
            done += len(staged)
            staged, began = [], time.monotonic()
        if now - reported > REPORT_SECONDS:
            reported = now
            yield Progress(phase="collect", done=done + len(staged), total=total, message=message)
    if staged:
        arrived += _arrived(take_in(dataset, staged, collection=collection, step=step))
    yield Progress(phase="collect", done=total, total=total, message=message)
    return Brought(photos=arrived, already_there=total - len(wanted))


def _arrived(taken: TakenIn) -> int:
    return sum(file_id is not None for file_id in taken.ids)


def _arrival(one: Coming, path: Path, spelled: Mapping[str, str]) -> Arrival:
    """A written file; a class that is there in other capitals is taken for the same."""
    name = one.class_name
    return Arrival(
        staged=path,
        name=one.name,
        class_name=None if name is None else spelled.get(canonical(name), name),
        content=content_hash(path),
        source=one.source,
        aside=None,
    )


def _titles_there(dataset: Dataset, coming: Sequence[Coming]) -> set[str | None]:
    """Titles of the present photos that came the same way out of the same thing."""
    ways = {(one.source.via, one.source.query) for one in coming}
    return {title for via, query in ways for title in _titles(dataset, via, query)}


def _titles(dataset: Dataset, via: str, query: str | None) -> Iterator[str | None]:
    for row in dataset.connection().execute(
        "SELECT source.title FROM source JOIN file ON file.id = source.file"
        " WHERE source.via = ? AND source.query IS ? AND file.place = 0",
        (via, query),
    ):
        yield row[0]


def _why(dataset: Dataset, error: OSError) -> str:
    place = shown(str(dataset.root))
    if error.errno == errno.ENOSPC:
        return (
            f"The disk of {place} is full. What has arrived is kept. Make room, then start again."
        )
    return (
        f"Nothing more can be written into {place} ({error.strerror or error}). Check the folder, "
        "then start again."
    )
