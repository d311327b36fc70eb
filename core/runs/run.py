"""What a finished run is: its settings and figures, and what it said of every photo."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypedDict

import numpy as np

from core.dataset.parts import Part


class Figure(TypedDict):
    """How a run does on one part of its data set's own split."""

    photos: int
    judged: int  # of them, those that a head judged which had not seen them
    wrong: int  # of the judged
    error_rate: float | None  # wrong / judged, 0 to 1


class Split(TypedDict):
    """How a run does on the parts of a data set that brings its own split."""

    judged_on: Part  # the run's own figures: "valid", or "test" without that, or "train"
    parts: dict[Part, Figure]  # those with photos; "train" is judged out of fold


Mode = Literal["quick", "deep"]
Answer = Literal["quick", "deep", "blend"]


class Score(TypedDict):
    """How one of several answers does on the photos that a deep run judged."""

    wrong: int
    judged: int
    error_rate: float  # wrong / judged, 0 to 1
    loss: float  # mean cross-entropy


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished training: enough to show it, use it and repeat it."""

    id: str  # sorts by time
    mode: Mode
    backbone: str
    classes: tuple[str, ...]  # those trained on; predictions and heads use this order
    images: int  # files trained on
    judged: int  # those that a head judged which had not seen them: of them, or by ``split``
    wrong: int  # of the judged
    error_rate: float  # wrong / judged, 0 to 1
    loss: float  # mean cross-entropy of the judged
    seconds: Mapping[str, float]  # by step, such as "embed", "alike", "fit" and "judge"
    l2: float  # penalty on half the squared weights, against the summed loss
    folds: int
    created: float  # seconds since 1970
    step: int | None  # the last step of the journal when the run began; None without any
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # sentences for the user
    split: Split | None = None  # where photos were held out by the data set's own split
    # Of deep runs only. Their figures are deep training's own. On the judged folds predictions are
    # what the kept answer says, or deep's own where quick is kept, whose run then stays in use;
    # elsewhere they are what quick training says out of fold.
    kept: Answer | None = None  # the best answer; "quick": deep training did not beat it
    answers: Mapping[str, Score] | None = None  # of each answer, and of others tried
    judged_folds: tuple[int, ...] | None = None  # folds that the figures are about; None: all


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """One row per file a run was about, N in all, in the order of the data set's paths."""

    file_id: np.ndarray  # (N,) int64
    content: tuple[str, ...]
    given: np.ndarray  # (N,) int16: index of its class, in the run's classes, when it was trained
    # (N,) int8: the head that did not see it; -1 if trained on, not judged. From the run's number
    # of folds on, it is the head from all photos: see ``split``.
    fold: np.ndarray
    probs: np.ndarray  # (N, K) float32: what that head says; not to be trusted where fold is -1

    @property
    def loss(self) -> np.ndarray:
        """(N,) -log of the probability of the given class."""
        loss: np.ndarray = -np.log(np.maximum(self.given_probs, np.finfo(np.float32).tiny))
        return loss

    @property
    def given_probs(self) -> np.ndarray:
        """(N,) probability of the given class."""
        chosen: np.ndarray = self.probs[np.arange(len(self.given)), self.given]
        return chosen

    @cached_property
    def predicted(self) -> np.ndarray:
        """(N,) index of the most probable class."""
        best: np.ndarray = self.probs.argmax(axis=1)
        return best

    @property
    def judged(self) -> np.ndarray:
        """(N,) whether a head judged the row that had not seen it."""
        return self.fold >= 0


def new_run_id(now: float | None = None) -> str:
    """An id that sorts by time, such as 20261122-081530-123456 (UTC)."""
    now = time.time() if now is None else now
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{int(now % 1 * 1e6):06d}"
