"""What lies in one folder of a data set: photos to be, folders below, links passed over."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from core.dataset.folder_times import modified
from core.dataset.moving import is_junction
from core.dataset.names import HOME, REMOVED
from core.images.files import is_ignored


class Found(NamedTuple):
    """A file as a folder lists it."""

    name: str
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One folder as it was read."""

    path: str  # relative to the data set
    mtime_ns: int  # from before it was read
    files: tuple[Found, ...]
    folders: tuple[str, ...]  # paths relative to the data set
    links: int
    error: str | None  # why it could not be read
    special: tuple[str, ...] = ()  # paths of pipes, sockets and devices, relative to the data set


def list_folder(root: Path, path: str) -> Listed:
    """Read one folder. A folder that cannot be read is a result."""
    place = root / path
    mtime_ns = modified(place) or 0
    files: list[Found] = []
    folders: list[str] = []
    special: list[str] = []
    links = 0
    error = None
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links += 1
                elif entry.is_file(follow_symlinks=False):
                    if not is_ignored(entry.name) and (found := _found(entry)) is not None:
                        files.append(found)
                elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    if is_junction(Path(entry.path)):
                        links += 1
                    else:
                        folders.append(f"{path}/{entry.name}" if path else entry.name)
                elif not is_ignored(entry.name) and _is_special(entry):
                    special.append(f"{path}/{entry.name}" if path else entry.name)
    except OSError as problem:
        error = problem.strerror or str(problem)
    if not path and has_removed(root):
        folders.append(REMOVED)
    return Listed(
        path=path,
        mtime_ns=mtime_ns,
        files=tuple(files),
        folders=tuple(sorted(folders)),
        links=links,
        error=error,
        special=tuple(sorted(special)),
    )


def _found(entry: "os.DirEntry[str]") -> Found | None:
    try:
        state = entry.stat(follow_symlinks=False)
    except OSError:
        return None  # it vanished while the folder was being read
    return Found(entry.name, state.st_size, state.st_mtime_ns)


def _is_special(entry: "os.DirEntry[str]") -> bool:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def has_removed(root: Path) -> bool:
    """Whether there is a folder of removed files, reached by no link."""
    return is_plain_folder(root / HOME) and is_plain_folder(root / REMOVED)


def stat_file(path: Path) -> Found | None:
    """A file's size and time; None if there is no plain file at the path."""
    try:
        state = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return Found(path.name, state.st_size, state.st_mtime_ns)


def is_plain_folder(path: Path) -> bool:
    """Whether a path is a folder of its own, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode) and not is_junction(path)
    except OSError:
        return False
