"""Finding photos that look alike in a data set: features, hashes, a look at doubtful pairs.

Copies of one photo are bound together however they were changed, so that no fold judges a photo
whose copy was trained on. Features, hashes and the groups are kept; a search that is stopped goes
on from there.
"""

import os
import time
from collections import Counter, OrderedDict
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image

from core.dataset import Dataset, FileRow
from core.dataset.alike import KINDS, Kind, compared_contents, load_groups, save_groups
from core.dataset.facts import Facts, load_facts, save_facts
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
SHARPNESS_SIDE = 512  # pixels, the longest side at which copies of all sizes are compared

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
    began = time.monotonic()
    store = FeatureStore(dataset.home, backbone)
    missing = set(store.missing(list(rows)))
    contents = [content for content in sorted(rows) if content not in missing]
    search = _Search(dataset, store, [rows[content] for content in contents])
    found = yield from search.run(fresh=None, known={})
    save_groups(dataset, found, compared=rows)
    yield from _facts(dataset, [content for group in found["near"] for content in group])
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
        self.looks = _Looks(dataset, rows)

    def run(
        self, *, fresh: Sequence[int] | None, known: Mapping[Kind, Sequence[Sequence[str]]]
    ) -> Task[dict[Kind, list[list[str]]]]:
        """Groups by kind. With ``fresh``, those known so far, brought up to date for these."""
        yield from self.looks.hash_all()
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
        yield _progress("Looking for shots of one scene.")
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


def _grown(
    looks: "_Looks", pairs: groups.Pairs, begun: Sequence[Sequence[int]]
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
    growing = groups.grown(len(looks.hashes), pairs, sure, looks.same, begun=begun)
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


def _facts(dataset: Dataset, contents: Iterable[str]) -> Task[None]:
    """Keep how large and sharp photos are that have copies, with the same bytes too."""
    rows = dataset.rows()
    times = Counter(row.content for row in rows if row.content)
    wanted = {*contents, *(content for content, number in times.items() if number > 1)}
    missing = wanted - load_facts(dataset, wanted).keys()
    paths = {row.content: dataset.path_of(row) for row in rows if row.content in missing}
    told_at, done = time.monotonic(), 0
    with ThreadPoolExecutor(_cores(), thread_name_prefix="facts") as threads:
        try:
            for content, facts in zip(paths, threads.map(_facts_of, paths.values()), strict=True):
                done += 1
                if facts is not None:
                    save_facts(dataset, [(content, facts)])
                if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                    told_at = time.monotonic()
                    yield _progress("Measuring copies.", done=done, total=len(paths))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _facts_of(path: Path) -> Facts | None:
    try:
        picture = open_rgb(path)
    except (ImageError, OSError):
        return None
    grey = picture.convert("L")
    scale = SHARPNESS_SIDE / max(picture.size)
    size = (max(8, round(picture.width * scale)), max(8, round(picture.height * scale)))
    even = np.asarray(grey.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    edges = (
        4 * even[1:-1, 1:-1] - even[:-2, 1:-1] - even[2:, 1:-1] - even[1:-1, :-2] - even[1:-1, 2:]
    )
    return Facts(picture.width, picture.height, float(edges.std()))


def _small_of(path: Path) -> Small | None:
    try:
        return small(open_rgb(path, at_least=ENOUGH_PIXELS // 2))
    except (ImageError, OSError):
        return None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
