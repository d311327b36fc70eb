"""Groups of photos that are the same, out of suggested pairs.

Groups grow only around a middle: a photo joins those that it is itself like, so no chain of small
steps ends at something else.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.images.groups import Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRIES_A_PHOTO = 4  # a photo that was unlike so many suggestions in a row is left alone
MEMBERS_ASKED = 3  # of a group, where its middle is not like a newcomer


class Groups:
    """Groups in the making. Each has a middle, the photo that stands for it."""

    def __init__(self, count: int) -> None:
        self._group = np.arange(count)
        self._members: dict[int, list[int]] = {}

    def of(self, photo: int) -> int:
        """The number of a photo's group: the position of its middle."""
        return int(self._group[photo])

    def members(self, group: int) -> list[int]:
        """The photos of a group, its middle first."""
        return self._members.get(group, [group])

    def join(self, one: int, other: int) -> None:
        """Make one group of two. The larger one keeps its middle."""
        if len(self.members(other)) > len(self.members(one)):
            one, other = other, one
        together = self.members(one) + self.members(other)
        self._members.pop(other, None)
        self._members[one] = together
        self._group[together] = one

    def all(self) -> list[list[int]]:
        """The groups of two and more, each in order of its photos."""
        return sorted(sorted(members) for members in self._members.values())


Same = Callable[[Sequence[tuple[int, int]]], Sequence[bool]]


def grown(
    count: int,
    pairs: Pairs,
    sure: "NDArray[np.bool_]",
    same: Same,
    *,
    begun: Iterable[Sequence[int]] = (),
    at_once: int = 128,
) -> Generator[tuple[int, int], None, Groups]:
    """Groups of photos that are the same; yields how many pairs are settled, and of how many.

    Pairs are taken from the most alike on, the sure ones first. Two groups come together if their
    middles are the same, or else if most of a few pairs between them are. Pairs within a group
    are not asked about, nor pairs of photos that were unlike the best of their suggestions.

    Args:
        count: How many photos there are.
        pairs: From ``alike_pairs`` and ``hash_pairs``.
        sure: (P,) which of them are the same without asking.
        same: Says of some pairs whether they are the same. Asked about each at most once.
        begun: Groups there are already; the first photo of each is its middle.
        at_once: How many pairs to ask about together.
    """
    growing = _Growing(count, {_pair(pairs, at) for at in np.flatnonzero(sure).tolist()}, same)
    for first, *others in begun:
        for other in others:
            growing.groups.join(first, other)
    order = np.argsort(~sure, kind="stable")
    waiting = [_pair(pairs, at) for at in order.tolist()]
    total = len(waiting)
    while waiting:
        chosen, waiting = growing.next_round(waiting, at_once)
        growing.settle(chosen)
        yield total - len(waiting), total
    return growing.groups


class _Growing:
    """Groups, what is known of pairs, and which attempts were in vain."""

    def __init__(self, count: int, sure: set[tuple[int, int]], same: Same) -> None:
        self.groups = Groups(count)
        self._sure, self._same = sure, same
        self._known: dict[tuple[int, int], bool] = {}
        self._failures = np.zeros(count, dtype=np.int64)  # of a photo, since it was joined last
        self._in_vain: set[tuple[int, int]] = set()  # groups that were found to be unlike

    def next_round(
        self, waiting: list[tuple[int, int]], at_once: int
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Pairs to settle now, no group twice, and those left for later."""
        chosen: list[tuple[int, int]] = []
        later: list[tuple[int, int]] = []
        busy: set[int] = set()
        for at, (one, other) in enumerate(waiting):
            if len(chosen) == at_once:
                later.extend(waiting[at:])
                break
            first, second = self.groups.of(one), self.groups.of(other)
            if first == second or self._is_hopeless(one, other):
                continue
            if first in busy or second in busy:
                later.append((one, other))
            else:
                busy.update((first, second))
                chosen.append((one, other))
        return chosen, later

    def settle(self, chosen: Sequence[tuple[int, int]]) -> None:
        """Join the groups of each pair, or note that they are unlike. No group stands twice."""
        middles = {pair: self._middles(pair) for pair in chosen}
        self._ask(middles.values())
        doubtful = [pair for pair in chosen if not self._known[middles[pair]]]
        self._ask(doubtful)
        for pair in chosen:
            one, other = pair
            if self._known[middles[pair]] or (self._known[pair] and self._most_are(pair)):
                self.groups.join(*middles[pair])
                self._failures[[one, other]] = 0
            else:
                self._failures[[one, other]] += 1
                self._in_vain.add(middles[pair])

    def _is_hopeless(self, one: int, other: int) -> bool:
        tired = min(self._failures[one], self._failures[other]) >= TRIES_A_PHOTO
        return bool(tired) or self._middles((one, other)) in self._in_vain

    def _middles(self, pair: tuple[int, int]) -> tuple[int, int]:
        return _between(self.groups.of(pair[0]), self.groups.of(pair[1]))

    def _ask(self, pairs: Iterable[tuple[int, int]]) -> None:
        fresh = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        self._known.update((pair, True) for pair in fresh if pair in self._sure)
        open_ones = [pair for pair in fresh if pair not in self._sure]
        if open_ones:
            self._known.update(zip(open_ones, self._same(open_ones), strict=True))

    def _most_are(self, pair: tuple[int, int]) -> bool:
        """Whether more than half of a few pairs between two groups are the same."""
        some, others = (
            self.groups.members(self.groups.of(photo))[:MEMBERS_ASKED] for photo in pair
        )
        asked = list(dict.fromkeys([pair, *(_between(a, b) for a in some for b in others)]))
        self._ask(asked)
        return 2 * sum(self._known[one] for one in asked) > len(asked)


def _pair(pairs: Pairs, at: int) -> tuple[int, int]:
    return int(pairs.first[at]), int(pairs.second[at])


def _between(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
