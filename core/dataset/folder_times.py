"""When folders were last read, so that looking for changes means looking at folders only."""

import os
import sqlite3
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from core.dataset.moving import sync_folder
from core.dataset.names import HOME, encoded, folder_of

# A folder changed this recently may change again within the same tick of its clock: it is read
# once more after as many seconds.
FRESH_SECONDS = 2.0


class FolderTimes:
    """The folders a step touches, with their times before it.

    A folder that stood as the catalogue knew it, and that the step alone changed, need not be
    read again.
    """

    def __init__(self, root: Path, folders: Iterable[str]) -> None:
        self._root = root
        with_parents: set[str] = set()
        for folder in folders:
            while folder not in with_parents:
                with_parents.add(folder)
                folder = folder_of(folder)
        self._before = {
            folder: modified(root / folder) for folder in with_parents if folder != HOME
        }

    def sync(self) -> None:
        """Put the names in the folders that changed on disk."""
        for folder, before in self._before.items():
            if modified(self._root / folder) not in (before, None):
                sync_folder(self._root / folder)

    def save(self, connection: sqlite3.Connection) -> dict[str, int]:
        """Take note of the folders as they are; return the row id of each that exists."""
        ids = {}
        for folder, before in self._before.items():
            now = modified(self._root / folder)
            if now is None:
                continue
            ids[folder] = folder_id(connection, folder, mtime_ns=0 if before is not None else now)
            connection.execute(
                "UPDATE folder SET mtime_ns=?, check_at=? WHERE id=? AND mtime_ns=?",
                (now, time.time() + FRESH_SECONDS, ids[folder], now if before is None else before),
            )
        return ids

    def forget_missing(self, connection: sqlite3.Connection) -> None:
        """Leave out folders that are there no longer; a refresh sees to those that held files."""
        for folder in self._before:
            if modified(self._root / folder) is None:
                connection.execute(
                    "DELETE FROM folder WHERE path=? AND NOT EXISTS "
                    "(SELECT 1 FROM file WHERE file.folder=folder.id AND place<2)",
                    (encoded(folder),),
                )


def folder_id(connection: sqlite3.Connection, path: str, *, mtime_ns: int = 0) -> int:
    """The row of a folder, made where there is none."""
    row = connection.execute("SELECT id FROM folder WHERE path=?", (encoded(path),)).fetchone()
    if row is not None:
        return int(row[0])
    cursor = connection.execute(
        "INSERT INTO folder(path, mtime_ns) VALUES(?, ?)", (encoded(path), mtime_ns)
    )
    return int(cursor.lastrowid or 0)


def modified(folder: Path) -> int | None:
    """When a folder's names changed last, in nanoseconds; None if there is no plain folder."""
    try:
        state = os.lstat(folder)
    except OSError:
        return None
    return state.st_mtime_ns if stat.S_ISDIR(state.st_mode) else None


def look_again(connection: sqlite3.Connection, path: str) -> None:
    """Have the folder that holds a path read at the next refresh."""
    connection.execute("UPDATE folder SET check_at=0 WHERE path=?", (encoded(folder_of(path)),))
