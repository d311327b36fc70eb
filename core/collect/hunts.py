"""Searches at work: each hands its addresses over until enough photos are kept or no more come."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.collect.engines.terms import Ending, Found, Outcome

LOG = logging.getLogger(__name__)
# A site that has not sent a photo by then is not waited for, as long as there are others.
SECONDS_UNTIL_LATE = 8.0
BROKE_OFF = "The search broke off by itself. Try again later, or use another engine."


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One address on its way to become a photo."""

    hunt: "Hunt"
    found: Found
    tries: int = 0  # before this one


@dataclass(kw_only=True)
class Hunt:
    """One search, or the addresses of a list for one class. Counts are guarded by ``changed``."""

    class_name: str | None
    engine: str
    query: str
    most: int  # photos wanted
    results: Callable[[], Iterator[Found | Outcome]]
    takes_all: bool = False  # whatever is kept, every address is handed over
    kept: int = 0
    found: int = 0
    known: int = 0  # found, and asked for before: passed over
    under_way: int = 0  # handed over, and not known yet what became of them
    problem: str | None = None
    ending: Ending | None = None  # how the search itself says it ended
    ended: bool = False  # nothing more is handed over
    changed: threading.Condition = field(default_factory=threading.Condition)
    _began: dict[int, float] = field(default_factory=dict)  # when which fetch began

    @property
    def done(self) -> bool:
        """Whether nothing more comes of it; what is still under way is not waited for if full."""
        with self.changed:
            return self.is_full or (self.ended and not self.under_way)

    @property
    def is_full(self) -> bool:
        """Whether as many photos as wanted are kept."""
        return self.kept >= self.most and not self.takes_all

    @property
    def falls_short(self) -> bool:
        """Whether too few photos come, even if all that is under way is kept."""
        with self.changed:
            return self.kept + self.under_way < self.most

    def began(self, found: Found) -> None:
        """Note that the fetching of one begins."""
        with self.changed:
            self._began[id(found)] = time.monotonic()

    def settle(self, found: Found, *, kept: bool) -> None:
        """Note what became of one that was under way: room for another, if it was not kept."""
        with self.changed:
            self.under_way -= 1
            self.kept += kept
            self._began.pop(id(found), None)
            self.changed.notify_all()

    def lose(self) -> None:
        """Note that one counted as kept was not."""
        with self.changed:
            self.kept -= 1
            self.changed.notify_all()

    def end(self, problem: str) -> None:
        """End it from outside, with a reason."""
        with self.changed:
            self.problem = self.problem or problem
            self.ended = True
            self.changed.notify_all()

    def run(
        self,
        *,
        is_known: Callable[[str | None, str], bool],
        hand_over: Callable[["Candidate"], None],
        stop: threading.Event,
    ) -> None:
        """Hand its addresses over, until enough photos are kept; in a thread of its own.

        Args:
            is_known: Whether an address was asked for before for a class; it is passed over.
            hand_over: Takes what is to be fetched.
            stop: Ends it within a second.
        """
        results = self.results()
        try:
            for result in results:
                if isinstance(result, Outcome):
                    self.problem = self.problem or result.problem
                    self.ending = result.ending
                    break
                self.found += 1
                if is_known(self.class_name, result.url):
                    self.known += 1
                    continue
                if not self._wait_for_room(stop):
                    break
                hand_over(Candidate(hunt=self, found=result))
        except Exception:  # one search that breaks must not end the others
            self.problem = self.problem or BROKE_OFF
            LOG.exception("the search on %s", self.engine)
        finally:
            close = getattr(results, "close", None)
            if close is not None:
                close()
            with self.changed:
                self.ended = True
                self.changed.notify_all()

    def _wait_for_room(self, stop: threading.Event) -> bool:
        """Wait until another photo may be wanted; False if none will be."""
        with self.changed:
            while not (self.ended or stop.is_set()):
                if self.is_full:
                    return False
                if self.takes_all or self.kept + self.under_way - self._late() < self.most:
                    self.under_way += 1
                    return True
                self.changed.wait(0.2)  # ``stop`` wakes nobody
        return False

    def _late(self) -> int:
        """How many take so long that others are fetched in their place."""
        now = time.monotonic()
        return sum(now - at > SECONDS_UNTIL_LATE for at in self._began.values())
