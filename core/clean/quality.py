"""What can be measured of one photo: sharp or not, dark, empty, of few colours, and so on.

Every score lies between 0 and 1, and low is suspect. All are taken from the picture that the sweep
decodes anyway, a JPEG at the smallest fraction of its size that leaves the shorter side 64
pixels: a fault that does not show in a small picture does not matter to a network, which sees one.

Dark, overexposed and low information follow CleanVision (github.com/cleanlab/cleanvision,
Apache-2.0, ``issue_managers/image_property.py``): a percentile of the brightness, and the entropy
of the grey levels. Its measure of blur calls plain sharp pictures blurry, since it looks at how
much there is of edges. ``_sharpness`` looks at how steep the steepest ones are.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.errors import ImageError
from core.images.decode import TURN_UPRIGHT, Decoded, as_image_error, eight_bit, flattened
from core.images.verdict import Verdict, examine

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "2"  # another number has every photo measured anew

# Pixels of the shorter side that a JPEG is decoded to at least. With 96, photos of 400 by 300 would
# take a third longer for a blur found a little sooner.
DECODED_SIDE = 64
SIDE = 96  # pixels, the shorter side of the grey picture that is measured, where it has so many
MOST_LENGTH = 384  # pixels, its longer side: a panorama says no more when it is longer
SAMPLE = 32  # pixels a side of the sample of colours
NEARLY = 1.2  # times SIDE, up to which a picture is measured as it is

EDGE_WINDOW = 8  # pixels; an edge blurred over more than that is no edge here
EDGE_LEVELS = 40  # an edge between fewer levels of grey may be noise, or a shadow
STRIDE = 4  # pixels from one window to the next
EDGES_AT_LEAST = 6  # windows: a sky or a bare wall is neither sharp nor blurry
STEEPEST = 0.9  # a photo is as sharp as its sharpest tenth: a soft background is no fault

PLAIN_FORMATS = frozenset({"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP"})

LOG_SIDE_OF_ONE = 16.0  # a picture of 2 ** 16 pixels a side has the size 1
COLOURS_NAMED = 8  # a card or a logo is made of so many colours and hardly any other

Pick = Callable[..., "NDArray[np.uint8]"]


def look(path: Path) -> tuple[Verdict, dict[str, float] | None]:
    """Judge a file, and measure it where it is good; it is decoded once."""
    verdict, decoded = examine(path, detail=DECODED_SIDE)
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
    scores = {
        **_of_its_shape(decoded),
        **_oddities(decoded),
        **_of_greys(_small_grey(picture)),
        **_of_colours(picture),
    }
    return {name: round(score, 4) for name, score in scores.items()}


def _of_its_shape(decoded: Decoded) -> dict[str, float]:
    return {
        "size": min(1.0, 0.5 * math.log2(decoded.width * decoded.height) / LOG_SIDE_OF_ONE),
        "shape": min(decoded.width, decoded.height) / max(decoded.width, decoded.height),
    }


def _oddities(decoded: Decoded) -> dict[str, float]:
    """What other programs may stumble over, as ``core.clean.untidy`` names it."""
    image = decoded.image
    if decoded.format == "JPEG" and image.mode in ("RGB", "L") and decoded.orientation == 1:
        return {}  # nearly all are so
    odd = {
        "turned": decoded.orientation in TURN_UPRIGHT,
        "print_colours": image.mode in ("CMYK", "YCbCr", "LAB", "HSV"),
        "deep": image.mode == "F" or image.mode.startswith("I"),
        "palette": image.mode in ("P", "PA") or decoded.format == "GIF",
        "moving": _is_animated(image),
        "see_through": image.has_transparency_data,
        "rare": decoded.format not in PLAIN_FORMATS,
    }
    found = {f"odd:{name}": 0.0 for name, is_so in odd.items() if is_so}
    return found if decoded.format == "JPEG" else {f"is:{decoded.format}": 1.0, **found}


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a GIF's reader looks for a second picture, in a file closed by now
        return False


def _small_grey(picture: Image.Image) -> Image.Image:
    grey = picture.convert("L")
    scale = SIDE / min(grey.size)
    if scale * NEARLY < 1:
        width, height = (max(1, min(MOST_LENGTH, round(side * scale))) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BOX)
    return grey


def _of_greys(grey: Image.Image) -> dict[str, float]:
    below = list(accumulate(grey.histogram()))
    return {
        "bright": bisect_left(below, 0.99 * below[-1]) / 255,
        "shaded": 1 - bisect_left(below, 0.05 * below[-1]) / 255,
        "detail": grey.entropy() / 8,
        "sharp": _sharpness(np.asarray(grey)),
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
    here, right, below = grey[:-1, :-1], grey[:-1, 1:], grey[1:, :-1]
    steps = np.maximum(_apart(here, right), _apart(here, below))
    ranges = _windows(grey, EDGE_WINDOW, np.maximum)
    ranges -= _windows(grey, EDGE_WINDOW, np.minimum)
    steepest = _windows(steps, EDGE_WINDOW - 1, np.maximum)
    edges = ranges >= EDGE_LEVELS
    ranges = ranges[edges]
    if len(ranges) < EDGES_AT_LEAST:
        return 1.0
    shares = steepest[edges].astype(np.uint16) * 255 // ranges
    shares.sort()
    return int(shares[int(STEEPEST * len(shares))]) / 255


def _apart(one: "NDArray[np.uint8]", other: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    return np.maximum(one, other) - np.minimum(one, other)


def _windows(values: "NDArray[np.uint8]", side: int, pick: Pick) -> "NDArray[np.uint8]":
    """The extreme of each square window, every fourth one down and across.

    By doubling, in three passes down and three across in place of 64.
    """
    for _ in range(2):
        reached = 1
        while reached < side:
            step = min(reached, side - reached)
            values = pick(values[step:], values[:-step])
            reached += step
        values = values[::STRIDE].T
    return values


def _of_colours(picture: Image.Image) -> dict[str, float]:
    sample = np.asarray(picture.resize((SAMPLE, SAMPLE), Image.Resampling.NEAREST))
    red, green, blue = sample[:, :, 0], sample[:, :, 1], sample[:, :, 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    # 4,096 colours are enough to tell: the noise of a photo fills hundreds of them.
    codes = (red & 0xF0).astype(np.uint16) << 4 | (green & 0xF0) | blue >> 4
    counts = np.bincount(codes.ravel())
    counts = np.sort(counts[counts > 0])
    most = int(0.95 * SAMPLE**2)
    return {
        # The root spreads out what lies near grey, where the line is drawn.
        "coloured": math.sqrt(int(np.partition(spread, most, axis=None)[most]) / 255),
        "colours": 1 - int(counts[-COLOURS_NAMED:].sum()) / SAMPLE**2,
    }
