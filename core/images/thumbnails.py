"""Small copies of photos, made once and kept by content."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from PIL import Image

from core.errors import ImageError
from core.images.damage import cannot_open
from core.images.decode import as_image_error, decode, eight_bit, upright
from core.images.identity import content_hash

THUMBNAIL_SIDE = 256
LARGE_SIDE = 1600  # for a look at the whole screen

CHANGED = "This file has changed since Winnow looked at it. Open the data set again to see it."

# Reduced while decoding to no less than this many times the wanted side: sharp enough, and soon.
SPARE = 1.5
# Pillow's effort from 0 to 6. Photos of 400 px take half the time of the default, 4, for an eighth
# more bytes.
WEBP_EFFORT = 1
WEBP_QUALITY = 80


def thumbnail(source: Path, content: str, folder: Path, *, side: int = THUMBNAIL_SIDE) -> Path:
    """The path of a small WebP copy of ``source``, made if it is not there.

    Args:
        source: A file with that content; checked only where the copy has to be made.
        content: Its hash; names the copy.
        folder: Where copies of this side length lie, in up to 256 folders.
        side: Longest side in pixels. Smaller photos keep their size.

    Raises:
        ImageError: If the photo cannot be read, holds something else by now, or the copy cannot be
            written.
    """
    target = place_of_copy(content, folder)
    if not target.exists():
        image = _reduced(source, side)
        _refuse_changed(source, content)  # after decoding: shows what was written meanwhile too
        _write(image, target)
    return target


def place_of_copy(content: str, folder: Path) -> Path:
    """Where the small copy of a content lies in a folder of copies, or will lie."""
    return folder / content[:2] / f"{content}.webp"


def _reduced(source: Path, side: int) -> Image.Image:
    decoded = decode(source, longest=round(side * SPARE))
    with as_image_error(source):
        image = eight_bit(decoded.image)
        scale = min(1.0, side / max(image.size))
        if scale < 1:
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
        return upright(image, decoded.orientation)


def _refuse_changed(source: Path, content: str) -> None:
    """A copy is kept for good under its content, so it must not show another photo."""
    try:
        changed = content_hash(source) != content
    except OSError as error:
        raise cannot_open(error) from error
    if changed:
        raise ImageError(CHANGED, lasting=False)


def _write(image: Image.Image, target: Path) -> None:
    """Put a finished file in place in one step: no reader ever sees half of one."""
    unfinished = target.with_name(f".{target.stem}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A profile, a date or a place in the original has no business in its small copy.
        image.info.clear()
        image.save(unfinished, "WEBP", quality=WEBP_QUALITY, method=WEBP_EFFORT)
        _replace(unfinished, target)
    except OSError as error:
        with suppress(OSError):  # it was never begun, or the disk is gone
            unfinished.unlink()
        reason = error.strerror or str(error)
        raise ImageError(f"Its small copy cannot be written: {reason}.", lasting=False) from error


def _replace(unfinished: Path, target: Path) -> None:
    try:
        os.replace(unfinished, target)
    except PermissionError:  # on Windows another process is reading the same copy
        if not target.exists():
            raise
        unfinished.unlink(missing_ok=True)
