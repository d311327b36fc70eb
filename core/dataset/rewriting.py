"""Photos replaced by copies of themselves, or given another name: one step of the journal."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset import plans
from core.dataset.catalogue import GONE
from core.dataset.dataset import Dataset
from core.dataset.intended import Wish
from core.dataset.names import encoded, file_name, folder_of
from core.dataset.rows import FileRow
from core.dataset.scanning import stat_file
from core.dataset.sources import save_source, sources_of
from core.dataset.steps import Step


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """One photo and what takes its place."""

    file_id: int
    staged: Path | None  # a finished file in ``arrivals.staging``; None where only the name changes
    name: str  # wanted, in the photo's own folder
    content: str  # of the finished file


def rewrite(dataset: Dataset, rewrites: Sequence[Rewrite]) -> Step:
    """Put copies in their photos' places, in one step that can be undone.

    The photos themselves go to the removed ones. A copy has its photo's class and source.

    Raises:
        DatasetError: If the data set is read-only.
    """
    with dataset.editing() as journal:
        unsorted = dataset.unsorted
        rows = dataset.get(one.file_id for one in rewrites)
        there = [(one, rows[one.file_id]) for one in rewrites if one.file_id in rows]
        copies = [(one, row) for one, row in there if one.staged is not None]
        # The copies come first, so that undoing frees the names before the photos come back.
        wishes = [*_arrivals(dataset, copies), *_renamings(dataset, there)]
        wishes += plans.remove([row for _, row in copies], unsorted=unsorted, parts=dataset.parts())
        return journal.perform("rewrite", wishes, unsorted=unsorted)


def _arrivals(dataset: Dataset, copies: Sequence[tuple[Rewrite, FileRow]]) -> list[Wish]:
    """Rows for the copies, as if they had gone; a crash before they are moved leaves it at that."""
    sources = sources_of(dataset, [row.id for _, row in copies])
    wishes = []
    with dataset.writing() as connection:
        for one, row in copies:
            assert one.staged is not None
            goal = _beside(row, one.name)
            found = stat_file(one.staged)
            cursor = connection.execute(
                "INSERT INTO file(path, folder, class, content, bytes, mtime_ns, place, left_at, "
                f"changed) VALUES(?, 0, NULL, ?, ?, ?, {GONE}, ?, 0)",
                (encoded(goal), one.content, *(found[1:] if found else (0, 0)), time.time()),
            )
            file_id = int(cursor.lastrowid or 0)
            if row.id in sources:
                save_source(connection, file_id, sources[row.id])
            wishes.append(
                Wish(
                    file_id=file_id,
                    before=one.staged.relative_to(dataset.root).as_posix(),
                    after=goal,
                    source=None,
                    target=row.class_name or dataset.unsorted,
                    content=one.content,
                )
            )
    return wishes


def _renamings(dataset: Dataset, there: Sequence[tuple[Rewrite, FileRow]]) -> list[Wish]:
    return [
        Wish(
            file_id=row.id,
            before=row.path,
            after=_beside(row, one.name),
            source=row.class_name or dataset.unsorted,
            target=row.class_name or dataset.unsorted,
            content=row.content,
        )
        for one, row in there
        if one.staged is None
    ]


def _beside(row: FileRow, name: str) -> str:
    folder = folder_of(row.path)
    return f"{folder}/{file_name(name)}" if folder else file_name(name)
