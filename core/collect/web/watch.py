"""Ending a request that is stopped, too slow or too large, whatever it is waiting for.

A socket's own timeout starts anew with every byte, and nothing else ends a blocked read. So every
wait on the network is cut into short steps, and between two of them the request's watch is asked.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

STEP_SECONDS = 0.2

Ending = Literal["stopped", "slow", "large"]


class Halted(TimeoutError):
    """A request was ended by its watch.

    urllib3 and requests wrap it as they do every timeout, so that those who know nothing of
    watches understand it too; ``core.collect.web.reasons.explain`` finds it inside.
    """

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


def _never() -> bool:
    return False


@dataclass
class Watch:
    """What one request may still take. Used by the thread that makes the request alone."""

    deadline: float  # time.monotonic()
    bytes_left: int  # on the wire, headers and framing included
    stopped: Callable[[], bool] = field(default=_never)

    def check(self) -> None:
        """Raises Halted where the request is over."""
        if self.stopped():
            raise Halted("stopped")
        if time.monotonic() >= self.deadline:
            raise Halted("slow")

    def took(self, count: int) -> None:
        """Note bytes that arrived. Raises Halted where there were too many."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise Halted("large")


class _Threads(threading.local):
    watch: Watch | None = None


_threads = _Threads()


def current() -> Watch | None:
    """The watch of this thread's request."""
    return _threads.watch


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    """Put this thread's requests under a watch."""
    before = _threads.watch
    _threads.watch = watch
    try:
        yield watch
    finally:
        _threads.watch = before


def step(until: float | None, *, watch: Watch | None = None) -> float:
    """How long to wait before looking around again, in seconds, above 0.

    Args:
        until: When the wait itself is over, as time.monotonic(); None for never.
        watch: Asked where this thread has none.

    Raises:
        Halted: Where the request is over.
        TimeoutError: Where ``until`` has passed.
    """
    watch = current() or watch
    if watch is not None:
        watch.check()
    now = time.monotonic()
    left = STEP_SECONDS if until is None else until - now
    if left <= 0:
        raise TimeoutError("timed out")
    if watch is not None:
        left = min(left, max(watch.deadline - now, 0.001))
    return min(left, STEP_SECONDS)
