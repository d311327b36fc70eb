"""Photos that show the same picture in other bytes: saved again, resized, marked, a little cropped.

A hash has two parts. Where light and dark lie, as 256 bits (pHash: the lowest frequencies of a
cosine transform against their median), finds candidates among many thousands in one sweep. A
picture of 8 by 8 colours then decides: drawings alike in outline and not in colour are no copies.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.images.decode import open_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "phash256-8x8"  # names what a hash holds; another method's hashes do not compare

FREQUENCIES = 16  # a side; 256 bits
GRID = 64  # pixels a side the transform sees
COLOURS = 8  # colours a side that decide
BITS_BYTES = FREQUENCIES**2 // 8
HASH_BYTES = BITS_BYTES + 3 * COLOURS**2

# Decoded to no less than this: JPEGs at a fraction of their size give the same hash down to here.
ENOUGH_PIXELS = 2 * GRID

# Measured on 3,100 photos of five sets: copies saved again, resized, brightened or marked differ in
# 0 to 42 bits, cropped by 2 % in 18 to 36; the two nearest different photos in 66. Pictures of
# circles that differ in colour alone agree in their bits, and to at most 0.91 in their colours;
# copies agree to 0.95 and better.
MOST_BITS = 44
LEAST_AGREEMENT = 0.95

FIRST_ROOM = 1024  # hashes


def near_hash(picture: Path | Image.Image) -> bytes:
    """The perceptual hash of a photo, ``HASH_BYTES`` long.

    Args:
        picture: A file, or the upright picture in it as RGB.

    Raises:
        ImageError: If the file cannot be used as a picture.
    """
    if not isinstance(picture, Image.Image):
        picture = open_rgb(picture, at_least=ENOUGH_PIXELS)
    grey = picture.convert("L").resize((GRID, GRID), Image.Resampling.LANCZOS, reducing_gap=3.0)
    waves = _cosines()
    heights = waves @ np.asarray(grey, dtype=np.float64) @ waves.T
    bits = np.packbits(heights > np.median(heights))
    colours = picture.resize((COLOURS, COLOURS), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return bits.tobytes() + np.asarray(colours, dtype=np.uint8).tobytes()


@cache
def _cosines() -> "NDArray[np.float64]":
    """The lowest rows of the cosine transform, (FREQUENCIES, GRID)."""
    waves = np.arange(FREQUENCIES)[:, None]
    places = 2 * np.arange(GRID)[None] + 1
    return np.asarray(np.cos(np.pi * waves * places / (2 * GRID)))


class NearIndex:
    """Hashes by content, and which of them are near to one. A sweep of 100,000 takes 2 ms."""

    def __init__(self, hashes: Iterable[tuple[str, bytes]] = ()) -> None:
        self._contents: list[str] = []
        self._known: set[str] = set()
        self._bits = np.zeros((FIRST_ROOM, BITS_BYTES // 8), dtype=np.uint64)
        self._colours = np.zeros((FIRST_ROOM, 3 * COLOURS**2), dtype=np.uint8)
        for content, value in hashes:
            self.add(content, value)

    def __len__(self) -> int:
        return len(self._contents)

    def __contains__(self, content: str) -> bool:
        return content in self._known

    def add(self, content: str, value: bytes) -> None:
        """Keep a hash; a content that is there already stays as it is.

        Raises:
            ValueError: If the hash is not one of ``near_hash``.
        """
        bits, colours = _parts(value)
        if content in self._known:
            return
        count = len(self._contents)
        if count == len(self._bits):
            self._bits = np.concatenate([self._bits, np.zeros_like(self._bits)])
            self._colours = np.concatenate([self._colours, np.zeros_like(self._colours)])
        self._bits[count], self._colours[count] = bits, colours
        self._contents.append(content)
        self._known.add(content)

    def nearest(self, value: bytes) -> tuple[str, int] | None:
        """The content that shows the same picture, and in how many of 256 bits it differs.

        None where nothing is near enough to be a copy.
        """
        bits, colours = _parts(value)
        count = len(self._contents)
        apart = np.bitwise_count(self._bits[:count] ^ bits).sum(axis=1)
        close = np.flatnonzero(apart <= MOST_BITS)
        for place in close[np.argsort(apart[close], kind="stable")]:
            if _agreement(self._colours[place], colours) >= LEAST_AGREEMENT:
                return self._contents[place], int(apart[place])
        return None


def are_near(first: bytes, second: bytes) -> bool:
    """Whether two hashes are of the same picture."""
    (bits, colours), (other_bits, other_colours) = _parts(first), _parts(second)
    apart = int(np.bitwise_count(bits ^ other_bits).sum())
    return apart <= MOST_BITS and _agreement(colours, other_colours) >= LEAST_AGREEMENT


def _parts(value: bytes) -> "tuple[NDArray[np.uint64], NDArray[np.uint8]]":
    if len(value) != HASH_BYTES:
        raise ValueError(f"a hash has {HASH_BYTES} bytes, got {len(value)}")
    return (
        np.frombuffer(value, dtype=np.uint64, count=BITS_BYTES // 8),
        np.frombuffer(value, dtype=np.uint8, offset=BITS_BYTES),
    )


def _agreement(first: "NDArray[np.uint8]", second: "NDArray[np.uint8]") -> float:
    """How alike two grids of colours are, whatever their brightness and contrast; 1 is equal."""
    one, other = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((one @ one) * (other @ other)))
    if spread == 0:  # a single colour has no pattern that could agree
        return float(np.array_equal(first, second))
    return float(one @ other) / spread
