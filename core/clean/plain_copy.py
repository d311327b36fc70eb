"""A copy of a picture that every program shows alike: upright, 8 bits, RGB, one frame."""

from pathlib import Path

from PIL import Image, ImageFile

from core.errors import ImageError
from core.images.damage import CUT_SHORT
from core.images.decode import Decoded, as_image_error, decode, eight_bit, flattened, upright

LOSSY = frozenset({"JPEG", "MPO", "HEIF", "AVIF", "JPEG2000"})
QUALITY = 95  # of a JPEG: a second encoding at this costs nothing that anyone sees
LEAST_LEFT = 0.5  # of a picture that is cut short; with less it is no photo of its subject


def plain_copy(source: Path, target: Path, *, flatten: bool = False, salvage: bool = False) -> str:
    """Write a plain copy and return its format, "JPEG" or "PNG".

    Args:
        source: The picture, only read.
        target: The file to write.
        flatten: Whether transparent parts become white; else they stay so.
        salvage: Whether what is there of a file that is cut short will do.

    Raises:
        ImageError: If there is no picture in it, or less than half of one.
        OSError: If the copy cannot be written.
    """
    decoded = _salvaged(source) if salvage else decode(source)
    with as_image_error(source):
        picture = eight_bit(decoded.image)
        if salvage:
            picture = _what_is_there(picture)
        picture = upright(picture, decoded.orientation)
        if flatten:
            picture = flattened(picture)
    kind = "JPEG" if decoded.format in LOSSY and picture.mode == "RGB" else "PNG"
    picture.info.clear()  # what the metadata said of the old pixels is not true of these
    with open(target, "wb") as file:
        if kind == "JPEG":
            picture.save(file, kind, quality=QUALITY, subsampling=0)
        else:
            picture.save(file, kind)
    return kind


def _salvaged(source: Path) -> Decoded:
    """Decode though the end is missing; Pillow's switch for that is the whole process's."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        return decode(source)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _what_is_there(picture: Image.Image) -> Image.Image:
    """Without the rows at the end that nothing was read for: those are of one colour."""
    import numpy as np

    rows = np.asarray(picture.convert("RGB")).reshape(picture.height, -1)
    empty = (rows == rows[-1:, :3].repeat(picture.width, axis=0).reshape(1, -1)).all(axis=1)
    left = picture.height - int(np.argmin(empty[::-1])) if not empty.all() else 0
    if left < picture.height:
        left = max(0, left - 16)  # the last row of blocks may be half read
    if left < LEAST_LEFT * picture.height:
        raise ImageError(CUT_SHORT, kind="truncated")
    return picture.crop((0, 0, picture.width, left))
