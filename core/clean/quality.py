"""What can be measured of one photo: sharp or not, dark, empty, of few colours, and so on.

Every score lies between 0 and 1, and low is suspect. All are taken from the picture that the sweep
decodes anyway, a JPEG at the smallest fraction of its size that leaves the shorter side 64
pixels: a fault that does not show in a small picture does not matter to a network, which sees one.

Dark, overexposed and low information follow CleanVision (github.com/cleanlab/cleanvision,
Apache-2.0, ``issue_managers/image_property.py``): a percentile of the brightness, and the entropy
of the grey levels. Its measure of blur calls plain sharp pictures blurry, since it looks at how
much there is of edges. ``core.clean.sharpness`` looks at how steep the steepest ones are.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.clean.sharpness import sharpness_of_all
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


PLAIN_FORMATS = frozenset({"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP"})

LOG_SIDE_OF_ONE = 16.0  # a picture of 2 ** 16 pixels a side has the size 1
COLOURS_NAMED = 8  # a card or a logo is made of so many colours and hardly any other

UPPER_HALVES = np.uint32(0x00F0F0F0)  # of red, green and blue
SIDE_BY_SIDE = np.uint32(0x01001001)

Column = tuple[str, Sequence[float]]  # a score's name, and its value for each photo


@dataclass(slots=True)
class Glance:
    """A file judged, and of a good one what is left to measure: little, whatever its size."""

    verdict: Verdict
    scores: dict[str, float] | None = None  # those known so far; None where it is not good
    grey: Image.Image | None = None  # None where there is nothing left to measure
    sample: bytes = b""  # SAMPLE by SAMPLE pixels of four bytes: red, green, blue, nothing


def look(path: Path) -> tuple[Verdict, dict[str, float] | None]:
    """Judge a file, and measure it where it is good; it is decoded once."""
    return measured([glance(path)])[0]


def glance(path: Path) -> Glance:
    """Judge a file, and keep of it what ``measured`` wants."""
    verdict, decoded = examine(path, detail=DECODED_SIDE)
    if decoded is None or verdict.kind != "good":
        return Glance(verdict)
    scores = _of_its_shape(decoded)
    try:
        with as_image_error(path):
            scores |= _oddities(decoded)
            picture = flattened(eight_bit(decoded.image))
            sample = picture.resize((SAMPLE, SAMPLE), Image.Resampling.NEAREST)
            return Glance(verdict, scores, _small_grey(picture), sample.tobytes("raw", "RGBX"))
    except ImageError:  # it decodes and cannot be brought to colours, which training will tell
        return Glance(verdict, _of_its_shape(decoded))


def measured(
    glances: Sequence[Glance],
) -> list[tuple[Verdict, dict[str, float] | None]]:
    """All scores of each, by name.

    Photos are measured some at a time: between two decodings the processor would find nothing of
    this in its caches, and take three times as long.
    """
    found = [one for one in glances if one.grey is not None]
    if found:
        greys = [one.grey for one in found if one.grey is not None]
        samples = np.frombuffer(b"".join(one.sample for one in found), np.uint32)
        columns = (
            *_of_greys(greys),
            ("sharp", sharpness_of_all([np.asarray(grey) for grey in greys])),
            *_of_colours(samples.reshape(len(found), SAMPLE**2)),
        )
        for name, values in columns:
            for one, value in zip(found, values, strict=True):
                assert one.scores is not None
                one.scores[name] = value
    return [(one.verdict, _rounded(one.scores)) for one in glances]


def _rounded(scores: dict[str, float] | None) -> dict[str, float] | None:
    return scores and {name: round(score, 4) for name, score in scores.items()}


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


def _of_greys(greys: Sequence[Image.Image]) -> Iterator[Column]:
    every = chain.from_iterable(grey.histogram() for grey in greys)
    levels = np.fromiter(every, np.int32, 256 * len(greys)).reshape(len(greys), 256)
    below = levels.cumsum(axis=1)
    pixels = below[:, -1:]
    yield "bright", ((below < 0.99 * pixels).sum(axis=1) / 255).tolist()
    yield "shaded", (1 - (below < 0.05 * pixels).sum(axis=1) / 255).tolist()
    yield "detail", [grey.entropy() / 8 for grey in greys]


def _of_colours(samples: "NDArray[np.uint32]") -> Iterator[Column]:
    """Of samples as ``Glance`` holds them, a row each."""
    bytes_ = samples.view(np.uint8).reshape(*samples.shape, 4)
    red, green, blue = (np.ascontiguousarray(bytes_[:, :, channel]) for channel in range(3))
    spread = np.maximum(np.maximum(red, green), blue)
    spread -= np.minimum(np.minimum(red, green), blue)
    most = int(0.95 * SAMPLE**2)
    spread.partition(most, axis=1)
    # The root spreads out what lies near grey, where the line is drawn.
    yield "coloured", np.sqrt(spread[:, most] / 255).tolist()
    # 4,096 colours are enough to tell: the noise of a photo fills hundreds of them. A number for
    # each: the upper halves of red, green and blue, brought side by side by a multiplication.
    codes = (samples & UPPER_HALVES) * SIDE_BY_SIDE >> 20
    yield "colours", [1 - _named_colours(row) / SAMPLE**2 for row in codes]


def _named_colours(codes: "NDArray[np.uint32]") -> int:
    """How many of the pixels have one of the commonest colours."""
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    counts.sort()
    return int(counts[-COLOURS_NAMED:].sum())
