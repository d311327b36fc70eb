"""A closer look at photos: fingerprints, small pictures, pixels, size and sharpness.

What is found is kept by content, so that each photo is decoded once for it.
"""

import os
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from core.dataset import Dataset, FileRow
from core.dataset.facts import Facts, load_facts, save_facts
from core.dataset.near_hashes import load_near_hashes, save_near_hashes, without_near_hash
from core.errors import ImageError
from core.images.aligning import SAME, Small, agreement, is_fine, small
from core.images.decode import open_rgb
from core.images.identity import content_hash, pixel_hash
from core.images.similar import ENOUGH_PIXELS, are_near, near_hash
from core.jobs.progress import Progress, Task

SECONDS_BETWEEN_REPORTS = 0.3
PICTURES_KEPT = 40_000  # small pictures in memory, of 4 KB at most
PAIRS_A_THREAD = 32
# Pictures without any detail cannot be laid over each other; these may still be equal.
PERHAPS_EQUAL = 0.98
SHARPNESS_SIDE = 512  # pixels, the longest side at which copies of all sizes are compared


class _Seen(NamedTuple):
    """What one decoding gave."""

    near: bytes | None
    picture: Small | None
    lasting: bool = True  # the same content would give the same again


class Looks:
    """Looks at the photos themselves: hashes, small pictures, pixels."""

    def __init__(self, dataset: Dataset, rows: Sequence[FileRow]) -> None:
        self._dataset = dataset
        self._rows = rows
        self._pictures: OrderedDict[int, Small | None] = OrderedDict()
        self._pixels: dict[int, str | None] = {}
        self.hashes: list[bytes | None] = [None] * len(rows)
        self.alike: dict[tuple[int, int], float] = {}
        self.pairs_asked = 0
        self.threads = ThreadPoolExecutor(available_cores(), thread_name_prefix="alike")

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
        with ThreadPoolExecutor(available_cores(), thread_name_prefix="hash") as threads:
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
                yield progress("Comparing pixels.", done=done, total=len(near))
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
            or self._are_near(*pair)
            or (self.alike.get(pair, 0.0) >= PERHAPS_EQUAL and self._are_equal(*pair))
            for pair, score in zip(pairs, scores.tolist(), strict=True)
        ]

    def _are_near(self, one: int, other: int) -> bool:
        """Whether the hashes say so; for pictures with too little detail to be laid over."""
        first, second = self.hashes[one], self.hashes[other]
        pictures = (self._pictures[one], self._pictures[other])
        return bool(
            first
            and second
            and are_near(first, second)
            and all(picture is not None and is_fine(picture) for picture in pictures)
        )

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


def keep_facts(dataset: Dataset, contents: Iterable[str]) -> Task[None]:
    """Keep how large and sharp photos are that have copies, with the same bytes too."""
    rows = dataset.rows()
    times = Counter(row.content for row in rows if row.content)
    wanted = {*contents, *(content for content, number in times.items() if number > 1)}
    missing = wanted - load_facts(dataset, wanted).keys()
    paths = {row.content: dataset.path_of(row) for row in rows if row.content in missing}
    told_at, done = time.monotonic(), 0
    found: list[tuple[str, Facts]] = []
    with ThreadPoolExecutor(available_cores(), thread_name_prefix="facts") as threads:
        try:
            for content, facts in zip(paths, threads.map(_facts_of, paths.values()), strict=True):
                done += 1
                if facts is not None:
                    found.append((content, facts))
                if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                    told_at = time.monotonic()
                    save_facts(dataset, found)  # some at a time: each is a write to the disk
                    found.clear()
                    yield progress("Measuring copies.", done=done, total=len(paths))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            save_facts(dataset, found)


def _facts_of(path: Path) -> Facts | None:
    try:
        picture = open_rgb(path)
    except (ImageError, OSError):
        return None
    grey = picture.convert("L")
    scale = SHARPNESS_SIDE / max(picture.size)
    size = (max(8, round(picture.width * scale)), max(8, round(picture.height * scale)))
    even = np.asarray(grey.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    edges = 4 * even[1:-1, 1:-1]
    for beside in (even[:-2, 1:-1], even[2:, 1:-1], even[1:-1, :-2], even[1:-1, 2:]):
        edges -= beside
    return Facts(picture.width, picture.height, float(edges.std(dtype=np.float32)))


def _small_of(path: Path) -> Small | None:
    try:
        return small(open_rgb(path, at_least=ENOUGH_PIXELS // 2))
    except (ImageError, OSError):
        return None


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def progress(message: str, *, done: int = 0, total: int = 0) -> Progress:
    """A report of the search."""
    return Progress(phase="alike", done=done, total=total, message=message)
