"""Finding photos that look alike in a data set: features, hashes, a look at doubtful pairs.

Copies of one photo are bound together however they were changed, so that no fold judges a photo
whose copy was trained on. Features, hashes and the groups are kept; a search that is stopped goes
on from there.
"""

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.dataset import Dataset, FileRow
from core.dataset.alike import KINDS, Kind, compared_contents, load_groups, save_groups
from core.dataset.verdicts import UNREADABLE, load_verdicts
from core.images import groups, growing, scenes
from core.jobs.progress import Task
from core.networks.backbones import DEFAULT
from core.networks.closer_look import Looks, available_cores, keep_facts, progress
from core.networks.features import FeatureStore

SECONDS_BETWEEN_REPORTS = 0.3
ROWS_AT_ONCE = 4096  # bounds the features held in full precision
FEW_FOR_A_CORE = 30_000  # photos whose products take one core a few seconds

Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Groups of contents, each in order."""

    compared: int  # contents
    exact: tuple[tuple[str, ...], ...]  # the same pixels in other bytes
    near: tuple[tuple[str, ...], ...]  # one photo in several forms; holds those of ``exact``
    scenes: tuple[tuple[str, ...], ...]  # other shots of one scene; holds whole groups of ``near``
    looked_at: int  # pairs that had to be laid over each other
    seconds: float  # beyond features


def find_alike(dataset: Dataset, *, backbone: str = DEFAULT) -> Task[Alike]:
    """Group the present photos by what they show, and keep the groups.

    Photos without features are passed through the network first. Those that cannot be read are in
    no group. Phases are "embed", "hash" and "alike".
    """
    rows = _one_for_each_content(dataset.rows())
    yield from _embedded(dataset, backbone, list(rows.values()))
    began = time.monotonic()
    store = FeatureStore(dataset.home, backbone)
    missing = set(store.missing(list(rows)))
    contents = [content for content in sorted(rows) if content not in missing]
    search = _Search(dataset, store, [rows[content] for content in contents])
    found = yield from search.run(fresh=None, known={})
    save_groups(dataset, found, compared=rows)
    yield from keep_facts(dataset, [content for group in found["near"] for content in group])
    return _result(found, search, began)


def bring_up_to_date(dataset: Dataset, rows: Sequence[FileRow], *, backbone: str) -> Task[bool]:
    """Bring the kept groups up to date where some photos are not in them yet; whether any was.

    New photos are compared with all others, those others not with each other again. Photos
    without features stay out. Groups of most photos are made anew.

    Args:
        dataset: Its groups are changed.
        rows: Those that matter; others that are compared already take part.
        backbone: Whose features to go by.
    """
    before = compared_contents(dataset)
    wanted = _one_for_each_content(rows)
    if wanted.keys() <= before:
        return False
    store = FeatureStore(dataset.home, backbone)
    every = _one_for_each_content([*rows, *dataset.rows()])
    missing = set(store.missing(list(every)))
    there = [content for content in sorted(every) if content not in missing]
    contents = [content for content in there if content in before or content in wanted]
    fresh = [at for at, content in enumerate(contents) if content not in before]
    known = {kind: load_groups(dataset, kind) for kind in KINDS}
    search = _Search(dataset, store, [every[content] for content in contents])
    if 2 * len(fresh) > len(contents):
        found = yield from search.run(fresh=None, known={})
    else:
        found = yield from search.run(fresh=fresh, known=known)
    # A photo that was removed is new again when it comes back: groups hold those there are.
    save_groups(dataset, found, compared=(before & every.keys()) | wanted.keys())
    return True


class _Search:
    """Photos with features, one a content in order of contents, and the groups among them."""

    def __init__(self, dataset: Dataset, store: FeatureStore, rows: Sequence[FileRow]) -> None:
        self.store = store
        self.contents = [row.content for row in rows]
        self.looks = Looks(dataset, rows)

    def run(
        self, *, fresh: Sequence[int] | None, known: Mapping[Kind, Sequence[Sequence[str]]]
    ) -> Task[dict[Kind, list[list[str]]]]:
        """Groups by kind. With ``fresh``, those known so far, brought up to date for these."""
        yield from self.looks.hash_all()
        with blas_threads(len(self.contents)):
            return (yield from self._groups(fresh, known))

    def _groups(
        self, fresh: Sequence[int] | None, known: Mapping[Kind, Sequence[Sequence[str]]]
    ) -> Task[dict[Kind, list[list[str]]]]:
        ready = groups.prepared(_features(self.store, self.contents))
        asking = None if fresh is None else np.array(fresh, dtype=np.int64)
        suggested = yield from _told(
            groups.alike_pairs(ready, least=scenes.SUGGESTED, most_each=12, fresh=asking)
        )
        by_hash = yield from _told(groups.hash_pairs(self.looks.hashes, ready, fresh=asking))
        likely = suggested.alike >= groups.LEAST_ALIKE
        copies = groups.best_pairs(suggested.only(likely), most_each=groups.MOST_EACH)
        pairs = groups.merged(copies, by_hash, len(self.contents))
        begun = self._placed(known.get("near", ()))
        near = yield from _grown(self.looks, pairs, begun)
        exact = self._placed(known.get("exact", ()))
        settled = {tuple(group) for group in begun}
        changed = [group for group in near if tuple(group) not in settled]
        inside = {photo for group in changed for photo in group}
        exact = [group for group in exact if not inside.intersection(group)]
        exact += yield from self.looks.equal_among(changed)
        yield progress("Looking for shots of one scene.")
        if fresh is None:
            shots = scenes.scenes(ready, suggested, near)
        else:
            shots = scenes.joined(ready, suggested, self._placed(known.get("scene", ())), fresh)
        return {
            "exact": self._named(exact),
            "near": self._named(near),
            "scene": self._named(shots),
        }

    def _placed(self, some: Iterable[Sequence[str]]) -> list[list[int]]:
        """Groups of contents as groups of places, without those whose photos are gone."""
        place = {content: at for at, content in enumerate(self.contents)}
        placed = [[place[content] for content in group if content in place] for group in some]
        return [group for group in placed if len(group) > 1]

    def _named(self, found: Iterable[Sequence[int]]) -> list[list[str]]:
        return [[self.contents[photo] for photo in group] for group in found]


def _result(found: Mapping[Kind, list[list[str]]], search: _Search, began: float) -> Alike:
    exact, near, shots = (tuple(tuple(group) for group in found[kind]) for kind in KINDS)
    return Alike(
        compared=len(search.contents),
        exact=exact,
        near=near,
        scenes=shots,
        looked_at=search.looks.pairs_asked,
        seconds=time.monotonic() - began,
    )


def _one_for_each_content(rows: Iterable[FileRow]) -> dict[str, FileRow]:
    found: dict[str, FileRow] = {}
    for row in rows:
        if row.content:
            found.setdefault(row.content, row)
    return found


def _embedded(dataset: Dataset, backbone: str, rows: Sequence[FileRow]) -> Task[None]:
    missing = set(FeatureStore(dataset.home, backbone).missing([row.content for row in rows]))
    if missing:
        verdicts = load_verdicts(dataset).values()
        missing -= {verdict.content for verdict in verdicts if verdict.kind in UNREADABLE}
    if missing:
        from core.networks.embed import embed  # costs a third of a second; only where needed

        yield from embed(dataset, backbone, [row for row in rows if row.content in missing])


def _features(store: FeatureStore, contents: Sequence[str]) -> np.ndarray:
    """Mean of photo and mirror image, (N, D) float16: a photo and its mirror image get the same."""
    features = np.empty((len(contents), store.dimensions), dtype=np.float16)
    for start in range(0, len(contents), ROWS_AT_ONCE):
        part = store.get(contents[start : start + ROWS_AT_ONCE])
        features[start : start + len(part)] = part.mean(axis=1, dtype=np.float32)
    return features


def _told(task: Generator[float, None, Thing]) -> Task[Thing]:
    message = "Comparing photos."
    yield progress(message)
    told_at = time.monotonic()
    while True:
        try:
            share = next(task)
        except StopIteration as end:
            found: Thing = end.value
            return found
        if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
            told_at = time.monotonic()
            yield progress(message, done=round(100 * share), total=100)


def _grown(
    looks: Looks, pairs: groups.Pairs, begun: Sequence[Sequence[int]]
) -> Task[list[list[int]]]:
    """Groups of copies, those begun among them."""
    sure = groups.surely_same(looks.hashes, pairs)
    looks.alike = dict(
        zip(
            zip(pairs.first.tolist(), pairs.second.tolist(), strict=True),
            pairs.alike.tolist(),
            strict=True,
        )
    )
    task = growing.grown(len(looks.hashes), pairs, sure, looks.same, begun=begun)
    message = "Looking closely at photos that may be copies."
    told_at = 0.0
    with looks.threads:
        while True:
            try:
                done, total = next(task)
            except StopIteration as end:
                found: growing.Groups = end.value
                return found.all()
            if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                told_at = time.monotonic()
                yield progress(message, done=done, total=total)


def blas_threads(photos: int) -> AbstractContextManager[object]:
    """Let matrix products use one core where that is enough.

    Their threads wait for each other without sleeping: where others want the cores too, two are
    many times slower than one. Our own threads already keep all cores busy.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(
        1 if photos <= FEW_FOR_A_CORE else available_cores(), user_api="blas"
    )
    return limits
