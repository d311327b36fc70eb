"""Groups of photos that look alike: which pairs to look at, and which groups come of them.

Features (what a network said of each photo, mean of the photo and its mirror image) and perceptual
hashes suggest pairs: blocks of matrix products on few numbers a photo, so that 100,000 photos need
neither all pairs in Python nor the memory for them. What is suggested is then held against the full
features, and whoever asks may look at the pictures. Groups grow only around a middle: a photo
joins those that it is itself like, so no chain of small steps ends at something else.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from core.images.similar import BITS_BYTES, COLOURS, FREQUENCIES, HASH_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

# Of each photo as the search sees it, which has to be quick and may suggest too much.
DIRECTIONS = 160
SAMPLE = 8192  # photos that the directions are learnt from
SLACK = 0.08  # by how much the few numbers may understate how alike two photos are
ROWS_AT_ONCE, COLUMNS_AT_ONCE = 1024, 8192
ROOM_A_ROW = 64  # suggestions kept for a row of a block on the way

# With few photos their own mean says little about what all photos have in common.
TRUST_IN_MEAN = 30

# Measured on six kinds of copies of 1,000 photos, features around their mean: a photo and its copy
# reach 0.65 in 98 of 100 cases, two different photos in 1 of 500 cases.
LEAST_ALIKE = 0.65
MOST_EACH = 8  # suggestions for each photo
MOST_BITS = 44  # as in ``similar``: copies differ by less, two different photos by 66 and more

# Hashes that say by themselves that two photos are one, mirrored or not: such were all resaved and
# mirrored copies, and four in five brightened ones.
SURE_BITS, SURE_COLOURS, SURE_FEATURES = 24, 0.97, 0.8

TRIES_A_PHOTO = 4  # a photo that was unlike so many suggestions in a row is left alone
MEMBERS_ASKED = 3  # of a group, where its middle is not like a newcomer


class Pairs(NamedTuple):
    """Suggested pairs, each once, those most alike first."""

    first: "Ints"  # (P,) positions of photos, below those in ``second``
    second: "Ints"
    alike: "Floats"  # cosine of the features around their mean

    def __len__(self) -> int:
        return len(self.first)

    def only(self, which: "NDArray[np.bool_] | Ints") -> "Pairs":
        """Some of the pairs, in the order given."""
        return Pairs(self.first[which], self.second[which], self.alike[which])


def prepared(features: "NDArray[np.float16]") -> "NDArray[np.float16]":
    """Features (N, D) around their mean and of length 1, so that products are cosines."""
    count = len(features)
    if not count:
        return features
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    mean *= count / (count + TRUST_IN_MEAN)
    ready = np.empty_like(features)
    for start in range(0, count, COLUMNS_AT_ONCE):
        part = features[start : start + COLUMNS_AT_ONCE].astype(np.float32) - mean
        lengths = np.linalg.norm(part, axis=1, keepdims=True)
        ready[start : start + COLUMNS_AT_ONCE] = part / np.maximum(lengths, 1e-6)
    return ready


def alike_pairs(
    ready: "NDArray[np.float16]",
    *,
    least: float = LEAST_ALIKE,
    most_each: int = MOST_EACH,
    fresh: "Ints | None" = None,
) -> Generator[float, None, Pairs]:
    """Pairs whose features are alike, at most some for each photo; yields the share done.

    Args:
        ready: From ``prepared``.
        least: Cosine from which on two photos are suggested.
        most_each: A pair is kept if it is among so many of the best of either photo.
        fresh: Only pairs with one of these photos in them; all by default.
    """
    few = _few_numbers(ready)
    first, second = yield from _above(few, least - SLACK, fresh)
    alike = cosines(ready, first, second)
    enough = alike >= least
    return best_pairs(Pairs(first, second, alike).only(enough), most_each=most_each)


def hash_pairs(
    hashes: Sequence[bytes | None],
    ready: "NDArray[np.float16]",
    *,
    most_each: int = MOST_EACH,
    fresh: "Ints | None" = None,
) -> Generator[float, None, Pairs]:
    """Pairs whose perceptual hashes differ in few bits; yields the share done.

    ``fresh`` as for ``alike_pairs``.
    """
    there = np.array([at for at, value in enumerate(hashes) if value], dtype=np.int64)
    bits = _bits([value for value in hashes if value])
    # With bits as -1 and 1, the product of two hashes is 256 less twice the bits that differ.
    length = 8 * BITS_BYTES
    first, second = yield from _above(
        (2 * bits.astype(np.float32) - 1) / np.float32(np.sqrt(length)),
        (length - 2 * MOST_BITS) / length - 1e-4,
        None if fresh is None else np.flatnonzero(np.isin(there, fresh)),
    )
    first, second = there[first], there[second]
    return best_pairs(Pairs(first, second, cosines(ready, first, second)), most_each=most_each)


def merged(one: Pairs, other: Pairs, count: int) -> Pairs:
    """The pairs of both, each once, those most alike first."""
    first = np.concatenate([one.first, other.first])
    second = np.concatenate([one.second, other.second])
    alike = np.concatenate([one.alike, other.alike])
    _, kept = np.unique(first * count + second, return_index=True)
    return Pairs(first, second, alike).only(kept[np.argsort(-alike[kept], kind="stable")])


def best_pairs(pairs: Pairs, *, most_each: int) -> Pairs:
    """Those pairs that are among the best of either photo, those most alike first."""
    ordered = pairs.only(np.argsort(-pairs.alike, kind="stable"))
    return ordered.only((_rank(ordered.first) < most_each) | (_rank(ordered.second) < most_each))


def cosines(ready: "NDArray[np.float16]", first: "Ints", second: "Ints") -> "Floats":
    """How alike the photos of some pairs are, by their full features."""
    found = np.empty(len(first), dtype=np.float32)
    for start in range(0, len(first), COLUMNS_AT_ONCE):
        part = slice(start, start + COLUMNS_AT_ONCE)
        one = ready[first[part]].astype(np.float32)
        found[part] = np.einsum("pd,pd->p", one, ready[second[part]].astype(np.float32))
    return found


def surely_same(hashes: Sequence[bytes | None], pairs: Pairs) -> "NDArray[np.bool_]":
    """(P,) whether hash and features together say that a pair is one photo, mirrored or not."""
    found = np.zeros(len(pairs), dtype=bool)
    known = np.array([bool(value) for value in hashes], dtype=bool)
    asked = np.flatnonzero(
        known[pairs.first] & known[pairs.second] & (pairs.alike >= SURE_FEATURES)
    )
    if not len(asked):
        return found
    used, places = np.unique(
        np.concatenate([pairs.first[asked], pairs.second[asked]]), return_inverse=True
    )
    values = [hashes[at] or b"" for at in used.tolist()]
    bits, colours = _bits(values).reshape(-1, FREQUENCIES, FREQUENCIES), _colours(values)
    one, two = places[: len(asked)], places[len(asked) :]
    for start in range(0, len(asked), COLUMNS_AT_ONCE):
        part = slice(start, start + COLUMNS_AT_ONCE)
        a, b = one[part], two[part]
        plain = _same(bits[a], colours[a], bits[b], colours[b])
        # Mirroring a picture turns the sign of every second frequency across.
        turned = bits[b].copy()
        turned[:, :, 1::2] ^= 1
        mirrored = _same(bits[a], colours[a], turned, colours[b][:, :, ::-1])
        found[asked[part]] = plain | mirrored
    return found


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


def _few_numbers(ready: "NDArray[np.float16]") -> "Floats":
    """Photos (N, DIRECTIONS) along the directions in which they differ most, of length 1."""
    count, size = ready.shape
    if size <= DIRECTIONS or count < 2:
        return ready.astype(np.float32)
    step = max(1, count // SAMPLE)
    sample = ready[::step].astype(np.float32)
    _, along = np.linalg.eigh(sample.T @ sample)  # ascending
    directions = along[:, -DIRECTIONS:].astype(np.float32)
    few = np.empty((count, DIRECTIONS), dtype=np.float32)
    for start in range(0, count, COLUMNS_AT_ONCE):
        few[start : start + COLUMNS_AT_ONCE] = (
            ready[start : start + COLUMNS_AT_ONCE].astype(np.float32) @ directions
        )
    few /= np.maximum(np.linalg.norm(few, axis=1, keepdims=True), 1e-6)
    return few


def _above(
    rows: "Floats", least: float, fresh: "Ints | None"
) -> "Generator[float, None, tuple[Ints, Ints]]":
    """Pairs of rows whose product is at least so much; yields the share done.

    With ``fresh``, ascending, only pairs with one of these rows in them.
    """
    count = len(rows)
    asking = np.arange(count) if fresh is None else fresh
    is_fresh = np.zeros(count, dtype=bool)
    is_fresh[asking] = True
    found: list[tuple[Ints, Ints]] = []
    blocks = [
        (top, left)
        for top in range(0, len(asking), ROWS_AT_ONCE)
        # All rows ask all others that come later: half of the blocks are empty then.
        for left in range(
            top - top % COLUMNS_AT_ONCE if fresh is None else 0, count, COLUMNS_AT_ONCE
        )
    ]
    for done, (top, left) in enumerate(blocks, start=1):
        asked = asking[top : top + ROWS_AT_ONCE]
        product = rows[asked] @ rows[left : left + COLUMNS_AT_ONCE].T
        flat = np.flatnonzero(product >= least)
        first, second = asked[flat // product.shape[1]], left + flat % product.shape[1]
        # Two fresh rows ask about each other; they are a pair once.
        once = np.where(is_fresh[second], first < second, True)
        flat, first, second = flat[once], first[once], second[once]
        if len(flat) > ROOM_A_ROW * ROWS_AT_ONCE:  # thousands of copies of one photo
            values = product.reshape(-1)[flat]
            best = np.argpartition(-values, ROOM_A_ROW * ROWS_AT_ONCE)[: ROOM_A_ROW * ROWS_AT_ONCE]
            first, second = first[best], second[best]
        found.append((np.minimum(first, second), np.maximum(first, second)))
        yield done / len(blocks)
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([one for one, _ in found]),
        np.concatenate([other for _, other in found]),
    )


def _rank(photos: "Ints") -> "Ints":
    """How many earlier places hold the same photo, for each place."""
    order = np.argsort(photos, kind="stable")
    ordered = photos[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(photos) else order
    lengths = np.diff(np.r_[starts, len(photos)])
    rank = np.empty(len(photos), dtype=np.int64)
    rank[order] = np.arange(len(photos)) - np.repeat(starts, lengths)
    return rank


def _bits(hashes: Sequence[bytes]) -> "NDArray[np.uint8]":
    """(N, 256) of 0 and 1."""
    raw = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(-1, HASH_BYTES)
    return np.unpackbits(raw[:, :BITS_BYTES], axis=1)


def _colours(hashes: Sequence[bytes]) -> "NDArray[np.uint8]":
    """(N, 8, 8, 3)."""
    raw = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(-1, HASH_BYTES)
    return raw[:, BITS_BYTES:].reshape(-1, COLOURS, COLOURS, 3)


def _same(
    bits: "NDArray[np.uint8]",
    colours: "NDArray[np.uint8]",
    other_bits: "NDArray[np.uint8]",
    other_colours: "NDArray[np.uint8]",
) -> "NDArray[np.bool_]":
    apart = (bits != other_bits).sum(axis=(1, 2))
    one = colours.reshape(len(colours), -1).astype(np.float32)
    two = other_colours.reshape(len(colours), -1).astype(np.float32)
    one -= one.mean(axis=1, keepdims=True)
    two -= two.mean(axis=1, keepdims=True)
    spread = np.sqrt((one * one).sum(axis=1) * (two * two).sum(axis=1))
    agreement = (one * two).sum(axis=1) / np.maximum(spread, 1e-6)
    found: NDArray[np.bool_] = (apart <= SURE_BITS) & (agreement >= SURE_COLOURS)
    return found
