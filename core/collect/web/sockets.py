"""Connections that check where they lead, and that their request's watch can end."""

# ruff: noqa: ANN401 - what is overridden here takes whatever its library hands it.

import errno
import os
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Protocol, TypeVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.wait import wait_for_write

from core.collect.web.guard import THIS_COMPUTER, RefusedAddress, loopback_is_open, refuse
from core.collect.web.names import NAMES, NO_ROUTE
from core.collect.web.watch import Watch, current, step

T = TypeVar("T")
Resolved = tuple[Any, Any, int, str, Any]  # as socket.getaddrinfo gives it
BEGUN = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR, getattr(errno, "WSAEWOULDBLOCK", 10035))


class Watched(Protocol):
    """A socket that remembers the watch of the request it was last used for.

    Attributes:
        watch: Holds for whoever reads the answer in a thread, or at a time, of its own.
    """

    watch: Watch | None

    def gettimeout(self) -> float | None: ...
    def settimeout(self, value: float | None, /) -> None: ...
    def fileno(self) -> int: ...


def patiently(sock: Watched, act: Callable[[], T]) -> T:
    """Do what may block, in steps, until the socket's own timeout has passed.

    Reading and the TLS handshake may be tried again after a timeout; writing may not.
    """
    limit = sock.gettimeout()
    until = None if limit is None else time.monotonic() + limit
    try:
        while True:
            sock.settimeout(step(until, watch=sock.watch))
            try:
                return act()
            except TimeoutError:
                continue  # ``step`` raises when it is over
    finally:
        if sock.fileno() >= 0:
            sock.settimeout(limit)


def _took(sock: Watched, count: int) -> None:
    watch = current() or sock.watch
    if watch is not None:
        watch.took(count)


class WatchedSocket(socket.socket):
    watch: Watch | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        count = patiently(self, lambda: super(WatchedSocket, self).recv_into(*args, **kwargs))
        _took(self, count)
        return count

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        found = patiently(self, lambda: super(WatchedSocket, self).recv(*args, **kwargs))
        _took(self, len(found))
        return found


class WatchedTLSSocket(ssl.SSLSocket):
    watch: Watch | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        count = patiently(self, lambda: super(WatchedTLSSocket, self).recv_into(*args, **kwargs))
        _took(self, count)
        return count

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        found = patiently(self, lambda: super(WatchedTLSSocket, self).recv(*args, **kwargs))
        _took(self, len(found))
        return found

    def do_handshake(self, block: bool = False) -> None:
        patiently(self, lambda: super(WatchedTLSSocket, self).do_handshake(block))


def resolve(host: str, port: int, until: float) -> list[Resolved]:
    """Look a name up, once. Asked in a thread of its own, because nothing ends a lookup."""

    def ask() -> list[Resolved]:
        return list(socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM))

    if numeric_address(host):
        return ask()
    answers: queue.SimpleQueue[list[Resolved] | Exception] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put(ask())
        except Exception as error:  # raised again where it is waited for
            answers.put(error)

    threading.Thread(target=answer, name="look-up", daemon=True).start()
    while True:
        try:
            found = answers.get(timeout=step(until))
        except queue.Empty:
            continue
        if isinstance(found, UnicodeError):  # a label of the name is empty or too long
            raise socket.gaierror(socket.EAI_NONAME, "not a name") from found
        if isinstance(found, Exception):
            raise found
        return found


def numeric_address(host: str) -> str | None:
    """The IP address a host is, where it is one and no name: 10.1, 0x7f.1 and 2130706433 too."""
    host = host.strip("[]").rstrip(".").partition("%")[0]  # a zone changes nothing
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def is_this_computer(host: str) -> bool:
    """Whether a name means this computer by its very form, whatever a name server says."""
    bare = host.rstrip(".").lower()
    return bare == "localhost" or bare.endswith(".localhost")


def connect(host: str, port: int, *, seconds: float, options: Any, guarded: bool) -> socket.socket:
    """A connection to one of the addresses of a host, all of which were checked before.

    Raises:
        RefusedAddress: One of them may not be asked. A name that leads to both kinds is a trick,
            so none of them is tried.
    """
    until = time.monotonic() + seconds
    number = numeric_address(host)
    if number is not None:
        host = number  # not every system's lookup takes 0x7f.1 or a dot at the end
    elif guarded and is_this_computer(host) and not loopback_is_open():
        raise RefusedAddress(THIS_COMPUTER)  # nor does every one know "localhost."
    try:
        resolved = resolve(host, port, until)
    except socket.gaierror:
        NAMES.failed(host)
        raise
    if guarded:
        for *_, address in resolved:
            reason = refuse(str(address[0]))
            if reason:
                raise RefusedAddress(reason)
    if number is None:
        NAMES.found()
    trouble: OSError | None = None
    for left, (family, kind, protocol, _, address) in zip(
        range(len(resolved), 0, -1), resolved, strict=True
    ):
        now = time.monotonic()
        try:
            sock = _reach(family, kind, protocol, address, now + (until - now) / left, options)
        except OSError as error:
            # A missing way to its IPv6 address says less than what its other addresses did.
            if trouble is None or trouble.errno in NO_ROUTE or error.errno not in NO_ROUTE:
                trouble = error
        else:
            sock.settimeout(seconds)
            return sock
    raise trouble or OSError("the name leads to no address")


def _reach(
    family: Any, kind: Any, protocol: int, address: Any, until: float, options: Any
) -> socket.socket:
    sock = WatchedSocket(family, kind, protocol)
    try:
        for option in options or ():
            sock.setsockopt(*option)
        sock.setblocking(False)
        outcome = sock.connect_ex(address)
        if outcome in BEGUN:
            while not wait_for_write(sock, timeout=step(until)):
                continue  # ``step`` raises when it is over
            outcome = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if outcome:
            raise OSError(outcome, os.strerror(outcome))
    except BaseException:
        sock.close()
        raise
    return sock


def _open(connection: HTTPConnection) -> socket.socket:
    """What urllib3's ``_new_conn`` does, but only to addresses that may be asked.

    A proxy is exempt: it is set by the user in Winnow and mostly stands in a private network.
    """
    timeout = connection.timeout
    seconds = timeout if isinstance(timeout, (int, float)) else 10.0
    try:
        return connect(
            connection._dns_host,
            connection.port,
            seconds=seconds,
            options=connection.socket_options,
            guarded=connection.proxy is None,
        )
    except RefusedAddress:
        raise
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "no connection in time") from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {error}") from error


def _remember_watch(connection: HTTPConnection) -> None:
    if isinstance(connection.sock, (WatchedSocket, WatchedTLSSocket)):
        connection.sock.watch = current()


class GuardedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _open(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # connects where that is still to be done
        _remember_watch(self)


class GuardedHTTPSConnection(HTTPSConnection):
    """The name given to TLS and checked in the certificate stays the host's, not the address."""

    def _new_conn(self) -> socket.socket:
        return _open(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        _remember_watch(self)


class GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


GUARDED_POOLS = {"http": GuardedHTTPPool, "https": GuardedHTTPSPool}
