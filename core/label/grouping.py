"""Look-alike groups of a data set's photos, by their kept features."""

from collections.abc import Sequence

import numpy as np

from core.dataset import Dataset, FileRow
from core.label.clusters import by_ids, clusters
from core.networks.features import FeatureStore

MOST_GROUPED = 20_000  # at once: a few seconds


def grouped(dataset: Dataset, backbone: str, rows: Sequence[FileRow]) -> list[list[int]]:
    """Put photos that look alike together, as file ids; those without features are left out.

    The most uniform groups come first, single photos last; at most 20,000 photos are grouped.

    Raises:
        NetworkError: If the features cannot be read.
    """
    store = FeatureStore(dataset.home, backbone)
    with_content = [row for row in rows if row.content]
    missing = set(store.missing([row.content for row in with_content]))
    there = [row for row in with_content if row.content not in missing][:MOST_GROUPED]

    def read(places: np.ndarray) -> np.ndarray:
        kept = store.get([there[at].content for at in places.tolist()])
        mean: np.ndarray = kept.mean(axis=1, dtype=np.float32)
        return mean

    return by_ids(clusters(read, len(there)), [row.id for row in there])


def without_features(dataset: Dataset, backbone: str, rows: Sequence[FileRow]) -> int:
    """How many of some photos the network has not looked at yet, unreadable ones left out."""
    store = FeatureStore(dataset.home, backbone)
    missing = set(store.missing([row.content for row in rows if row.content]))
    return sum(row.content in missing for row in rows)
