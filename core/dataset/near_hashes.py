"""Perceptual hashes of a data set's photos, kept by content, so that each is made once."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from core.dataset.catalogue import PRESENT
from core.dataset.dataset import Dataset
from core.images.look import Look
from core.images.looking import Lookers
from core.images.similar import METHOD
from core.jobs.progress import Progress, Task

AT_ONCE = 64  # looks asked for ahead of those that are back
BATCH = 200  # hashes written down together
REPORT_SECONDS = 0.3


def load_near_hashes(dataset: Dataset) -> dict[str, bytes]:
    """The hashes of the present photos that have one, by content."""
    rows = dataset.connection().execute(
        "SELECT DISTINCT file.content, value FROM file JOIN near_hash "
        f"ON near_hash.content=file.content WHERE place={PRESENT} AND method=? AND value<>x''",
        (METHOD,),
    )
    return dict(rows)


def without_near_hash(dataset: Dataset) -> set[str]:
    """The contents of which it is known that they have no hash."""
    rows = dataset.connection().execute(
        "SELECT content FROM near_hash WHERE method=? AND value=x''", (METHOD,)
    )
    return {content for (content,) in rows}


def save_near_hashes(dataset: Dataset, hashes: Iterable[tuple[str, bytes | None]]) -> None:
    """Keep hashes; None for a content that has none, so that it is not looked at again."""
    values = [(content, METHOD, value or b"") for content, value in hashes if content]
    if values:
        with dataset.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO near_hash VALUES(?, ?, ?)", values)


def hash_photos(dataset: Dataset, lookers: Lookers, *, phase: str, message: str) -> Task[int]:
    """Hash the present photos that have no hash yet; returns how many were.

    Stopping it keeps what was hashed. Files that cannot be read are passed over.
    """
    waiting = list(_without_hash(dataset))
    total, done = len(waiting), 0
    if total:
        yield Progress(phase=phase, done=0, total=total, message=message)
    found: list[tuple[str, bytes | None]] = []
    todo = iter(waiting)
    asked: dict[Future[Look], str] = {}
    with ThreadPoolExecutor(lookers.count, thread_name_prefix="hash") as threads:
        try:
            while done < total:
                while len(asked) < AT_ONCE and (one := next(todo, None)) is not None:
                    asked[threads.submit(lookers.look, one[1])] = one[0]
                back, _ = wait(asked, REPORT_SECONDS, FIRST_COMPLETED)
                for look in back:
                    content, seen = asked.pop(look), look.result()
                    done += 1
                    if seen.content == content or seen.verdict.lasting:
                        found.append((content, seen.near if seen.content == content else None))
                if len(found) >= BATCH:
                    save_near_hashes(dataset, found)
                    found = []
                yield Progress(phase=phase, done=done, total=total, message=message)
        finally:
            for look in asked:
                look.cancel()
            save_near_hashes(dataset, found)
    return total


def _without_hash(dataset: Dataset) -> Iterator[tuple[str, Path]]:
    """A content and a file that holds it, for each content without a hash."""
    rows = dataset.connection().execute(
        f"SELECT content, min(path) FROM file WHERE place={PRESENT} AND content<>'' "
        "AND content NOT IN (SELECT content FROM near_hash WHERE method=?) GROUP BY content",
        (METHOD,),
    )
    for content, path in rows:
        yield content, dataset.root / os.fsdecode(path)
