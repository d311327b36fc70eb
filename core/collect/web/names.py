"""Whether it is one name that leads nowhere, or the network that is not there."""

import errno
import socket
import threading

# This many different names without one that is found: there is no network, or no name server.
NAMES_ENOUGH = 3
# No route leads out. An address for documentation: nothing is sent to find out.
FAR_AWAY = ("192.0.2.1", 9)
NO_ROUTE = (errno.ENETUNREACH, errno.ENETDOWN, 10051, 10050)  # the latter are Windows' own


class Names:
    """What lookups came to lately; one for the process, since its network is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found = False
        self._failed: set[str] = set()

    def found(self) -> None:
        with self._lock:
            self._found = True
            self._failed.clear()

    def failed(self, name: str) -> None:
        with self._lock:
            self._failed.add(name.lower())

    def forget(self) -> None:
        with self._lock:
            self._found = False
            self._failed.clear()

    def every_one_fails(self, error: socket.gaierror) -> bool:
        """Whether a failed lookup means that there is no network, as far as can be told."""
        with self._lock:
            found, failed = self._found, len(self._failed)
        if failed >= NAMES_ENOUGH:
            return True
        if not has_route():
            return True
        return error.errno == socket.EAI_AGAIN and not found


def has_route() -> bool:
    """Whether this computer knows a way out. Sends nothing: a datagram socket only chooses it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(FAR_AWAY)
        except OSError as error:
            if error.errno in NO_ROUTE:
                return _has_ipv6_route()
    return True


def _has_ipv6_route() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.connect(("2001:db8::1", 9))
    except OSError:
        return False
    return True


NAMES = Names()
