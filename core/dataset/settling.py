"""Bringing the catalogue up to what a step moved, within one transaction of the journal's."""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.dataset.carrying import Move, Outcome, ends, with_goal
from core.dataset.class_acts import StoredAct, told
from core.dataset.folder_times import look_again
from core.dataset.names import REMOVED, decoded, encoded, folder_of
from core.dataset.rows import place_file
from core.dataset.steps import Direction, Kind, describe, describe_collected

NOT_TAKEN_IN = "It could not be put into the data set."

# Photos that came in one of these ways were looked for; others were handed over.
LOOKED_FOR = ("bing", "google", "baidu", "flickr", "wikimedia", "openverse", "list")


class Settling:
    """Writes down how the moves of one step went."""

    def __init__(
        self,
        root: Path,
        connection: sqlite3.Connection,
        step_id: int,
        direction: Direction,
        *,
        folders: Mapping[str, int],
        unsorted: str,
        version: int,
    ) -> None:
        self._root = root
        self._connection = connection
        self._step_id = step_id
        self._direction = direction
        self._folders = folders  # path to row
        self._unsorted = unsorted
        self._version = version

    def note(self, outcome: Outcome) -> None:
        """Take note of one file that arrived, or was left alone."""
        move, arrived = outcome.move, outcome.arrived
        if arrived is None:
            if move.is_arrival:
                self._forget(move, outcome.reason)
            else:
                self._note_skipped(move, outcome.reason)
        elif move.is_set_aside:
            self._place(move, arrived, came_from=arrived[len(REMOVED) + 1 :])
            self._drop_move(move)  # neither undone nor redone: restoring it is a step of its own
        else:
            self._place(move, arrived, came_from=ends(move, self._direction)[0])
            self._note_moved(move, arrived)

    def _place(self, move: Move, arrived: str, *, came_from: str) -> None:
        place_file(
            self._connection,
            move.file_id,
            arrived,
            came_from=came_from,
            folder=self._folders[folder_of(arrived)],
            unsorted=self._unsorted,
            version=self._version,
        )

    def _note_moved(self, move: Move, arrived: str) -> None:
        carried = 2 if self._direction == "backward" else 1
        move = with_goal(move, self._direction, arrived)
        # What undo finds no earlier place for goes to the removed ones.
        before = f"{REMOVED}/{arrived}" if move.is_arrival else move.before
        try:
            found = os.lstat(self._root / arrived)
            size, mtime_ns = found.st_size, found.st_mtime_ns
        except OSError:
            size, mtime_ns = move.size, move.mtime_ns
        self._connection.execute(
            "UPDATE move SET before=?, after=?, carried=?, bytes=?, mtime_ns=?, skipped=NULL "
            "WHERE step=? AND seq=?",
            (
                encoded(before),
                encoded(move.after),
                carried,
                size,
                mtime_ns,
                self._step_id,
                move.seq,
            ),
        )

    def _note_skipped(self, move: Move, reason: str | None) -> None:
        self._connection.execute(
            "UPDATE move SET skipped=? WHERE step=? AND seq=?", (reason, self._step_id, move.seq)
        )
        look_again(self._connection, move.before)
        look_again(self._connection, move.after)

    def _forget(self, move: Move, reason: str | None) -> None:
        """A file that did not arrive leaves nothing behind but that its address is open again."""
        self._drop_move(move)
        for table, key in (("file", "id"), ("source", "file"), ("aside", "file")):
            self._connection.execute(f"DELETE FROM {table} WHERE {key}=?", (move.file_id,))
        self._connection.execute(
            "UPDATE fetched SET outcome='rejected', reason=?, again=1, file=NULL WHERE file=?",
            (reason or NOT_TAKEN_IN, move.file_id),
        )

    def _drop_move(self, move: Move) -> None:
        self._connection.execute(
            "DELETE FROM move WHERE step=? AND seq=?", (self._step_id, move.seq)
        )


def finish_step(
    connection: sqlite3.Connection,
    step_id: int,
    direction: Direction,
    *,
    act: StoredAct | None = None,
    done: bool = False,
) -> None:
    """Mark a step done. One that moved nothing is left out of history and of undo.

    Args:
        connection: Within a transaction.
        step_id: The step.
        direction: Which way round it ran.
        act: What it did to the classes themselves.
        done: Whether that was all there was to do, and was done.
    """
    kind, words, was_undone = connection.execute(
        "SELECT kind, words, undone FROM step WHERE id=?", (step_id,)
    ).fetchone()
    backward = direction == "backward"
    connection.execute("UPDATE step SET doing=NULL, undone=? WHERE id=?", (backward, step_id))
    if kind == "remove" and not backward:
        _no_longer_set_aside(connection, step_id)
    has_grown = kind == "collect" and not backward and not was_undone
    if words and not has_grown:
        return
    if kind == "collect":
        in_words = _collected(connection, step_id)
    elif act is not None:
        moved = _moved(connection, step_id)
        in_words = told(act, moved) if moved or done else None
    else:
        in_words = _told(connection, step_id, kind)
    if in_words is None:
        if not words:
            connection.execute("UPDATE step SET dropped=1 WHERE id=?", (step_id,))
        return
    if not words:
        connection.execute("UPDATE step SET dropped=1 WHERE undone=1")
    connection.execute("UPDATE step SET words=? WHERE id=?", (in_words, step_id))


def _no_longer_set_aside(connection: sqlite3.Connection, step_id: int) -> None:
    """What a person removes after restoring it is theirs, no longer set aside on arrival."""
    connection.execute(
        "DELETE FROM aside WHERE file IN (SELECT file FROM move WHERE step=? AND carried=1)",
        (step_id,),
    )


def _moved(connection: sqlite3.Connection, step_id: int) -> int:
    (moved,) = connection.execute(
        "SELECT count(*) FROM move WHERE step=? AND carried<>0", (step_id,)
    ).fetchone()
    return int(moved)


def _told(connection: sqlite3.Connection, step_id: int, kind: Kind) -> str | None:
    ways = connection.execute(
        "SELECT source, target FROM move WHERE step=? AND carried<>0", (step_id,)
    ).fetchall()
    return describe(kind, _decoded_ways(ways)) if ways else None


def _collected(connection: sqlite3.Connection, step_id: int) -> str | None:
    """A collection in words; it may have grown by a batch, so its classes are counted anew."""
    counts: Sequence[tuple[bytes, int]] = connection.execute(
        "SELECT target, count(*) FROM move WHERE step=? AND carried<>0 GROUP BY target "
        "ORDER BY min(seq)",
        (step_id,),
    ).fetchall()
    if not counts:
        return None
    first_source = connection.execute(
        "SELECT via FROM source WHERE file=(SELECT file FROM move WHERE step=? "
        "ORDER BY seq LIMIT 1)",
        (step_id,),
    ).fetchone()
    return describe_collected(
        [(decoded(target), count) for target, count in counts],
        looked_for=first_source is not None and first_source[0] in LOOKED_FOR,
    )


def _decoded_ways(
    ways: Iterable[tuple[bytes | None, bytes | None]],
) -> list[tuple[str | None, str | None]]:
    return [
        (
            None if source is None else decoded(source),
            None if target is None else decoded(target),
        )
        for source, target in ways
    ]
