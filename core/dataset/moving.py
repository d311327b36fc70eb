"""Moving one file without ever replacing another, not even in a race.

The target's name is reserved first, exclusively and empty; then the file is renamed over its own
reservation. A process that dies in between leaves the file in one place and at most an empty
reservation, which ``finish_interrupted`` clears.
"""

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core.dataset.checkpoints import reached
from core.images.identity import content_hash

BUSY_SECONDS = 2.0  # how long a file that another program holds open on Windows is tried
BUSY_WINDOWS_ERRORS = frozenset({5, 32, 33})  # access denied, sharing violation, lock violation

Result = TypeVar("Result")


def move(source: Path, target: Path, part: Path) -> None:
    """Move a file to a name that nothing has.

    Args:
        source: The file.
        target: Its new path. Its folder exists.
        part: Where a copy grows if the target lies on another file system; beside the target.

    Raises:
        FileExistsError: If something has the target's name; nothing was changed.
        OSError: If the file could not be moved; it is where it was.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    reached("reserved")
    try:
        _rename_over_reservation(source, target, part)
    except BaseException:
        _remove_reservation(source, target)
        raise
    reached("renamed")


def _rename_over_reservation(source: Path, target: Path, part: Path) -> None:
    try:
        patiently(lambda: os.replace(source, target))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(source, target, part)


def _move_across(source: Path, target: Path, part: Path) -> None:
    """Move between file systems: the source goes only when its copy is safely on disk."""
    try:
        shutil.copyfile(source, part, follow_symlinks=False)
        shutil.copystat(source, part, follow_symlinks=False)
        _sync(part)
        reached("copied")
        if content_hash(part) != content_hash(source):
            raise OSError(errno.EIO, "its copy differs from it", str(source))
        patiently(lambda: os.replace(part, target))
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    reached("placed")
    patiently(lambda: os.unlink(source))


def _remove_reservation(source: Path, target: Path) -> None:
    if os.path.lexists(source) and os.path.lexists(target) and os.lstat(target).st_size == 0:
        os.unlink(target)


def finish_interrupted(source: Path, target: Path, part: Path, *, size: int) -> bool:
    """Clear up after a move that a crash may have cut short; say whether it had happened.

    Args:
        source: Where the file was.
        target: Where it was to go.
        part: As for ``move``.
        size: The file's size in bytes: an empty file is told from a reservation by it.
    """
    part.unlink(missing_ok=True)
    if not os.path.lexists(target):
        return False
    is_empty = os.lstat(target).st_size == 0
    if not os.path.lexists(source):
        if is_empty and size > 0:
            os.unlink(target)  # a reservation; the file was taken away by hand since
            return False
        return True
    if is_empty:
        os.unlink(target)
        return False
    if device_of(source) != device_of(target) and same_bytes(source, target):
        patiently(lambda: os.unlink(source))  # copied across and compared, not yet removed
        return True
    return False


def device_of(path: Path) -> int:
    """The file system a file lies on."""
    return os.lstat(path).st_dev


def same_bytes(first: Path, second: Path) -> bool:
    """Whether two files hold the same."""
    return content_hash(first) == content_hash(second)


def patiently(action: Callable[[], Result]) -> Result:
    """Do something to a file, again for two seconds while another Windows program holds it."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return action()
        except OSError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
        time.sleep(0.05)


def is_busy(error: OSError) -> bool:
    """Whether another program on Windows holds the file open. Elsewhere this does not matter."""
    return getattr(error, "winerror", None) in BUSY_WINDOWS_ERRORS


def why_not(error: OSError) -> str:
    """One sentence for a file that could not be moved."""
    if is_busy(error):
        return "Another program has this file open. Close it there and try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "You may not move this file. Check the permissions of its folder."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full."
    return f"This file could not be moved ({error.strerror or error})."


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file of its own: no link, no folder, no device."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def goes_through_link(root: Path, relative: str) -> bool:
    """Whether a path below ``root`` passes through a link on its way, or is one."""
    path = root
    for part in relative.split("/"):
        path = path / part
        if path.is_symlink() or is_junction(path):
            return True
    return False


def is_junction(path: Path) -> bool:
    """Whether a Windows folder is a door to another place."""
    if os.name != "nt":
        return False
    try:
        tag = getattr(os.lstat(path), "st_reparse_tag", 0)
    except OSError:
        return False
    return bool(tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1))


def sync_folder(folder: Path) -> None:
    """Put a folder's names on disk, where the system lets one."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # a folder that may be written but not listed: its names go to disk later
    try:
        os.fsync(descriptor)
    except OSError:
        return  # some network file systems cannot; the names go to disk when they please
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
