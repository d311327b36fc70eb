"""One look at a file that arrives: its verdict, its content, its perceptual hash, decoded once."""

from dataclasses import dataclass
from pathlib import Path

from core.errors import ImageError
from core.images.decode import as_image_error, eight_bit, flattened, upright
from core.images.identity import content_hash
from core.images.similar import ENOUGH_PIXELS, near_hash
from core.images.verdict import Verdict, examine


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look found."""

    verdict: Verdict
    content: str  # its hash; empty where the file could not be read
    near: bytes | None  # its perceptual hash; None where there is no picture, or one of one colour


def look(path: Path, *, min_side: int = 1) -> Look:
    """Judge a file and hash it, decoding it once. Bad content is a verdict, never an exception.

    Args:
        path: The file, only read.
        min_side: Shortest side accepted, in pixels.
    """
    verdict, decoded = examine(path, min_side=min_side, detail=ENOUGH_PIXELS)
    near = None
    try:
        content = content_hash(path)
        if decoded is not None and verdict.kind != "blank":
            with as_image_error(path):
                picture = upright(eight_bit(decoded.image), decoded.orientation)
                near = near_hash(flattened(picture))
    except OSError:
        content = ""
    except ImageError as error:  # it decodes and cannot be brought to colours
        verdict = Verdict(
            kind="corrupt",
            reason=str(error),
            width=0,
            height=0,
            format="",
            lasting=error.lasting,
        )
    return Look(verdict=verdict, content=content, near=near)
