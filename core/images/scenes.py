"""Photos of one scene: other shots of the same thing in the same place, no copies.

Features say so where a few photos are alike and stand apart from all others. Both are asked for:
toys on white are as alike as two shots of a scene, but there are dozens of them and none stands
apart.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.images.groups import Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Cosines of features around their mean, as for copies. Tried on five sets: the seven shots of two
# bears on a road are alike to 0.60 and to the rest to 0.40.
LEAST_ALIKE = 0.5  # on average, between any two parts of a scene
MORE_IN_SMALL = 0.4  # divided by the number of photos: two must be alike to 0.7
LEAST_APART = 0.12  # how much less alike the nearest photos outside are, on average
ELSEWHERE = 0.35  # how alike a photo is taken to be to the rest where nothing near was suggested
SUGGESTED = 0.45  # cosine from which on pairs are worth a look
# More are a kind of photo, not a scene.
MOST_PHOTOS, MOST_OF_ALL = 60, 0.1


def scenes(
    ready: "NDArray[np.float16]", pairs: Pairs, copies: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Groups of photos that show one scene, each in order of its photos.

    Args:
        ready: Features (N, D) as ``groups.prepared`` gives them.
        pairs: Photos that may belong together, those most alike first.
        copies: Groups of copies. Each counts as one photo, and stands in a scene as a whole; a
            group of copies alone is no scene.
    """
    stands_for = {photo: group[0] for group in copies for photo in group}
    first = [stands_for.get(photo, photo) for photo in pairs.first.tolist()]
    second = [stands_for.get(photo, photo) for photo in pairs.second.tolist()]
    tree = _Tree(ready)
    near: dict[int, list[tuple[float, int]]] = {}
    for one, other, alike in zip(first, second, pairs.alike.tolist(), strict=True):
        if one != other:
            near.setdefault(one, []).append((alike, other))
            near.setdefault(other, []).append((alike, one))
            tree.offer(one, other)
    whole = {group[0]: group for group in copies}
    return sorted(
        sorted(photo for one in scene for photo in whole.get(one, [one]))
        for root in tree.roots()
        for scene in _standing_apart(ready, near, tree, root)
    )


def joined(
    ready: "NDArray[np.float16]", pairs: Pairs, known: Sequence[Sequence[int]], fresh: Sequence[int]
) -> list[list[int]]:
    """Scenes that are known, with those fresh photos that belong to them.

    Fresh photos make no new scenes: whether photos stand apart shows only once all are compared.

    Args:
        ready: Features (N, D) as ``groups.prepared`` gives them.
        pairs: Those with a fresh photo in them.
        known: Scenes so far.
        fresh: Photos in none of them.
    """
    scene_of = {photo: at for at, scene in enumerate(known) for photo in scene}
    near: dict[int, list[tuple[float, int]]] = {photo: [] for photo in fresh}
    for one, other, alike in zip(*(part.tolist() for part in pairs), strict=True):
        for photo, neighbour in ((one, other), (other, one)):
            if photo in near:
                near[photo].append((alike, neighbour))
    found = [list(scene) for scene in known]
    for photo, neighbours in near.items():
        scene = next((scene_of[n] for _, n in neighbours if n in scene_of), None)
        if scene is None or photo in scene_of:
            continue
        members = known[scene]
        alike = float((ready[list(members)].astype(np.float32) @ ready[photo]).mean())
        outside = max((a for a, n in neighbours if scene_of.get(n) != scene), default=ELSEWHERE)
        if alike >= LEAST_ALIKE + MORE_IN_SMALL / (len(members) + 1) and alike >= outside:
            found[scene].append(photo)
    return [sorted(scene) for scene in found]


class _Tree:
    """Photos brought together step by step, as long as the two sides are alike on average."""

    def __init__(self, ready: "NDArray[np.float16]") -> None:
        self._ready = ready
        self._cluster: dict[int, int] = {}  # of each photo; its own number until it is joined
        self._sums: dict[int, NDArray[np.float32]] = {}  # of the features in a cluster
        self._next = len(ready)
        self._most = min(MOST_PHOTOS, max(2, int(MOST_OF_ALL * len(ready))))
        self._parents: set[int] = set()
        self.members: dict[int, list[int]] = {}
        self.sides: dict[int, tuple[int, int]] = {}

    def offer(self, one: int, other: int) -> None:
        """Bring the clusters of two photos together if they are alike enough."""
        left, right = self._cluster.get(one, one), self._cluster.get(other, other)
        if left == right:
            return
        left_sum, right_sum = self._sum(left), self._sum(right)
        together = self.of(left) + self.of(right)
        size = len(self.of(left)) * len(self.of(right))
        if len(together) > self._most or float(left_sum @ right_sum) / size < LEAST_ALIKE:
            return
        joined, self._next = self._next, self._next + 1
        self.sides[joined], self.members[joined] = (left, right), together
        self._sums.pop(left, None)
        self._sums.pop(right, None)
        self._sums[joined] = left_sum + right_sum
        self._cluster.update(dict.fromkeys(together, joined))
        self._parents.update((left, right))

    def of(self, cluster: int) -> list[int]:
        return self.members.get(cluster, [cluster])

    def roots(self) -> list[int]:
        return [cluster for cluster in self.sides if cluster not in self._parents]

    def _sum(self, cluster: int) -> "NDArray[np.float32]":
        found = self._sums.get(cluster)
        return self._ready[cluster].astype(np.float32) if found is None else found


def _standing_apart(
    ready: "NDArray[np.float16]",
    near: dict[int, list[tuple[float, int]]],
    tree: _Tree,
    root: int,
) -> list[list[int]]:
    """The largest clusters at and below one that are scenes."""
    found: list[list[int]] = []
    waiting = [root]
    while waiting:
        cluster = waiting.pop()
        if cluster not in tree.sides:
            continue
        if _is_scene(ready, near, tree.of(cluster)):
            found.append(tree.of(cluster))
        else:
            waiting.extend(tree.sides[cluster])
    return found


def _is_scene(
    ready: "NDArray[np.float16]", near: dict[int, list[tuple[float, int]]], photos: list[int]
) -> bool:
    features = ready[photos].astype(np.float32)
    alike = features @ features.T
    np.fill_diagonal(alike, 0)
    inside = alike.sum(axis=1) / (len(photos) - 1)
    own = set(photos)
    outside = np.array(
        [
            max((alike for alike, other in near[photo] if other not in own), default=ELSEWHERE)
            for photo in photos
        ]
    )
    return bool(
        inside.mean() >= LEAST_ALIKE + MORE_IN_SMALL / len(photos)
        and inside.mean() - outside.mean() >= LEAST_APART
        and (inside >= outside).all()
    )
