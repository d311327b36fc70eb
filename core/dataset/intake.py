"""Taking files into the catalogue: which row a file on disk belongs to.

A file keeps the row at its path when its content changed, and gets the row of a file that is gone
when the content is that one's: then it was moved by hand. Between several, the name decides.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset.catalogue import GONE, PRESENT, REMOVED
from core.dataset.folder_times import folder_id
from core.dataset.names import REMOVED as REMOVED_FOLDER
from core.dataset.names import class_of, decoded, encoded, folder_of, is_removed, name_of
from core.dataset.outside import Noticed
from core.dataset.parts import load_parts
from core.dataset.scanning import Found, stat_file

KEPT = -1  # the row at the path is the file's, and is up to date


@dataclass(frozen=True, kw_only=True)
class Hashed:
    """A file with what it held at a size and time."""

    path: str
    size: int  # bytes
    mtime_ns: int
    content: str  # empty if it could not be read


class Intake:
    """Brings rows up to files. Its callers hold the lock and a transaction; it counts."""

    def __init__(self, root: Path, *, unsorted: str) -> None:
        self._root = root
        self._unsorted = unsorted
        self.added = 0
        self.changed = 0
        self.moved = 0
        self.gone: set[int] = set()
        self.noticed = Noticed()  # the same file by file
        self._began = time.time()
        self.unsettled: set[str] = set()  # folders with a file that changed while it was read

    def note_gone(self, connection: sqlite3.Connection, file_id: int, *, version: int) -> None:
        """Mark a row whose file was not found, unless the file is there after all."""
        row = connection.execute(
            f"SELECT path FROM file WHERE id=? AND place<{GONE}", (file_id,)
        ).fetchone()
        if row is not None and self._stat(decoded(row[0])) is None:
            self._mark_gone(connection, file_id, version)
            self.gone.add(file_id)

    def take_in(
        self, connection: sqlite3.Connection, hashed: Sequence[Hashed], *, version: int
    ) -> None:
        """Give each file its row: the one at its path, one that was elsewhere, or a new one."""
        standing = [one for one in hashed if self._still_stands(one)]
        # First let go of every row whose file was replaced, so that a swap by hand is seen as one.
        loose = {one.path: self._let_go(connection, one, version) for one in standing}
        any_gone = self._any_gone(connection)
        for one in standing:
            own = loose[one.path]
            if own == KEPT:
                continue
            file_id = self._returning(connection, one) if any_gone else None
            if file_id is not None and file_id != own:
                self.moved += 1
                self._notice_move(connection, one, file_id)
            elif own is not None and self._is_gone(connection, own):
                file_id = own
                self.changed += 1
                self.noticed.changed[own] = one.path
            else:
                self.added += 1
            saved = self._save(connection, one, file_id, version)
            if file_id is None:
                self.noticed.added[saved] = one.path
            self.gone.discard(saved)

    def _still_stands(self, one: Hashed) -> bool:
        found = self._stat(one.path)
        if found is not None and (found.size, found.mtime_ns) == (one.size, one.mtime_ns):
            return True
        self.unsettled.add(folder_of(one.path))
        return False

    def _stat(self, path: str) -> Found | None:
        """A file as it stands; None if it is not there, or only by way of a link."""
        folder = folder_of(path)
        while folder:
            if (self._root / folder).is_symlink():
                return None
            folder = folder_of(folder)
        return stat_file(self._root / path)

    def _let_go(self, connection: sqlite3.Connection, one: Hashed, version: int) -> int | None:
        """The row that stood at the path of a file with other content; ``KEPT`` if it is its."""
        row = connection.execute(
            f"SELECT id, content FROM file WHERE path=? AND place<{GONE}", (encoded(one.path),)
        ).fetchone()
        if row is None:
            return None
        file_id, content = row
        if content == one.content or not content or not one.content:
            connection.execute(
                "UPDATE file SET content=?, bytes=?, mtime_ns=?, changed=? WHERE id=?",
                (one.content, one.size, one.mtime_ns, version, file_id),
            )
            self.changed += content != one.content
            return KEPT
        self._mark_gone(connection, file_id, version)
        self.gone.add(file_id)
        return int(file_id)

    def _mark_gone(self, connection: sqlite3.Connection, file_id: int, version: int) -> None:
        connection.execute(
            f"UPDATE file SET place={GONE}, left_at=?, changed=? WHERE id=?",
            (time.time(), version, file_id),
        )

    def _any_gone(self, connection: sqlite3.Connection) -> bool:
        found = connection.execute(f"SELECT 1 FROM file WHERE place={GONE} LIMIT 1")
        return found.fetchone() is not None

    def _is_gone(self, connection: sqlite3.Connection, file_id: int) -> bool:
        (place,) = connection.execute("SELECT place FROM file WHERE id=?", (file_id,)).fetchone()
        return bool(place == GONE)

    def _returning(self, connection: sqlite3.Connection, one: Hashed) -> int | None:
        """The gone file that this one is, going by content, then name, then who left last."""
        if not one.content:
            return None
        rows = connection.execute(
            f"SELECT id, path, left_at FROM file WHERE content=? AND place={GONE}", (one.content,)
        ).fetchall()
        if not rows:
            return None
        name = name_of(one.path)
        return int(max(rows, key=lambda row: (name_of(decoded(row[1])) == name, row[2], row[0]))[0])

    def _notice_move(self, connection: sqlite3.Connection, one: Hashed, file_id: int) -> None:
        """Tell a photo that was moved since the last look from one that was gone for longer."""
        path, left_at = connection.execute(
            "SELECT path, left_at FROM file WHERE id=?", (file_id,)
        ).fetchone()
        if left_at >= self._began:
            self.noticed.moved[file_id] = (decoded(path), one.path)
        else:
            self.noticed.returned[file_id] = one.path

    def _save(
        self, connection: sqlite3.Connection, one: Hashed, file_id: int | None, version: int
    ) -> int:
        """Write a file's row; returns which."""
        removed = is_removed(one.path)
        class_name = class_of(one.path, self._unsorted, load_parts(connection))
        cursor = connection.execute(
            "INSERT INTO file(id, path, folder, class, content, bytes, mtime_ns, place, was, "
            "left_at, changed) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT(id) DO UPDATE SET path=excluded.path, folder=excluded.folder, "
            "class=excluded.class, content=excluded.content, bytes=excluded.bytes, "
            "mtime_ns=excluded.mtime_ns, place=excluded.place, was=excluded.was, "
            "left_at=excluded.left_at, changed=excluded.changed",
            (
                file_id,
                encoded(one.path),
                folder_id(connection, folder_of(one.path)),
                None if class_name is None else encoded(class_name),
                one.content,
                one.size,
                one.mtime_ns,
                REMOVED if removed else PRESENT,
                encoded(one.path[len(REMOVED_FOLDER) + 1 :]) if removed else None,
                time.time() if removed else None,
                version,
            ),
        )
        return int(cursor.lastrowid or 0) if file_id is None else file_id
