"""Many requests at once: who goes next, and how far ahead of the caller."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from core.collect.web.hosts import Hosts
from core.collect.web.watch import STEP_SECONDS

# Connections that are not free for the next in line may be for one further down: so many
# addresses for each connection are looked at.
AHEAD = 4
# The longest that leaving early waits for requests to end; longer than any watch takes.
LEAVING_SECONDS = 3.0


class OnItsWay(Protocol):
    host: str


T = TypeVar("T")
J = TypeVar("J", bound=OnItsWay)
R = TypeVar("R")


@dataclass
class Flow(Generic[T, J, R]):
    """Runs jobs, each one request after the other, in as many threads as there are connections.

    The caller's thread alone reads the input. Threads pick for themselves whatever may be sent at
    this moment, so that a site which asks to wait keeps nobody else waiting.
    """

    hosts: Hosts
    connections: int
    stopped: Callable[[], bool]
    prepare: Callable[[T], J]
    step: Callable[[J, Callable[[], bool]], R | None]  # one request; a place is taken for it
    discard: Callable[[R], None]  # a result that nobody will ask for

    def __post_init__(self) -> None:
        lock = threading.Lock()
        self._work = threading.Condition(lock)  # for the threads
        self._news = threading.Condition(lock)  # for the caller
        self._waiting: dict[str, deque[tuple[T, J]]] = {}
        self._waits = 0  # jobs in _waiting
        self._running = 0
        self._done: deque[tuple[T, R]] = deque()
        self._failure: Exception | None = None
        self._over = False

    def run(self, items: Iterable[T], *, beat: float | None) -> Iterator[tuple[T, R] | None]:
        """Results as they come, and with ``beat`` a None after so many seconds without one.

        Once stopped, what is under way ends and is given; what waits is dropped.
        """
        source = iter(items)
        threads: list[threading.Thread] = []
        last = time.monotonic()
        ended = False
        try:
            while True:
                ended = ended or self._pull(source, threads)
                found = self._next(ended, None if beat is None else last + beat)
                if found is None and (ended or self.stopped()) and self._idle():
                    return
                now = time.monotonic()
                if found is not None or (beat is not None and now >= last + beat):
                    last = now
                    yield found
        finally:
            self._leave(threads)

    def _pull(self, source: Iterator[T], threads: list[threading.Thread]) -> bool:
        """Read as much of the input as connections ask for; True where it has ended.

        A slow input must not keep back what is done: then one is read for each that is given.
        """
        for count in range(self.connections):
            if self.stopped() or (count and self._done) or not self._is_hungry():
                return False
            try:
                item = next(source)
            except StopIteration:
                return True
            job = self.prepare(item)
            with self._work:
                self._add(item, job)
                self._work.notify()
            if len(threads) < self.connections:
                thread = threading.Thread(target=self._serve, name="fetch", daemon=True)
                threads.append(thread)
                thread.start()
        return False

    def _next(self, ended: bool, until: float | None) -> tuple[T, R] | None:
        """A result; None where more input is wanted, all is done, or ``until`` has come."""
        with self._news:
            while not self._done:
                if self._failure is not None:
                    raise self._failure
                stopped = self.stopped()
                if (ended or stopped) and self._nothing_left(stopped):
                    return None
                if not ended and not stopped and self._hungry():
                    return None
                left = STEP_SECONDS if until is None else until - time.monotonic()
                if left <= 0:
                    return None
                self._news.wait(min(left, STEP_SECONDS))
            return self._done.popleft()

    def _idle(self) -> bool:
        with self._news:
            return not self._done and self._nothing_left(self.stopped())

    def _nothing_left(self, stopped: bool) -> bool:
        return not self._running and (stopped or not self._waits)

    def _is_hungry(self) -> bool:
        with self._news:
            return self._hungry()

    def _hungry(self) -> bool:
        """Whether more input would keep connections busy, and the caller keeps up."""
        if self._waits >= AHEAD * self.connections or len(self._done) >= self.connections:
            return False
        if self._waits < self.connections // 2:
            return True
        idle = self.connections - self._running
        startable = 0
        for host, jobs in self._waiting.items():
            startable += min(len(jobs), self.hosts.room(host))
        return startable < idle

    def _add(self, item: T, job: J) -> None:
        self._waiting.setdefault(job.host, deque()).append((item, job))
        self._waits += 1

    def _pick(self) -> tuple[T, J] | None:
        """A job that may be sent now, a connection taken for it."""
        if self._ends():
            return None
        for host, jobs in self._waiting.items():
            if self.hosts.take(host):
                picked = jobs.popleft()
                self._waits -= 1
                # Last in line, so that every host gets its turn.
                del self._waiting[host]
                if jobs:
                    self._waiting[host] = jobs
                return picked
        return None

    def _ends(self) -> bool:
        return self._over or self.stopped()

    def _serve(self) -> None:
        """One of the threads."""
        while True:
            with self._work:
                while (picked := self._pick()) is None:
                    if self._over:
                        return
                    self._work.wait(STEP_SECONDS)
                self._running += 1
            item, job = picked
            result: R | None = None
            failure: Exception | None = None
            try:
                result = self.step(job, self._ends)
            except Exception as error:  # raised again in the caller's thread
                failure = error
            with self._work:
                self._running -= 1
                self._settle(item, job, result, failure)
                if self._waits:
                    self._work.notify()
                self._news.notify()

    def _settle(self, item: T, job: J, result: R | None, failure: Exception | None) -> None:
        if failure is not None:
            self._failure = self._failure or failure
        elif result is None:
            self._add(item, job)
        elif self._over:
            self.discard(result)
        else:
            self._done.append((item, result))

    def _leave(self, threads: list[threading.Thread]) -> None:
        with self._work:
            self._over = True
            self._work.notify_all()
        until = time.monotonic() + LEAVING_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        with self._work:
            while self._done:
                self.discard(self._done.popleft()[1])
