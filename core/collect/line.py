"""Addresses waiting to be fetched, and which one goes next: no site keeps the others waiting."""

import heapq
import itertools
import threading
import time
from collections import Counter, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """A line for each host; threads take from them in turn. Safe to use from any thread."""

    def __init__(self, *, a_host: int) -> None:
        self._a_host = a_host
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[T]] = {}  # hosts in the order in which they are next
        self._active: Counter[str] = Counter()
        self._later: list[tuple[float, int, str, T]] = []
        self._numbers = itertools.count()
        self._closed = False

    def put(self, host: str, one: T, *, in_seconds: float = 0.0) -> None:
        """Add one, to be taken now or after a while."""
        with self._changed:
            if in_seconds > 0:
                at = time.monotonic() + in_seconds
                heapq.heappush(self._later, (at, next(self._numbers), host, one))
            else:
                self._waiting.setdefault(host, deque()).append(one)
            self._changed.notify()

    def take(self) -> tuple[str, T] | None:
        """The next one that its host has room for, waited for; None once the line is closed.

        Its host counts as busy with it until ``give_back``.
        """
        with self._changed:
            while not self._closed:
                self._bring_up_what_is_due()
                for host, line in self._waiting.items():
                    if self._active[host] < self._a_host:
                        one = line.popleft()
                        del self._waiting[host]  # its next one waits behind the other hosts'
                        if line:
                            self._waiting[host] = line
                        self._active[host] += 1
                        return host, one
                due = self._later[0][0] - time.monotonic() if self._later else None
                self._changed.wait(None if due is None else max(0.0, due))
        return None

    def give_back(self, host: str) -> None:
        """Note that the host is done with one it was asked for."""
        with self._changed:
            self._active[host] -= 1
            if not self._active[host]:
                del self._active[host]
            self._changed.notify()

    @property
    def busy(self) -> bool:
        """Whether a host is still at work on one that was taken."""
        with self._changed:
            return bool(self._active)

    def close(self) -> None:
        """Let everybody who waits go; what is left in line is forgotten."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _bring_up_what_is_due(self) -> None:
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            _, _, host, one = heapq.heappop(self._later)
            self._waiting.setdefault(host, deque()).append(one)
