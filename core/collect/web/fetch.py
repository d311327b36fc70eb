"""Fetching pictures into a folder: many at once, within limits, each with its outcome."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, overload
from urllib.parse import urljoin, urlsplit, urlunsplit

from requests import Request, Response, Session
from requests.utils import requote_uri

from core.collect.web.flow import Flow
from core.collect.web.hosts import STRIKES, Hosts
from core.collect.web.limits import Limits
from core.collect.web.reasons import (
    BROKE_OFF,
    NOT_AN_ADDRESS,
    STOPPED,
    Trouble,
    explain,
    megabytes,
    of_status,
)
from core.collect.web.saving import Rejected, Saved, save
from core.collect.web.session import REDIRECTS, guarded_session, leave
from core.collect.web.waiting import asked_wait, wait_words
from core.collect.web.watch import Watch, watching

T = TypeVar("T")

# A 429 that says not how long to wait.
UNTOLD_WAIT_SECONDS = 4.0
# The longest that a free connection goes unnoticed by a thread that waits for one.
TURN_SECONDS = 0.05
# Chunk sizes and headers come on top of a file's own bytes.
FRAMING_BYTES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """What became of one address."""

    url: str  # as asked for
    final_url: str  # after redirects, without a user's name or password
    path: Path | None  # the file, whole; None where there is none
    bytes: int  # of the file, or of what arrived of it
    content_type: str | None  # as the site says, which need not be so
    reason: str | None = None  # a sentence, where there is no file
    again: bool = False  # it may well work another time
    retry_after: float | None = None  # seconds that the site asked to wait


@dataclass
class Job:
    """One address on its way, from one request to the next. Not shared between threads."""

    asked: str
    url: str
    referer: str | None
    host: str
    hops: int = 0
    spent: float = 0.0  # seconds of requests, waiting aside
    broken: int = 0  # connections that broke off before an answer
    waits: int = 0  # times the site asked to wait


class Fetcher:
    """Fetches pictures into a folder under names of its own. Safe to use from any thread.

    Sites are asked at most ``limits.connections`` at once and each ``limits.a_host`` at once. A
    site that asks to wait is left alone for so long, while others go on.
    """

    def __init__(
        self,
        folder: Path,
        *,
        session: Session | None = None,
        limits: Limits | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """
        Args:
            folder: Made if it is missing. Files that lie in it already stay.
            session: A guarded session; without one, one of its own. No cookies are kept.
            stop: Once set, whatever is under way ends within a second.
        """
        self.folder = folder
        self.limits = limits or Limits()
        self.stop = stop or threading.Event()
        self._owns_session = session is None
        self._session = session or guarded_session(limits=self.limits)
        self._hosts = Hosts(self.limits)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._bytes = 0
        self._asked = 0
        folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Close connections that were kept; those of a session handed in are its owner's."""
        if self._owns_session:
            self._session.close()

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(self, url: str, *, referer: str | None = None) -> Fetch:
        """Fetch one address. Waits for its site where that asked to; never raises for a site."""
        job = self._job(url, referer)
        while True:
            if self.stop.is_set():
                return failed(job, Trouble(reason=STOPPED, again=True))
            if not self._hosts.take(job.host, wait=TURN_SECONDS):
                continue
            found = self._step(job, self.stop.is_set)
            if found is not None:
                return found

    @overload
    def fetch_all(
        self,
        urls: Iterable[T],
        *,
        url: Callable[[T], str] = ...,
        referer: Callable[[T], str | None] = ...,
    ) -> Iterator[tuple[T, Fetch]]: ...

    @overload
    def fetch_all(
        self,
        urls: Iterable[T],
        *,
        url: Callable[[T], str] = ...,
        referer: Callable[[T], str | None] = ...,
        beat: float,
    ) -> Iterator[tuple[T, Fetch] | None]: ...

    def fetch_all(
        self,
        urls: Iterable[T],
        *,
        url: Callable[[T], str] = str,
        referer: Callable[[T], str | None] = lambda _: None,
        beat: float | None = None,
    ) -> Iterator[tuple[T, Fetch]] | Iterator[tuple[T, Fetch] | None]:
        """Fetch many addresses at once; gives each with its outcome, as they finish.

        The input is consumed lazily, in the caller's thread, and only as far as there are
        connections for it; little more than those are fetched ahead of the caller. Leaving early
        (``close()``) ends what is under way and removes what was not handed out.

        Args:
            urls: What is fetched, in any form that ``url`` turns into an address.
            beat: Give None whenever nothing finished for so many seconds.
        """
        flow = Flow[T, Job, Fetch](
            hosts=self._hosts,
            connections=self.limits.connections,
            stopped=self.stop.is_set,
            prepare=lambda item: self._job(url(item), referer(item)),
            step=self._step,
            discard=_discard,
        )
        return flow.run(urls, beat=beat)

    def _job(self, url: str, referer: str | None) -> Job:
        url = url.strip()
        return Job(asked=url, url=url, referer=referer, host=host_of(url))

    def _step(self, job: Job, stopped: Callable[[], bool]) -> Fetch | None:
        """Send one request of a job, whose host has a place taken for it; gives that back.

        Returns:
            The outcome, or None where another request is to follow, perhaps to another host.
        """
        host = job.host
        try:
            reason = self._hosts.closed(host)
            if reason is not None:
                return failed(job, Trouble(reason=reason, again=True))
            return self._ask(job, stopped)
        finally:
            self._hosts.give(host)

    def _ask(self, job: Job, stopped: Callable[[], bool]) -> Fetch | None:
        refusal = self._beyond_limits(job)
        if refusal is not None:
            return failed(job, refusal)
        start = time.monotonic()
        watch = Watch(
            deadline=start + self.limits.seconds_a_file - job.spent,
            bytes_left=self.limits.file_bytes + FRAMING_BYTES,
            stopped=stopped,
        )
        response: Response | None = None
        try:
            with watching(watch):
                response = self._request(job)
                return self._answer(job, response)
        except Exception as error:  # whatever a site's answer makes of two libraries' parsers
            return self._stumble(job, error, None if response is not None else start)
        finally:
            job.spent += time.monotonic() - start
            if response is not None and not response.raw.closed:
                response.close()

    def _beyond_limits(self, job: Job) -> Trouble | None:
        with self._lock:
            if not (job.hops or job.broken or job.waits):
                self._asked += 1
            asked, size = self._asked, self._bytes
        if asked > self.limits.files:
            words = f"The limit of {self.limits.files:,} addresses was reached."
            return Trouble(reason=words, again=True)
        if size >= self.limits.total_bytes:
            words = megabytes(self.limits.total_bytes)
            return Trouble(reason=f"The limit of {words} for all files was reached.", again=True)
        return None

    def _request(self, job: Job) -> Response:
        headers = {"Accept": "image/*,*/*;q=0.5"}
        if job.referer:
            headers["Referer"] = requote_uri(without_user(job.referer))
        request = self._session.prepare_request(Request("GET", job.url, headers=headers))
        # Past the session's own send, which follows redirects before they can be judged.
        return self._session.get_adapter(request.url or "").send(
            request,
            stream=True,
            timeout=(self.limits.connect_seconds, self.limits.read_seconds),
            verify=True,
            proxies=dict(self._session.proxies),
        )

    def _answer(self, job: Job, response: Response) -> Fetch | None:
        status = response.status_code
        told = asked_wait(response.headers.get("Retry-After"))
        if status == 429 or (status == 503 and told is not None):
            leave(response)
            return self._wait(job, status, told)
        self._hosts.answered(job.host)
        if status in REDIRECTS:
            return self._redirected(job, response)
        trouble = of_status(status)
        if trouble is not None:
            leave(response)
            return failed(job, trouble, response, told=told)
        saved = save(
            response, self.folder, self._numbers, limits=self.limits, arrived=self._arrived
        )
        return _fetched(job, response, saved)

    def _arrived(self, count: int) -> bool:
        """Count bytes of all files together; False where they are too many."""
        with self._lock:
            self._bytes += count
            return self._bytes <= self.limits.total_bytes

    def _wait(self, job: Job, status: int, told: float | None) -> Fetch | None:
        seconds = UNTOLD_WAIT_SECONDS if told is None else told
        job.waits += 1
        reason = f"The site asks to wait {wait_words(seconds)} ({status})."
        if seconds > self.limits.wait_seconds:
            self._hosts.close(job.host, reason)
        elif self._hosts.hold(job.host, seconds, reason) and job.waits <= STRIKES:
            return None
        return failed(job, Trouble(reason=reason, again=True), told=told)

    def _redirected(self, job: Job, response: Response) -> Fetch | None:
        target = redirect_target(job.url, response.headers.get("Location"))
        job.hops += 1
        if target is None:
            reason = "The site sent Winnow on to nowhere."
            return failed(job, Trouble(reason=reason, again=False), response)
        if job.hops > self.limits.redirects:
            reason = f"The site sent Winnow on more than {self.limits.redirects} times."
            return failed(job, Trouble(reason=reason, again=False), response)
        job.url, job.host = target, host_of(target)
        if urlsplit(target).scheme not in ("http", "https"):
            return failed(job, Trouble(reason=NOT_AN_ADDRESS, again=False), response)
        return None

    def _stumble(self, job: Job, error: Exception, unanswered: float | None) -> Fetch | None:
        """Args: unanswered: when the request was sent, where no answer had come to it."""
        if isinstance(error, Rejected):
            return failed(job, Trouble(reason=error.reason, again=error.again), size=error.size)
        trouble = explain(error, limits=self.limits)
        if unanswered is not None and trouble.again and trouble.reason != STOPPED:
            if trouble.reason == BROKE_OFF and not job.broken:
                job.broken += 1  # mostly a kept connection that the site had just closed
                return None
            self._hosts.unreachable(job.host, trouble.reason, begun=unanswered)
        return failed(job, trouble)


def failed(
    job: Job,
    trouble: Trouble,
    response: Response | None = None,
    *,
    told: float | None = None,
    size: int = 0,
) -> Fetch:
    return Fetch(
        url=job.asked,
        final_url=without_user(job.url),
        path=None,
        bytes=size,
        content_type=response.headers.get("Content-Type") if response is not None else None,
        reason=trouble.reason,
        again=trouble.again,
        retry_after=told,
    )


def _fetched(job: Job, response: Response, saved: Saved) -> Fetch:
    return Fetch(
        url=job.asked,
        final_url=without_user(job.url),
        path=saved.path,
        bytes=saved.size,
        content_type=response.headers.get("Content-Type"),
    )


def _discard(fetch: Fetch) -> None:
    if fetch.path is not None:
        fetch.path.unlink(missing_ok=True)


def host_of(url: str) -> str:
    """The host's name as Winnow counts by it; "" where the address has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def without_user(url: str) -> str:
    """The address without a user's name and password."""
    try:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return url


def redirect_target(url: str, location: str | None) -> str | None:
    """Where a redirect leads; None where that is no address."""
    if not location:
        return None
    try:
        # Headers are read as Latin-1; what sites send that is not ASCII is UTF-8.
        location = location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass  # it was Latin-1 after all
    try:
        target = urljoin(url, location.strip())
        return without_user(urlsplit(target)._replace(fragment="").geturl())
    except ValueError:
        return None
