"""Whether a file can be trained on, and in one sentence why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from PIL import Image

from core.errors import ImageError
from core.images.decode import MAX_PIXELS, Decoded, as_image_error, decode, eight_bit, flattened

Kind = Literal[
    "good",
    "empty",
    "truncated",
    "corrupt",
    "not_an_image",
    "unsupported",
    "too_small",
    "too_large",
    "odd_shape",
    "blank",
]

# Levels, of 256, between a channel's darkest and brightest pixel. JPEG's rounding moves a flat
# colour by one or two; the dimmest photo of a bare wall spans more than ten.
FLAT_LEVELS = 4
SAMPLE_SIDE = 16
PLAIN_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a full look at one file found."""

    kind: Kind
    reason: str | None  # one sentence; None when good
    width: int  # in pixels, upright; 0 where the file did not decode
    height: int
    format: str  # such as "JPEG"; "" where the file did not decode
    lasting: bool = True  # whether the same bytes would be judged the same again


def judge(
    path: Path,
    *,
    min_side: int = 32,
    max_ratio: float = 20.0,
    max_pixels: int = MAX_PIXELS,
) -> Verdict:
    """Decode the whole of a file and say whether it is good to train on.

    Args:
        path: The file, only read. Bad content is a verdict, never an exception.
        min_side: Shortest side accepted, in pixels.
        max_ratio: Longest side over shortest that is accepted.
        max_pixels: Most pixels accepted; more are not decoded.

    Raises:
        ValueError: If ``min_side`` is below 1.
    """
    return examine(path, min_side=min_side, max_ratio=max_ratio, max_pixels=max_pixels)[0]


def examine(
    path: Path,
    *,
    min_side: int = 32,
    max_ratio: float = 20.0,
    max_pixels: int = MAX_PIXELS,
    detail: int = 0,
) -> tuple[Verdict, Decoded | None]:
    """As ``judge``, handing back what was decoded too: None where nothing was.

    Args:
        detail: Shortest side wanted of it, in pixels; a JPEG is decoded to no less.
    """
    if min_side < 1:
        raise ValueError(f"min_side must be at least 1 pixel, got {min_side}")
    try:
        # A JPEG at a fraction of its size is still read to its last byte, and much sooner.
        decoded = decode(path, shortest=max(min_side, detail), max_pixels=max_pixels)
        with as_image_error(path):
            kind, reason = _fault(path, decoded, min_side, max_ratio)
    except ImageError as error:
        failed = Verdict(
            kind=cast(Kind, error.kind),
            reason=str(error),
            width=0,
            height=0,
            format="",
            lasting=error.lasting,
        )
        return failed, None
    verdict = Verdict(
        kind=kind,
        reason=reason,
        width=decoded.width,
        height=decoded.height,
        format=decoded.format,
    )
    return verdict, decoded


def _fault(
    path: Path, decoded: Decoded, min_side: int, max_ratio: float
) -> tuple[Kind, str | None]:
    shortest, longest = sorted((decoded.width, decoded.height))
    if longest > max_ratio * shortest:
        return "odd_shape", (
            f"This picture is {decoded.width} by {decoded.height} pixels: a strip, one side "
            f"more than {max_ratio:g} times the other."
        )
    if shortest < min_side:
        return "too_small", (
            f"This picture is {decoded.width} by {decoded.height} pixels; "
            f"the shortest side needs at least {min_side}."
        )
    if _is_flat(path, decoded):
        return "blank", "This picture shows nothing but one colour."
    return "good", None


def _is_flat(path: Path, decoded: Decoded) -> bool:
    if not _one_colour(decoded.image):
        return False
    # A fine pattern turns flat when it is reduced: only the full size can tell.
    return not decoded.reduced or _one_colour(decode(path).image)


def _one_colour(image: Image.Image) -> bool:
    """Whether no channel spans more than ``FLAT_LEVELS``, on white where it is transparent."""
    if image.mode in PLAIN_MODES and min(image.size) > SAMPLE_SIDE:
        # Nearly always some of the pixels are enough to see that they differ, and cost nothing.
        few = image.resize((SAMPLE_SIDE, SAMPLE_SIDE), Image.Resampling.NEAREST)
        if _spans_more(few):
            return False
    return not _spans_more(image)


def _spans_more(image: Image.Image) -> bool:
    if image.mode not in ("L", "RGB") or "transparency" in image.info:
        image = flattened(eight_bit(image))
    extrema = image.getextrema()
    channels = [extrema] if image.mode == "L" else extrema
    return any(high - low > FLAT_LEVELS for low, high in channels)  # type: ignore[misc,operator]
