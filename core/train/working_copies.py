"""Small copies of photos, decoded once, as a network sees them: training never waits for files."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.dataset import Dataset, FileRow
from core.errors import ImageError
from core.images.decode import open_rgb
from core.images.identity import content_hash
from core.jobs.progress import Progress, Task
from core.networks.engine import usable_cores
from core.networks.preprocessing import to_batch_item
from core.train.kept_arrays import KeptArrays

AT_ONCE = 64  # photos decoded between two reports
CHANGED = "The file was changed, moved or deleted since Winnow looked at the folder."


class Copies(NamedTuple):
    """Where the small copies of photos lie, and which photos have none."""

    kept: KeptArrays  # rows (S, S, 3) uint8, by content
    failed: dict[str, str]  # content -> a sentence: it could not be read


class _Outcome(NamedTuple):
    content: str
    pixels: np.ndarray | None  # (S, S, 3) uint8
    reason: str


def copies_of(home: Path, size: int) -> KeptArrays:
    """The small copies of this side kept with a data set."""
    return KeptArrays(home / "copies" / str(size), (size, size, 3), np.uint8)


def make_copies(dataset: Dataset, rows: Sequence[FileRow], size: int) -> Task[Copies]:
    """Decode those photos that have no copy of this size yet; what cannot be read is a result.

    Raises:
        TrainingError: If the disk has no room for them.
    """
    kept = copies_of(dataset.home, size)
    paths: dict[str, Path] = {}
    for row in rows:
        paths.setdefault(row.content, dataset.path_of(row))
    missing = kept.missing([content for content in paths if content])
    kept.refuse_if_no_room(len(missing))
    failed: dict[str, str] = {"": CHANGED} if "" in paths else {}
    began, done = time.monotonic(), 0
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="copies") as pool:
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            outcomes = list(pool.map(lambda c: _copy(c, paths[c], size), some))
            failed |= {one.content: one.reason for one in outcomes if one.pixels is None}
            good = [one for one in outcomes if one.pixels is not None]
            if good:
                pixels = np.stack([one.pixels for one in good if one.pixels is not None])
                kept.add([one.content for one in good], pixels)
            done += len(some)
            rate = done / max(1e-9, time.monotonic() - began)
            yield Progress(
                phase="copies",
                done=done,
                total=len(missing),
                message=f"Making small copies of the photos: {rate:.0f} a second.",
            )
    return Copies(kept, failed)


def _copy(content: str, path: Path, size: int) -> _Outcome:
    try:
        pixels = to_batch_item(open_rgb(path, at_least=size), size)
        # After the decoding, so that bytes written while it went on show as well.
        if content_hash(path) != content:
            return _Outcome(content, None, CHANGED)
    except ImageError as error:
        return _Outcome(content, None, str(error))
    except OSError:
        return _Outcome(content, None, CHANGED)
    return _Outcome(content, pixels, "")


def in_parts(count: int, size: int) -> Iterator[slice]:
    """Slices that cut ``count`` things into parts of ``size``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
