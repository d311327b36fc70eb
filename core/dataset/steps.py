"""What the journal tells about itself: steps, what each changed, what it left alone."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.dataset.names import decoded, photos, shown

# What "empty" and "outside" tell of is in the journal to be read, and never undone.
Kind = Literal[
    "relabel",
    "remove",
    "restore",
    "collect",
    "rewrite",
    "add_class",
    "rename_class",
    "merge_class",
    "split_class",
    "delete_class",
    "order_classes",
    "empty",
    "outside",
]
Direction = Literal["forward", "backward"]

EDITS: tuple[Kind, ...] = ("relabel", "remove", "restore")  # what corrects a data set
RELABELLING: tuple[Kind, ...] = ("rename_class", "merge_class", "split_class", "delete_class")
CLASS_ACTS: tuple[Kind, ...] = ("add_class", *RELABELLING, "order_classes")
KINDS: tuple[Kind, ...] = (*EDITS, "collect", "rewrite", *CLASS_ACTS)

LOST = 2  # in "dropped": every photo of the step was deleted for good
CLASSES_NAMED = 4  # a collection of more classes tells only how many


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file that a call moved."""

    file_id: int
    file: str  # its path before the call
    now: str  # its path after it; below .winnow/removed when removed
    # Class names; the unsorted folder's name for unsorted, None for removed and for not there yet.
    source: str | None
    target: str | None


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """One file that a call left alone."""

    file: str
    reason: str  # a sentence


@dataclass(frozen=True, kw_only=True)
class Step:
    """One user action: what is undone and redone as a whole.

    A step of kind "collect" grows while photos arrive; undoing it moves them to the removed ones.

    ``undo`` returns the step it took back with its changes the other way round, as they happened.
    """

    id: int  # grows with time; 0 for an action that changed nothing and is not in the journal
    time: float  # seconds since 1970
    kind: Kind
    words: str  # "Relabelled 3 photos: cat to kitten"; holds class names, so escape it to draw it
    changes: tuple[Change, ...]
    skipped: tuple[Skipped, ...]
    undone: bool
    client: str | None  # the gallery it came from


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A step without what it changed, which may be a hundred thousand photos."""

    id: int
    time: float  # seconds since 1970
    kind: Kind
    words: str  # as in ``Step``


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Names the gallery edit that a step carries out, so that it is done once."""

    client: str
    number: int


def load_step(
    connection: sqlite3.Connection,
    step_id: int,
    *,
    direction: Direction = "forward",
    only: Collection[int] | None = None,
) -> Step:
    """Read a step from the journal.

    Args:
        connection: To the catalogue.
        step_id: The step, which exists.
        direction: Which way round its changes are told.
        only: The moves that the last run was about; all that ever happened where None.
    """
    when, kind, words, client, undone = connection.execute(
        "SELECT time, kind, words, client, undone FROM step WHERE id=?", (step_id,)
    ).fetchone()
    rows = connection.execute(
        "SELECT seq, file, before, after, source, target, carried, skipped FROM move "
        "WHERE step=? ORDER BY seq",
        (step_id,),
    )
    changes, skipped = [], []
    for seq, file_id, before, after, source, target, carried, reason in rows:
        if only is not None and seq not in only:
            continue
        if direction == "backward":
            before, after, source, target = after, before, target, source
        if reason is not None:
            skipped.append(Skipped(file=decoded(before), reason=reason))
        if carried if only is None else reason is None:
            changes.append(
                Change(
                    file_id=file_id,
                    file=decoded(before),
                    now=decoded(after),
                    source=None if source is None else decoded(source),
                    target=None if target is None else decoded(target),
                )
            )
    return Step(
        id=step_id,
        time=when,
        kind=kind,
        words=words,
        changes=tuple(changes),
        skipped=tuple(skipped),
        undone=bool(undone),
        client=client,
    )


def heading(connection: sqlite3.Connection, step_id: int) -> Heading:
    """Read which step it is, quickly however many photos it moved."""
    when, kind, words = connection.execute(
        "SELECT time, kind, words FROM step WHERE id=?", (step_id,)
    ).fetchone()
    return Heading(id=step_id, time=when, kind=kind, words=words)


def last_done(connection: sqlite3.Connection) -> int | None:
    """The step that undo would take back."""
    row = connection.execute(
        "SELECT id FROM step WHERE undone=0 AND dropped=0 AND doing IS NULL "
        "ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if row is None else int(row[0])


def last_undone(connection: sqlite3.Connection) -> int | None:
    """The step that redo would do again."""
    row = connection.execute(
        "SELECT id FROM step WHERE undone=1 AND dropped=0 AND doing IS NULL ORDER BY id LIMIT 1"
    ).fetchone()
    return None if row is None else int(row[0])


def newest(
    connection: sqlite3.Connection, limit: int, kinds: Collection[Kind] = KINDS
) -> list[int]:
    """The last steps of some kinds that changed something, newest first."""
    rows = connection.execute(
        f"SELECT id FROM step WHERE words<>'' AND kind IN ({','.join('?' * len(kinds))}) "
        "ORDER BY id DESC LIMIT ?",
        (*kinds, limit),
    )
    return [step_id for (step_id,) in rows]


def standing_about(
    connection: sqlite3.Connection,
    ids: Iterable[int],
    *,
    kinds: Collection[Kind],
    since: int,
    limit: int,
) -> list[tuple[Heading, list[tuple[int, str | None, str | None]]]]:
    """The last steps that stand and moved some photos, oldest first.

    Of each step only what it did to these photos is told, as id, source and target class, so that
    a step of 100,000 photos is told quickly.

    Args:
        connection: To the catalogue.
        ids: The photos.
        kinds: Of the steps.
        since: Only steps after this one.
        limit: At most so many steps.
    """
    asked = list(ids)
    found: dict[int, list[tuple[int, str | None, str | None]]] = {}
    for start in range(0, len(asked), 500):
        some = asked[start : start + 500]
        rows = connection.execute(
            "SELECT step, file, source, target FROM move WHERE carried=1 AND step>? "
            f"AND file IN ({','.join('?' * len(some))}) ORDER BY step, seq",
            (since, *some),
        )
        for step_id, file_id, source, target in rows:
            found.setdefault(step_id, []).append(
                (
                    file_id,
                    None if source is None else decoded(source),
                    None if target is None else decoded(target),
                )
            )
    told = []
    for step_id in sorted(found, reverse=True):
        row = connection.execute(
            "SELECT time, kind, words FROM step WHERE id=? AND undone=0 AND words<>''", (step_id,)
        ).fetchone()
        if row is not None and row[1] in kinds:
            heading = Heading(id=step_id, time=row[0], kind=row[1], words=row[2])
            told.append((heading, found[step_id]))
        if len(told) == limit:
            break
    return told[::-1]


def moved_since(connection: sqlite3.Connection, step_id: int) -> int:
    """How many photos were moved by steps after one that stand."""
    (count,) = connection.execute(
        "SELECT count(DISTINCT file) FROM move JOIN step ON step.id=move.step "
        "WHERE step.id>? AND step.undone=0 AND carried=1",
        (step_id,),
    ).fetchone()
    return int(count)


def newest_id(connection: sqlite3.Connection) -> int:
    """The id of the last step of all, undone ones too; 0 before the first."""
    (found,) = connection.execute("SELECT ifnull(max(id), 0) FROM step").fetchone()
    return int(found)


def edited_since(connection: sqlite3.Connection, step_id: int) -> bool:
    """Whether an edit after a step stands."""
    row = connection.execute(
        f"SELECT 1 FROM step WHERE id>? AND undone=0 AND dropped IN (0, {LOST}) AND doing IS NULL "
        f"AND kind IN ({','.join('?' * len(EDITS + RELABELLING))}) LIMIT 1",
        (step_id, *EDITS, *RELABELLING),
    )
    return row.fetchone() is not None


def describe(kind: Kind, ways: Sequence[tuple[str | None, str | None]]) -> str:
    """Tell a step in words.

    Args:
        kind: What was done.
        ways: Source and target class of each file moved, as in ``Change``.
    """
    count = photos(len(ways))
    if kind == "rewrite":  # a photo that a copy replaced was moved away as well
        return f"Rewrote {photos(sum(target is not None for _, target in ways))}"
    sources = sorted({source for source, _ in ways if source is not None})
    targets = sorted({target for _, target in ways if target is not None})
    if kind == "remove":
        return f"Removed {count}" + _named(" from ", sources)
    if kind == "restore":
        return f"Restored {count}" + _named(" to ", targets)
    if len(sources) == 1:
        return f"Relabelled {count}: {shown(sources[0])}" + _named(" to ", targets)
    return f"Relabelled {count}" + _named(" to ", targets)


def describe_collected(counts: Sequence[tuple[str, int]], *, looked_for: bool) -> str:
    """Tell in words which photos came in.

    Args:
        counts: Each class with how many photos it got, at least one.
        looked_for: Whether they were searched or fetched, and not handed over.
    """
    total = f"{'Collected' if looked_for else 'Added'} {photos(sum(count for _, count in counts))}"
    if len(counts) == 1:
        return f"{total} to {shown(counts[0][0])}"
    if len(counts) > CLASSES_NAMED:
        return f"{total} to {len(counts):,} classes"
    return f"{total}: " + ", ".join(f"{shown(name)} {count:,}" for name, count in counts)


def _named(joint: str, names: Iterable[str]) -> str:
    names = list(names)
    return f"{joint}{shown(names[0])}" if len(names) == 1 else ""
