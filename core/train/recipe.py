"""The recipe of fast.ai's first lesson: eight steps, each going on from what the last one found.

Light: pages import it. What is here says which settings a step trains by and what is done; a page
starts the work. The steps are those at the end of lesson 1 of the 2018 course: augment and
precompute, find the rate, train the last layer, train it with augmentation, unfreeze, lower rates
for early layers, find the rate again, train all until overfitting.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from core.networks.backbones import DEFAULT
from core.train.settings import DeepSettings

AUGMENT, FIND, LAST, AUGMENTED, UNFREEZE, LOWER, FIND_AGAIN, FULL = range(1, 9)
STEPS = range(AUGMENT, FULL + 1)
SEARCHES = (FIND, FIND_AGAIN)  # steps whose result is a rate
TRAININGS = (LAST, AUGMENTED, FULL)  # steps whose result is a run
ONLY_THE_LAST_LAYER = 99  # more stages than any network has
RATIOS = (3, 10)  # how many times lower the rate of each earlier group of layers is
EPOCHS_LAST, EPOCHS_AUGMENTED = 2, 3  # as in the lesson
EPOCHS_FULL = 7  # cycles of 1, 2 and 4

Result = float | str  # a rate, the id of a run, or that it is done


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A step that is being done by a job."""

    step: int
    job: str  # id; a job that goes on with it has a later one
    further: bool = False  # whether the last step goes on from its own run


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How far somebody is, kept with the data set."""

    backbone: str = DEFAULT
    augment: str | Mapping[str, float | bool] = "side"
    views: int = 4  # kept of each photo
    ratio: Literal[3, 10] = 10
    done: Mapping[int, Result] = field(default_factory=dict)  # by step
    pending: Pending | None = None

    @classmethod
    def from_text(cls, text: str | None) -> "Recipe":
        """As ``to_text`` gave it; a new one where nothing was kept, or it cannot be read."""
        try:
            kept = json.loads(text or "{}")
            known = {f.name: kept[f.name] for f in fields(cls) if f.name in kept}
            known["done"] = {int(step): value for step, value in kept.get("done", {}).items()}
            if known.get("pending"):
                known["pending"] = Pending(**known["pending"])
            return cls(**known)
        except (ValueError, TypeError, AttributeError):
            return cls()

    def to_text(self) -> str:
        """For ``from_text``."""
        return json.dumps(asdict(self))

    @property
    def next(self) -> int | None:
        """The first step that is not done; None after the last."""
        return next((step for step in STEPS if step not in self.done), None)

    def with_result(self, step: int, result: Result) -> "Recipe":
        """A step done, for the first time or anew: what later steps built on it is forgotten."""
        kept = {one: value for one, value in self.done.items() if one < step}
        return replace(self, done={**kept, step: result}, pending=None)

    def with_rate(self, step: int, rate: float) -> "Recipe":
        """Another rate taken from the same search: what was trained with the old one is forgotten.

        Raises:
            ValueError: If that step looks for no rate.
        """
        if step not in SEARCHES:
            raise ValueError(f"step {step} looks for no rate")
        return self.with_result(step, rate)

    def rate(self, step: int) -> float:
        """The rate that a step found; a careful one before."""
        found = self.done.get(step)
        return found if isinstance(found, float) else 1e-3

    def run(self, step: int) -> str | None:
        """The run that a step trained."""
        found = self.done.get(step)
        return found if isinstance(found, str) and step in TRAININGS else None


def settings_for(recipe: Recipe, step: int, *, further: bool = False) -> DeepSettings:
    """What the job of a step is asked for.

    Args:
        recipe: With the steps before done.
        step: One of ``SEARCHES`` or ``TRAININGS``.
        further: Whether the last step goes on from its own run.

    Raises:
        ValueError: If a step needs no job.
        TrainingError: If what was kept makes no sense any more.
    """
    common: dict[str, Any] = {"backbone": recipe.backbone}
    head: dict[str, Any] = {**common, "freeze_to": ONLY_THE_LAST_LAYER}
    changed: dict[str, Any] = {"augment": recipe.augment, "views": recipe.views}
    whole: dict[str, Any] = {
        **common,
        "augment": recipe.augment,
        "freeze_to": 0,
        "schedule": "sgdr",
        "cycle_length": 1,
        "cycle_mult": 2,
        "epochs": EPOCHS_FULL,
        "start_from": recipe.run(AUGMENTED),
    }
    lr = recipe.rate(FIND)
    if step == FIND:
        return DeepSettings(**head, augment="none")
    if step == LAST:
        return DeepSettings(**head, augment="none", lr=lr, epochs=EPOCHS_LAST)
    if step == AUGMENTED:
        restarts: dict[str, Any] = {"schedule": "sgdr", "cycle_length": 1, "cycle_mult": 1}
        start = recipe.run(LAST)
        return DeepSettings(
            **head, **changed, **restarts, lr=lr, epochs=EPOCHS_AUGMENTED, start_from=start
        )
    if step == FIND_AGAIN:
        return DeepSettings(**{**whole, "lrs": group_rates(lr, recipe.ratio)})
    if step == FULL:
        start = recipe.run(FULL) if further else recipe.run(AUGMENTED)
        lrs = group_rates(recipe.rate(FIND_AGAIN), recipe.ratio)
        return DeepSettings(**{**whole, "lrs": lrs, "start_from": start})
    raise ValueError(f"step {step} needs no job")


def group_rates(rate: float, ratio: int) -> tuple[float, float, float]:
    """Rates of early, middle and last layers."""
    return (rate / ratio**2, rate / ratio, rate)
