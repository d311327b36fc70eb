"""The files of a data set as the catalogue lists them, kept in memory until something changes."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple, TypeVar

from core.dataset.catalogue import GONE, PRESENT, REMOVED, Catalogue
from core.dataset.names import class_of, decoded, encoded, is_removed
from core.dataset.parts import load_parts

IDS_A_QUERY = 500  # SQLite takes 999 in its oldest builds
PATCH_AT_MOST = 5_000  # more changed rows than this are read with all the others

Key = TypeVar("Key", int, str)


class FileRow(NamedTuple):
    """A photo that is present."""

    id: int  # stays with the file through moves and rewrites
    path: str  # relative to the data set, with forward slashes; may hold surrogate escapes
    class_name: str | None  # None for a photo without a class
    content: str  # what features and thumbnails go by; empty for a file that cannot be read
    bytes: int


class RemovedRow(NamedTuple):
    """A photo among the removed ones."""

    id: int
    path: str  # where it was; restoring puts it there again
    class_name: str | None
    content: str
    bytes: int
    removed_at: float  # seconds since 1970


class Listing:
    """The present files of one catalogue. Reading it again costs only what changed since."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._version = -1
        self._identity: object = None
        self._by_id: dict[int, FileRow] = {}
        self._sorted: list[FileRow] = []
        self._by_class: dict[str | None, list[FileRow]] | None = None

    def all(self) -> list[FileRow]:
        """Every present file, by path."""
        with self._lock:
            self._update()
            return list(self._sorted)

    def of_class(self, class_name: str | None) -> list[FileRow]:
        """The present files of one class, by path."""
        with self._lock:
            self._update()
            if self._by_class is None:
                self._by_class = {}
                for row in self._sorted:
                    self._by_class.setdefault(row.class_name, []).append(row)
            return list(self._by_class.get(class_name, ()))

    def _update(self) -> None:
        connection = self._catalogue.connection()
        version, identity = self._catalogue.version(), self._catalogue.identity()
        if (version, identity) == (self._version, self._identity):
            return
        if identity != self._identity or not self._patch(connection):
            self._by_id = {row.id: row for row in _read(connection, "place=0", ())}
        self._sorted = sorted(self._by_id.values(), key=attrgetter("path"))
        self._by_class = None
        self._version, self._identity = version, identity

    def _patch(self, connection: sqlite3.Connection) -> bool:
        """Bring the rows up to date by those that changed; False if all must be read."""
        if self._version < 0:
            return False
        since = (self._version,)
        (count,) = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM file WHERE changed>? LIMIT 5001)", since
        ).fetchone()
        if count > PATCH_AT_MOST:
            return False
        changed = connection.execute("SELECT id FROM file WHERE changed>?", since).fetchall()
        for (file_id,) in changed:
            self._by_id.pop(file_id, None)
        for row in _read(connection, "place=0 AND changed>?", since):
            self._by_id[row.id] = row
        return True


def _read(
    connection: sqlite3.Connection, condition: str, values: Sequence[object]
) -> Iterator[FileRow]:
    cursor = connection.execute(
        f"SELECT id, path, class, content, bytes FROM file WHERE {condition}", values
    )
    names: dict[bytes | None, str | None] = {None: None}
    for file_id, path, class_name, content, size in cursor:
        if class_name not in names:
            names[class_name] = decoded(class_name)
        yield FileRow(file_id, decoded(path), names[class_name], content, size)


def rows_by_id(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, FileRow]:
    """The present ones among some files, in the order asked for."""
    found: dict[int, FileRow] = {}
    for chunk in chunks(ids):
        marks = ",".join("?" * len(chunk))
        rows = _read(connection, f"id IN ({marks}) AND place={PRESENT}", chunk)
        by_id = {row.id: row for row in rows}
        found |= {one: by_id[one] for one in chunk if one in by_id}
    return found


def row_at(connection: sqlite3.Connection, path: str) -> FileRow | None:
    """The present file at a path."""
    return next(_read(connection, f"path=? AND place={PRESENT}", (encoded(path),)), None)


def removed_rows(
    connection: sqlite3.Connection, ids: Iterable[int] | None = None
) -> list[RemovedRow]:
    """The removed files, last removed first; all, or those among some."""
    query = f"SELECT id, path, was, class, content, bytes, left_at FROM file WHERE place={REMOVED}"
    if ids is None:
        cursor = connection.execute(f"{query} ORDER BY left_at DESC, id DESC")
        return [_removed_row(values) for values in cursor]
    found = []
    for chunk in chunks(ids):
        cursor = connection.execute(f"{query} AND id IN ({','.join('?' * len(chunk))})", chunk)
        found += [_removed_row(values) for values in cursor]
    return found


def _removed_row(values: tuple[int, bytes, bytes, bytes | None, str, int, float]) -> RemovedRow:
    file_id, _, was, class_name, content, size, left_at = values
    name = None if class_name is None else decoded(class_name)
    return RemovedRow(file_id, decoded(was), name, content, size, left_at)


def chunks(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Some keys, each once, in lists that one query takes."""
    every = list(dict.fromkeys(keys))
    for start in range(0, len(every), IDS_A_QUERY):
        yield every[start : start + IDS_A_QUERY]


def place_file(
    connection: sqlite3.Connection,
    file_id: int,
    path: str,
    *,
    came_from: str,
    folder: int,
    unsorted: str,
    version: int,
) -> None:
    """Write down that a file lies at a path now.

    Whatever row claimed the path before is of a file that is there no longer.
    """
    clear_path(connection, path, except_id=file_id, version=version)
    removed = is_removed(path)
    class_name = class_of(path, unsorted, load_parts(connection))
    connection.execute(
        "UPDATE file SET path=?, folder=?, class=?, place=?, was=?, left_at=?, changed=? "
        "WHERE id=?",
        (
            encoded(path),
            folder,
            None if class_name is None else encoded(class_name),
            REMOVED if removed else PRESENT,
            encoded(came_from) if removed else None,
            time.time() if removed else None,
            version,
            file_id,
        ),
    )


def clear_path(
    connection: sqlite3.Connection, path: str, *, except_id: int = -1, version: int
) -> None:
    """Mark the file the catalogue has at a path as gone."""
    connection.execute(
        f"UPDATE file SET place={GONE}, left_at=?, changed=? "
        f"WHERE path=? AND place<{GONE} AND id<>?",
        (time.time(), version, encoded(path), except_id),
    )
