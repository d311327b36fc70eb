"""Emptying the removed photos: the one act that cannot be undone, batch by batch."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.dataset import deleting
from core.dataset.catalogue import GONE, REMOVED
from core.dataset.checkpoints import reached
from core.dataset.names import decoded, photos
from core.dataset.rows import chunks
from core.dataset.steps import Skipped
from core.jobs.progress import Progress, Task

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

BATCH_FILES = 500  # deleted within a second, on a slow disk too
THUMBNAILS = ("thumbs", "thumbs/large")  # below the data set's home; made by core.images.thumbnails


@dataclass(frozen=True, kw_only=True)
class Removed:
    """How much lies among the removed photos."""

    photos: int
    bytes: int

    @property
    def size(self) -> str:
        """The disk they take, in words."""
        return deleting.size(self.bytes)


@dataclass(frozen=True, kw_only=True)
class Emptied:
    """What was deleted for good."""

    step: int | None  # in the journal; None where there was nothing to delete
    photos: int
    bytes: int
    skipped: tuple[Skipped, ...]  # files left alone, with reasons

    @property
    def size(self) -> str:
        """The disk they took, in words."""
        return deleting.size(self.bytes)


def removed_total(dataset: "Dataset") -> Removed:
    """How many photos could be deleted for good, and how much disk they take."""
    number, total = (
        dataset.connection()
        .execute(f"SELECT count(*), ifnull(sum(bytes), 0) FROM file WHERE place={REMOVED}")
        .fetchone()
    )
    return Removed(photos=number, bytes=total)


def empty_removed(dataset: "Dataset", ids: Iterable[int] | None = None) -> Task[Emptied]:
    """Delete removed photos for good, with their thumbnails; phase ``empty``.

    A batch that a crash cut short is finished by whoever opens the data set next. Stopping between
    batches leaves the rest among the removed ones. Steps that would need the photos skip them; a
    step that has none left is neither undone nor redone any more.

    Args:
        dataset: The data set.
        ids: The photos; all removed ones where None. Others than removed ones are passed over.

    Raises:
        DatasetError: If the data set is read-only, or the catalogue cannot be written.
    """
    wanted = _removed_ids(dataset) if ids is None else list(dict.fromkeys(ids))
    step_id: int | None = None
    settled = False
    try:
        for start in range(0, len(wanted), BATCH_FILES):
            batch = wanted[start : start + BATCH_FILES]
            settled = start + len(batch) == len(wanted)
            step_id = _empty(dataset, step_id, batch, is_last=settled)
            _forget_thumbnails(dataset, batch)
            done = start + len(batch)
            message = f"Deleting {photos(len(wanted))} for good."
            yield Progress(phase="empty", done=done, total=len(wanted), message=message)
    finally:
        if step_id is not None and not settled:  # stopped between two batches
            with dataset.writing() as connection:
                deleting.mark_lost(connection, step_id)
    return _emptied(dataset, step_id)


def _empty(
    dataset: "Dataset", step_id: int | None, batch: Sequence[int], *, is_last: bool
) -> int | None:
    """Delete a batch as part of a step, or of a new one; the step, if there is one by now."""
    with dataset.editing() as journal:
        with dataset.writing() as connection:
            intended = deleting.intend(connection, step_id, batch)
        if intended is not None:
            reached("intended")
            journal.delete(intended, is_last=is_last)
    return step_id if intended is None else intended


def _removed_ids(dataset: "Dataset") -> list[int]:
    rows = dataset.connection().execute(f"SELECT id FROM file WHERE place={REMOVED} ORDER BY id")
    return [file_id for (file_id,) in rows]


def _forget_thumbnails(dataset: "Dataset", ids: Sequence[int]) -> None:
    """Delete the small copies of photos that no file holds any more."""
    for chunk in chunks(ids):
        contents = dataset.connection().execute(
            f"SELECT DISTINCT content FROM file AS mine WHERE place={GONE} AND content<>'' "
            f"AND id IN ({','.join('?' * len(chunk))}) AND NOT EXISTS(SELECT 1 FROM file AS other "
            f"WHERE other.content=mine.content AND other.place<{GONE})",
            chunk,
        )
        for (content,) in contents:
            for folder in THUMBNAILS:
                copy = dataset.home / folder / content[:2] / f"{content}.webp"
                with suppress(OSError):  # a copy left over takes a few kilobytes and shows nowhere
                    copy.unlink(missing_ok=True)


def _emptied(dataset: "Dataset", step_id: int | None) -> Emptied:
    if step_id is None:
        return Emptied(step=None, photos=0, bytes=0, skipped=())
    rows = dataset.connection().execute(
        "SELECT before, skipped FROM move WHERE step=? AND skipped IS NOT NULL ORDER BY seq",
        (step_id,),
    )
    skipped = tuple(Skipped(file=decoded(path), reason=why) for path, why in rows)
    number, total = (
        dataset.connection()
        .execute(
            "SELECT count(*), ifnull(sum(bytes), 0) FROM move WHERE step=? AND carried=1",
            (step_id,),
        )
        .fetchone()
    )
    return Emptied(step=step_id, photos=number, bytes=total, skipped=skipped)
