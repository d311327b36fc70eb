"""Which site may be asked at this moment: connections in use, waits it asked for, its silence."""

import threading
import time
from dataclasses import dataclass

from core.collect.web.limits import Limits

# So often in a row a site may be unreachable, or ask to wait, before Winnow stops asking it.
STRIKES = 3
WORTH_PRUNING = 10_000


@dataclass
class _Host:
    active: int = 0
    held_until: float = 0.0  # time.monotonic(); asked again after it
    strikes: int = 0
    struck: float = 0.0  # when the last strike was counted
    closed: str | None = None  # why it is not asked any more


class Hosts:
    """One per Fetcher. Every method is safe to call from any thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Condition(threading.Lock())
        self._hosts: dict[str, _Host] = {}
        self._active = 0

    def take(self, name: str, *, wait: float = 0.0) -> bool:
        """Take a connection to a host; False where none is free or the host asked to wait.

        One that is not asked any more has always room: its jobs end without a request.

        Args:
            wait: Seconds to wait for one, at most.
        """
        with self._lock:
            if not self._may_take(name):
                if wait:
                    self._lock.wait(wait)
                if not self._may_take(name):
                    return False
            self._host(name).active += 1
            self._active += 1
            return True

    def give(self, name: str) -> None:
        """Give a connection back."""
        with self._lock:
            self._host(name).active -= 1
            self._active -= 1
            self._lock.notify(2)  # the one that waits longest may wait for another host

    def _may_take(self, name: str) -> bool:
        host = self._hosts.get(name)
        if host is not None and host.closed is not None:
            return True
        return self._active < self._limits.connections and self._room(name) > 0

    def room(self, name: str) -> int:
        """How many more requests the host may be sent at this moment, others aside."""
        with self._lock:
            return self._room(name)

    def held_for(self, name: str) -> float:
        """Seconds until the host may be asked again, 0 where it may be now."""
        with self._lock:
            return max(0.0, self._host(name).held_until - time.monotonic())

    def closed(self, name: str) -> str | None:
        """Why a host is not asked any more, as a sentence; None where it is."""
        with self._lock:
            host = self._hosts.get(name)
            return host.closed if host else None

    def answered(self, name: str) -> None:
        with self._lock:
            self._host(name).strikes = 0

    def hold(self, name: str, seconds: float, reason: str) -> bool:
        """Wait as a host asked for; False where it asked too often and is not asked any more.

        Answers that were under way together count as one.
        """
        with self._lock:
            host = self._host(name)
            now = time.monotonic()
            if host.held_until <= now:
                host.strikes += 1
            host.held_until = max(host.held_until, now + seconds)
            if host.strikes > STRIKES:
                host.closed = host.closed or reason
            return host.closed is None

    def close(self, name: str, reason: str) -> None:
        """Ask this host no more."""
        with self._lock:
            self._host(name).closed = reason

    def unreachable(self, name: str, reason: str, *, begun: float) -> None:
        """Note that a host gave no answer; after some in a row it is not asked any more.

        Args:
            begun: When the request was sent (time.monotonic()). Requests that were under way
                together count as one.
        """
        with self._lock:
            host = self._host(name)
            if begun < host.struck:
                return
            host.struck = time.monotonic()
            host.strikes += 1
            if host.strikes >= STRIKES:
                host.closed = host.closed or f"Not asked after {STRIKES} failures. {reason}"

    def _room(self, name: str) -> int:
        host = self._hosts.get(name)
        if host is None or host.closed is not None:
            return self._limits.a_host
        if host.held_until > time.monotonic():
            return 0
        return self._limits.a_host - host.active

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) > WORTH_PRUNING:
                plain = _Host()
                self._hosts = {key: one for key, one in self._hosts.items() if one != plain}
            host = self._hosts[name] = _Host()
        return host
