"""Searches at work: each hands its addresses over until enough photos are kept or no more come."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core.collect.engines.terms import Found, Outcome

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
    under_way: int = 0  # handed over, and not known yet what became of them
    problem: str | None = None
    ended: bool = False  # nothing more is handed over
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def done(self) -> bool:
        """Whether nothing more comes of it."""
        with self.changed:
            return self.ended and not self.under_way

    def settle(self, *, kept: bool) -> None:
        """Note what became of one that was under way: room for another, if it was not kept."""
        with self.changed:
            self.under_way -= 1
            self.kept += kept
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
                    break
                self.found += 1
                if is_known(self.class_name, result.url):
                    continue
                if not self._wait_for_room(stop):
                    break
                hand_over(Candidate(hunt=self, found=result))
        except Exception:
            self.problem = self.problem or BROKE_OFF
            raise  # to the log
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
                if self.takes_all or self.kept + self.under_way < self.most:
                    self.under_way += 1
                    return True
                if self.kept >= self.most:
                    return False
                self.changed.wait(0.2)  # ``stop`` wakes nobody
        return False
