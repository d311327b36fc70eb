"""One question to a search site over a given session: patience, limits, and what went wrong."""

import email.utils
import http
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
import urllib3

from core.collect.engines.terms import Ending
from core.collect.web.guard import RefusedAddress
from core.collect.web.names import NO_ROUTE
from core.collect.web.reasons import causes, explain
from core.collect.web.watch import Halted, Watch, watching

LARGEST_ANSWER = 16_000_000  # bytes; a result page has under one
CONNECT_SECONDS, READ_SECONDS = 8.0, 12.0
ANSWER_SECONDS = 40.0  # for one answer with all its tries, waits as told not counted
LONGEST_WAIT = 60.0  # what a site asks for is waited out up to here; beyond, the search ends
PAUSES = (0.5, 1.5)  # before the second and the third try after a site's own error
UNKNOWN = {400, 404, 410}  # it does not know what is asked of it
ENDING_OF_WATCH: Mapping[str, Ending] = {"stopped": "stopped", "slow": "slow", "large": "shape"}
BLOCKED = {401, 402, 403, 405, 406, 418, 444, 451}
# In the address a site sends us on to, and in its answer when no picture stands on it.
CAPTCHA = ("/sorry/", "wappass.", "/captcha", "/challenge")
CONSENT = ("consent.", "/consent")
CAPTCHA_WORDS = (
    "captcha",
    "unusual traffic",
    "are you a robot",
    "not a robot",
    "cf-challenge",
    "challenge-platform",
    "forbid spider access",
    "antiflag",
    "安全验证",
)
CONSENT_WORDS = ("consent.google", "consent.youtube", "before you continue", "cookie-consent-wall")


class NotAnswered(Exception):
    """There is no answer to read; the trouble was told already."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why there is no answer, or no use in it."""

    ending: Ending
    status: int | None = None
    wait_seconds: float | None = None
    reason: str | None = None  # a sentence on what the network came to


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A page as text, and where it came from after all redirects."""

    text: str
    url: str


class Paces:
    """When each site may be asked next, by all searches of this process together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}

    def take(self, place: str, pause_seconds: float) -> float:
        """Take the next free moment (``time.monotonic``), and leave a pause after it."""
        with self._lock:
            at = max(time.monotonic(), self._free_at.get(place, 0.0))
            self._free_at[place] = at + pause_seconds
        return at

    def leave_alone(self, place: str, seconds: float) -> None:
        with self._lock:
            until = time.monotonic() + seconds
            self._free_at[place] = max(until, self._free_at.get(place, 0.0))


PACES = Paces()


class Asking:
    """Takes the place of icrawler's session in its parser.

    Attributes:
        until: When the one who waits for an answer may give up on it (``time.monotonic``): a
            site that sends a byte now and then keeps a read alive for ever.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        headers: Mapping[str, str],
        over: Callable[[], bool],
        tell: Callable[[Trouble], None],
        pause_seconds: float = 0.0,
        has_key: bool = False,
    ) -> None:
        self.until = time.monotonic() + ANSWER_SECONDS
        self._session = session
        self._headers = dict(headers)
        self._over = over
        self._tell = tell
        self._pause_seconds = pause_seconds
        self._has_key = has_key
        self._waiting = threading.Event()  # never set: only its timed wait is used

    def get(self, url: str, **_: object) -> Answer:
        """The answer to a question, with tries again where they help; called by icrawler.

        Raises:
            NotAnswered: After the trouble was told. icrawler logs it and goes on.
        """
        self.until = time.monotonic() + ANSWER_SECONDS
        trouble = Trouble(ending="stopped")
        waits = iter(PAUSES)
        try:
            while True:
                if not self._wait_for_turn(url):
                    break
                reply = self._once(url)
                if isinstance(reply, Answer):
                    return reply
                trouble = reply
                wait = self._wait_for(trouble, waits)
                if wait is None:
                    break
                PACES.leave_alone(place_of(url), wait)
        except Exception as error:  # else icrawler would swallow it and go on as if done
            trouble = trouble_of(error)
        self._tell(trouble)
        raise NotAnswered(trouble.ending)

    def _wait_for(self, trouble: Trouble, waits: Iterator[float]) -> float | None:
        """How long to wait before the next try; None if there should be none."""
        if trouble.ending not in ("limit", "down"):
            return None
        pause = next(waits, None)
        if pause is None or trouble.wait_seconds is None:
            return pause
        return trouble.wait_seconds if trouble.wait_seconds <= LONGEST_WAIT else None

    def _wait_for_turn(self, url: str) -> bool:
        """Wait until the site may be asked; False if the search was over before."""
        until = PACES.take(place_of(url), self._pause_seconds)
        self.until = max(self.until, until + ANSWER_SECONDS)
        while (left := until - time.monotonic()) > 0 and not self._over():
            self._waiting.wait(min(left, 0.1))
        return not self._over()

    def _once(self, url: str) -> Answer | Trouble:
        try:
            with (
                watching(self._watch()),
                self._session.get(
                    url,
                    headers=self._headers,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    stream=True,
                ) as response,
            ):
                trouble = self._refusal(response)
                return trouble or self._whole(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, Halted) as error:
            return trouble_of(error)

    def _watch(self) -> Watch:
        """Ends a request of a guarded session whatever it waits for; another takes no notice."""
        return Watch(deadline=self.until, bytes_left=2 * LARGEST_ANSWER, stopped=self._over)

    def _refusal(self, response: requests.Response) -> Trouble | None:
        status = response.status_code
        led_to = urlsplit(response.url)
        place = f"{led_to.netloc}{led_to.path}".lower()
        if any(mark in place for mark in CAPTCHA):
            return Trouble(ending="captcha", status=status)
        if any(mark in place for mark in CONSENT):
            return Trouble(ending="consent", status=status)
        if status < 300:
            return None
        wait = told_to_wait(response.headers.get("Retry-After"))
        if status == http.HTTPStatus.TOO_MANY_REQUESTS:
            return Trouble(ending="limit", status=status, wait_seconds=wait)
        if status in UNKNOWN:
            return Trouble(ending="shape", status=status)
        if status == http.HTTPStatus.UNAUTHORIZED and self._has_key:
            return Trouble(ending="key", status=status)
        if status in BLOCKED:
            return Trouble(ending="blocked", status=status)
        return Trouble(ending="down", status=status, wait_seconds=wait)

    def _whole(self, response: requests.Response) -> Answer | Trouble:
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > LARGEST_ANSWER or self._over():
                return Trouble(ending="shape")
            if time.monotonic() > self.until:
                return Trouble(ending="slow")
        return Answer(text=body.decode("utf-8", "replace"), url=response.url)


def place_of(url: str) -> str:
    return urlsplit(url).netloc


def told_to_wait(header: str | None) -> float | None:
    """Seconds a Retry-After header asks for: a number or a date; None if it says nothing."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
        return max(0.0, at.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def trouble_of(error: BaseException) -> Trouble:
    """What an exception of the network means, by it and by what it was raised from."""
    chain = list(causes(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(one, kinds) for one in chain)

    if halted := next((one for one in chain if isinstance(one, Halted)), None):
        return Trouble(ending=ENDING_OF_WATCH[halted.ending])
    if has(RefusedAddress):
        return Trouble(ending="private", reason=explain(error).reason)
    if has(requests.Timeout, TimeoutError):
        return Trouble(ending="slow")
    if has(requests.TooManyRedirects):
        return Trouble(ending="blocked")
    if has(socket.gaierror) or any(getattr(one, "errno", None) in NO_ROUTE for one in chain):
        return Trouble(ending="network", reason=explain(error).reason)
    if has(requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return Trouble(ending="down", reason=explain(error).reason)
    return Trouble(ending="crashed")


def wall(text: str) -> Ending | None:
    """Whether a page without pictures is a captcha or a consent page.

    Asked only then: words such as these may well stand beside a picture.
    """
    start = text[:200_000].lower()
    if any(mark in start for mark in CONSENT_WORDS):
        return "consent"
    if any(mark in start for mark in CAPTCHA_WORDS):
        return "captcha"
    return None
