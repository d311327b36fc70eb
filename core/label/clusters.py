"""Groups of photos that look alike to the network, so that many are labelled with one key.

Spherical k-means on the kept features, turned into their main directions first: fast in plain
numpy (10,000 photos take about a second), and the same photos always give the same groups.
"""

from collections.abc import Callable, Sequence

import numpy as np

PHOTOS_A_GROUP = 16  # on average; small groups are purer, and one key each is still quick
GROUPS_OF_A_FEW = 8  # of a few dozen photos at least so many groups, where each has 3 or more
MOST_GROUPS = 600
MOST_IN_A_GROUP = 200  # what a page of the gallery shows
DIRECTIONS = 64
SAMPLE = 3000  # rows that directions and first centres are found on
ROUNDS = 25
ROWS_AT_ONCE = 4096
SEED = 20

# Features of the rows at some positions: (n, D) float32.
Reader = Callable[[np.ndarray], np.ndarray]


def clusters(read: Reader, count: int, *, groups: int | None = None) -> list[np.ndarray]:
    """Put rows that are alike together.

    Args:
        read: Gives the features of rows.
        count: N.
        groups: About how many; by the number of rows where None.

    Returns:
        Positions of rows: each row in one group, the most typical of a group first. The most
        uniform groups come first, single rows last.
    """
    if count == 0:
        return []
    wanted = groups or _groups_for(count)
    rows = _main_directions(read, count)
    centres = _first_centres(rows, min(wanted, count))
    nearest = _nearest(rows, centres)[0]
    for _ in range(ROUNDS):
        centres = _means(rows, nearest, centres)
        before, (nearest, _) = nearest, _nearest(rows, centres)
        if (before == nearest).all():
            break
    likeness = _nearest(rows, centres)[1]
    return _in_order(nearest, likeness, len(centres))


def _groups_for(count: int) -> int:
    least = max(1, min(GROUPS_OF_A_FEW, count // 3))
    return min(MOST_GROUPS, max(least, round(count / PHOTOS_A_GROUP)))


def _main_directions(read: Reader, count: int) -> np.ndarray:
    """Rows of unit length in few directions, about the mean of all."""
    sample = _unit(read(_evenly(count, SAMPLE)))
    mean = sample.mean(axis=0)
    directions = _widest(sample - mean)
    if directions.shape[1] == 0:  # all rows are the same
        return np.ones((count, 1), np.float32)
    rows = np.empty((count, directions.shape[1]), np.float32)
    for start in range(0, count, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, count)
        rows[start:stop] = (_unit(read(np.arange(start, stop))) - mean) @ directions
    return _unit(rows)


def _widest(centred: np.ndarray) -> np.ndarray:
    """The directions in which rows differ most (D, at most 64), by a randomised search."""
    random = np.random.default_rng(SEED)
    width = min(DIRECTIONS, *centred.shape)
    found = random.standard_normal((centred.shape[1], width), dtype=np.float32)
    for _ in range(3):
        found = np.linalg.qr(centred.T @ (centred @ found))[0]
    spread = np.linalg.norm(centred @ found, axis=0)
    directions: np.ndarray = found[:, spread > 1e-4 * max(float(spread.max()), 1e-6)]
    return directions


def _evenly(count: int, most: int) -> np.ndarray:
    """Positions spread over all rows."""
    places: np.ndarray = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    return places


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: np.ndarray = (rows / np.maximum(lengths, 1e-12)).astype(np.float32, copy=False)
    return unit


def _first_centres(rows: np.ndarray, groups: int) -> np.ndarray:
    """Rows far from one another (k-means++), drawn from an even part of all."""
    random = np.random.default_rng(SEED)
    part = rows[_evenly(len(rows), max(SAMPLE, 4 * groups))]
    chosen = [int(random.integers(len(part)))]
    distance = 1.0 - part @ part[chosen[0]]
    while len(chosen) < min(groups, len(part)):
        weight = np.maximum(distance, 0.0).astype(np.float64)
        total = float(weight.sum())
        if total <= 1e-9:
            break  # nothing differs from what was chosen
        chosen.append(int(random.choice(len(part), p=weight / total)))
        distance = np.minimum(distance, 1.0 - part @ part[chosen[-1]])
    first: np.ndarray = part[chosen]
    return first


def _nearest(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row's centre and how like it is to that, block by block."""
    nearest = np.empty(len(rows), np.int64)
    likeness = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        like = rows[start : start + ROWS_AT_ONCE] @ centres.T
        best = like.argmax(axis=1)
        nearest[start : start + len(best)] = best
        likeness[start : start + len(best)] = like[np.arange(len(best)), best]
    return nearest, likeness


def _means(rows: np.ndarray, nearest: np.ndarray, centres: np.ndarray) -> np.ndarray:
    order = np.argsort(nearest, kind="stable")
    used, starts = np.unique(nearest[order], return_index=True)
    moved = centres.copy()  # one without rows stays where it is
    moved[used] = _unit(np.add.reduceat(rows[order], starts, axis=0))
    return moved


def _in_order(nearest: np.ndarray, likeness: np.ndarray, groups: int) -> list[np.ndarray]:
    order = np.lexsort((-likeness, nearest))
    ends = np.searchsorted(nearest[order], np.arange(groups + 1))
    every = [order[start:stop] for start, stop in zip(ends, ends[1:], strict=False)]
    parts = [
        group[start : start + MOST_IN_A_GROUP]
        for group in every
        for start in range(0, len(group), MOST_IN_A_GROUP)
    ]
    # Lists of one have nothing to be uniform with.
    parts.sort(key=lambda part: (len(part) < 2, -float(likeness[part].mean()), int(part[0])))
    return parts


def by_ids(groups: Sequence[np.ndarray], ids: Sequence[int]) -> list[list[int]]:
    """The same groups, as file ids."""
    return [[ids[at] for at in group.tolist()] for group in groups]
