"""Passing photos through a backbone once, and keeping what comes out."""

import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.dataset import Dataset, FileRow
from core.errors import ImageError, NetworkError
from core.images.decode import open_rgb
from core.images.identity import content_hash
from core.jobs.progress import Progress, Task
from core.networks.engine import Engine
from core.networks.features import FeatureStore
from core.networks.preprocessing import to_batch_item

# Often enough for a live chart of a small set; each report also flushes features to disk.
SECONDS_BETWEEN_REPORTS = 0.3
CHANGED = "The file has changed since Winnow looked at the folder."
GONE = "The file was moved or deleted while training ran."
NO_NUMBERS = "The network finds no usable numbers for this photo."  # not finite as float16
UNREADABLE = "The file cannot be read."  # it has no content in the catalogue either


@dataclass(frozen=True, kw_only=True)
class EmbedResult:
    """What one pass over the photos did."""

    embedded: int  # contents that went through the network now
    kept: int  # contents whose features were there already
    unreadable: tuple[tuple[int, str], ...]  # file id and the reason, a sentence
    gone: frozenset[int]  # those of them whose file is no longer there, or no longer the same
    seconds: float
    engine: str | None  # "onnxruntime" or "pytorch"; None if nothing had to be embedded


class Photo(NamedTuple):
    """One content to embed, and the files that hold it."""

    content: str
    paths: tuple[Path, ...]
    bytes: int


class Outcome(NamedTuple):
    """What came of one photo: features (views, D) float16, or the reason why there are none."""

    content: str
    features: np.ndarray | None
    reason: str | None = None
    gone: bool = False  # no file holds this content any more where it was looked for


def embed(dataset: Dataset, backbone: str, rows: Sequence[FileRow]) -> Task[EmbedResult]:
    """Give every photo features, passing over those that have them.

    What is finished at a report is on disk, so leaving early loses nothing. A file that cannot
    be read, or that changed since the catalogue saw it, is a result.
    """
    began = time.monotonic()
    store = FeatureStore(dataset.home, backbone)
    by_content: dict[str, list[FileRow]] = {}
    for row in rows:
        by_content.setdefault(row.content, []).append(row)
    failed: dict[str, str] = {"": UNREADABLE} if by_content.get("") else {}
    missing = store.missing([content for content in by_content if content])

    engine = None
    gone: set[str] = set()
    if missing:
        engine = yield from _loaded(backbone, len(missing))
        work = _Work(store, engine, len(missing))
        yield from work.through(_photo(dataset, c, by_content[c]) for c in missing)
        if work.gone:  # perhaps only moved, in Winnow, while others were embedded
            again = work.forget_gone()
            yield from work.through(_photo_again(dataset, c, by_content[c]) for c in again)
            work.finished += len(work.gone)
            yield work.report()
        failed |= work.failed
        gone = work.gone
    return EmbedResult(
        embedded=len(missing) - len(failed.keys() & set(missing)),
        kept=len(by_content.keys() - {""}) - len(missing),
        unreadable=tuple(
            (row.id, reason) for content, reason in failed.items() for row in by_content[content]
        ),
        gone=frozenset(row.id for content in gone for row in by_content[content]),
        seconds=time.monotonic() - began,
        engine=engine.kind if engine else None,
    )


def _photo(dataset: Dataset, content: str, rows: Iterable[FileRow]) -> Photo:
    rows = tuple(rows)
    return Photo(content, tuple(dataset.path_of(row) for row in rows), rows[0].bytes)


def _photo_again(dataset: Dataset, content: str, rows: Sequence[FileRow]) -> Photo:
    """The same photo, at the places where the catalogue has it now."""
    now = dataset.get(row.id for row in rows).values()
    paths = [dataset.path_of(row) for row in now if row.content == content]
    elsewhere = dataset.by_content(content)
    if elsewhere is not None and elsewhere not in paths:
        paths.append(elsewhere)
    return Photo(content, tuple(paths), rows[0].bytes)


def photo_features(engine: Engine, photo: Photo) -> Outcome:
    """Decode one photo once and pass it and its mirror image through the network."""
    outcome = Outcome(photo.content, None, GONE, gone=True)
    for path in photo.paths:
        outcome = _features_of_file(engine, photo, path)
        if outcome.features is not None:
            break
    return outcome


def _features_of_file(engine: Engine, photo: Photo, path: Path) -> Outcome:
    size = engine.backbone.size
    reason = None
    try:
        if path.stat().st_size != photo.bytes:
            return Outcome(photo.content, None, CHANGED, gone=True)
        try:
            item = to_batch_item(open_rgb(path, at_least=size), size)
        except ImageError as error:
            reason = str(error)
        # After the decoding, so that bytes written while it went on show as well.
        if content_hash(path) != photo.content:
            return Outcome(photo.content, None, CHANGED, gone=True)
    except (FileNotFoundError, NotADirectoryError):
        return Outcome(photo.content, None, GONE, gone=True)
    except OSError as error:
        reason = f"The file cannot be read: {error.strerror or error}."
    if reason is not None:
        return Outcome(photo.content, None, reason)
    both = np.stack([item, item[:, ::-1]])
    with np.errstate(over="ignore"):
        features = engine.features_on_this_thread(both).astype(np.float16)
    if not np.isfinite(features).all():
        return Outcome(photo.content, None, NO_NUMBERS)
    return Outcome(photo.content, features)


class _Work:
    """Photos on their way through the network to the disk."""

    def __init__(self, store: FeatureStore, engine: Engine, total: int) -> None:
        self.store, self.engine, self.total = store, engine, total
        self.finished, self.began = 0, time.monotonic()
        self.failed: dict[str, str] = {}  # the reason by content
        self.gone: set[str] = set()  # contents among them

    def through(self, photos: Iterable[Photo]) -> Task[None]:
        """Embed photos. Those that are gone count as finished only once nobody asks again."""
        done: list[Outcome] = []
        reported_at = time.monotonic()
        outcomes = _side_by_side(self.engine, photos)
        try:
            for outcome in outcomes:
                if outcome:
                    done.append(outcome)
                    self._count(outcome)
                if time.monotonic() - reported_at >= SECONDS_BETWEEN_REPORTS:
                    _keep(self.store, done)
                    yield self.report()
                    reported_at = time.monotonic()
        finally:
            outcomes.close()
            _keep(self.store, done)
        yield self.report()

    def forget_gone(self) -> list[str]:
        """The contents that were gone, to be tried once more."""
        again, self.gone = sorted(self.gone), set()
        for content in again:
            del self.failed[content]
        return again

    def _count(self, outcome: Outcome) -> None:
        self.finished += not outcome.gone
        if outcome.reason:
            self.failed[outcome.content] = outcome.reason
        if outcome.gone:
            self.gone.add(outcome.content)

    def report(self) -> Progress:
        return _report(self.finished, self.total, time.monotonic() - self.began)


def _side_by_side(engine: Engine, photos: Iterable[Photo]) -> Generator[Outcome | None, None, None]:
    """Outcomes as they come in, one thread per core; None where none came in for a while.

    Each thread decodes and runs the network in turn: with one thread per core for both, no core
    waits and none is asked for twice.
    """
    waiting = iter(photos)
    running: set[Future[Outcome]] = set()
    pool = ThreadPoolExecutor(engine.threads, thread_name_prefix="embed")
    try:
        while True:
            room = 4 * engine.threads - len(running)
            running |= {pool.submit(photo_features, engine, p) for p in islice(waiting, room)}
            if not running:
                return
            finished, running = wait(running, SECONDS_BETWEEN_REPORTS, FIRST_COMPLETED)
            yield from (future.result() for future in finished)
            if not finished:
                yield None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _keep(store: FeatureStore, done: list[Outcome]) -> None:
    """Move what is finished to disk."""
    good = [(o.content, o.features) for o in done if o.features is not None]
    done.clear()
    if not good:
        return
    contents, features = zip(*good, strict=True)
    try:
        store.add(contents, np.stack(features))
    except OSError as error:
        raise NetworkError(
            f"What the network said cannot be kept in {store.folder}: {error.strerror or error}. "
            "Free some space there, or check that the folder may be written to; then train again."
        ) from error


def _loaded(backbone: str, total: int) -> Task[Engine]:
    loading = Engine.loading(backbone)
    while True:
        try:
            progress = next(loading)
        except StopIteration as end:
            engine: Engine = end.value
            return engine
        yield replace(progress, phase="embed", done=0, total=total)


def _report(done: int, total: int, seconds: float) -> Progress:
    rate = done / seconds if seconds > 0 else 0.0
    message = f"Looking at photos: {rate:.0f} a second, {_time_left(total - done, rate)}."
    if done >= total:
        message = f"Looked at {total:,} photos, {rate:.0f} a second."
    return Progress(phase="embed", done=done, total=total, message=message)


def _time_left(remaining: int, rate: float) -> str:
    if rate <= 0:
        return "time left not known yet"
    seconds = remaining / rate
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds left"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} minutes left"
    return f"about {seconds / 3600:.1f} hours left"
