"""What a backbone sees of a photo: the one geometry, for features and for heat maps alike."""

from typing import NamedTuple

import numpy as np
from PIL import Image


class Crop(NamedTuple):
    """The part of an upright photo that a backbone sees, in the photo's pixels."""

    left: float
    top: float
    right: float
    bottom: float


def crop_of(width: int, height: int) -> Crop:
    """The square in the middle, as large as the photo allows."""
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return Crop(left, top, left + side, top + side)


def to_batch_item(image: Image.Image, size: int) -> np.ndarray:
    """The photo as a backbone takes it: (size, size, 3) uint8, RGB."""
    square = image.resize(
        (size, size), Image.Resampling.BILINEAR, box=crop_of(*image.size), reducing_gap=2.0
    )
    return np.asarray(square)
