"""What has become of the photos since a run was trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.runs import Predictions, Run


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Photos that a new training would see otherwise than this run did."""

    relabelled: int  # in another class now
    gone: int  # removed, deleted, or without a class now
    added: int  # with a class now, not part of the run
    edited: int  # same file and class, other content

    @property
    def total(self) -> int:
        """Photos that changed in any way; each counts once."""
        return self.relabelled + self.gone + self.added + self.edited


def changes_since(run: Run, predictions: Predictions, dataset: Dataset) -> Changes:
    """Count what changed between the run and the data set as it stands."""
    labelled = {row.id: row for row in dataset.rows() if row.class_name is not None}
    relabelled = gone = edited = 0
    trained = zip(
        predictions.file_id.tolist(), predictions.given.tolist(), predictions.content, strict=True
    )
    for file_id, given, content in trained:
        row = labelled.get(file_id)
        if row is None:
            gone += 1
        elif row.class_name != run.classes[given]:
            relabelled += 1
        elif row.content != content:
            edited += 1
    unread = sum(file_id in labelled for file_id in run.settings.get("left_out", ()))
    known = len(predictions.file_id) - gone + unread
    return Changes(relabelled=relabelled, gone=gone, added=len(labelled) - known, edited=edited)
