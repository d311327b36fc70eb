"""Tallies of many folders, counted aside so that a page never waits for a slow disk."""

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.collect.folders import Tally, tally

FRESH_SECONDS = 60.0
MOST_KEPT = 2000


class Tallies:
    """Counts folders in the background and remembers them for a while; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Path, tuple[float, Tally]] = {}
        self._asked: set[Path] = set()

    def known(self, folders: Iterable[Path], *, wait_seconds: float = 0.0) -> dict[Path, Tally]:
        """Tallies of those folders that are counted by now; the others are begun.

        Args:
            folders: Those to show.
            wait_seconds: How long to wait at most for all of them.
        """
        wanted = list(folders)
        self._begin(wanted)
        deadline = time.monotonic() + wait_seconds
        while len(found := self._found(wanted)) < len(wanted) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def _found(self, wanted: Sequence[Path]) -> dict[Path, Tally]:
        with self._lock:
            return {folder: self._kept[folder][1] for folder in wanted if folder in self._kept}

    def _begin(self, wanted: Sequence[Path]) -> None:
        now = time.monotonic()
        with self._lock:
            stale = [
                folder
                for folder in wanted
                if folder not in self._asked
                and (folder not in self._kept or now - self._kept[folder][0] > FRESH_SECONDS)
            ]
            self._asked.update(stale)
        if stale:
            # A daemon, because a dead network drive may never answer.
            threading.Thread(target=self._count, args=(stale,), daemon=True).start()

    def _count(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            counted = tally(folder)
            with self._lock:
                self._kept.pop(folder, None)
                self._kept[folder] = (time.monotonic(), counted)
                self._asked.discard(folder)
                while len(self._kept) > MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)))
