"""How sharp photos are: how steep their steepest edges are, not how many edges they have."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EDGE_WINDOW = 8  # pixels; an edge blurred over more than that is no edge here
EDGE_LEVELS = 40  # an edge between fewer levels of grey may be noise, or a shadow
EDGES_AT_LEAST = 6  # windows: a sky or a bare wall is neither sharp nor blurry
STEEPEST = 0.9  # a photo is as sharp as its sharpest tenth: a soft background is no fault

Pick = Callable[..., "NDArray[np.uint8]"]


def sharpness_of_all(greys: "Sequence[NDArray[np.uint8]]") -> list[float]:
    """The sharpness of each grey picture, from 0 to 1, a knife's edge.

    In every window of 8 by 8 pixels that holds an edge, the largest step from one pixel to the
    next is held against the range of the window. Blur spreads an edge over several steps, however
    strong it is. A picture of few edges is as sharp as those it has; one without any counts as
    sharp, since nothing says that it is not.

    Args:
        greys: Pictures of any size; those of one size are measured in one go.
    """
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for at, grey in enumerate(greys):
        if min(grey.shape) > EDGE_WINDOW:
            by_shape[grey.shape].append(at)
    sharpness = [1.0] * len(greys)
    for places in by_shape.values():
        alike = np.stack([greys[at] for at in places])
        for at, ranges, steepest in zip(places, *_ranges_and_steps(alike), strict=True):
            sharpness[at] = _sharpness(ranges, steepest)
    return sharpness


def _ranges_and_steps(
    greys: "NDArray[np.uint8]",
) -> "tuple[NDArray[np.uint8], NDArray[np.uint8]]":
    """The range of each window, every fourth one down and across, and its largest step."""
    here, right, below = greys[:, :-1, :-1], greys[:, :-1, 1:], greys[:, 1:, :-1]
    steps = np.maximum(_apart(here, right), _apart(here, below))
    ranges = _windows_of_eight(greys, np.maximum)
    ranges -= _windows_of_eight(greys, np.minimum)
    return ranges, _windows_of_seven(steps, np.maximum)


def _sharpness(ranges: "NDArray[np.uint8]", steepest: "NDArray[np.uint8]") -> float:
    edges = ranges >= EDGE_LEVELS
    ranges = ranges[edges]
    if len(ranges) < EDGES_AT_LEAST:
        return 1.0
    shares = steepest[edges].astype(np.uint16) * 255 // ranges
    chosen = int(STEEPEST * len(shares))
    shares.partition(chosen)
    return int(shares[chosen]) / 255


def _apart(one: "NDArray[np.uint8]", other: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    return np.maximum(one, other) - np.minimum(one, other)


def _windows_of_eight(values: "NDArray[np.uint8]", pick: Pick) -> "NDArray[np.uint8]":
    """The extreme of each square window: of blocks of four, each joined with the next.

    Args:
        values: Pictures of one size, along the first axis.
    """
    for _ in range(2):
        end = values.shape[1] // 4 * 4
        first, second, third, fourth = (values[:, at:end:4] for at in range(4))
        blocks = pick(pick(first, second), pick(third, fourth))
        values = pick(blocks[:, :-1], blocks[:, 1:]).swapaxes(1, 2)
    return values


def _windows_of_seven(values: "NDArray[np.uint8]", pick: Pick) -> "NDArray[np.uint8]":
    """The same for the steps between the pixels of those windows: one fewer each way."""
    for _ in range(2):
        end = (values.shape[1] + 1) // 4 * 4
        threes = pick(pick(values[:, 0:end:4], values[:, 1:end:4]), values[:, 2:end:4])
        fourth = values[:, 3 : end - 1 : 4]
        values = pick(pick(threes[:, :-1], fourth), threes[:, 1:]).swapaxes(1, 2)
    return values
