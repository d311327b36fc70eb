"""One writer at a time: the lock that every process takes around moves and catalogue updates."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.dataset.names import shown
from core.errors import DatasetError

WAIT_SECONDS = 60.0


class TreeLock:
    """The lock of one data set, shared by threads and processes; reentrant within a thread."""

    def __init__(self, home: Path) -> None:
        self._path = home / "lock"
        self._local = threading.local()

    @contextmanager
    def held(self, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
        """Hold the lock.

        Raises:
            DatasetError: If others held it all the time.
        """
        with self.tried(wait_seconds=wait_seconds) as is_held:
            if not is_held:
                raise DatasetError(
                    "Another window or command is changing this data set. "
                    "Wait until it is done, then try again."
                )
            yield

    @contextmanager
    def tried(self, *, wait_seconds: float = 0.0) -> Iterator[bool]:
        """Hold the lock if it can be had in time; yields whether it is held."""
        if getattr(self._local, "is_held", False):
            yield True
            return
        lock = FileLock(self._path)
        try:
            self._path.parent.mkdir(exist_ok=True)
            lock.acquire(timeout=wait_seconds, poll_interval=0.005)
        except Timeout:
            yield False
            return
        except OSError as error:
            raise DatasetError(
                f"{shown(str(self._path))} cannot be locked ({error.strerror or error}). "
                "Check that its folder is still there and can be written."
            ) from error
        self._local.is_held = True
        try:
            yield True
        finally:
            self._local.is_held = False
            lock.release()
