"""Folders of arriving files, each claimed by the process that fills it for as long as it lives."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from core.dataset.arrivals import clear_staging, staging
from core.errors import DatasetError

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset


@contextmanager
def claimed(dataset: "Dataset", collection: str) -> Iterator[Path]:
    """A collection's folder, empty and nobody else's; deleted at the end with what is left in it.

    What other collections left whose processes have died is deleted now.

    Raises:
        DatasetError: If the same collection is being worked on, the data set is read-only, or the
            folder cannot be made.
    """
    with dataset.editing():  # so that no folder is looked at between its making and its claim
        folder = staging(dataset, collection)
        claim = _claim(folder)
        _clear_unclaimed(folder)
        clear_staging(dataset, collection)  # leftovers of a crash
        staging(dataset, collection)
    try:
        yield folder
    finally:
        try:
            with dataset.editing():
                clear_staging(dataset, collection)
                _give_up(claim)
        finally:
            claim.release()


def _claim(folder: Path) -> FileLock:
    lock = _lock_of(folder)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DatasetError(
            "Another window or command is at work on the same collection. Wait until it is done, "
            "or stop it there."
        ) from error
    except OSError:
        # A disk without locks. Nobody can tell there who lives, so nobody deletes another's files.
        return lock
    return lock


def _clear_unclaimed(mine: Path) -> None:
    for folder in mine.parent.iterdir():
        if folder == mine or folder.is_symlink() or not folder.is_dir():
            continue
        claim = _lock_of(folder)
        try:
            claim.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        _give_up(claim)


def _give_up(claim: FileLock) -> None:
    """Release it, then delete its file, which Windows does not while it is open."""
    claim.release()
    Path(claim.lock_file).unlink(missing_ok=True)


def _lock_of(folder: Path) -> FileLock:
    # Whoever closes a stopped task may be another thread than the one that began it.
    return FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)
