"""What may be changed about a photo each time it is learnt from.

Light: pages and the command line import it. ``core.train.augment`` does the changing.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.errors import TrainingError

# Grows when the same seed and choices would change a photo otherwise, so that pictures and views
# that were kept never stand for new ones.
VERSION = 1

MOST_ROTATION = 180.0  # degrees
MOST_ZOOM = 3.0
# At 1 a photo may become all black or white; the step before that teaches nothing either.
MOST_LIGHTING = 0.9
MOST_WARP = 0.5  # from 1 on, a corner may come to lie in the middle
LEAST_CROP = 0.05


@dataclass(frozen=True, kw_only=True)
class AugmentChoices:
    """How far a photo may be changed. As it stands without arguments, not at all."""

    flip: bool = False  # left and right swapped, in half of the cases
    flip_vertical: bool = False  # top and bottom swapped, in half of the cases
    quarter_turns: bool = False  # turned by 0, 90, 180 or 270 degrees, each as likely
    rotate: float = 0.0  # turned by at most so many degrees, either way
    zoom: float = 1.0  # enlarged by at most this factor, around any point
    lighting: float = 0.0  # brightness and contrast, 0 to 0.9; 0.2 is what fastai uses
    warp: float = 0.0  # seen from another side, 0 to 0.5; 0.2 is what fastai uses
    crop: float = 1.0  # smallest share of the area that a random crop keeps; 1: no crop
    p_affine: float = 0.75  # how likely each of rotate, zoom and warp is
    p_lighting: float = 0.75  # how likely each of brightness and contrast is

    def __post_init__(self) -> None:
        if problem := _objection(self):
            raise TrainingError(problem)

    @property
    def changes(self) -> bool:
        """Whether a photo may come out different from how it went in."""
        return (
            self.flip or self.flip_vertical or self.quarter_turns or self.resamples or self.lights
        )

    @property
    def resamples(self) -> bool:
        """Whether pixels may come to lie between pixels."""
        affine = self.rotate > 0 or self.zoom > 1 or self.warp > 0
        return (affine and self.p_affine > 0) or self.crop < 1

    @property
    def lights(self) -> bool:
        """Whether brightness or contrast may change."""
        return self.lighting > 0 and self.p_lighting > 0

    @property
    def keeps_counts(self) -> bool:
        """Whether everything that is in the picture is sure to stay in it, and whole."""
        return not self.resamples

    def to_json(self) -> dict[str, float | bool]:
        """As ``choices_of`` takes it."""
        return asdict(self)


def _objection(choices: AugmentChoices) -> str | None:
    """Why photos cannot be changed so, in a sentence; None if they can."""
    for name in ("flip", "flip_vertical", "quarter_turns"):
        if not isinstance(getattr(choices, name), bool):
            return f"{name} is either true or false."
    ranges = (
        ("rotate", 0.0, MOST_ROTATION),
        ("zoom", 1.0, MOST_ZOOM),
        ("lighting", 0.0, MOST_LIGHTING),
        ("warp", 0.0, MOST_WARP),
        ("crop", LEAST_CROP, 1.0),
        ("p_affine", 0.0, 1.0),
        ("p_lighting", 0.0, 1.0),
    )
    for name, least, most in ranges:
        value = getattr(choices, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and math.isfinite(value) and least <= value <= most):
            return f"{name} is a number from {least:g} to {most:g}."
    return None


@dataclass(frozen=True)
class Preset:
    """Choices with a name."""

    name: str  # as in settings and on the command line
    title: str
    sentence: str  # when to take it
    choices: AugmentChoices


def _by_name(*presets: Preset) -> Mapping[str, Preset]:
    return {preset.name: preset for preset in presets}


# The figures are those that fastai's get_transforms and aug_transforms agree on.
PRESETS: Mapping[str, Preset] = _by_name(
    Preset(
        "side",
        "From the side",
        "For most photos: animals, people, things, scenes, wherever up is up. Mirrored, slightly "
        "turned, enlarged, tilted, lighter or darker.",
        AugmentChoices(flip=True, rotate=10.0, zoom=1.1, lighting=0.2, warp=0.2),
    ),
    Preset(
        "above",
        "From above",
        "For what has no up and down: satellite and microscope photos, things on a table. As from "
        "the side, and also upside down and in quarter turns.",
        AugmentChoices(
            flip=True,
            flip_vertical=True,
            quarter_turns=True,
            rotate=10.0,
            zoom=1.1,
            lighting=0.2,
            warp=0.2,
        ),
    ),
    Preset(
        "count",
        "Nothing that changes a count",
        "For how many things are in a photo, or how large they are. Only mirrored, turned by "
        "quarters and slightly lighter or darker, so nothing leaves the picture.",
        AugmentChoices(flip=True, flip_vertical=True, quarter_turns=True, lighting=0.1),
    ),
    Preset(
        "crop",
        "Random crops",
        "For large sets in which any part of a photo shows what it is. Wrong for counting, and "
        "where the thing is small: a crop may miss it.",
        AugmentChoices(flip=True, crop=0.35, lighting=0.2),
    ),
    Preset(
        "none",
        "No changes",
        "For photos that are all taken in the same way, and where mirror images mean something "
        "else: letters, digits, left and right hands.",
        AugmentChoices(),
    ),
)


def preset_named(name: str) -> Preset:
    """The preset of a name.

    Raises:
        TrainingError: If there is none; names those there are.
    """
    if name not in PRESETS:
        raise TrainingError(
            f"There is no way to change photos called {name!r}. There are {', '.join(PRESETS)}."
        )
    return PRESETS[name]


def choices_of(augment: str | Mapping[str, Any]) -> AugmentChoices:
    """What ``DeepSettings.augment`` stands for.

    Args:
        augment: A preset's name, or choices by name; what is not named changes nothing.

    Raises:
        TrainingError: If there is no such preset, or a choice makes no sense.
    """
    if isinstance(augment, str):
        return preset_named(augment).choices
    known = {field.name for field in fields(AugmentChoices)}
    if unknown := sorted(set(augment) - known):
        raise TrainingError(f"Photos cannot be changed by {unknown[0]!r}.")
    return AugmentChoices(**augment)
