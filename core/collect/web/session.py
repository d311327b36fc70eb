"""A requests session that asks only the public web, within limits, and nobody else's settings."""

# ruff: noqa: ANN401 - what is overridden here takes whatever its library hands it.

import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema, RequestException
from requests.utils import select_proxy
from urllib3.util.ssl_ import create_urllib3_context

from core.collect.web.guard import THIS_COMPUTER, RefusedAddress, loopback_is_open, refuse
from core.collect.web.limits import Limits
from core.collect.web.reasons import causes, too_large
from core.collect.web.sockets import (
    GUARDED_POOLS,
    WatchedTLSSocket,
    is_this_computer,
    numeric_address,
)
from core.collect.web.watch import Halted, Watch, current, watching

USER_AGENT = "Winnow/0.1 (local image collection)"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# An answer that nobody reads is read to its end up to here, to keep its connection; longer ones
# are cut off.
WORTH_READING = 64_000
CHUNK = 64_000


def guarded_session(
    *,
    limits: Limits | None = None,
    proxies: Mapping[str, str] | None = None,
    stopped: Callable[[], bool] | None = None,
    authorities: Path | None = None,
) -> "GuardedSession":
    """A session for http and https alone, which ignores proxies and passwords of the environment.

    Args:
        limits: Time and size hold for each call, redirects included, also where the caller gives
            a shorter timeout of its own.
        proxies: As requests takes them, such as {"https": "http://proxy:3128"}; set in Winnow.
            They are asked wherever they stand. Names are then looked up by the proxy, so that
            only addresses written as numbers, and localhost, are refused here.
        stopped: Asked several times a second; once it says True, calls under way end.
        authorities: A file of certificates that are trusted besides the usual ones.

    Calls raise RefusedAddress for an address that may not be asked, and a requests.Timeout or
    requests.ConnectionError where they were stopped or ran into a limit, all of them made of what
    ``core.collect.web.reasons.explain`` puts in words. The limits hold for a streamed body too,
    whichever thread reads it; unpacking it bit by bit is the caller's.
    """
    return GuardedSession(
        limits=limits or Limits(), proxies=proxies or {}, stopped=stopped, authorities=authorities
    )


class RequestHalted(RequestException):
    """The answer is too large for the session's limits. The message says so."""


class GuardedSession(Session):
    def __init__(
        self,
        *,
        limits: Limits,
        proxies: Mapping[str, str],
        stopped: Callable[[], bool] | None = None,
        authorities: Path | None = None,
    ) -> None:
        super().__init__()
        self.limits = limits
        self.stopped = stopped or (lambda: False)
        self.trust_env = False
        self.proxies = dict(proxies)
        self.max_redirects = limits.redirects
        self.headers["User-Agent"] = USER_AGENT
        self.headers["Accept-Encoding"] = "identity"
        self.adapters.clear()
        adapter = GuardedAdapter(limits, authorities)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def new_watch(self) -> Watch:
        return Watch(
            deadline=time.monotonic() + self.limits.seconds_a_file,
            bytes_left=self.limits.file_bytes + WORTH_READING,
            stopped=self.stopped,
        )

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """As requests', but what is read at once is read within the limits, unpacked as well."""
        read_at_once = not kwargs.get("stream", self.stream)
        kwargs["stream"] = True
        with nullcontext() if current() else watching(self.new_watch()):
            response = super().send(request, **kwargs)
            if read_at_once:
                response._content = read_within(response, self.limits)
                response._content_consumed = True
            return response


def read_within(response: Response, limits: Limits) -> bytes:
    """The body, unpacked. Raises RequestHalted where it is larger than a file may be."""
    if response._content_consumed:
        return response.content
    found: list[bytes] = []
    size = 0
    for chunk in response.iter_content(CHUNK):
        found.append(chunk)
        size += len(chunk)
        if size > limits.file_bytes:
            response.close()
            raise RequestHalted(too_large(limits)) from Halted("large")
    return b"".join(found)


class GuardedAdapter(HTTPAdapter):
    def __init__(self, limits: Limits, authorities: Path | None) -> None:
        self.limits = limits
        self._context = tls_context(authorities)
        # As many hosts as may be asked at once: others' idle connections are closed.
        super().__init__(pool_connections=limits.connections, pool_maxsize=limits.a_host)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = GUARDED_POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if not proxy.lower().startswith(("http://", "https://")):
            raise InvalidSchema(f"Not a proxy that Winnow can use: {urlsplit(proxy).scheme}")
        manager = super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = GUARDED_POOLS
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context holds the authorities already; loading them anew costs each connection."""
        if url.lower().startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        url = request.url or ""
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidSchema("Only http and https are asked.")
        if kwargs.get("verify") is not True:
            raise ValueError("certificates are always checked; ``authorities`` adds to them")
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = (self.limits.connect_seconds, self.limits.read_seconds)
        if select_proxy(url, kwargs.get("proxies")):
            refuse_through_proxy(urlsplit(url).hostname or "")
        try:
            response = super().send(request, *args, **kwargs)
        except RequestException as error:
            for cause in causes(error):
                if isinstance(cause, RefusedAddress):
                    raise cause from None
            raise
        if response.status_code in REDIRECTS:
            # requests would read all of it into memory before it goes on.
            leave(response)
        return response


def refuse_through_proxy(host: str) -> None:
    """Refuse what can be told without the name lookup, which through a proxy is the proxy's.

    Raises:
        RefusedAddress: For an address that may not be asked, in any way of writing it.
    """
    if is_this_computer(host) and not loopback_is_open():
        raise RefusedAddress(THIS_COMPUTER)
    address = numeric_address(host)
    reason = refuse(address) if address else None
    if reason:
        raise RefusedAddress(reason)


def leave(response: Response) -> None:
    """Be done with an answer whose body nobody wants; keeps the connection where that is cheap."""
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) <= WORTH_READING:
        response.raw.drain_conn()
    else:
        response.close()
    response._content = b""
    response._content_consumed = True


@cache
def tls_context(authorities: Path | None) -> ssl.SSLContext:
    """One for all connections: certifi's authorities, and those the system trusts besides."""
    context = create_urllib3_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_verify_locations(certifi.where())
    context.load_default_certs()
    if authorities is not None:
        context.load_verify_locations(authorities)
    context.sslsocket_class = WatchedTLSSocket
    return context
