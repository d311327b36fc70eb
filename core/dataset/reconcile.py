"""Bringing the catalogue up to the folder tree, which is the truth.

Folders are read without a lock, since that may take a second; each difference found is then
checked once more under the lock before the catalogue follows it. A file that was moved by hand
keeps its row: its content tells, and its name where several have that content.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from core.dataset import outside
from core.dataset.catalogue import GONE, PRESENT, Catalogue
from core.dataset.folder_times import FRESH_SECONDS, folder_id, modified
from core.dataset.intake import Hashed, Intake
from core.dataset.listings import class_folders
from core.dataset.moving import goes_through_link
from core.dataset.names import REMOVED as REMOVED_FOLDER
from core.dataset.names import decoded, encoded, folder_of, look_alikes, shown
from core.dataset.parts import found_parts, load_parts, sort_anew
from core.dataset.scanning import Listed, has_removed, is_plain_folder, list_folder, stat_file
from core.dataset.steps import Skipped
from core.errors import DatasetError
from core.images.identity import content_hash
from core.jobs.progress import Progress, Task

BATCH_FILES = 2_000
BATCH_SECONDS = 0.5
HASHED_AT_ONCE = 64
MESSAGE = "Looking through the photos."
SPECIAL = "This is a pipe, a socket or a device and no photo. Move it elsewhere."


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """What a look at the folders found."""

    photos: int  # present ones, after it
    added: int
    changed: int  # same place, other content
    moved: int  # by hand; they kept their rows
    gone: int
    links: int  # symbolic links passed over, in the whole data set
    unreadable: tuple[Skipped, ...]  # files and folders that could not be read
    look_alikes: tuple[tuple[str, ...], ...]  # class names that differ only in case or Unicode form


@dataclass(kw_only=True)
class _Differences:
    """What to look at again under the lock."""

    folders: list[Listed] = field(default_factory=list)  # without their files
    new: list[list[str]] = field(default_factory=list)  # paths to hash, folder by folder
    lost: list[int] = field(default_factory=list)  # file ids
    lost_folders: list[str] = field(default_factory=list)


class Reconciler:
    """Compares one data set's folders with its catalogue."""

    def __init__(
        self,
        root: Path,
        catalogue: Catalogue,
        lock: Callable[[], AbstractContextManager[object]],
        *,
        unsorted: str,
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._lock = lock
        self._unsorted = unsorted
        self._intake = Intake(root, unsorted=unsorted)
        self._unreadable: list[Skipped] = []
        self._unread_before: set[str] = set()  # no news when they cannot be read again

    def run(self, *, everything: bool) -> Task[Reconciled]:
        """Follow the tree.

        Args:
            everything: Look at every file; else only into folders whose own time changed, which
                finds what was added, renamed and taken away, but not a file rewritten in place.

        Raises:
            DatasetError: If the data set's folder cannot be read.
        """
        differences = yield from self._compare(everything=everything)
        if differences.folders or differences.lost_folders:
            self._note_lost(differences)
        self._note_parts()
        if differences.folders or differences.lost_folders:
            yield from self._note_found(differences)
        self._tell()
        return self._result()

    def _compare(self, *, everything: bool) -> Generator[Progress, None, _Differences]:
        self._require_root()
        known = self._known_folders()
        differences = _Differences()
        now = time.time()
        waiting = [""] if everything or "" not in known else []
        if not waiting:
            waiting = self._stirred(known, now, differences)
        seen: set[str] = set()
        files = 0
        reported = time.monotonic()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            listed = list_folder(self._root, path)
            files += len(listed.files)
            self._unreadable += [Skipped(file=file, reason=SPECIAL) for file in listed.special]
            if listed.error is None:
                self._compare_files(listed, differences)
                waiting += [below for below in listed.folders if everything or below not in known]
            else:
                self._unreadable.append(_unreadable(path, listed.error))
            if time.monotonic() - reported > BATCH_SECONDS:
                reported = time.monotonic()
                yield Progress(phase="index", done=files, total=0, message=MESSAGE)
        if everything:
            differences.lost += self._without_folder()
            unread = [skipped.file for skipped in self._unreadable]
            differences.lost_folders = [
                path
                for path in known.keys() - seen
                if not any(path.startswith(f"{folder}/") for folder in unread)
            ]
        return differences

    def _require_root(self) -> None:
        """Tell a folder that cannot be read, such as a drive taken out, from an emptied one."""
        try:
            os.scandir(self._root).close()
        except OSError as error:
            raise DatasetError(
                f"{shown(str(self._root))} cannot be read ({error.strerror or error}). "
                "Check that it is still there and that you may open it."
            ) from error

    def _without_folder(self) -> list[int]:
        """Files the catalogue has in folders it does not."""
        rows = self._catalogue.connection().execute(
            f"SELECT id FROM file WHERE place<{GONE} AND folder NOT IN (SELECT id FROM folder)"
        )
        return [file_id for (file_id,) in rows]

    def _known_folders(self) -> dict[str, tuple[int, float | None]]:
        rows = self._catalogue.connection().execute("SELECT path, mtime_ns, check_at FROM folder")
        return {decoded(path): (mtime_ns, check_at) for path, mtime_ns, check_at in rows}

    def _stirred(
        self,
        known: dict[str, tuple[int, float | None]],
        now: float,
        differences: _Differences,
    ) -> list[str]:
        """The folders to look into, going by their own times."""
        stirred = []
        lost = set()
        for path, (mtime_ns, check_at) in sorted(known.items()):
            current = modified(self._root / path)
            if current is None or (path and folder_of(path) in lost):
                lost.add(path)
                differences.lost_folders.append(path)
            elif current != mtime_ns or (check_at is not None and check_at <= now):
                stirred.append(path)
        if REMOVED_FOLDER not in known and has_removed(self._root):
            stirred.append(REMOVED_FOLDER)
        return stirred

    def _compare_files(self, listed: Listed, differences: _Differences) -> None:
        rows = self._catalogue.connection().execute(
            "SELECT path, id, bytes, mtime_ns, content FROM file "
            f"WHERE place<{GONE} AND folder=(SELECT id FROM folder WHERE path=?)",
            (encoded(listed.path),),
        )
        known = {path: values for path, *values in rows}
        front = encoded(f"{listed.path}/" if listed.path else "")
        new = []
        for found in listed.files:
            row = known.pop(front + encoded(found.name), None)
            if row is None or row[1:3] != [found.size, found.mtime_ns]:
                new.append(decoded(front) + found.name)
            elif not row[3]:
                new.append(decoded(front) + found.name)
                self._unread_before.add(new[-1])
        differences.lost += [values[0] for values in known.values()]
        differences.new.append(sorted(new))
        differences.folders.append(
            Listed(
                path=listed.path,
                mtime_ns=listed.mtime_ns,
                files=(),
                folders=(),
                links=listed.links,
                error=None,
            )
        )

    def _note_lost(self, differences: _Differences) -> None:
        """Take note of folders, new and gone, and of files that are where they were no longer."""
        known = self._known_folders()
        new = [listed.path for listed in differences.folders if listed.path not in known]
        if not (new or differences.lost or differences.lost_folders):
            return
        with self._lock(), self._catalogue.writing() as connection:
            version = self._catalogue.bump()
            for path in new:
                folder_id(connection, path)
            lost = list(differences.lost)
            for path in differences.lost_folders:
                lost += self._lost_with_folder(connection, path)
            for file_id in lost:
                self._intake.note_gone(connection, file_id, version=version)

    def _note_parts(self) -> None:
        """Take note of whether the tree brings its own split; its classes lie deeper then."""
        connection = self._catalogue.connection()
        if self._found_parts(connection) == load_parts(connection):
            return
        with self._lock(), self._catalogue.writing() as connection:
            version = self._catalogue.bump()
            parts = self._found_parts(connection)
            sort_anew(connection, unsorted=self._unsorted, parts=parts, version=version)

    def _found_parts(self, connection: sqlite3.Connection) -> tuple[str, ...]:
        return found_parts(self._root, connection, unsorted=self._unsorted)

    def _lost_with_folder(self, connection: sqlite3.Connection, path: str) -> list[int]:
        if is_plain_folder(self._root / path) and not goes_through_link(self._root, path):
            return []
        rows = connection.execute(
            f"SELECT id FROM file WHERE place<{GONE} "
            "AND folder=(SELECT id FROM folder WHERE path=?)",
            (encoded(path),),
        ).fetchall()
        connection.execute("DELETE FROM folder WHERE path=?", (encoded(path),))
        return [file_id for (file_id,) in rows]

    def _note_found(self, differences: _Differences) -> Generator[Progress, None, None]:
        """Hash what is new or changed and take it into the catalogue, batch by batch."""
        from concurrent.futures import ThreadPoolExecutor

        total = sum(map(len, differences.new))
        done = 0
        hashed: list[Hashed] = []
        finished: list[Listed] = []
        written = time.monotonic()
        with ThreadPoolExecutor(min(8, (os.cpu_count() or 2) + 1)) as pool:
            for listed, paths in zip(differences.folders, differences.new, strict=True):
                for start in range(0, len(paths), HASHED_AT_ONCE):
                    some = paths[start : start + HASHED_AT_ONCE]
                    hashed += [one for one in pool.map(self._hash, some) if one is not None]
                    done += len(some)
                    late = time.monotonic() - written > BATCH_SECONDS
                    if late or len(hashed) >= BATCH_FILES:
                        self._write(hashed, finished)
                        hashed, finished, written = [], [], time.monotonic()
                        yield Progress(phase="index", done=done, total=total, message=MESSAGE)
                finished.append(listed)
        self._write(hashed, finished)

    def _hash(self, path: str) -> Hashed | None:
        found = stat_file(self._root / path)
        if found is None:
            return None
        try:
            content = content_hash(self._root / path)
        except OSError as error:
            self._unreadable.append(_unreadable(path, error.strerror or str(error)))
            if path in self._unread_before:
                return None
            content = ""
        return Hashed(path=path, size=found.size, mtime_ns=found.mtime_ns, content=content)

    def _write(self, hashed: Sequence[Hashed], finished: Sequence[Listed]) -> None:
        stale = [listed for listed in finished if self._is_news(listed)]
        if not hashed and not stale:
            return
        with self._lock(), self._catalogue.writing() as connection:
            if hashed:
                self._intake.take_in(connection, hashed, version=self._catalogue.bump())
            for listed in stale:
                settled = listed.path not in self._intake.unsettled
                connection.execute(
                    "UPDATE folder SET mtime_ns=?, check_at=?, links=? WHERE path=?",
                    (
                        listed.mtime_ns if settled else 0,
                        _when_to_check(listed),
                        listed.links,
                        encoded(listed.path),
                    ),
                )

    def _is_news(self, listed: Listed) -> bool:
        """Whether the catalogue knows less of a folder than was read."""
        row = (
            self._catalogue.connection()
            .execute(
                "SELECT mtime_ns, check_at, links FROM folder WHERE path=?",
                (encoded(listed.path),),
            )
            .fetchone()
        )
        return bool(row != (listed.mtime_ns, None, listed.links))

    def _tell(self) -> None:
        """Write down what was done by hand. A first look has nothing to tell: all is new to it."""
        connection = self._catalogue.connection()
        is_known = outside.is_known(connection)
        noticed = self._intake.noticed
        if is_known and not (self._intake.gone or noticed):
            return
        with self._lock(), self._catalogue.writing():
            if is_known:
                outside.tell(
                    self._root, connection, noticed, self._intake.gone, unsorted=self._unsorted
                )
            outside.note_looked(connection)

    def _result(self) -> Reconciled:
        connection = self._catalogue.connection()
        (photos,) = connection.execute(
            f"SELECT count(*) FROM file WHERE place={PRESENT}"
        ).fetchone()
        (links,) = connection.execute("SELECT ifnull(sum(links), 0) FROM folder").fetchone()
        return Reconciled(
            photos=photos,
            added=self._intake.added,
            changed=self._intake.changed,
            moved=self._intake.moved,
            gone=len(self._intake.gone),
            links=links,
            unreadable=tuple(self._unreadable),
            look_alikes=look_alikes(class_folders(connection)),
        )


def _when_to_check(listed: Listed) -> float | None:
    """A folder that changed a moment ago may hold more than was read."""
    now = time.time()
    is_fresh = abs(now - listed.mtime_ns / 1e9) < FRESH_SECONDS
    return now + FRESH_SECONDS if is_fresh else None


def _unreadable(path: str, reason: str) -> Skipped:
    return Skipped(file=path, reason=f"This cannot be read ({reason}). Check its permissions.")
