"""What makes two files the same photo: their bytes, or else their pixels."""

from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from PIL import Image

# A photo is read in one go; a film saved among them must not fill the memory.
CHUNK_BYTES = 4 * 1024 * 1024


def content_hash(path: Path) -> str:
    """The content of a file as 32 hexadecimal digits: equal bytes, equal digits.

    Raises:
        OSError: If the file cannot be read.
    """
    digest = xxhash.xxh3_128()
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def pixel_hash(picture: "Image.Image") -> str:
    """What a decoded picture shows, as 32 hexadecimal digits: equal pixels, equal digits."""
    digest = xxhash.xxh3_128(f"{picture.mode} {picture.width} {picture.height}".encode())
    digest.update(picture.tobytes())
    return digest.hexdigest()
