"""The data set: a folder tree that is the truth, a catalogue that follows it, a journal."""

from core.dataset.dataset import Dataset
from core.dataset.edits import EditOutcome, GalleryEdit, Refused
from core.dataset.reconcile import Reconciled
from core.dataset.rows import FileRow, RemovedRow
from core.dataset.steps import Change, Edit, Heading, Skipped, Step

__all__ = [
    "Change",
    "Dataset",
    "Edit",
    "EditOutcome",
    "FileRow",
    "GalleryEdit",
    "Heading",
    "Reconciled",
    "Refused",
    "RemovedRow",
    "Skipped",
    "Step",
]
