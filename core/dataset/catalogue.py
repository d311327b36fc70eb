"""The SQLite file behind a data set: its tables, its connections, its transactions.

Photos are never in it. Deleting it loses history and settings, and the next opening builds it
anew from the folder tree.
"""

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.dataset.names import shown
from core.errors import DatasetError

BUSY_SECONDS = 30.0

# Where a file is. A row outlives its file: one that comes back gets its old row again.
PRESENT, REMOVED, GONE = 0, 1, 2

SCHEMA = """
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counter VALUES('version', 1);

CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE folder(
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,      -- relative to the data set; empty for its own folder
    mtime_ns INTEGER NOT NULL,      -- when last read; 0 before
    check_at REAL,                  -- look again then: it changed while it was being read
    links INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE file(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL,             -- where it lies, or lay before it was gone
    folder INTEGER NOT NULL,
    class BLOB,                     -- NULL for photos without one; kept when removed
    content TEXT NOT NULL,          -- empty for a file that cannot be read
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    place INTEGER NOT NULL,         -- 0 present, 1 removed, 2 gone
    was BLOB,                       -- a removed file's path before
    left_at REAL,                   -- when it was removed or found gone
    changed INTEGER NOT NULL        -- the version that changed this row last
);
CREATE UNIQUE INDEX file_path ON file(path) WHERE place < 2;
CREATE INDEX file_folder ON file(folder) WHERE place < 2;
CREATE INDEX file_class ON file(place, class);
CREATE INDEX file_content ON file(content);
CREATE INDEX file_changed ON file(changed);

CREATE TABLE step(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    client TEXT,
    number INTEGER,
    creates BLOB,                   -- the class folders that this step made, zero bytes between
    doing TEXT,                     -- 'forward' or 'backward' while files move, else NULL
    undone INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0  -- cannot be undone or redone any more
);
CREATE INDEX step_doing ON step(doing) WHERE doing IS NOT NULL;
CREATE INDEX step_client ON step(client, number) WHERE client IS NOT NULL;

CREATE TABLE move(
    step INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    file INTEGER NOT NULL,
    before BLOB NOT NULL,           -- its path when the step is undone
    after BLOB NOT NULL,            -- its path when the step is done
    source BLOB,                    -- class names; NULL for removed
    target BLOB,
    carried INTEGER NOT NULL DEFAULT 0,  -- 0 never moved, 1 lies at "after", 2 taken back
    content TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    skipped TEXT,                   -- why the step's last run left it alone
    PRIMARY KEY(step, seq)
) WITHOUT ROWID;

CREATE TABLE client(id TEXT PRIMARY KEY, number INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE fold(
    content TEXT NOT NULL, folds INTEGER NOT NULL, fold INTEGER NOT NULL,
    PRIMARY KEY(content, folds)
) WITHOUT ROWID;

CREATE TABLE verdict(
    file INTEGER PRIMARY KEY, content TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT
);
"""

# Where photos came from, since version 2.
SCHEMA_2 = """
CREATE TABLE source(
    file INTEGER PRIMARY KEY,       -- the row in "file"
    via TEXT NOT NULL,              -- the engine or the way in, such as "bing", "list", "upload"
    query TEXT,                     -- search words; the archive, folder or set it came out of
    url TEXT,                       -- of the picture
    page TEXT,                      -- of the page that showed it
    title TEXT,
    author TEXT,
    licence TEXT,
    licence_url TEXT,
    at REAL NOT NULL,               -- seconds since 1970
    collection TEXT                 -- what it arrived with
);
CREATE INDEX source_collection ON source(collection);
CREATE INDEX source_via ON source(via, query);

CREATE TABLE aside(                 -- set aside on arrival; the file lies among the removed
    file INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,             -- "duplicate", "near_duplicate", "too_small"
    reason TEXT NOT NULL,           -- one sentence
    resembles INTEGER,              -- the file it is like
    collection TEXT,
    at REAL NOT NULL
);
CREATE INDEX aside_collection ON aside(collection);

CREATE TABLE fetched(               -- addresses asked for, so that none is asked for twice
    class BLOB NOT NULL,            -- wanted for; empty for unsorted
    url TEXT NOT NULL,
    outcome TEXT NOT NULL,          -- "kept", "rejected", or a kind of "aside"
    reason TEXT,                    -- one sentence where it was not kept
    again INTEGER NOT NULL DEFAULT 0,   -- 1 where another try may go better
    file INTEGER,
    via TEXT,
    collection TEXT,
    at REAL NOT NULL,
    PRIMARY KEY(class, url)
) WITHOUT ROWID;
CREATE INDEX fetched_collection ON fetched(collection);

CREATE TABLE near_hash(             -- perceptual hashes by content
    content TEXT NOT NULL, method TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY(content, method)
) WITHOUT ROWID;
"""

# What cleaning finds, and named states of the data set, since version 3.
SCHEMA_3 = """
CREATE TABLE quality(               -- how a content scores, 0 to 1; low is suspect
    content TEXT NOT NULL, measure TEXT NOT NULL, value REAL NOT NULL,
    PRIMARY KEY(content, measure)
) WITHOUT ROWID;

CREATE TABLE alike(                 -- groups of contents that look alike; derived
    content TEXT NOT NULL, kind TEXT NOT NULL, grouping INTEGER NOT NULL,
    PRIMARY KEY(content, kind)
) WITHOUT ROWID;
CREATE INDEX alike_grouping ON alike(kind, grouping);

CREATE TABLE snapshot(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    time REAL NOT NULL,             -- seconds since 1970
    step INTEGER                    -- the last journal step it holds
);
CREATE TABLE snapshot_file(
    snapshot INTEGER NOT NULL,
    file INTEGER NOT NULL,
    path BLOB NOT NULL,
    class BLOB,                     -- NULL for photos without one
    content TEXT NOT NULL,
    PRIMARY KEY(snapshot, file)
) WITHOUT ROWID;
"""

# Quick answers about steps of many photos, since version 4.
SCHEMA_4 = """
CREATE INDEX move_file ON move(file);
CREATE INDEX move_skipped ON move(step) WHERE skipped IS NOT NULL;
CREATE UNIQUE INDEX snapshot_name ON snapshot(name);
ALTER TABLE snapshot ADD COLUMN photos INTEGER NOT NULL DEFAULT 0;
"""

# What steps do to classes besides moving photos, since version 5.
SCHEMA_5 = """
CREATE TABLE class_act(
    step INTEGER PRIMARY KEY,
    words TEXT NOT NULL,
    renames TEXT NOT NULL,          -- folders before and after, as JSON
    clears TEXT NOT NULL,           -- folders taken away once emptied, as JSON
    order_before TEXT,              -- the setting with the order of the digit keys
    order_after TEXT
);
"""

# What brings a catalogue of one version to the next; the first makes it from nothing.
VERSIONS = (SCHEMA, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5)
SCHEMA_VERSION = len(VERSIONS)
TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", "".join(VERSIONS)))

# Connections of the parent of a forked process. Closing them there would meddle with its locks.
_inherited: list["_Held"] = []


class _Connection(sqlite3.Connection):
    """A connection that the garbage collector may close, without a warning."""

    def __del__(self) -> None:
        self.close()


class _Held:
    """A thread's connection and the catalogue it leads to; closed when the thread is gone.

    A connection is part of a reference cycle (its cache of statements), so by itself it would stay
    open until the garbage collector comes by.
    """

    def __init__(self, connection: sqlite3.Connection, identity: tuple[int, int, int]) -> None:
        self.connection = connection
        self.identity = identity

    def __del__(self) -> None:
        self.connection.close()


class Catalogue:
    """Connections to one catalogue, one a thread; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._sound: tuple[int, int, int] | None = None  # the catalogue found undamaged
        self.connection()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection. It commits each statement unless within ``writing``."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is None or held.identity != self.identity():
            if held is not None and held.identity[0] != os.getpid():
                _inherited.append(held)
            held = self._local.held = self._opened()
        return held.connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on disk afterwards, or none. Inner ones join the outer.

        Raises:
            DatasetError: If the catalogue cannot be written.
        """
        connection = self.connection()
        if connection.in_transaction:
            yield connection
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise DatasetError(
                f"The catalogue {shown(str(self.path))} could not be written ({error}). "
                "Check that the disk is not full, then try again."
            ) from error
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._sound = None  # the next opening looks, and sets it aside
            raise DatasetError(
                f"The catalogue {shown(str(self.path))} is damaged ({error}). Open the data set "
                "again: Winnow then builds a new one from the folders."
            ) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def version(self) -> int:
        """A number that grows with every change by anyone."""
        row = self.connection().execute("SELECT value FROM counter WHERE name='version'").fetchone()
        return int(row[0])

    def bump(self) -> int:
        """Count a change; call it first in the transaction that makes it. Returns the version."""
        self.connection().execute("UPDATE counter SET value=value+1 WHERE name='version'")
        return self.version()

    def identity(self) -> tuple[int, int, int]:
        """Tells a catalogue that was deleted and made anew, and a forked process, apart."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return (os.getpid(), 0, 0)
        return (os.getpid(), found.st_dev, found.st_ino)

    def _opened(self) -> _Held:
        try:
            # Not its parents: a drive that was taken out must not come back as a folder.
            self.path.parent.mkdir(exist_ok=True)
            found = self.identity()
            try:
                connection = self._connected()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                if self.identity() == found:  # else another process was quicker
                    self._set_aside()
                connection = self._connected()
        except (OSError, sqlite3.DatabaseError) as error:
            raise DatasetError(
                f"The catalogue {shown(str(self.path))} cannot be opened ({error}). Check that "
                "its folder is still there, that you may write to it and that the disk is not full."
            ) from error
        return _Held(connection, self.identity())

    def _connected(self) -> sqlite3.Connection:
        """A connection to a catalogue that was looked through once for damage."""
        connection = _connect(self.path)
        try:
            identity = self.identity()
            if self._sound != identity:
                _require_sound(connection)  # 0.02 s for 100,000 photos
                self._sound = identity
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> None:
        """Make room for a new catalogue: this one is damaged. The tree has all that matters."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for suffix in ("", "-wal", "-shm"):
            damaged = self.path.with_name(self.path.name + suffix)
            if damaged.exists():
                damaged.replace(damaged.with_name(f"damaged-{stamp}-{damaged.name}"))


def _connect(path: Path) -> sqlite3.Connection:
    # Used by one thread; only closing it may fall to another, the garbage collector's.
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _prepare_tables(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_tables(connection: sqlite3.Connection, path: Path) -> None:
    found = _schema_version(connection)
    if found < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have been quicker.
        for version in range(_schema_version(connection), SCHEMA_VERSION):
            for statement in VERSIONS[version].split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={version + 1}")
        connection.execute("COMMIT")
    elif found > SCHEMA_VERSION:
        raise DatasetError(
            f"{shown(str(path.parent.parent))} was last opened with a newer Winnow. "
            "Update Winnow to open it."
        )


def _schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _require_sound(connection: sqlite3.Connection) -> None:
    """Raise what SQLite raises for a damaged file if a page or a table is not as it should be."""
    (words,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    names = connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    missing = TABLES - {name for (name,) in names}
    if words != "ok" or missing:
        raise sqlite3.DatabaseError(", ".join(sorted(missing)) + " missing" if missing else words)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # Subclasses tell of a full disk, a lock, or our own mistakes.
    return type(error) is sqlite3.DatabaseError
