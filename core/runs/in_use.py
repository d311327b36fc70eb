"""Which run's model is in use: its answers are what the pages show.

It is the newest, unless somebody chose another one; then that stays until somebody trains again.
Two kinds of runs do not come into use by themselves: a deep one that did not beat quick training,
and one made by itself while somebody labels, as long as a deep one is in use.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset import Dataset
from core.runs.notes import note_in
from core.runs.run import Run
from core.runs.store import delete_run, load_run, run_folders, run_in

CHOSEN = "run_in_use"  # setting: JSON of ``_Choice``
LIVE = "live_runs"  # setting: ids of the runs made while labelling, oldest first, as a JSON list
LIVE_KEPT = 3  # of those that nobody chose or named; some pages may still show the one before


@dataclass(frozen=True, kw_only=True)
class _Choice:
    run: str  # id
    newest: str  # id of the newest run there was then: what is newer was made on purpose since


def run_in_use(dataset: Dataset) -> Run | None:
    """The run whose model is in use; None if there is no run that can be read."""
    made_live, base = _found(dataset)
    return made_live if base is None or (made_live and base.mode == "quick") else base


def run_for_labels(dataset: Dataset) -> Run | None:
    """The run that suggests classes to somebody who labels; None if there is none.

    It is the one in use, or where that is deep, one made by itself while labelling since: a deep
    run suggests by the heads of quick training, so those that know the latest labels are better.
    """
    made_live, base = _found(dataset)
    return made_live or base


def _found(dataset: Dataset) -> tuple[Run | None, Run | None]:
    """The newest run made while labelling, if it is newer than the other: the run that was chosen,
    or made on purpose since."""
    folders = run_folders(dataset.home / "runs")
    choice, live = _choice(dataset), set(live_runs(dataset))
    made_live: Run | None = None
    for folder in folders:
        if choice is not None and folder.name <= choice.newest:
            if chosen := run_in(folder.with_name(choice.run)):
                return made_live, chosen
            choice = None  # it was deleted: as if nobody had chosen
        run = run_in(folder)
        if run is None or (run.mode == "deep" and run.kept == "quick"):
            continue
        if run.id not in live:
            return made_live, run
        made_live = made_live or run
    return made_live, None if made_live else _first(folders)


def use(dataset: Dataset, run_id: str) -> Run:
    """Take a run into use, until another is chosen or made on purpose.

    Raises:
        RunError: If there is no such run, or it is damaged.
    """
    run = load_run(dataset.home, run_id)
    newest = run_folders(dataset.home / "runs")[0].name
    dataset.set_setting(CHOSEN, json.dumps({"run": run.id, "newest": newest}))
    return run


def live_runs(dataset: Dataset) -> list[str]:
    """Ids of the runs made by themselves while somebody labels, oldest first."""
    try:
        kept = json.loads(dataset.setting(LIVE, "[]") or "[]")
    except ValueError:
        return []
    return [one for one in kept if isinstance(one, str)] if isinstance(kept, list) else []


def add_live_run(dataset: Dataset, run_id: str) -> None:
    """Note that a run was made while labelling, and delete older ones that nobody cares for."""
    made = [*live_runs(dataset), run_id]
    choice = _choice(dataset)
    cared_for = {
        one
        for one in made
        if (choice is not None and one == choice.run) or _has_words(dataset.home, one)
    }
    others = [one for one in made if one not in cared_for]
    going = set(others[:-LIVE_KEPT])
    # Noted first: a run that is on the list by itself is not taken for one made on purpose.
    dataset.set_setting(LIVE, json.dumps([one for one in made if one not in going]))
    for one in going:
        delete_run(dataset.home, one)


def _first(folders: Sequence[Path]) -> Run | None:
    return next((run for folder in folders if (run := run_in(folder))), None)


def _choice(dataset: Dataset) -> _Choice | None:
    try:
        kept = json.loads(dataset.setting(CHOSEN) or "null")
        return None if kept is None else _Choice(run=str(kept["run"]), newest=str(kept["newest"]))
    except (ValueError, TypeError, KeyError):
        return None


def _has_words(home: Path, run_id: str) -> bool:
    return not note_in(home / "runs" / run_id).is_empty
