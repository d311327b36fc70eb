"""Deleting removed photos for good: written down, done, marked done, like every other step.

It is the one act that cannot be undone, so what it may touch is narrow: files that the catalogue
has among the removed ones, that still hold what it knows, and that no link leads to. A process
that dies in the middle is finished by whoever takes the lock next: the user had confirmed it.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset import moving
from core.dataset.catalogue import GONE, REMOVED, Catalogue
from core.dataset.checkpoints import reached
from core.dataset.folder_times import FolderTimes, look_again
from core.dataset.names import REMOVED as REMOVED_FOLDER
from core.dataset.names import decoded, encoded, folder_of, is_removed, photos
from core.dataset.rows import chunks
from core.dataset.steps import LOST, Kind
from core.images.identity import content_hash

DELETED = "This photo was deleted for good when the removed photos were emptied."
CHANGED = "This file has been changed since it was removed, so it was not deleted."
BEHIND_A_LINK = "A link to another place leads to it, so it was not deleted."

# Steps that are nothing but their photos' moves; others have a class to bring back.
MOVING: tuple[Kind, ...] = ("relabel", "remove", "restore", "collect", "rewrite")
UNITS = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, kw_only=True)
class _Doomed:
    """One file to delete."""

    seq: int
    file_id: int
    path: str
    content: str
    size: int
    mtime_ns: int


def intend(connection: sqlite3.Connection, step_id: int | None, ids: Iterable[int]) -> int | None:
    """Write down which removed photos are to be deleted, after what the step holds already.

    Returns:
        The step, a new one where None was given; None where none of the photos is removed.
    """
    rows = []
    for chunk in chunks(ids):
        rows += connection.execute(
            "SELECT id, path, class, content, bytes, mtime_ns FROM file "
            f"WHERE place={REMOVED} AND id IN ({','.join('?' * len(chunk))})",
            chunk,
        ).fetchall()
    if not rows:
        return None
    if step_id is None:
        cursor = connection.execute(
            "INSERT INTO step(time, kind, words, dropped) VALUES(?, 'empty', '', 1)",
            (time.time(),),
        )
        step_id = int(cursor.lastrowid or 0)
    (first,) = connection.execute(
        "SELECT ifnull(max(seq) + 1, 0) FROM move WHERE step=?", (step_id,)
    ).fetchone()
    connection.executemany(
        "INSERT INTO move(step, seq, file, before, after, source, content, bytes, mtime_ns) "
        "VALUES(?, ?, ?, ?, x'', ?, ?, ?, ?)",
        [
            (step_id, seq, file_id, path, class_name, content, size, mtime_ns)
            for seq, (file_id, path, class_name, content, size, mtime_ns) in enumerate(rows, first)
        ],
    )
    connection.execute("UPDATE step SET doing='forward' WHERE id=?", (step_id,))
    return step_id


def carry_out(root: Path, catalogue: Catalogue, step_id: int, *, is_last: bool) -> None:
    """Delete what a step has written down and not dealt with yet. The caller holds the lock.

    With the last batch of a step, those steps leave undo that have no photo left.
    """
    doomed = _doomed(catalogue.connection(), step_id)
    folders = {folder_of(one.path) for one in doomed}
    times = FolderTimes(root, folders)
    outcomes = []
    for one in doomed:
        outcomes.append((one, _delete(root, one)))
        reached("deleted")
    _unmake_empty(root, folders)
    times.sync()
    reached("all deleted")
    with catalogue.writing() as connection:
        version = catalogue.bump()
        times.save(connection)
        for one, reason in outcomes:
            _note(connection, step_id, one, reason, version=version)
        times.forget_missing(connection)
        _tell(connection, step_id)
        if is_last:
            mark_lost(connection, step_id)
    reached("settled")


def mark_lost(connection: sqlite3.Connection, step_id: int) -> None:
    """Take the steps out of undo and redo whose photos were all deleted for good."""
    touched = connection.execute(
        "SELECT DISTINCT other.step FROM move AS mine JOIN move AS other ON other.file=mine.file "
        "JOIN step ON step.id=other.step "
        "WHERE mine.step=? AND mine.carried=1 AND step.dropped=0 "
        f"AND step.kind IN ({','.join('?' * len(MOVING))})",
        (step_id, *MOVING),
    ).fetchall()
    for (other,) in touched:
        (standing,) = connection.execute(
            "SELECT EXISTS(SELECT 1 FROM move AS one JOIN file ON file.id=one.file "
            f"WHERE one.step=? AND one.carried<>0 AND (file.place<>{GONE} OR NOT EXISTS("
            "SELECT 1 FROM move AS last JOIN step ON step.id=last.step "
            "WHERE last.file=one.file AND last.carried=1 AND step.kind='empty')))",
            (other,),
        ).fetchone()
        if not standing:
            connection.execute("UPDATE step SET dropped=? WHERE id=?", (LOST, other))


def was_deleted(connection: sqlite3.Connection, file_id: int) -> bool:
    """Whether a photo that is gone was deleted for good, here and not by hand."""
    row = connection.execute(
        "SELECT 1 FROM move JOIN step ON step.id=move.step "
        "WHERE move.file=? AND carried=1 AND kind='empty' LIMIT 1",
        (file_id,),
    )
    return row.fetchone() is not None


def size(number: int) -> str:
    """A number of bytes as people say it: ``812 bytes``, ``34 MB``, ``1.2 GB``."""
    amount, unit = float(number), 0
    while amount >= 1000 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return (
        f"{amount:.1f} {UNITS[unit]}" if unit and amount < 9.95 else f"{amount:.0f} {UNITS[unit]}"
    )


def _doomed(connection: sqlite3.Connection, step_id: int) -> list[_Doomed]:
    rows = connection.execute(
        "SELECT seq, file, before, content, bytes, mtime_ns FROM move "
        "WHERE step=? AND carried=0 AND skipped IS NULL ORDER BY seq",
        (step_id,),
    )
    return [
        _Doomed(
            seq=seq,
            file_id=file_id,
            path=decoded(path),
            content=content,
            size=size_,
            mtime_ns=mtime_ns,
        )
        for seq, file_id, path, content, size_, mtime_ns in rows
    ]


def _delete(root: Path, one: _Doomed) -> str | None:
    """Delete one file; why it was left alone, if it was."""
    path = root / one.path
    if not is_removed(one.path) or moving.goes_through_link(root, folder_of(one.path)):
        return BEHIND_A_LINK
    try:
        if not os.path.lexists(path):
            return None  # by a process that died after it, or by hand
        found = os.lstat(path)
        if not moving.is_plain_file(path) or found.st_size != one.size:
            return CHANGED
        if found.st_mtime_ns != one.mtime_ns and content_hash(path) != one.content:
            return CHANGED
        moving.patiently(lambda: os.unlink(path))
    except OSError as error:
        return moving.why_not(error).replace("moved", "deleted").replace("move", "delete")
    return None


def _unmake_empty(root: Path, folders: Sequence[str] | set[str]) -> None:
    """Take away the folders among the removed ones in which nothing is left."""
    inner_first = sorted(folders, key=lambda folder: -folder.count("/"))
    for folder in inner_first:
        while folder != REMOVED_FOLDER and is_removed(folder):
            try:
                (root / folder).rmdir()
            except OSError:
                break  # something is in it, or it is gone already
            folder = folder_of(folder)


def _note(
    connection: sqlite3.Connection, step_id: int, one: _Doomed, reason: str | None, *, version: int
) -> None:
    connection.execute(
        "UPDATE move SET carried=?, skipped=? WHERE step=? AND seq=?",
        (reason is None, reason, step_id, one.seq),
    )
    if reason is not None:
        look_again(connection, one.path)
        return
    connection.execute(
        f"UPDATE file SET place={GONE}, left_at=?, changed=? WHERE id=? AND place={REMOVED} "
        "AND path=?",
        (time.time(), version, one.file_id, encoded(one.path)),
    )
    connection.execute("DELETE FROM aside WHERE file=?", (one.file_id,))


def _tell(connection: sqlite3.Connection, step_id: int) -> None:
    number, total = connection.execute(
        "SELECT count(*), ifnull(sum(bytes), 0) FROM move WHERE step=? AND carried=1", (step_id,)
    ).fetchone()
    words = f"Deleted {photos(number)} for good ({size(total)})" if number else ""
    connection.execute(
        "UPDATE step SET doing=NULL, words=?, dropped=1 WHERE id=?", (words, step_id)
    )
