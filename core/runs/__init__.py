"""Finished training runs on disk, in ``<home>/runs/<id>/``, and back."""

from core.runs.run import Predictions, Run, new_run_id
from core.runs.store import (
    delete_run,
    latest_run,
    list_runs,
    load_curve,
    load_predictions,
    load_run,
    load_tensors,
    save_run,
)

__all__ = [
    "Predictions",
    "Run",
    "delete_run",
    "latest_run",
    "list_runs",
    "load_curve",
    "load_predictions",
    "load_run",
    "load_tensors",
    "new_run_id",
    "save_run",
]
