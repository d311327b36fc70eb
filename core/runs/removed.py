"""Deleting runs so that they can be had back: they are put aside, and go for good only on demand.

Runs are ours and no photos, so the journal knows nothing of this.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from core.errors import RunError
from core.runs.notes import Note, note_in
from core.runs.run import Run
from core.runs.store import run_folder, run_folders, run_in


@dataclass(frozen=True, kw_only=True)
class RemovedRun:
    """One run put aside."""

    id: str
    run: Run | None  # None: damaged
    note: Note


def remove_run(home: Path, run_id: str) -> None:
    """Put a run aside, with its note; ``restore_run`` brings it back.

    Raises:
        RunError: If there is no such run, or it cannot be moved.
    """
    folder = run_folder(home, run_id)
    aside = _aside(home)
    try:
        aside.mkdir(exist_ok=True)
        folder.rename(aside / run_id)
    except OSError as error:
        raise RunError(
            f"The run could not be put aside into {aside}: {error.strerror or error}. "
            "Nothing was deleted."
        ) from error


def restore_run(home: Path, run_id: str) -> None:
    """Bring a run back that was put aside.

    Raises:
        RunError: If it is not there any more, or cannot be moved.
    """
    found = next((one for one in run_folders(_aside(home)) if one.name == run_id), None)
    if found is None:
        raise RunError(f"The run {run_id} is not among the deleted ones any more.")
    try:
        found.rename(home / "runs" / run_id)
    except OSError as error:
        raise RunError(
            f"The run could not be brought back from {found}: {error.strerror or error}."
        ) from error


def removed_runs(home: Path) -> list[RemovedRun]:
    """The runs put aside, newest training first."""
    return [
        RemovedRun(id=folder.name, run=run_in(folder), note=note_in(folder))
        for folder in run_folders(_aside(home))
    ]


def removed_bytes(home: Path) -> int:
    """How much room the runs put aside take on the disk."""
    return sum(_bytes(folder) for folder in run_folders(_aside(home)))


def delete_removed_runs(home: Path, run_ids: list[str]) -> list[str]:
    """Delete these runs for good, of those put aside; returns ids of those that stayed."""
    asked = set(run_ids)
    for folder in run_folders(_aside(home)):
        if folder.name in asked:
            shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in run_folders(_aside(home)) if folder.name in asked]


def unreadable_runs(home: Path) -> list[str]:
    """Ids of runs that lists pass over because something of them is missing or damaged."""
    return [folder.name for folder in run_folders(home / "runs") if run_in(folder) is None]


def _aside(home: Path) -> Path:
    return home / "runs" / "removed"


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # gone in the meantime
            continue
    return total
