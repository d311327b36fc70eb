"""Whether train and valid folders that come along can stay as they are."""

import os
from collections.abc import Iterable

from core.dataset import Dataset
from core.dataset.parts import meaning


def may_keep_parts(dataset: Dataset | None, parts: Iterable[str]) -> bool:
    """Whether a data set takes photos into parts of their own: it is new, empty, or has parts.

    Args:
        dataset: None for one that is not made yet.
        parts: The folders that come along. Without one for training they are no split.
    """
    if not any(meaning(part) == "train" for part in parts):
        return False
    return dataset is None or bool(dataset.parts()) or _is_empty(dataset)


def _is_empty(dataset: Dataset) -> bool:
    """Whether there are no photos, and no folders but the one for photos without a class."""
    with os.scandir(dataset.root) as entries:
        folders = {entry.name for entry in entries if not entry.name.startswith(".")}
    return not dataset.unsorted_count() and not (folders - {dataset.unsorted})
