"""Counting circles by choice: how many, how large, in which colours, touching or not.

The same choices draw the same pictures. Each has a generator of its own, so more pictures a class,
or further classes of fewer circles, leave those drawn before as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import xxhash
from PIL import Image, ImageDraw

from core.collect.circles import FINER, INKS, PAPERS, Colour, draw_one

Colours = Literal["many", "one"]

SIDES = (96, 128, 192, 256, 384, 512)  # pixels, as offered
MOST_CIRCLES = 100
MOST_CLASSES = 50
MOST_PICTURES = 50_000

SMALLEST_RADIUS = 3.0  # pixels; below, a circle is a dot whose edge is lost when it is resized
LARGEST_SHARE = 1 / 15  # of the side, as radius; few circles do not fill the picture
LARGEST_SHARE_OVERLAPPING = 1 / 8  # few circles must be large to meet
# Circles put down at random jam at 54 % of the area; at a third they find a place at once.
DENSITY = 0.34
# Overlapping ones may lie closer, but keep so far apart that each shows an edge of its own.
DENSITY_OVERLAPPING = 0.75
CLOSEST_OVERLAPPING = 0.7  # of the sum of two radii, between centres
TRIES = 300  # at a place for one circle


@dataclass(frozen=True, kw_only=True)
class CircleChoices:
    """What a person chose. JSON-able with ``dataclasses.asdict``."""

    fewest: int = 1
    most: int = 5
    per_class: int = 100
    side: int = 256  # pixels
    colours: Colours = "many"
    overlap: bool = False
    seed: int = 0

    @property
    def counts(self) -> range:
        """How many circles each class has."""
        return range(self.fewest, self.most + 1)

    @property
    def words(self) -> str:
        """All that decides what a picture looks like, as its provenance names it."""
        colours = "many colours" if self.colours == "many" else "one colour"
        overlap = ", overlapping" if self.overlap else ""
        return (
            f"counted circles, up to {self.most}, {self.side} pixels, {colours}{overlap}, "
            f"seed {self.seed}"
        )


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large circles are and how far apart, in pixels."""

    smallest: float  # radius
    largest: float
    closest: float  # between edges; negative where circles may overlap
    margin: float  # to the border


def objection(choices: CircleChoices) -> str | None:
    """Say why pictures cannot be drawn by these choices and what to change, or return None."""
    if not 1 <= choices.fewest <= choices.most:
        return "The most circles must be as many as the fewest, or more."
    if choices.most > MOST_CIRCLES:
        return f"At most {MOST_CIRCLES} circles can be drawn on a picture."
    if len(choices.counts) > MOST_CLASSES:
        return (
            f"That is {len(choices.counts)} classes; at most {MOST_CLASSES} are drawn at once. "
            "Choose a shorter range."
        )
    if choices.per_class < 1:
        return "Each class needs one picture at least."
    if len(choices.counts) * choices.per_class > MOST_PICTURES:
        return f"More than {MOST_PICTURES:,} pictures. Choose fewer a class, or a shorter range."
    if sizes(choices) is None:
        return _too_full(choices)
    return None


def sizes(choices: CircleChoices) -> Sizes | None:
    """The same sizes for every class, so that only the count tells them apart; None: no room."""
    margin = max(3.0, choices.side / 32)
    inner = choices.side - 2 * margin
    density = DENSITY_OVERLAPPING if choices.overlap else DENSITY
    # Half the distance between the centres of two neighbours.
    reach = math.sqrt(density * inner * inner / (math.pi * choices.most))
    gap = 0.0 if choices.overlap else max(2.0, reach / 4)
    share = LARGEST_SHARE_OVERLAPPING if choices.overlap else LARGEST_SHARE
    largest = min(reach - gap / 2, choices.side * share)
    if largest < SMALLEST_RADIUS:
        return None
    smallest = max(SMALLEST_RADIUS, 0.75 * largest)
    return Sizes(smallest=smallest, largest=largest, closest=gap, margin=margin)


def picture(choices: CircleChoices, count: int, number: int) -> Image.Image:
    """Picture ``number`` of the class of ``count`` circles; always the same.

    Raises:
        ValueError: If there is an objection to the choices.
    """
    found = sizes(choices)
    if found is None:
        raise ValueError("these circles do not fit")
    random = np.random.default_rng((choices.seed, count, number))
    paper = PAPERS[random.integers(len(PAPERS))]
    inks = _inks(choices, random)
    drawn = Image.new("RGB", (choices.side * FINER, choices.side * FINER), paper)
    pen = ImageDraw.Draw(drawn)
    # An outline keeps overlapping circles apart; those that are apart may be plain.
    look: Literal["filled", "tinted"] = (
        "tinted" if choices.overlap else ("filled", "tinted")[random.integers(2)]
    )
    for x, y, radius in _places(found, count, choices, random):
        ink = inks[int(random.integers(len(inks)))]
        draw_one(pen, x, y, radius, ink=ink, paper=paper, look=look)
    return drawn.resize((choices.side, choices.side), Image.Resampling.BOX)


def file_name(choices: CircleChoices, count: int, number: int) -> str:
    """A picture's name, which does not tell how many circles it shows."""
    told = f"{choices.words}, {count} in picture {number}".encode()
    return f"circles_{xxhash.xxh3_64_hexdigest(told)[:10]}.png"


def _inks(choices: CircleChoices, random: np.random.Generator) -> Sequence[Colour]:
    if choices.colours == "one":
        return (INKS[choices.seed % len(INKS)],)
    order = random.permutation(len(INKS))[: random.integers(2, 5)]
    return [INKS[at] for at in order]


def _places(
    found: Sizes, count: int, choices: CircleChoices, random: np.random.Generator
) -> list[tuple[float, float, float]]:
    while True:
        radii = np.sort(random.uniform(found.smallest, found.largest, count))[::-1]
        placed = _try_to_place(found, radii, choices, random)
        if placed is not None:
            return placed


def _try_to_place(
    found: Sizes, radii: np.ndarray, choices: CircleChoices, random: np.random.Generator
) -> list[tuple[float, float, float]] | None:
    centres = np.empty((len(radii), 2))
    for at, radius in enumerate(radii):
        edge = found.margin + radius
        tries = random.uniform(edge, choices.side - edge, (TRIES, 1, 2))
        away = np.hypot(*np.moveaxis(tries - centres[:at], -1, 0))  # (TRIES, at)
        apart = radii[:at] + radius
        closest = apart * CLOSEST_OVERLAPPING if choices.overlap else apart + found.closest
        free = np.flatnonzero((away >= closest).all(axis=1))
        if not free.size:
            return None
        centres[at] = tries[free[0], 0]
    return [
        (float(x), float(y), float(radius)) for (x, y), radius in zip(centres, radii, strict=True)
    ]


def _too_full(choices: CircleChoices) -> str:
    ways = []
    for side in SIDES:
        if side > choices.side and sizes(_with(choices, side=side)) is not None:
            ways.append(f"pictures of {side} pixels")
            break
    fewer = next(
        (most for most in range(choices.most, 0, -1) if sizes(_with(choices, most=most))), None
    )
    if fewer is not None:
        ways.append(f"at most {fewer} circles")
    if not choices.overlap and sizes(_with(choices, overlap=True)) is not None:
        ways.append("let them overlap")
    touching = "" if choices.overlap else " without touching one another"
    return (
        f"{choices.most} circles do not fit on {choices.side} pixels{touching}. "
        f"Choose {', or '.join(ways)}."
    )


def _with(
    choices: CircleChoices,
    *,
    side: int | None = None,
    most: int | None = None,
    overlap: bool | None = None,
) -> CircleChoices:
    changes = {"side": side, "most": most, "overlap": overlap}
    given = {key: value for key, value in changes.items() if value is not None}
    return CircleChoices(**{**asdict(choices), **given})
