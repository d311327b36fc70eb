"""scikit-learn's handwritten digits as pictures: 1,797 of them, ten classes."""

import numpy as np
from PIL import Image

SIDE = 128  # pixels
INK, PAPER = (28, 45, 72), (250, 248, 243)
DARKEST = 16  # the grey levels are 0 to 16
BORDER = 1  # of paper, in the digits' own coarse pixels


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """The digits (N, 8, 8) with 0 to 16 as ink, and which digit each is (N,)."""
    from sklearn.datasets import load_digits as bundled  # 2 s to import: only where it is needed

    digits = bundled()
    return np.asarray(digits.images), np.asarray(digits.target)


def draw_digit(digit: np.ndarray) -> Image.Image:
    """One digit, (8, 8) with 0 to 16 as ink, large and smooth, as if in ink on paper."""
    ink = np.pad(digit.astype(np.float32) / DARKEST, BORDER)  # (10, 10)
    smooth = Image.fromarray(ink).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(smooth), 0, 1)[..., None]  # (H, W, 1)
    # A pen's line has an edge: what is mostly ink becomes ink, what is mostly paper paper.
    share = share * share * (3 - 2 * share)
    colours = share * np.array(INK) + (1 - share) * np.array(PAPER)
    return Image.fromarray(colours.round().astype(np.uint8))
