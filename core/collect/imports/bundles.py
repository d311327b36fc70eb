"""What photos are brought in: an archive, a folder or single files, all read the same way."""

import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Protocol

import xxhash

from core.collect.imports import uploads
from core.collect.imports.archives import Member, Unpacker, open_archive
from core.collect.imports.arranging import Plan
from core.collect.imports.names import each_once, is_label_list, is_passed_over
from core.dataset.moving import is_junction
from core.dataset.names import shown
from core.errors import ArchiveError, DatasetError

CHUNK_BYTES = 4 * 1024 * 1024
MOST_LIST_BYTES = 50_000_000
MOST_FILES = 1_000_000


class Bundle(Protocol):
    """Photos by their paths; what they hold is read one by one."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def names(self) -> Sequence[str]:
        """Paths of all that may be photos or tables of classes, each once."""

    @property
    def left_out(self) -> Sequence[str]:
        """Sentences about what is there and not among the names."""

    def write(self, name: str, target: Path) -> str:
        """Write one to a new file; return its content hash.

        Raises:
            ArchiveError: If it cannot be read; nothing is left of it then.
            OSError: If it cannot be written.
        """

    def read(self, name: str) -> bytes:
        """What a table of classes holds.

        Raises:
            WinnowError: If it cannot be read or is too large.
        """

    def __enter__(self) -> "Bundle": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def open_bundle(source: Mapping[str, str]) -> Bundle:
    """Open what a job's arguments name: ``{"kind": "zip", "path": ..., "title": ...}``.

    Kinds are "zip", "folder" and "files", an upload of single files.

    Raises:
        WinnowError: If it cannot be opened, or must not be.
    """
    path = Path(source["path"])
    title = source.get("title") or path.name
    if source["kind"] == "zip":
        return ZipBundle(path, title)
    if source["kind"] == "files":
        return FilesBundle(path, title)
    return FolderBundle(path, title)


def reader_for(bundle: Bundle, plan: Plan) -> Callable[[str], bytes]:
    """Reads the table that a plan names: one that was uploaded by itself, or one inside."""
    if not plan.list_path:
        return bundle.read
    path = Path(plan.list_path)
    return lambda name: _read_list(path, path.name)


class ZipBundle:
    """A zip archive."""

    left_out: Sequence[str] = ()

    def __init__(self, path: Path, title: str) -> None:
        archive = open_archive(path, title=title)
        self.title = title
        self._members: dict[str, Member] = {}
        for member in (*archive.members, *archive.lists):
            self._members[member.name] = member
        self.names = tuple(self._members)
        self._unpacker = Unpacker(archive)

    def __enter__(self) -> "ZipBundle":
        return self

    def __exit__(self, *_: object) -> None:
        self._unpacker.__exit__()

    def write(self, name: str, target: Path) -> str:
        return self._unpacker.unpack(self._members[name], target)

    def read(self, name: str) -> bytes:
        return self._unpacker.read(self._members[name])


class FolderBundle:
    """A folder on this computer. It is only read: links and hidden files are passed over."""

    def __init__(self, path: Path, title: str) -> None:
        if not path.is_dir():
            raise DatasetError(
                f"There is no folder {shown(str(path))} any more. Choose another one."
            )
        self.title = title
        self._root = path
        self.names, self.left_out = walk(path)

    def __enter__(self) -> "FolderBundle":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def write(self, name: str, target: Path) -> str:
        return copy_file(self._root / name, target, name)

    def read(self, name: str) -> bytes:
        return _read_list(self._root / name, name)


class FilesBundle:
    """Files uploaded one by one, kept under numbers."""

    left_out: Sequence[str] = ()

    def __init__(self, path: Path, title: str) -> None:
        kept = uploads.files_in(path)
        names = each_once(name for name, _ in kept)
        files = {name: file for name, (_, file) in zip(names, kept, strict=True)}
        self.title = title
        self._files = {
            name: file
            for name, file in files.items()
            if is_label_list(name) or not is_passed_over(name)
        }
        self.names = tuple(self._files)

    def __enter__(self) -> "FilesBundle":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def write(self, name: str, target: Path) -> str:
        return copy_file(self._files[name], target, name)

    def read(self, name: str) -> bytes:
        return _read_list(self._files[name], name)


def walk(
    root: Path, *, most: int = MOST_FILES, seconds: float | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths of what may be photos or tables below a folder, and sentences about the rest.

    Raises:
        DatasetError: If the folder cannot be read, holds more than ``most`` files, or takes longer
            than ``seconds`` to read.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    names: list[str] = []
    unread: list[str] = []
    links = 0
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not folder:
                raise DatasetError(
                    f"{shown(str(root))} cannot be read ({error.strerror or error}). "
                    "Choose another folder."
                ) from error
            unread.append(f"{shown(folder)} cannot be read ({error.strerror or error}).")
            continue
        below = []
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink() or is_junction(Path(entry.path)):
                links += not entry.name.startswith(".")
            elif entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    below.append(path)
            elif is_passed_over(path) and not is_label_list(path):
                continue
            elif entry.is_file(follow_symlinks=False):
                names.append(path)
            else:
                unread.append(f"{shown(path)} is left out: it is no file but a pipe or a device.")
        waiting += reversed(below)
        if len(names) > most or (deadline is not None and time.monotonic() > deadline):
            raise DatasetError(
                f"{shown(str(root))} holds too many files to look through. Use it where it is, or "
                "choose a folder inside it."
            )
    if links:
        words = "1 link is" if links == 1 else f"{links:,} links are"
        unread.append(f"{words} left out: they lead to other places.")
    return tuple(names), tuple(unread)


def copy_file(source: Path, target: Path, name: str) -> str:
    """Copy a file to a new one and return its content hash.

    Raises:
        ArchiveError: If the source cannot be read.
        OSError: If the target cannot be written.
    """
    digest = xxhash.xxh3_128()
    try:
        reading = source.open("rb", buffering=0)
    except OSError as error:
        raise _cannot_read(name, error) from error
    with reading, target.open("xb", buffering=0) as writing:
        try:
            while chunk := _chunk(reading, name):
                digest.update(chunk)
                writing.write(chunk)
        except BaseException:
            writing.close()
            target.unlink(missing_ok=True)
            raise
    return digest.hexdigest()


def _chunk(file: RawIOBase, name: str) -> bytes:
    try:
        return file.read(CHUNK_BYTES) or b""
    except OSError as error:
        raise _cannot_read(name, error) from error


def _cannot_read(name: str, error: OSError) -> ArchiveError:
    if error.errno == errno.ENOENT:
        return ArchiveError(f"{shown(name)} is no longer there.")
    return ArchiveError(f"{shown(name)} cannot be read ({error.strerror or error}).")


def _read_list(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > MOST_LIST_BYTES:
            raise ArchiveError(f"{shown(name)} is too large to be read.")
        return path.read_bytes()
    except OSError as error:
        raise _cannot_read(name, error) from error
