"""What a step is to move, as it is written to the catalogue before any file is moved, and read."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from core.dataset.carrying import Move
from core.dataset.names import decoded, encoded
from core.dataset.steps import Direction


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One file and where it should go."""

    file_id: int
    before: str  # its path now
    after: str  # the path wanted; a suffix is added where the name is taken
    source: str | None  # class names, as in ``Change``
    target: str | None
    content: str


def next_place(connection: sqlite3.Connection, step_id: int) -> int:
    """The number of the next move of a step."""
    (first,) = connection.execute(
        "SELECT ifnull(max(seq) + 1, 0) FROM move WHERE step=?", (step_id,)
    ).fetchone()
    return int(first)


def save_moves(
    connection: sqlite3.Connection, step_id: int, moves: Sequence[Move], wishes: Sequence[Wish]
) -> None:
    """Write down the moves of a step, each with the wish it fulfils."""
    connection.executemany(
        "INSERT INTO move(step, seq, file, before, after, source, target, content, bytes, "
        "mtime_ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_as_row(step_id, move, wish) for move, wish in zip(moves, wishes, strict=True)],
    )


def load_moves(connection: sqlite3.Connection, step_id: int, direction: Direction) -> list[Move]:
    """The files that a run in this direction is about."""
    backward = direction == "backward"
    rows = connection.execute(
        "SELECT seq, file, before, after, carried, content, bytes, mtime_ns FROM move "
        "WHERE step=? AND carried IN (?, ?) AND skipped IS NULL ORDER BY seq",
        (step_id, *((1, 1) if backward else (0, 2))),
    )
    return [
        Move(
            seq=seq,
            file_id=file_id,
            before=decoded(before),
            after=decoded(after),
            carried=carried,
            content=content,
            size=size,
            mtime_ns=mtime_ns,
        )
        for seq, file_id, before, after, carried, content, size, mtime_ns in rows
    ]


def save_creates(connection: sqlite3.Connection, step_id: int, creates: Sequence[str]) -> None:
    """Add class folders to those that a step makes."""
    every = dict.fromkeys([*load_creates(connection, step_id), *creates])
    connection.execute("UPDATE step SET creates=? WHERE id=?", (encoded("\0".join(every)), step_id))


def load_creates(connection: sqlite3.Connection, step_id: int) -> list[str]:
    """The class folders that a step makes."""
    row = connection.execute("SELECT creates FROM step WHERE id=?", (step_id,))
    (creates,) = row.fetchone()
    return [] if creates is None else decoded(creates).split("\0")


def _as_row(step_id: int, move: Move, wish: Wish) -> tuple[object, ...]:
    return (
        step_id,
        move.seq,
        move.file_id,
        encoded(move.before),
        encoded(move.after),
        None if wish.source is None else encoded(wish.source),
        None if wish.target is None else encoded(wish.target),
        move.content,
        move.size,
        move.mtime_ns,
    )
