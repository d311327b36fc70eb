"""Processes that work on foreign files one at a time, shared by threads."""

import os
import queue
import threading
import time

from core.images.helpers import Helper, HelperEnded, Message

SECONDS_PER_FILE = 30.0


class Closed(Exception):
    """The pool was closed while, or before, a file was worked on."""


class Failed(Exception):
    """A file ended its process, twice, or kept it too long."""

    def __init__(self, *, late: bool) -> None:
        super().__init__("took too long" if late else "crashed")
        self.late = late


class HelperPool:
    """Processes of one kind, started when first needed, each given one request at a time.

    The module is as ``Helper`` wants it, and its process ends itself when a request takes longer
    than its ``seconds``.
    """

    def __init__(self, module: str, *, processes: int | None = None) -> None:
        self.count = processes or available_cores()
        self._module = module
        self._closed = threading.Event()
        self._lock = threading.Lock()  # a process is never started once the end has come
        self._running: set[Helper] = set()
        self._free = queue.LifoQueue[Helper | None]()
        for _ in range(self.count):
            self._free.put(None)  # room for a process

    def ask(self, request: Message, *, seconds: float = SECONDS_PER_FILE) -> Message:
        """Have one request answered, waiting for a free process.

        Raises:
            Failed: If the file is at fault.
            Closed: If ``close`` was called meanwhile.
        """
        # A process may also be ended from outside, as by a system out of memory: the file is at
        # fault only if it ends a second one.
        for is_last in (False, True):
            started_at = time.monotonic()
            answer = self._answer({**request, "seconds": seconds})
            if answer is not None:
                return answer
            if self._closed.is_set():
                raise Closed
            late = time.monotonic() - started_at >= seconds
            if late or is_last:
                break
        raise Failed(late=late)

    def close(self) -> None:
        """End all processes at once, whatever they are doing."""
        self._closed.set()
        with self._lock:
            running, self._running = self._running, set()
        for helper in running:
            helper.kill()

    def _answer(self, request: Message) -> Message | None:
        """A free process's answer; None if the file ended it."""
        helper = self._free.get()
        try:
            if helper is None:
                helper = self._started()
            try:
                helper.ask(request)
                return helper.answer()
            except HelperEnded:
                self._end(helper)
                helper = None
                return None
        finally:
            self._free.put(helper)

    def _started(self) -> Helper:
        with self._lock:
            if self._closed.is_set():
                raise Closed
            helper = Helper(self._module)
            self._running.add(helper)
            return helper

    def _end(self, helper: Helper) -> None:
        with self._lock:
            self._running.discard(helper)
        helper.kill()


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
