"""Searching, fetching and looking, all at once: threads ask, processes look, results come out."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from core.collect.hunts import Candidate, Hunt
from core.collect.line import Line
from core.collect.web.fetch import Fetch, Fetcher
from core.images.look import Look
from core.images.looking import Closed, Lookers

LOG = logging.getLogger(__name__)
# How the reasons begin that hold for every other address too.
ENDS_ALL = ("There is no space left on the disk", "The limit of ")
TRIES = 2  # of an address that fails in a way that may pass
SECONDS_BEFORE_ANOTHER_TRY = 1.5
QUICK_SECONDS = 15.0  # what took longer to fail is left for another day
# Threads beyond the connections there may be: some wait for a site that asked them to.
THREADS_A_CONNECTION = 2
# Fetched files waiting for a look: more would only fill the disk with what may not be wanted.
UNSEEN_AT_MOST = 64
# Stopping: what is under way may still arrive, and what arrived is looked at. A job that is asked
# to stop has 1.5 seconds, of which the last batch may have taken a part already.
SECONDS_FOR_FETCHES = 0.35
SECONDS_FOR_THE_REST = 0.5
SECONDS_TO_END = 0.3


@dataclass(frozen=True, kw_only=True)
class Came:
    """What became of one address."""

    candidate: Candidate
    fetch: Fetch
    look: Look | None  # None where nothing was fetched


class Incoming:
    """Runs all threads of a collection; results are read by one thread."""

    def __init__(
        self,
        searches: Sequence[Hunt],
        *,
        fetcher: Fetcher,
        lookers: Lookers,
        min_side: int,
        is_known: Callable[[str | None, str], bool],
        stop: threading.Event,
    ) -> None:
        self._hunts = searches
        self._fetcher = fetcher
        self._lookers = lookers
        self._min_side = min_side
        self._is_known = is_known
        self._stop = stop
        self._closed = threading.Event()
        self._line = Line[Candidate](a_host=fetcher.limits.a_host)
        self._unseen = queue.Queue[tuple[Candidate, Fetch]](maxsize=UNSEEN_AT_MOST)
        self._came = queue.SimpleQueue[Came | BaseException]()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for hunt in self._hunts:
            self._run(self._hunt, hunt)
        for _ in range(THREADS_A_CONNECTION * self._fetcher.limits.connections):
            self._run(self._fetch)
        for _ in range(self._lookers.count):
            self._run(self._look)

    def results(self, seconds: float) -> Iterator[Came]:
        """What comes within so many seconds; it may end sooner when all is done."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                came = self._came.get(timeout=min(left, 0.1))
            except queue.Empty:
                if self.done:
                    return
                continue
            if isinstance(came, BaseException):
                raise came
            yield came

    @property
    def done(self) -> bool:
        """Whether every search has ended and every address has come out."""
        return all(hunt.done for hunt in self._hunts) and self._came.empty()

    def stop(self) -> None:
        """Have no more fetched than is under way."""
        self._line.close()

    def left(self) -> Iterator[Came]:
        """After ``stop``: what has come, and what comes in the moment that is left for the rest."""
        started = time.monotonic()
        while (passed := time.monotonic() - started) < SECONDS_FOR_THE_REST:
            if passed > SECONDS_FOR_FETCHES:
                self._stop.set()
            try:
                came = self._came.get(timeout=0.05)
            except queue.Empty:
                if not (self._line.busy or self._unseen.unfinished_tasks):
                    return
                continue
            if isinstance(came, Came):
                yield came

    def close(self) -> None:
        """End everything, within about a second."""
        self._line.close()
        self._stop.set()
        self._closed.set()
        self._lookers.close()
        until = time.monotonic() + SECONDS_TO_END
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=self._guarded, args=(work, *arguments), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        """A thread that dies of a mistake of ours must not leave the others waiting for it."""
        try:
            work(*arguments)
        except Exception as error:
            if not self._stop.is_set():
                self._came.put(error)

    def _hunt(self, hunt: Hunt) -> None:
        hunt.run(is_known=self._is_known, hand_over=self._hand_over, stop=self._stop)

    def _hand_over(self, candidate: Candidate) -> None:
        self._line.put(host_of(candidate.found.url), candidate)

    def _fetch(self) -> None:
        while (taken := self._line.take()) is not None:
            host, candidate = taken
            if candidate.hunt.is_full:
                candidate.hunt.settle(candidate.found, kept=False)
                self._line.give_back(host)
                continue
            started = time.monotonic()
            candidate.hunt.began(candidate.found)
            fetch = self._fetched(candidate)
            if fetch.path is not None:
                self._hand_on(candidate, fetch)
            elif self._stop.is_set():
                return
            elif self._is_worth_another_try(candidate, fetch, time.monotonic() - started):
                again = replace(candidate, tries=candidate.tries + 1)
                self._line.put(host, again, in_seconds=SECONDS_BEFORE_ANOTHER_TRY)
            else:
                self._came.put(Came(candidate=candidate, fetch=fetch, look=None))
            self._line.give_back(host)

    def _fetched(self, candidate: Candidate) -> Fetch:
        url = candidate.found.url
        try:
            return self._fetcher.fetch(url, referer=candidate.found.page)
        except Exception:  # one odd address must not end the others
            LOG.exception("fetching an address")
            return Fetch(
                url=url,
                final_url=url,
                path=None,
                bytes=0,
                content_type=None,
                reason="This address could not be asked.",
            )

    def _hand_on(self, candidate: Candidate, fetch: Fetch) -> None:
        while not self._closed.is_set():
            try:
                self._unseen.put((candidate, fetch), timeout=0.2)
                return
            except queue.Full:
                continue

    def _is_worth_another_try(self, candidate: Candidate, fetch: Fetch, took: float) -> bool:
        # A site that asked to wait was waited for already, as long as it makes sense.
        return (
            fetch.again
            and fetch.retry_after is None
            and not (fetch.reason or "").startswith(ENDS_ALL)
            and candidate.tries + 1 < TRIES
            and took < QUICK_SECONDS
        )

    def _look(self) -> None:
        while not self._closed.is_set():
            try:
                candidate, fetch = self._unseen.get(timeout=0.2)
            except queue.Empty:
                continue
            assert fetch.path is not None
            try:
                look = self._lookers.look(fetch.path, min_side=max(1, self._min_side))
                self._came.put(Came(candidate=candidate, fetch=fetch, look=look))
            except Closed:
                return
            finally:
                self._unseen.task_done()


def host_of(url: str) -> str:
    """The host of an address; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
