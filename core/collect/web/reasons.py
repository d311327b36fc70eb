"""What went wrong on the way, in words for the person who waits."""

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests.exceptions as requests_errors
import urllib3.exceptions as urllib3_errors

from core.collect.web.guard import RefusedAddress
from core.collect.web.limits import Limits
from core.collect.web.names import NAMES, NO_ROUTE
from core.collect.web.watch import Halted

REFUSED = (errno.ECONNREFUSED, 10061)  # the latter is Windows' own

NO_NETWORK = "There is no network."
NO_SUCH_SITE = "There is no site of this name, or it cannot be found at the moment."
NOT_AN_ADDRESS = "This is not a web address that Winnow can ask: it takes http and https."
BROKE_OFF = "The connection broke off in the middle."
STOPPED = "Stopped before it was finished."
A_PAGE = "The site sent a page instead of a picture."


@dataclass(frozen=True, kw_only=True)
class Trouble:
    reason: str  # one sentence
    again: bool  # it may well work another time
    no_network: bool = False  # nothing can be asked now, from any site


def megabytes(size: int) -> str:
    """Such as "30 MB" or "2 GB"."""
    for unit, words in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if size >= unit:
            return f"{size / unit:.3g} {words}"
    return f"{size} bytes"


def seconds(count: float) -> str:
    return "1 second" if count == 1 else f"{count:.3g} seconds"


def too_large(limits: Limits) -> str:
    return f"The file is larger than {megabytes(limits.file_bytes)}."


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all those it was made of, each once."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def explain(error: BaseException, *, limits: Limits | None = None) -> Trouble:
    """Put what a session raised into words. Names nothing but what everybody may read.

    Args:
        error: Anything that a call of a guarded session raised.
        limits: Those of the session, for the figures in the sentence.
    """
    limits = limits or Limits()
    chain = list(causes(error))
    return (
        _own(chain, limits) or _address(chain) or _unreachable(chain, limits) or _broken(chain)
    ) or Trouble(reason="The site could not be asked.", again=True)


def _has(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(error, kinds) for error in chain)


def _own(chain: list[BaseException], limits: Limits) -> Trouble | None:
    for error in chain:
        if isinstance(error, RefusedAddress):
            return Trouble(reason=str(error), again=False)
        if isinstance(error, Halted):
            if error.ending == "stopped":
                return Trouble(reason=STOPPED, again=True)
            if error.ending == "large":
                return Trouble(reason=too_large(limits), again=False)
            took = seconds(limits.seconds_a_file)
            return Trouble(reason=f"The site was too slow: it took more than {took}.", again=True)
    return None


def _address(chain: list[BaseException]) -> Trouble | None:
    if _has(chain, requests_errors.TooManyRedirects):
        return Trouble(reason="The site sent Winnow from one address to the next.", again=False)
    if _has(chain, requests_errors.ProxyError, requests_errors.InvalidProxyURL):
        return Trouble(reason="The proxy set in Winnow did not answer, or refused.", again=True)
    if _has(
        chain,
        requests_errors.InvalidSchema,
        requests_errors.MissingSchema,
        requests_errors.InvalidURL,
        urllib3_errors.LocationValueError,
        http.client.InvalidURL,
        UnicodeError,
    ):
        return Trouble(reason=NOT_AN_ADDRESS, again=False)
    return None


def _unreachable(chain: list[BaseException], limits: Limits) -> Trouble | None:
    for error in chain:
        if isinstance(error, socket.gaierror):
            if NAMES.every_one_fails(error):
                return Trouble(reason=NO_NETWORK, again=True, no_network=True)
            again = error.errno == socket.EAI_AGAIN
            return Trouble(
                reason=NO_SUCH_SITE,
                again=again,
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return Trouble(
                reason="The site cannot prove that it is the site of this name.",
                again=False,
            )
        if isinstance(error, OSError) and error.errno in NO_ROUTE:
            return Trouble(reason=NO_NETWORK, again=True, no_network=True)
        if isinstance(error, OSError) and error.errno in REFUSED:
            return Trouble(
                reason="Nothing answers at this address: the connection was refused.",
                again=True,
            )
        if isinstance(error, OSError) and error.errno == errno.EHOSTUNREACH:
            return Trouble(reason="No way leads to the site.", again=True)
    if _has(chain, requests_errors.ConnectTimeout, urllib3_errors.ConnectTimeoutError):
        waited = seconds(limits.connect_seconds)
        return Trouble(reason=f"The site did not answer within {waited}.", again=True)
    if _has(chain, ssl.SSLError, urllib3_errors.SSLError, requests_errors.SSLError):
        return Trouble(reason="The site offers no secure connection.", again=True)
    return None


def _broken(chain: list[BaseException]) -> Trouble | None:
    if _has(chain, requests_errors.ReadTimeout, urllib3_errors.ReadTimeoutError, TimeoutError):
        return Trouble(reason="The site stopped sending in the middle.", again=True)
    if _has(chain, requests_errors.ContentDecodingError, urllib3_errors.DecodeError):
        return Trouble(reason="The file arrived damaged.", again=True)
    if _has(
        chain,
        urllib3_errors.ProtocolError,
        requests_errors.ConnectionError,
        requests_errors.ChunkedEncodingError,
        http.client.HTTPException,
        OSError,
    ):
        return Trouble(reason=BROKE_OFF, again=True)
    return None


def of_status(status: int) -> Trouble | None:
    """What an answer's number says; None where there is a body worth reading."""
    if status in (200, 203):
        return None
    if status in (401, 402, 403, 405, 406, 407, 444, 451, 999):
        return Trouble(reason=f"The site refused ({status}).", again=False)
    if status in (404, 410):
        return Trouble(reason=f"The file is no longer there ({status}).", again=False)
    if status == 429:
        return Trouble(reason="The site asks to come back later (429).", again=True)
    if 500 <= status < 600 or status in (408, 421, 423, 425):
        return Trouble(reason=f"The site has a fault at the moment ({status}).", again=True)
    if status in (204, 205):
        return Trouble(reason="The site sent an empty file.", again=False)
    return Trouble(reason=f"The site sent no file ({status}).", again=False)
