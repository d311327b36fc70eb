"""What can be measured of one photo: sharp or not, dark, empty, of few colours, and so on.

Every score lies between 0 and 1, and low is suspect. All are taken from the picture that the sweep
decodes anyway, a JPEG at the fraction of its size at which the shorter side still has ``SIDE``
pixels: a fault that does not show in a small picture does not matter to a network, which sees one.

Dark, overexposed and low information follow CleanVision (github.com/cleanlab/cleanvision,
Apache-2.0, ``issue_managers/image_property.py``): a percentile of the brightness, and the entropy
of the grey levels. Its measure of blur calls plain sharp pictures blurry, since it looks at how
much there is of edges. ``_sharpness`` looks at how steep the steepest ones are.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.errors import ImageError
from core.images.decode import Decoded, as_image_error, eight_bit, flattened
from core.images.verdict import Verdict, examine

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "1"  # another number has every photo measured anew

SIDE = 96  # pixels, the shorter side of the grey picture that is measured
MOST_LENGTH = 384  # pixels, its longer side: a panorama says no more when it is longer
SAMPLE = 48  # pixels a side of the sample of colours

EDGE_WINDOW = 8  # pixels; an edge blurred over more than that is no edge here
EDGE_LEVELS = 40  # an edge between fewer levels of grey may be noise, or a shadow
EDGES_AT_LEAST = 50  # pixels near an edge: a sky or a bare wall is neither sharp nor blurry
STEEPEST = 0.9  # a photo is as sharp as its sharpest tenth: a soft background is no fault

LOG_SIDE_OF_ONE = 16.0  # a picture of 2 ** 16 pixels a side has the size 1
COLOURS_NAMED = 8  # a card or a logo is made of so many colours and hardly any other

Pick = Callable[..., "NDArray[np.uint8]"]


def look(path: Path) -> tuple[Verdict, dict[str, float] | None]:
    """Judge a file, and measure it where it is good; it is decoded once."""
    verdict, decoded = examine(path, detail=SIDE)
    if decoded is None or verdict.kind != "good":
        return verdict, None
    try:
        with as_image_error(path):
            return verdict, measure(decoded)
    except ImageError:  # it decodes and cannot be brought to colours, which training will tell
        return verdict, _of_its_shape(decoded)


def measure(decoded: Decoded) -> dict[str, float]:
    """All scores of a photo, by name."""
    picture = flattened(eight_bit(decoded.image))
    return {
        **_of_its_shape(decoded),
        **_of_greys(_small_grey(picture)),
        **_of_colours(picture),
    }


def _of_its_shape(decoded: Decoded) -> dict[str, float]:
    return {
        "size": min(1.0, 0.5 * math.log2(decoded.width * decoded.height) / LOG_SIDE_OF_ONE),
        "shape": min(decoded.width, decoded.height) / max(decoded.width, decoded.height),
    }


def _small_grey(picture: Image.Image) -> "NDArray[np.uint8]":
    grey = picture.convert("L")
    scale = SIDE / min(grey.size)
    if scale < 1:
        width, height = (max(1, min(MOST_LENGTH, round(side * scale))) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BOX)
    return np.asarray(grey)


def _of_greys(grey: "NDArray[np.uint8]") -> dict[str, float]:
    levels = np.bincount(grey.ravel(), minlength=256)
    below = np.cumsum(levels) / grey.size
    shares = levels[levels > 0] / grey.size
    return {
        "bright": int(np.searchsorted(below, 0.99)) / 255,
        "shaded": 1 - int(np.searchsorted(below, 0.05)) / 255,
        "detail": max(0.0, float(-(shares * np.log2(shares)).sum()) / 8),
        "sharp": _sharpness(grey),
    }


def _sharpness(grey: "NDArray[np.uint8]") -> float:
    """How steep the steep edges are, against the levels they lie between; 1 is a knife's edge.

    In every window of 8 by 8 pixels that holds an edge, the largest step from one pixel to the
    next is held against the range of the window. Blur spreads an edge over several steps, however
    strong it is. A picture of few edges is as sharp as those it has; one without any counts as
    sharp, since nothing says that it is not.
    """
    if min(grey.shape) <= EDGE_WINDOW:
        return 1.0
    window = EDGE_WINDOW
    ranges = _slide(grey, window, window, np.maximum) - _slide(grey, window, window, np.minimum)
    edges = ranges >= EDGE_LEVELS
    if np.count_nonzero(edges) < EDGES_AT_LEAST:
        return 1.0
    across = _slide(_steps(grey[:, 1:], grey[:, :-1]), window, window - 1, np.maximum)
    down = _slide(_steps(grey[1:], grey[:-1]), window - 1, window, np.maximum)
    steepest = np.maximum(across, down)[edges].astype(np.uint16)
    shares = (steepest * 255 // ranges[edges]).astype(np.uint8)
    below = np.cumsum(np.bincount(shares, minlength=256))
    return int(np.searchsorted(below, STEEPEST * len(shares))) / 255


def _steps(one: "NDArray[np.uint8]", other: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    return np.maximum(one, other) - np.minimum(one, other)


def _slide(values: "NDArray[np.uint8]", height: int, width: int, pick: Pick) -> "NDArray[np.uint8]":
    """The extreme of each window, by doubling: seven passes in place of 64."""
    reached = 1
    while reached < height:
        step = min(reached, height - reached)
        values = pick(values[step:], values[:-step])
        reached += step
    reached = 1
    while reached < width:
        step = min(reached, width - reached)
        values = pick(values[:, step:], values[:, :-step])
        reached += step
    return values


def _of_colours(picture: Image.Image) -> dict[str, float]:
    sample = np.asarray(picture.resize((SAMPLE, SAMPLE), Image.Resampling.NEAREST))
    red, green, blue = (sample[:, :, channel].ravel() for channel in range(3))
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    below = np.cumsum(np.bincount(spread, minlength=256))
    # 4,096 colours are enough to tell: the noise of a photo fills hundreds of them.
    codes = (red >> 4).astype(np.uint16) << 8 | (green & 0xF0).astype(np.uint16) | blue >> 4
    counts = np.bincount(codes, minlength=4096)
    named = np.partition(counts, -COLOURS_NAMED)[-COLOURS_NAMED:].sum()
    return {
        # The root spreads out what lies near grey, where the line is drawn.
        "coloured": math.sqrt(int(np.searchsorted(below, 0.95 * len(codes))) / 255),
        "colours": 1 - int(named) / len(codes),
    }
