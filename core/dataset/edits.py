"""Edits that a gallery sends: each is carried out once, or refused with a sentence.

The browser repaints at once and sends its marks with a random client id and a growing number.
The number is stored in the transaction of the step, so an edit that is sent again, after a
reload or a restart of the server, is acknowledged and skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.dataset.classes import split_off
from core.dataset.journal import Journal, acknowledge
from core.dataset.names import name_of, shown
from core.dataset.rows import FileRow
from core.dataset.steps import Edit, Step, heading, last_done, load_step
from core.errors import DatasetError

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class GalleryEdit:
    """One mark made in a gallery."""

    number: int  # grows with each mark of a client
    op: Literal["relabel", "remove", "undo"]
    ids: tuple[int, ...] = ()
    class_name: str | None = None  # relabel: the class to move to
    shown_in: Mapping[int, str | None]  # the class each photo was shown in; None: without one
    step: int | None = None  # undo: the step that the gallery shows
    new: bool = False  # relabel: the class may be one to make


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An edit, or the part of one, that was not carried out."""

    number: int
    ids: tuple[int, ...]
    reason: str  # a sentence


@dataclass(frozen=True, kw_only=True)
class EditOutcome:
    """What became of a gallery's edits."""

    acknowledged: int  # every edit up to this number is dealt with for good
    steps: tuple[Step, ...]  # of edits sent again, too
    refused: tuple[Refused, ...]


def apply_edits(
    dataset: "Dataset", journal: Journal, client: str, edits: Sequence[GalleryEdit]
) -> EditOutcome:
    """Carry out edits in the order of their numbers. The caller holds the lock."""
    steps: list[Step] = []
    refused: list[Refused] = []
    seen = _seen(dataset, client)
    for edit in sorted(edits, key=lambda edit: edit.number):
        if edit.number <= seen:
            steps += _step_of(dataset, client, edit.number)
            continue
        try:
            step = _apply(dataset, journal, Edit(client=client, number=edit.number), edit, refused)
            if step is not None and step.id:
                steps.append(step)
        except DatasetError as error:
            refused.append(Refused(number=edit.number, ids=edit.ids, reason=str(error)))
        seen = edit.number
        _acknowledge(dataset, Edit(client=client, number=seen))
    return EditOutcome(acknowledged=seen, steps=tuple(steps), refused=tuple(refused))


def _seen(dataset: "Dataset", client: str) -> int:
    row = dataset.connection().execute("SELECT number FROM client WHERE id=?", (client,))
    found = row.fetchone()
    return int(found[0]) if found else 0


def _acknowledge(dataset: "Dataset", edit: Edit) -> None:
    if _seen(dataset, edit.client) < edit.number:
        with dataset.writing() as connection:
            acknowledge(connection, edit)


def _step_of(dataset: "Dataset", client: str, number: int) -> list[Step]:
    connection = dataset.connection()
    row = connection.execute(
        "SELECT id FROM step WHERE client=? AND number=? AND words<>''", (client, number)
    ).fetchone()
    return [load_step(connection, row[0])] if row else []


def _apply(
    dataset: "Dataset",
    journal: Journal,
    stamp: Edit,
    edit: GalleryEdit,
    refused: list[Refused],
) -> Step | None:
    if edit.op == "undo":
        return _undo(dataset, journal, stamp, edit)
    ids = _still_as_shown(dataset, edit, refused)
    if not ids:
        return None
    if edit.op == "remove":
        step = dataset.remove(ids, edit=stamp)
    elif edit.class_name is None:
        raise DatasetError("No class was named for this photo.")
    elif edit.new and edit.class_name not in (*dataset.classes(), dataset.unsorted):
        step = split_off(dataset, ids, edit.class_name, edit=stamp)
    else:
        step = dataset.relabel(ids, edit.class_name, edit=stamp)
    by_path = {row.path: row.id for row in dataset.get(ids).values()}
    for skipped in step.skipped:
        refused.append(
            Refused(
                number=edit.number,
                ids=tuple(by_path[path] for path in (skipped.file,) if path in by_path),
                reason=f"{shown(name_of(skipped.file))}: {skipped.reason}",
            )
        )
    return step


def _undo(dataset: "Dataset", journal: Journal, stamp: Edit, edit: GalleryEdit) -> Step:
    last = last_done(dataset.connection())
    if last is None:
        raise DatasetError("Nothing left to undo.")
    if edit.step != last:
        words = heading(dataset.connection(), last).words
        raise DatasetError(
            f"Something else was done since ({words}), so this was not undone. "
            "Undo from the sidebar takes back the last step."
        )
    return journal.undo(unsorted=dataset.unsorted, edit=stamp)


def _moved(dataset: "Dataset", row: FileRow, shown_in: str | None) -> bool:
    return (row.class_name or dataset.unsorted) != (shown_in or dataset.unsorted)


def _still_as_shown(dataset: "Dataset", edit: GalleryEdit, refused: list[Refused]) -> list[int]:
    """The photos that stand where the gallery showed them; the others are refused."""
    rows = dataset.get(edit.ids)
    kept = []
    for file_id in edit.ids:
        row = rows.get(file_id)
        if row is None:
            reason = "This photo is no longer in the data set."
        elif file_id in edit.shown_in and _moved(dataset, row, edit.shown_in[file_id]):
            place = row.class_name or dataset.unsorted
            reason = f"{shown(name_of(row.path))} was moved to {shown(place)} in the meantime."
        else:
            kept.append(file_id)
            continue
        refused.append(Refused(number=edit.number, ids=(file_id,), reason=reason))
    return kept
