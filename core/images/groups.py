"""Photos that look alike: which pairs to look at.

Features (what a network said of each photo, mean of the photo and its mirror image) and perceptual
hashes suggest pairs: blocks of matrix products on few numbers a photo, so that 100,000 photos need
neither all pairs in Python nor the memory for them. What is suggested is then held against the full
features, and whoever asks may look at the pictures (see ``aligning``). ``growing`` makes groups
of what is left.
"""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from core.images.similar import BITS_BYTES, COLOURS, FREQUENCIES, HASH_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

# Of each photo as the search sees it, which has to be quick and may suggest too much.
DIRECTIONS = 160
FEW_PHOTOS = 2500  # below this, all numbers take less time than finding out which matter
SAMPLE = 8192  # photos that the directions are learnt from
SLACK = 0.08  # by how much the few numbers may understate how alike two photos are
ROWS_AT_ONCE, COLUMNS_AT_ONCE = 1024, 8192
MOST_A_ROW = 24  # suggestions kept for a row on the way, by the few numbers

# With few photos their own mean says little about what all photos have in common.
TRUST_IN_MEAN = 30

# Measured on six kinds of copies of 1,000 photos, features around their mean: a photo and its copy
# reach 0.65 in 98 of 100 cases, two different photos in 1 of 500 cases.
LEAST_ALIKE = 0.65
MOST_EACH = 8  # suggestions for each photo
MOST_BITS = 44  # as in ``similar``: copies differ by less, two different photos by 66 and more

# Hashes that say by themselves that two photos are one, mirrored or not: such were nearly all
# resaved copies, and most mirrored and brightened ones. Handwritten figures differ by little more.
SURE_BITS, SURE_COLOURS, SURE_FEATURES = 8, 0.995, 0.8


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


def _few_numbers(ready: "NDArray[np.float16]") -> "Floats":
    """Photos (N, DIRECTIONS) along the directions in which they differ most, of length 1."""
    count, size = ready.shape
    if size <= DIRECTIONS or count < FEW_PHOTOS:
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
    for top in range(0, len(asking), ROWS_AT_ONCE):
        asked = asking[top : top + ROWS_AT_ONCE]
        # Where all ask all, only about those that come later: half of the blocks are left out.
        begin = top - top % COLUMNS_AT_ONCE if fresh is None else 0
        parts: list[Pairs] = []
        for left in range(begin, count, COLUMNS_AT_ONCE):
            product = rows[asked] @ rows[left : left + COLUMNS_AT_ONCE].T
            flat = np.flatnonzero(product >= least)
            first, second = asked[flat // product.shape[1]], left + flat % product.shape[1]
            # Two fresh rows ask about each other; they are a pair once.
            once = np.where(is_fresh[second], first < second, True)
            values = product.reshape(-1)[flat[once]]
            parts.append(_best_of_first(Pairs(first[once], second[once], values)))
            yield (top + (left - begin) / max(1, count - begin) * len(asked)) / len(asking)
        best = _best_of_first(Pairs(*(np.concatenate(some) for some in zip(*parts, strict=True))))
        found.append((np.minimum(best.first, best.second), np.maximum(best.first, best.second)))
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([one for one, _ in found]),
        np.concatenate([other for _, other in found]),
    )


def _best_of_first(pairs: Pairs) -> Pairs:
    """The best pairs of each first photo; bounds what thousands of like photos suggest."""
    if not len(pairs):
        return pairs
    ordered = pairs.only(np.lexsort((-pairs.alike, pairs.first)))
    return ordered.only(_rank(ordered.first) < MOST_A_ROW)


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
