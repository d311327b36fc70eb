"""The journal as a person reads it: pages of steps, and going back over several at once.

Everything here asks for a page at a time: there may be 100,000 steps, and 100,000 photos in one.
"""

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.dataset import steps
from core.dataset.catalogue import GONE
from core.dataset.names import decoded, shown
from core.dataset.steps import LOST, Heading, Kind, Skipped, Step
from core.errors import DatasetError
from core.jobs.progress import Progress, Task

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

PICTURES = 8  # shown of one step
LOOKED_AT = 64  # moves looked at for them: in a step whose photos are gone, none will be found
SKIPPED_NAMED = 100  # of what several steps left alone

DELETED_FOR_GOOD = "Its photos were deleted for good, so there is nothing to bring back."
OVERTAKEN = "It was undone, and something else was done since. It cannot be redone."
FOR_GOOD = "Deleting for good is the one thing that cannot be undone."
OUTSIDE = "This was done outside Winnow, so Winnow does not undo it."


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A step as a list shows it."""

    id: int
    time: float  # seconds since 1970
    kind: Kind
    words: str  # holds class names, so escape it to draw it
    undone: bool
    fixed: str | None  # why it can be neither undone nor redone; None where it can
    pictures: tuple[str, ...]  # contents of some of its photos that are still there
    left_alone: int  # files that its last run could not move


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """What going back or forward over several steps would do, or has done."""

    steps: int
    photos: int
    newest: int | None  # the id of the last step there was when this was asked for
    headings: tuple[Heading, ...]  # the first few, in the order they are dealt with


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What going back or forward over several steps has done."""

    steps: int
    photos: int  # moves made; a photo moved by two steps counts twice
    left_alone: int  # files that could not be moved
    skipped: tuple[Skipped, ...]  # the first of those, with reasons


def count(dataset: "Dataset") -> int:
    """How many steps there are to show."""
    row = dataset.connection().execute("SELECT count(*) FROM step WHERE words<>''").fetchone()
    return int(row[0])


def page(dataset: "Dataset", *, skip: int = 0, limit: int = 20) -> list[Entry]:
    """Some steps, newest first."""
    connection = dataset.connection()
    rows = connection.execute(
        "SELECT id, time, kind, words, undone, dropped FROM step WHERE words<>'' "
        "ORDER BY id DESC LIMIT ? OFFSET ?",
        (limit, skip),
    ).fetchall()
    return [
        Entry(
            id=step_id,
            time=time,
            kind=kind,
            words=words,
            undone=bool(undone),
            fixed=_why_fixed(kind, undone=undone, dropped=dropped),
            pictures=_pictures(connection, step_id),
            left_alone=_count_left_alone(connection, step_id),
        )
        for step_id, time, kind, words, undone, dropped in rows
    ]


def left_alone(dataset: "Dataset", step_id: int, *, limit: int = 50) -> list[Skipped]:
    """Files that the last run of a step could not move, with the reasons."""
    rows = dataset.connection().execute(
        "SELECT before, after, carried, skipped FROM move "
        "WHERE step=? AND skipped IS NOT NULL ORDER BY seq LIMIT ?",
        (step_id, limit),
    )
    return [
        Skipped(file=decoded(after if carried == 1 else before), reason=reason)
        for before, after, carried, reason in rows
    ]


def to_undo(dataset: "Dataset", step_id: int, *, named: int = 5) -> Undoing:
    """What going back to where a step was the last one would take back; 0 stands for the start."""
    return _ahead(
        dataset, "id>? AND undone=0 AND dropped=0", step_id, order="DESC", carried=1, named=named
    )


def to_redo(dataset: "Dataset", step_id: int | None = None, *, named: int = 5) -> Undoing:
    """What going forward up to a step would do again; None stands for all that can be."""
    last = 2**62 if step_id is None else step_id
    return _ahead(
        dataset, "id<=? AND undone=1 AND dropped=0", last, order="ASC", carried=2, named=named
    )


def undo_back_to(dataset: "Dataset", step_id: int, *, newest: int | None = None) -> Task[Undone]:
    """Take back every step after one, the last first; phase ``undo``.

    Each is taken back whole, so stopping leaves the data set as it was after some step.

    Args:
        dataset: The data set.
        step_id: The step to stand as the last one; 0 for the start.
        newest: The last step there was when this was asked for. One that came later ends it.

    Raises:
        DatasetError: If something else was done meanwhile; if the data set is read-only.
    """
    total = to_undo(dataset, step_id, named=0).steps
    sums = _Sums()
    while True:
        with dataset.editing() as journal:
            last = steps.last_done(dataset.connection())
            if last is None or last <= step_id:
                return sums.told()
            if newest is not None and last > newest:
                words = shown(steps.heading(dataset.connection(), last).words)
                raise DatasetError(
                    f"Something else was done meanwhile ({words}), so no more was taken back. "
                    f"{sums.sentence('taken back')} Look at the list and try again."
                )
            step = journal.undo(unsorted=dataset.unsorted)
        sums.add(step)
        message = f"Undone: {shown(step.words)}"
        yield Progress(phase="undo", done=sums.steps, total=total, message=message)


def redo_up_to(dataset: "Dataset", step_id: int | None = None) -> Task[Undone]:
    """Do undone steps again, the earliest first, up to one or all; phase ``redo``.

    Raises:
        DatasetError: If the data set is read-only.
    """
    total = to_redo(dataset, step_id, named=0).steps
    sums = _Sums()
    while True:
        with dataset.editing() as journal:
            following = steps.last_undone(dataset.connection())
            if following is None or (step_id is not None and following > step_id):
                return sums.told()
            step = journal.redo(unsorted=dataset.unsorted)
        sums.add(step)
        message = f"Done again: {shown(step.words)}"
        yield Progress(phase="redo", done=sums.steps, total=total, message=message)


@dataclass(kw_only=True)
class _Sums:
    """Adds up steps without keeping them: one alone may hold 100,000 photos."""

    steps: int = 0
    photos: int = 0
    left_alone: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def add(self, step: Step) -> None:
        self.steps += 1
        self.photos += len(step.changes)
        self.left_alone += len(step.skipped)
        self.skipped += step.skipped[: max(0, SKIPPED_NAMED - len(self.skipped))]

    def told(self) -> Undone:
        return Undone(
            steps=self.steps,
            photos=self.photos,
            left_alone=self.left_alone,
            skipped=tuple(self.skipped),
        )

    def sentence(self, done: str) -> str:
        return f"{self.steps:,} {'step was' if self.steps == 1 else 'steps were'} {done}."


def _ahead(
    dataset: "Dataset", condition: str, value: int, *, order: str, carried: int, named: int
) -> Undoing:
    connection = dataset.connection()
    which = f"{condition} AND doing IS NULL"
    (number,) = connection.execute(f"SELECT count(*) FROM step WHERE {which}", (value,)).fetchone()
    (moves,) = connection.execute(
        "SELECT count(*) FROM move WHERE carried=? AND step IN "
        f"(SELECT id FROM step WHERE {which})",
        (carried, value),
    ).fetchone()
    rows = connection.execute(
        f"SELECT id, time, kind, words FROM step WHERE {which} ORDER BY id {order} LIMIT ?",
        (value, named),
    )
    return Undoing(
        steps=number,
        photos=moves,
        newest=steps.last_done(connection),
        headings=tuple(
            Heading(id=step_id, time=time, kind=kind, words=words)
            for step_id, time, kind, words in rows
        ),
    )


def _why_fixed(kind: str, *, undone: int, dropped: int) -> str | None:
    if kind == "empty":
        return FOR_GOOD
    if kind == "outside":
        return OUTSIDE
    if dropped == LOST:
        return DELETED_FOR_GOOD
    return OVERTAKEN if dropped and undone else None


def _pictures(connection: sqlite3.Connection, step_id: int) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT file.content FROM "
        "(SELECT file, seq FROM move WHERE step=? AND carried<3 ORDER BY seq LIMIT ?) AS first "
        f"JOIN file ON file.id=first.file WHERE file.place<{GONE} AND file.content<>'' "
        "ORDER BY seq LIMIT ?",
        (step_id, LOOKED_AT, PICTURES),
    )
    return tuple(content for (content,) in rows)


def _count_left_alone(connection: sqlite3.Connection, step_id: int) -> int:
    row = connection.execute(
        "SELECT count(*) FROM move INDEXED BY move_skipped WHERE step=? AND skipped IS NOT NULL",
        (step_id,),
    ).fetchone()
    return int(row[0])
