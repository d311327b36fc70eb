"""The one safe way from a file to pixels.

Whatever the file, the caller gets an upright picture of 8 bits a channel, or an ``ImageError``:
no other exception, no warning, no line on the terminal.
"""

import importlib
import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError

from core.errors import ImageError
from core.images.damage import cannot_open, diagnosis, too_large

if TYPE_CHECKING:
    import numpy as np

MAX_PIXELS = 120_000_000

# Only formats with a plain signature and a decoder inside the process. Pillow knows others:
# some run a program on the file (EPS), some take random bytes for a picture (TGA).
COMMON = (JpegImagePlugin.JpegImageFile.format, PngImagePlugin.PngImageFile.format)
RARER = {
    "GIF": "PIL.GifImagePlugin",
    "WEBP": "PIL.WebPImagePlugin",
    "AVIF": "PIL.AvifImagePlugin",
    "TIFF": "PIL.TiffImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "DIB": "PIL.BmpImagePlugin",
    "ICO": "PIL.IcoImagePlugin",
    "JPEG2000": "PIL.Jpeg2KImagePlugin",
    "PPM": "PIL.PpmImagePlugin",
    "QOI": "PIL.QoiImagePlugin",
    "PSD": "PIL.PsdImagePlugin",
    "SGI": "PIL.SgiImagePlugin",
    "ICNS": "PIL.IcnsImagePlugin",
    "DDS": "PIL.DdsImagePlugin",
    "HEIF": "pillow_heif",
}
JPEGS = frozenset({"JPEG", "MPO"})

EXIF_ORIENTATION = 0x0112
TURN_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNS_SIDEWAYS = frozenset({5, 6, 7, 8})

# What is odd about one file is a verdict on it, not a line in somebody's log. Filters and
# handlers are the only way that is safe with threads: catching warnings around each call is not.
warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif")
logging.getLogger("PIL").addHandler(logging.NullHandler())

_stderr_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A first frame as the file holds it: not yet upright, in the file's own mode."""

    image: Image.Image
    reduced: bool  # decoded at a fraction of its size
    orientation: int  # EXIF's 1 to 8; 1 is upright
    width: int  # of the whole picture, upright
    height: int
    format: str  # Pillow's name, such as "JPEG"


def open_rgb(path: Path, *, at_least: int | None = None) -> Image.Image:
    """The first frame, upright, as 8-bit RGB; transparent parts lie on white.

    Args:
        path: The file. Its name's extension does not matter.
        at_least: Shortest side wanted, in pixels. A JPEG may then be decoded at a fraction of
            its size, never below this. The default is the full size.

    Raises:
        ImageError: If the file cannot be used as a picture; ``kind`` says why.
    """
    return flattened(open_upright(path, at_least=at_least))


def open_upright(path: Path, *, at_least: int | None = None) -> Image.Image:
    """As ``open_rgb``, but transparent parts stay so: the mode is RGB or RGBA."""
    decoded = decode(path, shortest=at_least)
    with as_image_error(path):
        return upright(eight_bit(decoded.image), decoded.orientation)


def decode(
    path: Path,
    *,
    shortest: int | None = None,
    longest: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Decoded:
    """Read the whole of the first frame.

    Args:
        path: The file.
        shortest: The shortest side wanted, in pixels; JPEGs are reduced down to it.
        longest: The same for the longest side.
        max_pixels: More are refused by the header, before any is decoded.

    Raises:
        ImageError: If the file cannot be used as a picture.
    """
    _refuse_special(path)
    with as_image_error(path), _opened(path) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ImageError(too_large(width, height, max_pixels), kind="too_large")
        reduced = image.format in JPEGS and _reduce(image, shortest=shortest, longest=longest)
        with _libtiff_silenced() if image.format == "TIFF" else nullcontext():
            image.load()
        if not reduced:
            width, height = image.size  # a TIFF turns itself upright, an icon may hold its size
        orientation = _orientation(image)
        if orientation in TURNS_SIDEWAYS:
            width, height = height, width
        return Decoded(
            image=image,
            reduced=reduced,
            orientation=orientation,
            width=width,
            height=height,
            format=image.format or "",
        )


def eight_bit(image: Image.Image) -> Image.Image:
    """The same picture as RGB, or as RGBA where any of it can be transparent."""
    if image.mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_wide_numbers(image).convert("RGB")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB")


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turned and mirrored as EXIF's ``orientation`` says; unknown numbers change nothing."""
    turn = TURN_UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def flattened(image: Image.Image) -> Image.Image:
    """An RGB or RGBA picture with its transparent parts on white."""
    if image.mode != "RGBA":
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=COMMON)
    except UnidentifiedImageError:
        return Image.open(path, formats=_all_formats())


@cache
def _all_formats() -> tuple[str, ...]:
    """Every format, its reader imported: half of a new process's start, and rarely needed."""
    for module in RARER.values():
        importlib.import_module(module)
    pillow_heif = importlib.import_module("pillow_heif")
    pillow_heif.register_heif_opener()
    return (*COMMON, *RARER)


def _refuse_special(path: Path) -> None:
    """Refuse what is no file: opening a pipe would wait for ever."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise cannot_open(error) from error
    if not stat.S_ISREG(mode):
        raise ImageError("This is not a file that can be opened.", kind="not_an_image")


@contextmanager
def as_image_error(path: Path) -> Iterator[None]:
    """Turn whatever a decoder raises into an ``ImageError`` with a sentence."""
    try:
        yield
    except ImageError:
        raise
    except Exception as fault:  # readers of broken files raise nearly every type there is
        raise diagnosis(path, fault) from fault


def _reduce(image: Image.Image, *, shortest: int | None, longest: int | None) -> bool:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8, as small as the wanted side allows.

    Returns:
        Whether it will be smaller than the file holds it.
    """
    for factor in (8, 4, 2):
        wanted = shortest is not None and min(image.size) >= shortest * factor
        if wanted or (longest is not None and max(image.size) >= longest * factor):
            whole = image.size
            image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))
            return image.size != whole
    return False


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 where there is none or the block is broken."""
    if image.format in JPEGS and not image.info.keys() & {"exif", "xmp"}:
        return 1  # asking for it would take a tenth of the time that a small photo takes
    try:
        orientation = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # a broken EXIF block says nothing against the picture
        return 1
    return orientation if isinstance(orientation, int) else 1


def _from_wide_numbers(image: Image.Image) -> Image.Image:
    """Bring 16-bit, 32-bit and floating-point greys to 8 bits, as "L".

    Files say how many bits a number takes, not how many of them a camera or a microscope
    filled: the range is the smallest power of two that holds the brightest pixel, at least 8 bits.
    """
    import numpy as np

    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = _from_floats(values)
    low, high = int(values.min()), int(values.max())
    if low < 0:
        values, high = values.astype(np.int64) - low, high - low
    shift = max(8, high.bit_length()) - 8
    return Image.fromarray((values >> shift).astype(np.uint8))


def _from_floats(values: "np.ndarray") -> "np.ndarray":
    """Floats of any range as whole numbers from 0, ready to be shifted to 8 bits."""
    import numpy as np

    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if 0 <= low and high <= 1:
        return np.asarray(values * 255 + 0.5, dtype=np.int64)
    if 0 <= low and high <= 0xFFFF:
        return values.astype(np.int64)
    share = (values.astype(np.float64) - low) / max(high - low, 1e-300)
    return np.asarray(share * 255, dtype=np.int64)


@contextmanager
def _libtiff_silenced() -> Iterator[None]:
    """Keep libtiff, which writes its complaints to the process's standard error, quiet."""
    with _stderr_lock:
        try:
            kept = os.dup(2)
        except OSError:  # a process without a standard error has nothing to keep clean
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
