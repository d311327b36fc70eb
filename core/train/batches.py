"""What a step of training is fed: which photos, changed how, made ready while the last step runs.

Order and changes are decided by seed, epoch and photo alone, so a training that was interrupted
goes on exactly as it would have.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch

from core.train.activations import Activations
from core.train.augment import augment
from core.train.augment_choices import AugmentChoices
from core.train.kept_arrays import KeptArrays
from core.train.schedules import steps_of
from core.train.seeds import photo_seed

AHEAD = 3  # batches made ready beforehand
MAKERS = 2  # threads that make them


class Batch(NamedTuple):
    """Photos of one step."""

    inputs: torch.Tensor  # (n, 3, S, S) uint8, or activations (n, C, h, w) float
    labels: torch.Tensor  # (n,) int64


# Makes the inputs of some photos in an epoch; places index the training photos.
Inputs = Callable[[np.ndarray, int], torch.Tensor]


def order_of(count: int, *, seed: int, epoch: int) -> np.ndarray:
    """(count,) the order of the photos in an epoch, counted from 0."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def batches(
    inputs: Inputs, labels: np.ndarray, *, batch: int, seed: int, epoch: int, first: int
) -> Iterator[Batch]:
    """The batches of an epoch from step ``first`` on, made ready in threads."""
    order = order_of(len(labels), seed=seed, epoch=epoch)
    parts = [
        order[step * batch : (step + 1) * batch]
        for step in range(first, steps_of(len(labels), batch))
    ]

    def make(part: np.ndarray) -> Batch:
        return Batch(inputs(part, epoch), torch.from_numpy(labels[part].astype(np.int64)))

    pool = ThreadPoolExecutor(MAKERS, thread_name_prefix="batches")
    waiting: list[Future[Batch]] = []
    try:
        for part in parts:
            waiting.append(pool.submit(make, part))
            if len(waiting) > AHEAD:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def from_copies(
    copies: KeptArrays, contents: Sequence[str], choices: AugmentChoices, *, seed: int
) -> Inputs:
    """Pixels (n, 3, S, S) uint8, changed anew in each epoch."""
    places = copies.places(contents)

    def make(part: np.ndarray, epoch: int) -> torch.Tensor:
        pixels = torch.from_numpy(copies.rows(places[part])).permute(0, 3, 1, 2)
        seeds = [photo_seed(seed, contents[at], epoch) for at in part.tolist()]
        return augment(pixels, seeds, choices)

    return make


def from_activations(
    kept: Activations, contents: Sequence[str], views: Sequence[int], *, seed: int
) -> Inputs:
    """Activations (n, C, h, w) of one of the kept views of each photo, another in each epoch."""
    places = np.stack([kept.places(contents, view) for view in views])  # (V, N)
    first = np.array([photo_seed(seed, content, 0) % len(views) for content in contents])

    def make(part: np.ndarray, epoch: int) -> torch.Tensor:
        return kept.rows(places[(first[part] + epoch) % len(views), part])

    return make
