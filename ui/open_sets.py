"""The data sets this server process has open: one object per folder, shared by all tabs."""

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from threading import RLock

from core.dataset import Dataset, Reconciled
from core.dataset.names import HOME
from core.dataset.recent import recent, root_of
from core.user_folders import user_data

MOST_OPEN = 8

_lock = RLock()
_by_token: OrderedDict[str, Dataset] = OrderedDict()
_looked: dict[str, Reconciled] = {}  # what the last look at each set's folders found


def at(root: Path) -> Dataset:
    """The data set in a folder.

    Raises:
        DatasetError: If the folder is no folder, or cannot be read.
    """
    with _lock:
        dataset = Dataset.open(root)
        return _keep(dataset)


def by_token(token: str) -> Dataset | None:
    """The data set an address names, or None if no recent one has that token.

    Raises:
        DatasetError: If its folder is gone or cannot be read.
    """
    with _lock:
        known = _by_token.get(token)
        if known is not None and known.root.is_dir():
            _by_token.move_to_end(token)
            return known
        _by_token.pop(token, None)
        root = root_of(token)
        return None if root is None else at(root)


def last_look(dataset: Dataset) -> Reconciled | None:
    """What the last look at a data set's folders found; None before this process took one."""
    return _looked.get(dataset.token)


def note_look(dataset: Dataset, found: Reconciled) -> None:
    """Keep what a look found; files it could not read stay noted until the next full look."""
    with _lock:
        before = _looked.get(dataset.token)
        if before is not None and not found.unreadable:
            found = replace(found, unreadable=before.unreadable)
        _looked[dataset.token] = found


def homes() -> list[Path]:
    """Where the open and the recent data sets keep what is theirs; nothing is opened for it."""
    stand_ins = user_data() / "catalogues"
    with _lock:
        found = {dataset.home for dataset in _by_token.values()}
    for entry in recent():
        found |= {entry.root / HOME, stand_ins / entry.token}
    return sorted(found)


def _keep(dataset: Dataset) -> Dataset:
    kept = _by_token.setdefault(dataset.token, dataset)
    _by_token.move_to_end(dataset.token)
    while len(_by_token) > MOST_OPEN:
        forgotten, _ = _by_token.popitem(last=False)
        _looked.pop(forgotten, None)
    return kept
