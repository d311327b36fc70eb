"""Why a file that does not decode is as it is: cut short, damaged, hostile, or no picture."""

import struct
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from core.errors import ImageError
from core.images.signatures import HEAD_BYTES, recognise

EMPTY = "This file is empty. Download it again or remove it."
CUT_SHORT = "This picture is cut short: its end is missing. Download it again or remove it."
DAMAGED = "This picture is damaged and cannot be read. Download it again or remove it."
TOO_LARGE = "This picture says it is far larger than can be opened safely."
HOSTILE = "This picture unpacks to far more than it shows. It may have been made to do harm."
CANNOT_OPEN = "This file cannot be opened"
CONVERT = "Save it as JPEG or PNG to use it."

# A TIFF counts the values of one pixel in 16 bits. More is a claim to memory, not a picture.
MAX_TIFF_SAMPLES = 0xFFFF
TIFF_SAMPLES_PER_PIXEL = 277
TIFF_NUMBERS = {1: "B", 3: "H", 4: "I"}  # field type to its code in struct


def diagnosis(path: Path, fault: Exception) -> ImageError:
    """The sentence and the kind for a file on which decoding ended with ``fault``."""
    if isinstance(fault, Image.DecompressionBombError | MemoryError):
        return ImageError(TOO_LARGE, kind="too_large")
    if _is_text_bomb(fault):
        return ImageError(HOSTILE, kind="too_large")
    if isinstance(fault, OSError) and fault.errno is not None:
        return cannot_open(fault)
    try:
        with open(path, "rb") as file:
            return _from_content(file, fault)
    except OSError as error:
        return cannot_open(error)


def cannot_open(error: OSError | ValueError) -> ImageError:
    """The system refused the file itself: another day it may be readable."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else "unknown reason"
    return ImageError(f"{CANNOT_OPEN}: {why}.", kind="corrupt", lasting=False)


def too_large(width: int, height: int, max_pixels: int) -> str:
    """The sentence for a picture whose size is known and too much."""
    return (
        f"This picture is {width} by {height} pixels; at most {max_pixels / 1e6:g} million "
        "can be opened safely. Save it smaller to use it."
    )


def _is_text_bomb(fault: Exception) -> bool:
    return isinstance(fault, ValueError) and any(
        words in str(fault)
        for words in ("Decompressed data too large", "Too much memory used in text chunks")
    )


def _from_content(file: BinaryIO, fault: Exception) -> ImageError:
    head = file.read(HEAD_BYTES)
    if not head:
        return ImageError(EMPTY, kind="empty")
    nature, words = recognise(head)
    unknown = isinstance(fault, UnidentifiedImageError)
    if unknown and nature == "unsupported":
        return ImageError(f"This is {words}, which cannot be read. {CONVERT}", kind="unsupported")
    if unknown and nature == "other":
        return ImageError(_no_picture(words), kind="not_an_image")
    if words == "TIFF" and _samples_per_pixel(file) > MAX_TIFF_SAMPLES:
        return ImageError(TOO_LARGE, kind="too_large")
    if "truncated" in str(fault).lower() or _ends_early(file, words):
        return ImageError(CUT_SHORT, kind="truncated")
    return ImageError(DAMAGED, kind="corrupt")


def _no_picture(words: str) -> str:
    what = f"It is {words} under a picture's name." if words else "Nothing in it is a picture."
    return f"This is not a picture. {what}"


def _ends_early(file: BinaryIO, format: str) -> bool:
    """Whether the file ends before the parts its own headers announce."""
    walk = {
        "JPEG": _jpeg_ends_early,
        "PNG": _png_ends_early,
        "GIF": _gif_ends_early,
        "WEBP": _webp_ends_early,
        "JPEG2000": _boxes_end_early,
        "AVIF": _boxes_end_early,
        "HEIF": _boxes_end_early,
    }.get(format)
    return walk is not None and walk(file, file.seek(0, 2))


def _jpeg_ends_early(file: BinaryIO, size: int) -> bool:
    """Whether the headers run past the end. (A scan that does so is the decoder's to notice.)"""
    position = 2
    while True:
        file.seek(position)
        marker = file.read(4)
        if len(marker) < 4:
            return True
        if marker[0] != 0xFF or marker[1] == 0xDA:  # junk, or the scan begins
            return False
        position += 2 + struct.unpack(">H", marker[2:])[0]


def _png_ends_early(file: BinaryIO, size: int) -> bool:
    position = 8
    while position < size:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return True
        length, name = struct.unpack(">I4s", header)
        if not name.isalpha():
            return False
        if name == b"IEND":
            return position + 12 > size
        position += 12 + length
    return True


def _gif_ends_early(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 1))
    return file.read(1) != b";"


def _webp_ends_early(file: BinaryIO, size: int) -> bool:
    file.seek(4)
    announced = file.read(4)
    return len(announced) < 4 or struct.unpack("<I", announced)[0] + 8 > size


def _boxes_end_early(file: BinaryIO, size: int) -> bool:
    """For the ISO containers: boxes, each with its length, one after another."""
    position = 0
    while position < size:
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            return True
        length = struct.unpack(">I", header[:4])[0]
        if length == 1 and len(header) == 16:  # a length of 64 bits follows the name
            length = struct.unpack(">Q", header[8:])[0]
        if length == 0:  # up to the end of the file
            return False
        if length < 8:
            return False
        position += length
    return position > size


def _samples_per_pixel(file: BinaryIO) -> int:
    """How many values a TIFF's first directory claims for a pixel; 0 where it does not say."""
    file.seek(0)
    order = "<" if file.read(2) == b"II" else ">"
    try:
        file.seek(4)
        file.seek(struct.unpack(order + "I", file.read(4))[0])
        (entries,) = struct.unpack(order + "H", file.read(2))
        for _ in range(entries):
            tag, kind, _count, value = struct.unpack(order + "HHI4s", file.read(12))
            if tag == TIFF_SAMPLES_PER_PIXEL and kind in TIFF_NUMBERS:
                return int(struct.unpack_from(order + TIFF_NUMBERS[kind], value)[0])
    except struct.error:  # the directory itself is cut or broken
        return 0
    return 0
