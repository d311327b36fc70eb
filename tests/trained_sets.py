"""Data sets that are trained without a network: their features are made up."""

import zlib
from collections.abc import Generator
from pathlib import Path

import numpy as np

from core.dataset import Dataset
from core.networks.features import FeatureStore
from core.runs import Run
from core.train.quick import train_quick


def finish(task: Generator):
    """Run a task to its end and give its result."""
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def make_features(dataset: Dataset, *, mistaken_every: int) -> None:
    """Keep features that set the classes far apart, as a network that is nearly always right.

    Of each class every so-and-so-manieth photo looks like one of the next class: with 6, photos
    0, 6, 12 and so on in the order of their paths.
    """
    names = dataset.classes()
    for at, name in enumerate(names):
        rows = dataset.rows(class_name=name)
        features = np.empty((len(rows), 2, 1280), np.float16)
        for position, row in enumerate(rows):
            noise = np.random.default_rng(zlib.crc32(row.content.encode()))
            features[position] = noise.normal(0, 0.05, 1280)
            mistaken = position % mistaken_every == 0
            features[position, :, (at + mistaken) % len(names)] += 3
        FeatureStore(dataset.home, "lite0").add([row.content for row in rows], features)


def train_on_made_features(root: Path, *, mistaken_every: int = 6) -> Run:
    """Index a folder, make features for its photos, and train a head on them."""
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=mistaken_every)
    return finish(train_quick(dataset))
