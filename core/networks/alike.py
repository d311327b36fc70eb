"""Finding photos that look alike in a data set: features, hashes, a look at doubtful pairs.

Copies of one photo are bound together however they were changed, so that no fold judges a photo
whose copy was trained on. Features, hashes and the groups are kept; a search that is stopped goes
on from there.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from core.dataset import Dataset, FileRow
from core.dataset.alike import save_groups
from core.dataset.near_hashes import load_near_hashes, save_near_hashes, without_near_hash
from core.dataset.verdicts import UNREADABLE, load_verdicts
from core.errors import ImageError
from core.images import groups, scenes
from core.images.aligning import SAME, Small, agreement, small
from core.images.decode import open_rgb
from core.images.identity import content_hash, pixel_hash
from core.images.similar import ENOUGH_PIXELS, near_hash
from core.jobs.progress import Progress, Task
from core.networks.backbones import DEFAULT
from core.networks.features import FeatureStore

SECONDS_BETWEEN_REPORTS = 0.3
ROWS_AT_ONCE = 4096  # bounds the features held in full precision
PICTURES_KEPT = 40_000  # small pictures in memory, of 4 KB at most
PAIRS_A_THREAD = 16
# Pictures without any detail cannot be laid over each other; these may still be equal.
PERHAPS_EQUAL = 0.98

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


class _Seen(NamedTuple):
    """What one decoding gave."""

    near: bytes | None
    picture: Small | None
    lasting: bool = True  # the same content would give the same again


def find_alike(dataset: Dataset, *, backbone: str = DEFAULT) -> Task[Alike]:
    """Group the present photos by what they show, and keep the groups.

    Photos without features are passed through the network first. Those that cannot be read are in
    no group. Phases are "embed", "hash" and "alike".
    """
    rows = _one_for_each_content(dataset.rows())
    yield from _embedded(dataset, backbone, list(rows.values()))
    return (yield from group_embedded(dataset, list(rows.values()), backbone=backbone))


def group_embedded(dataset: Dataset, rows: Sequence[FileRow], *, backbone: str) -> Task[Alike]:
    """As ``find_alike``, of the photos among some that have features."""
    began = time.monotonic()
    by_content = _one_for_each_content(rows)
    store = FeatureStore(dataset.home, backbone)
    missing = set(store.missing(list(by_content)))
    contents = [content for content in sorted(by_content) if content not in missing]
    looks = _Looks(dataset, [by_content[content] for content in contents])
    yield from looks.hash_all()
    ready = groups.prepared(_features(store, contents))
    suggested = yield from _told(
        groups.alike_pairs(ready, least=scenes.SUGGESTED, most_each=12), "Comparing photos."
    )
    by_hash = yield from _told(groups.hash_pairs(looks.hashes, ready), "Comparing photos.")
    likely = suggested.alike >= groups.LEAST_ALIKE
    copies = groups.best_pairs(
        groups.Pairs(suggested.first[likely], suggested.second[likely], suggested.alike[likely]),
        most_each=groups.MOST_EACH,
    )
    pairs = groups.merged(copies, by_hash, len(contents))
    near = yield from _grown(looks, pairs)
    exact = yield from looks.equal_among(near)
    yield _progress("Looking for shots of one scene.")
    shots = scenes.scenes(ready, suggested, near)

    def named(found: Iterable[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(contents[photo] for photo in group) for group in found)

    result = Alike(
        compared=len(contents),
        exact=named(exact),
        near=named(near),
        scenes=named(shots),
        looked_at=looks.pairs_asked,
        seconds=time.monotonic() - began,
    )
    save_groups(
        dataset,
        {"exact": result.exact, "near": result.near, "scene": result.scenes},
        compared=contents,
    )
    return result


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


def _told(task: Generator[float, None, Thing], message: str) -> Task[Thing]:
    yield _progress(message)
    told_at = time.monotonic()
    while True:
        try:
            share = next(task)
        except StopIteration as end:
            found: Thing = end.value
            return found
        if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
            told_at = time.monotonic()
            yield _progress(message, done=round(100 * share), total=100)


def _progress(message: str, *, done: int = 0, total: int = 0) -> Progress:
    return Progress(phase="alike", done=done, total=total, message=message)


def _grown(looks: "_Looks", pairs: groups.Pairs) -> Task[list[list[int]]]:
    """Groups of copies."""
    sure = groups.surely_same(looks.hashes, pairs)
    looks.alike = dict(
        zip(
            zip(pairs.first.tolist(), pairs.second.tolist(), strict=True),
            pairs.alike.tolist(),
            strict=True,
        )
    )
    growing = groups.grown(len(looks.hashes), pairs, sure, looks.same)
    message = "Looking closely at photos that may be copies."
    told_at = 0.0
    with looks.threads:
        while True:
            try:
                done, total = next(growing)
            except StopIteration as end:
                found: groups.Groups = end.value
                return found.all()
            if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                told_at = time.monotonic()
                yield _progress(message, done=done, total=total)


class _Looks:
    """Looks at the photos themselves: hashes, small pictures, pixels."""

    def __init__(self, dataset: Dataset, rows: Sequence[FileRow]) -> None:
        self._dataset = dataset
        self._rows = rows
        self._pictures: OrderedDict[int, Small | None] = OrderedDict()
        self._pixels: dict[int, str | None] = {}
        self.hashes: list[bytes | None] = [None] * len(rows)
        self.alike: dict[tuple[int, int], float] = {}
        self.pairs_asked = 0
        self.threads = ThreadPoolExecutor(_cores(), thread_name_prefix="alike")

    def hash_all(self) -> Task[None]:
        """Hash the photos that have no hash yet, and keep the hashes."""
        known, none = load_near_hashes(self._dataset), without_near_hash(self._dataset)
        waiting: list[int] = []
        for at, row in enumerate(self._rows):
            self.hashes[at] = known.get(row.content)
            if self.hashes[at] is None and row.content not in none:
                waiting.append(at)
        done, kept, told_at = 0, 0, time.monotonic()
        todo = iter(waiting)
        running: dict[Future[_Seen], int] = {}
        found: list[tuple[str, bytes | None]] = []
        with ThreadPoolExecutor(_cores(), thread_name_prefix="hash") as threads:
            try:
                while done < len(waiting):
                    for at in islice(todo, 32 - len(running)):
                        running[threads.submit(_seen, self._path(at), self._rows[at].content)] = at
                    finished, _ = wait(running, SECONDS_BETWEEN_REPORTS, FIRST_COMPLETED)
                    for one in finished:
                        at, seen = running.pop(one), one.result()
                        done += 1
                        self.hashes[at] = seen.near
                        if seen.lasting:
                            found.append((self._rows[at].content, seen.near))
                        if len(self._pictures) < PICTURES_KEPT:
                            self._keep(at, seen.picture)
                    if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                        told_at = time.monotonic()
                        save_near_hashes(self._dataset, found[kept:])
                        kept = len(found)
                        yield Progress(
                            phase="hash",
                            done=done,
                            total=len(waiting),
                            message="Taking fingerprints of photos.",
                        )
            finally:
                for one in running:
                    one.cancel()
                save_near_hashes(self._dataset, found[kept:])

    def same(self, pairs: Sequence[tuple[int, int]]) -> list[bool]:
        """Whether the photos of each pair are one, by laying them over each other."""
        self.pairs_asked += len(pairs)
        fresh = list(dict.fromkeys(at for pair in pairs for at in pair))
        fresh = [at for at in fresh if at not in self._pictures]
        for at, seen in zip(fresh, self.threads.map(self._picture, fresh), strict=True):
            self._keep(at, seen)
        chunks = [
            pairs[start : start + PAIRS_A_THREAD] for start in range(0, len(pairs), PAIRS_A_THREAD)
        ]
        found = [same for some in self.threads.map(self._same, chunks) for same in some]
        while len(self._pictures) > PICTURES_KEPT:
            self._pictures.popitem(last=False)
        return found

    def equal_among(self, near: Sequence[Sequence[int]]) -> Task[list[list[int]]]:
        """Photos with the same pixels, among groups of copies."""
        found: list[list[int]] = []
        told_at = time.monotonic()
        for done, group in enumerate(near):
            by_hash: dict[bytes, list[int]] = {}
            for at in group:
                by_hash.setdefault(self.hashes[at] or b"", []).append(at)
            by_pixels: dict[str, list[int]] = {}
            for at in (at for some in by_hash.values() if len(some) > 1 for at in some):
                pixels = self._pixels_of(at)
                if pixels is not None:
                    by_pixels.setdefault(pixels, []).append(at)
            found += [some for some in by_pixels.values() if len(some) > 1]
            if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                told_at = time.monotonic()
                yield _progress("Comparing pixels.", done=done, total=len(near))
        return found

    def _same(self, pairs: Sequence[tuple[int, int]]) -> list[bool]:
        scores = np.zeros(len(pairs), dtype=np.float32)
        laid: dict[int, tuple[Small, Small]] = {}
        for at, (one, other) in enumerate(pairs):
            first, second = self._pictures[one], self._pictures[other]
            if first is not None and second is not None:
                laid[at] = (first, second)
        scores[list(laid)] = agreement(list(laid.values()))
        return [
            bool(score >= SAME)
            or (self.alike.get(pair, 0.0) >= PERHAPS_EQUAL and self._are_equal(*pair))
            for pair, score in zip(pairs, scores.tolist(), strict=True)
        ]

    def _are_equal(self, one: int, other: int) -> bool:
        pixels = self._pixels_of(one)
        return pixels is not None and pixels == self._pixels_of(other)

    def _pixels_of(self, at: int) -> str | None:
        if at not in self._pixels:
            try:
                self._pixels[at] = pixel_hash(open_rgb(self._path(at)))
            except (ImageError, OSError):
                self._pixels[at] = None
        return self._pixels[at]

    def _picture(self, at: int) -> Small | None:
        return _small_of(self._path(at))

    def _keep(self, at: int, picture: Small | None) -> None:
        self._pictures[at] = picture

    def _path(self, at: int) -> Path:
        return self._dataset.path_of(self._rows[at])


def _seen(path: Path, content: str) -> _Seen:
    try:
        picture = open_rgb(path, at_least=ENOUGH_PIXELS)
        if content_hash(path) != content:
            return _Seen(None, None, lasting=False)
    except ImageError as error:
        return _Seen(None, None, lasting=error.lasting)
    except OSError:
        return _Seen(None, None, lasting=False)
    reduced = small(picture)
    is_blank = int(reduced.grey.max()) - int(reduced.grey.min()) < 2
    return _Seen(None if is_blank else near_hash(picture), reduced)


def _small_of(path: Path) -> Small | None:
    try:
        return small(open_rgb(path, at_least=ENOUGH_PIXELS // 2))
    except (ImageError, OSError):
        return None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
