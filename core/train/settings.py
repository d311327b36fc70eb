"""What deep training was asked to do. Light: pages and the command line import it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from core.errors import TrainingError
from core.networks.backbones import DEFAULT, backbone_named
from core.train.augment_choices import choices_of

Schedule = Literal["one_cycle", "sgdr", "constant"]
Head = Literal["linear", "concat"]

SCHEDULES: tuple[Schedule, ...] = ("one_cycle", "sgdr", "constant")
HEADS: tuple[Head, ...] = ("linear", "concat")
# Peak rates of the head unless somebody chooses. A linear head begins as quick training's, which is
# nearly right already; the other begins with random weights. On 350 photos of cats and kittens,
# each judged once, deep training was wrong on 36 with 3e-4 for the head and a third of that for the
# first trained stage, and on 40 with 1e-4 for all; 1e-3 made it worse from the first epoch on.
USUAL_RATES: Mapping[Head, float] = {"linear": 3e-4, "concat": 1e-3}
FOLDS = 5  # quick training's; one is held out
SMALLEST_SIZE, LARGEST_SIZE = 32, 1024  # pixels
MOST_EPOCHS = 500


@dataclass(frozen=True, kw_only=True)
class DeepSettings:
    """One deep training. JSON-able with ``dataclasses.asdict``; ``from_json`` reads it back."""

    backbone: str = DEFAULT
    head: Head = "linear"  # "concat": mean and maximum of the last map, a hidden layer, dropout
    size: int | None = None  # side of the square the network sees, in pixels; None: the backbone's
    batch: int = 32  # photos per step; halved where they are few, or memory is too short
    epochs: int = 4  # for "sgdr": at least; a cycle is always finished
    schedule: Schedule = "one_cycle"
    cycle_length: int = 1  # of "sgdr", in epochs
    cycle_mult: int = 2  # of "sgdr": each cycle is so many times as long as the last
    lr: float | None = None  # peak rate of the head; None: a good one for these settings
    # Peak rates from the first stages over the middle to the head; empty: see ``spread``.
    lrs: tuple[float, ...] = ()
    spread: float = 3.0  # the first trained stage learns so many times slower than the head
    # Stages before this one are frozen: 0 trains all, as many as there are stages only the head.
    # None: the last stages, which is fastest and rarely worse.
    freeze_to: int | None = None
    augment: str | Mapping[str, float | bool] = "side"  # a preset's name, or choices of one's own
    # Augmented views kept of each photo where stages are frozen; 0: new ones at each epoch.
    views: int | None = None  # None: some where it pays
    weight_decay: float = 0.01
    label_smoothing: float = 0.0  # 0 to 1
    mixup: float = 0.0  # alpha of the Beta distribution; 0: none
    # Whether batch-norm of the trained stages learns too, its statistics with it. If not, it stays
    # as pretrained, which is faster; which of the two is better on photos was not measured.
    batch_norm: bool = False
    tta: bool = True  # judge a photo by itself and its mirror image, where the augmentation flips
    fold: int = 0  # the fold that judges
    all_folds: bool = False  # train and judge with each fold in turn
    seed: int = 0
    share: float = 1.0  # of the training photos used: 0.1 to try out
    start_from: str | None = None  # id of a deep run whose network training goes on from

    def __post_init__(self) -> None:
        backbone_named(self.backbone)
        choices_of(self.augment)
        if problem := _objection(self):
            raise TrainingError(problem)

    @property
    def peak(self) -> float:
        """The head's highest learning rate."""
        if self.lrs:
            return self.lrs[-1]
        return USUAL_RATES[self.head] if self.lr is None else self.lr

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "DeepSettings":
        """Settings as a job or a run kept them; what is not named has its default.

        Raises:
            TrainingError: If a value makes no sense; says which and what to choose.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(kept) - known):
            raise TrainingError(f"Deep training knows no setting called {unknown[0]!r}.")
        given = dict(kept)
        if "lrs" in given:
            given["lrs"] = tuple(given["lrs"])
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """As ``from_json`` takes it."""
        return asdict(self)


def _objection(settings: DeepSettings) -> str | None:
    """Why nothing can be trained by these settings, in a sentence; None if it can."""
    checks = (
        (settings.head in HEADS, f"The head is one of {', '.join(HEADS)}."),
        (settings.schedule in SCHEDULES, f"The schedule is one of {', '.join(SCHEDULES)}."),
        (
            settings.size is None or SMALLEST_SIZE <= settings.size <= LARGEST_SIZE,
            f"The image size is from {SMALLEST_SIZE} to {LARGEST_SIZE} pixels.",
        ),
        (1 <= settings.batch <= 1024, "The batch size is from 1 to 1024."),
        (1 <= settings.epochs <= MOST_EPOCHS, f"The number of epochs is from 1 to {MOST_EPOCHS}."),
        (1 <= settings.cycle_length <= MOST_EPOCHS, "A cycle is at least one epoch long."),
        (1 <= settings.cycle_mult <= 10, "The cycle multiplier is from 1 to 10."),
        (
            all(_is_rate(rate) for rate in (*settings.lrs, *_given(settings.lr))),
            "A learning rate is above 0 and at most 100.",
        ),
        (len(settings.lrs) in (0, 2, 3), "Give two or three learning rates, or one."),
        (1 <= settings.spread <= 1e6, "The spread of the rates is 1 or more."),
        (
            settings.freeze_to is None or settings.freeze_to >= 0,
            "The stage to freeze to is 0 or more.",
        ),
        (settings.views is None or 0 <= settings.views <= 64, "The kept views are at most 64."),
        (0 <= settings.weight_decay <= 10, "The weight decay is from 0 to 10."),
        (0 <= settings.label_smoothing < 1, "The label smoothing is from 0 to below 1."),
        (0 <= settings.mixup <= 10, "Mixup is from 0 to 10."),
        (0 <= settings.fold < FOLDS, f"The fold that judges is from 0 to {FOLDS - 1}."),
        (0 < settings.share <= 1, "The share of photos to train on is above 0 and at most 1."),
        (0 <= settings.seed < 2**63, "The seed is a whole number of 0 or more."),
    )
    return next((sentence for good, sentence in checks if not good), None)


def _given(rate: float | None) -> tuple[float, ...]:
    return () if rate is None else (rate,)


def _is_rate(rate: float) -> bool:
    return math.isfinite(rate) and 0 < rate <= 100
