"""Bringing photos in: unpacked or copied, looked at once, taken into their classes.

Everything is kept. Copies and files that cannot be read are counted afterwards (``arrived``), and
it is the person who sets them aside. A job that was stopped or killed goes on where it was: each
photo's source says which file it was.
"""

import errno
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xxhash

from core.collect.imports import uploads
from core.collect.imports.arranging import Arranged, Place, Plan, arrange
from core.collect.imports.arrived import COMPARING, find_near_copies
from core.collect.imports.bundles import Bundle, open_bundle, reader_for
from core.collect.imports.names import as_text
from core.collect.imports.records import Record, load_record, save_record
from core.collect.imports.trees import may_keep_parts
from core.collect.kept import remember
from core.dataset import Dataset
from core.dataset.arrivals import Arrival, take_in
from core.dataset.claims import claimed
from core.dataset.names import photos, shown
from core.dataset.near_hashes import hash_photos, save_near_hashes
from core.dataset.sources import Source
from core.dataset.verdicts import StoredVerdict, save_verdicts
from core.errors import ArchiveError, DatasetError
from core.images.look import Look
from core.images.looking import Lookers
from core.jobs.progress import JobResult, Progress, Task

MOST_AT_ONCE = 500
SECONDS_AT_ONCE = 1.5
REPORT_SECONDS = 0.25
SECONDS_TO_WAIT = 0.5
AHEAD = 16  # files unpacked and not yet looked at, for each process
MIN_SIDE = 32  # pixels; as a check of the data set judges
LONGEST_TITLE = 1_500
MOST_TOLD = 200


@dataclass(frozen=True, kw_only=True)
class _Staged:
    place: Place
    path: Path
    content: str
    look: Look


def import_job(
    root: str,
    collection: str,
    source: dict[str, str],
    plan: dict[str, Any],
    via: str = "upload",
) -> Task[JobResult]:
    """Bring photos into a data set, each into the class that a plan gives it; phase ``collect``.

    Args:
        root: Of the data set.
        collection: What the photos arrive with.
        source: As for ``open_bundle``. An upload is deleted once all of it has arrived.
        plan: A ``Plan`` as a dictionary.
        via: "upload", "folder" or "camera".
    """
    dataset = Dataset.open(Path(root))
    record = load_record(dataset, collection)
    if record is None or not record.done:
        title = source.get("title") or Path(source["path"]).name
        yield Progress(phase="collect", done=0, total=0, message=f"Reading {shown(title)}")
        yield from dataset.refresh()
        record = yield from _import(dataset, collection, source, Plan.of(plan), via)
    uploads.discard(Path(source["path"]))
    uploads.discard(Path(plan.get("list_path", "")))
    if not record.is_compared:
        yield from _compare(dataset, collection, record)
    return {
        "collection": collection,
        "photos": record.photos,
        "told": list(record.told),
        "left_out": list(record.left_out),
    }


def _import(
    dataset: Dataset, collection: str, source: Mapping[str, str], plan: Plan, via: str
) -> Task[Record]:
    _refuse_overlap(dataset, source)
    with open_bundle(source) as bundle:
        arranged = _arrange(dataset, bundle, plan)
        parts = {place.part for place in arranged.places}
        is_begun = load_record(dataset, collection) is not None
        if plan.keep_parts and not is_begun and not may_keep_parts(dataset, parts):
            plan = replace(plan, keep_parts=False)  # photos came in since it was made
            arranged = _arrange(dataset, bundle, plan)
        record = Record(
            title=as_text(bundle.title)[:LONGEST_TITLE],
            via=via,
            photos=len(arranged.places),
            told=(*arranged.sentences, *bundle.left_out)[:MOST_TOLD],
        )
        remember(dataset, collection)
        incoming = _Incoming(dataset, collection, bundle, record)
        try:
            with claimed(dataset, collection) as folder:
                record = yield from incoming.take_all(arranged, folder)
        except OSError as error:
            raise DatasetError(_why(dataset, error)) from error
    record = replace(record, done=True)
    save_record(dataset, collection, record)
    return record


def _compare(dataset: Dataset, collection: str, record: Record) -> Task[None]:
    """Find photos that show the same as another; those that came before may need a look first."""
    with closing(Lookers()) as lookers:
        yield from hash_photos(dataset, lookers, phase="compare", message=COMPARING)
    near = yield from find_near_copies(dataset, collection)
    save_record(dataset, collection, replace(record, near=near, is_compared=True))


def _arrange(dataset: Dataset, bundle: Bundle, plan: Plan) -> Arranged:
    return arrange(
        bundle.names,
        plan,
        known=dataset.classes(),
        unsorted=dataset.unsorted,
        read=reader_for(bundle, plan),
    )


class _Incoming:
    """One import at work."""

    def __init__(self, dataset: Dataset, collection: str, bundle: Bundle, record: Record) -> None:
        self._dataset = dataset
        self._collection = collection
        self._bundle = bundle
        self._record = record
        self._left_out: list[str] = []
        self._reported = time.monotonic()

    def take_all(self, arranged: Arranged, folder: Path) -> Task[Record]:
        """Take photos into their folders, batch by batch, as one undo step.

        Args:
            folder: Where files are made; claimed, and empty.
        """
        before = load_record(self._dataset, self._collection)
        step = None if before is None else before.step
        there = self._titles_there()
        wanted = [one for one in arranged.places if _title(one.name) not in there]
        total = len(arranged.places)
        paths = (folder / str(number) for number in range(len(wanted)))
        batch: list[_Staged] = []
        done = total - len(wanted)
        began = time.monotonic()
        with closing(self._staged(zip(wanted, paths, strict=True))) as staged:
            for one in staged:
                if one is not None:
                    batch.append(one)
                late = time.monotonic() - began > SECONDS_AT_ONCE
                if batch and (late or len(batch) == MOST_AT_ONCE):
                    step = self._take_in(batch, step)
                    done += len(batch)
                    batch, began = [], time.monotonic()
                if self._is_time_to_report():
                    yield self._progress(done + len(batch), total)
        if batch:
            step = self._take_in(batch, step)
        self._keep(step=step)
        yield from self._dataset.refresh()  # it may have become one with train and valid
        yield self._progress(total, total)
        return self._record

    def _staged(
        self, wanted: Iterable[tuple[Place, Path]]
    ) -> Generator[_Staged | None, None, None]:
        """Unpack and look, several at once, in order.

        None comes for a file that cannot be unpacked, and now and then while one is looked at, so
        that whoever waits can report.
        """
        lookers = Lookers()
        pool = ThreadPoolExecutor(lookers.count)
        waiting: deque[tuple[Place, Path, str, Future[Look]]] = deque()
        try:
            for place, path in wanted:
                content = self._write(place, path)
                if content is None:
                    yield None
                    continue
                look = pool.submit(lookers.look, path, min_side=MIN_SIDE)
                waiting.append((place, path, content, look))
                while waiting and (len(waiting) > AHEAD * lookers.count or waiting[0][3].done()):
                    yield from _looked(*waiting.popleft())
            while waiting:
                yield from _looked(*waiting.popleft())
        finally:
            lookers.close()
            pool.shutdown(cancel_futures=True)

    def _write(self, place: Place, path: Path) -> str | None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._bundle.write(place.name, path)
        except ArchiveError as error:
            self._left_out.append(str(error))
            return None

    def _take_in(self, batch: Sequence[_Staged], step: int | None) -> int | None:
        arrivals = [
            Arrival(
                staged=one.path,
                name=one.place.name.rpartition("/")[2],
                class_name=one.place.class_name,
                part=one.place.part or None,
                content=one.content,
                source=self._source(one.place),
            )
            for one in batch
        ]
        taken = take_in(self._dataset, arrivals, collection=self._collection, step=step)
        self._left_out += [f"{shown(one.file)}: {one.reason}" for one in taken.skipped]
        self._note_looks(
            (file_id, one) for file_id, one in zip(taken.ids, batch, strict=True) if file_id
        )
        self._keep(step=taken.step)
        return taken.step

    def _note_looks(self, pairs: Iterator[tuple[int, _Staged]]) -> None:
        known = list(pairs)
        save_verdicts(
            self._dataset,
            [
                StoredVerdict(
                    file_id=file_id,
                    content=one.content,
                    kind=one.look.verdict.kind,
                    reason=one.look.verdict.reason,
                )
                for file_id, one in known
            ],
        )
        save_near_hashes(self._dataset, [(one.content, one.look.near) for _, one in known])

    def _source(self, place: Place) -> Source:
        return Source(
            via=self._record.via,
            query=self._record.title,
            title=_title(place.name),
            at=time.time(),
            collection=self._collection,
        )

    def _titles_there(self) -> set[str]:
        """What of this import has arrived, whatever became of it since."""
        rows = self._dataset.connection().execute(
            "SELECT title FROM source WHERE collection=?", (self._collection,)
        )
        return {title for (title,) in rows}

    def _keep(self, *, step: int | None) -> None:
        self._record = replace(self._record, step=step, left_out=tuple(self._left_out[:MOST_TOLD]))
        save_record(self._dataset, self._collection, self._record)

    def _is_time_to_report(self) -> bool:
        if time.monotonic() - self._reported < REPORT_SECONDS:
            return False
        self._reported = time.monotonic()
        return True

    def _progress(self, done: int, total: int) -> Progress:
        message = f"Adding {photos(total)} from {shown(self._record.title)}"
        return Progress(phase="collect", done=done, total=total, message=message)


def _looked(
    place: Place, path: Path, content: str, look: "Future[Look]"
) -> Iterator[_Staged | None]:
    while not wait([look], timeout=SECONDS_TO_WAIT).done:
        yield None
    yield _Staged(place=place, path=path, content=content, look=look.result())


def _title(name: str) -> str:
    """A path as a photo's source keeps it; told apart even where it is cut."""
    text = as_text(name)
    if len(text) <= LONGEST_TITLE:
        return text
    return f"{text[:LONGEST_TITLE]}…{xxhash.xxh3_64_hexdigest(text.encode())}"


def _refuse_overlap(dataset: Dataset, source: Mapping[str, str]) -> None:
    if source["kind"] != "folder":
        return
    path, root = Path(source["path"]).resolve(), dataset.root.resolve()
    if path.is_relative_to(root) or root.is_relative_to(path):
        raise DatasetError(
            f"{shown(str(path))} and the data set lie inside one another, so nothing can be copied "
            "from it. Open it as it is, or choose another folder."
        )


def _why(dataset: Dataset, error: OSError) -> str:
    place = shown(str(dataset.root))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of {place} is full. What has arrived is kept. Make room, then start again."
        )
    return (
        f"Nothing more can be written into {place} ({error.strerror or error}). What has arrived "
        "is kept. Check the folder, then start again."
    )
