"""The data sets this server process has open: one object per folder, shared by all tabs."""

from collections import OrderedDict
from pathlib import Path
from threading import RLock

from core.dataset.recent import root_of

from core.dataset import Dataset

MOST_OPEN = 8

_lock = RLock()
_by_token: OrderedDict[str, Dataset] = OrderedDict()


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


def homes() -> list[Path]:
    """Where the open data sets keep what is theirs."""
    with _lock:
        return [dataset.home for dataset in _by_token.values()]


def _keep(dataset: Dataset) -> Dataset:
    kept = _by_token.setdefault(dataset.token, dataset)
    _by_token.move_to_end(dataset.token)
    while len(_by_token) > MOST_OPEN:
        _by_token.popitem(last=False)
    return kept
