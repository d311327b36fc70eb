"""Pictures of counted circles, as in a scatter plot: a data set that anyone can judge at a glance.

Size, colour and place are drawn the same way whatever the count, so that only the count tells
the classes apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

SIDE = 256  # pixels
FINER = 4  # drawn this much larger and averaged down, for smooth edges
MARGIN = 8  # pixels to the border

Colour = tuple[int, int, int]

PAPERS: tuple[Colour, ...] = (
    (255, 255, 255),
    (250, 248, 243),
    (244, 246, 248),
    (240, 244, 240),
    (248, 243, 245),
)
# Deep enough to stand out on every paper, told apart by people who see few colours too.
INKS: tuple[Colour, ...] = (
    (15, 118, 110),
    (29, 78, 155),
    (190, 60, 50),
    (202, 110, 20),
    (110, 70, 160),
    (170, 50, 110),
    (60, 110, 50),
    (70, 80, 95),
)


@dataclass(frozen=True, kw_only=True)
class CircleStyle:
    """How large the circles of one sample are, and how far apart at least; in pixels."""

    smallest: float
    largest: float
    gap: float


# Of alike size and well apart: with rings among them, sizes from 15 to 28 and a gap of 8, quick
# training was wrong on 28 % of the pictures instead of 17 %.
FEW = CircleStyle(smallest=15, largest=17, gap=36)
MANY = CircleStyle(smallest=5, largest=11, gap=3)

Look = Literal["filled", "tinted"]


def draw_circles(count: int, style: CircleStyle, random: np.random.Generator) -> Image.Image:
    """A picture with exactly ``count`` circles, none touching another or the border."""
    paper = PAPERS[random.integers(len(PAPERS))]
    picture = Image.new("RGB", (SIDE * FINER, SIDE * FINER), paper)
    pen = ImageDraw.Draw(picture)
    inks = random.permutation(len(INKS))[: random.integers(1, 4)]
    look: Look = ("filled", "tinted")[random.integers(2)]
    for x, y, radius in place_circles(count, style, random):
        ink = INKS[random.choice(inks)]
        draw_one(pen, x, y, radius, ink=ink, paper=paper, look=look)
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def place_circles(
    count: int, style: CircleStyle, random: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Centres and radii of circles that keep their distance, in pixels."""
    while True:
        radii = random.uniform(style.smallest, style.largest, count)
        placed = _try_to_place(sorted(radii.tolist(), reverse=True), style.gap, random)
        if placed is not None:
            return placed


def _try_to_place(
    radii: Sequence[float], gap: float, random: np.random.Generator
) -> list[tuple[float, float, float]] | None:
    placed: list[tuple[float, float, float]] = []
    for radius in radii:
        low, high = MARGIN + radius, SIDE - MARGIN - radius
        for x, y in random.uniform(low, high, (200, 2)):
            if all(
                (x - other_x) ** 2 + (y - other_y) ** 2 >= (radius + other_radius + gap) ** 2
                for other_x, other_y, other_radius in placed
            ):
                placed.append((float(x), float(y), radius))
                break
        else:
            return None
    return placed


def draw_one(
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    radius: float,
    *,
    ink: Colour,
    paper: Colour,
    look: Look,
) -> None:
    """Draw a circle on a picture that is ``FINER`` times as large as it will be."""
    box = [(x - radius) * FINER, (y - radius) * FINER, (x + radius) * FINER, (y + radius) * FINER]
    line = round(max(1.5, radius / 8) * FINER)
    if look == "filled":
        pen.ellipse(box, fill=ink)
    else:
        pen.ellipse(box, fill=_between(ink, paper, 0.55), outline=ink, width=line)


def _between(ink: Colour, paper: Colour, share: float) -> Colour:
    """A tint: ``share`` of the way from the ink to the paper."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(ink, paper, strict=True))
    return red, green, blue
