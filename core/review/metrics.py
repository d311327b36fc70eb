"""How well a run does, from what it said of photos it had not seen."""

from dataclasses import dataclass

import numpy as np

from core.runs import Predictions, Run
from core.runs.split import counted


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """How one class fared, over its judged photos."""

    class_name: str
    photos: int  # judged
    wrong: int  # of them, those taken for another class
    loss: float  # mean; nan if none was judged
    confused_with: str | None  # the class it is most often taken for; None if it never is

    @property
    def error_rate(self) -> float | None:
        """Share of its photos that are wrong; None if none was judged."""
        return self.wrong / self.photos if self.photos else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """The figures of one run."""

    error_rate: float  # 0 to 1
    wrong: int
    judged: int
    loss: float  # mean cross-entropy of the judged
    confusion: np.ndarray  # (K, K) int64: [actual, predicted]
    per_class: tuple[ClassRow, ...]  # in the order of the run's classes
    # Pairs of class indices and how many photos, most first: (actual, predicted, count).
    most_confused: tuple[tuple[int, int, int], ...]


def results(run: Run, predictions: Predictions, *, among: np.ndarray | None = None) -> Results:
    """Count what a run got right and wrong.

    Args:
        run: The run.
        predictions: Its predictions.
        among: (N,) which rows to count, all of them judged; without it, those that the run's own
            figures are about.
    """
    if among is None:
        among = counted(predictions, run.split, folds=run.folds, judged_folds=run.judged_folds)
    given, predicted = predictions.given[among].astype(np.int64), predictions.predicted[among]
    loss = predictions.loss[among]
    classes = len(run.classes)
    pairs = np.bincount(given * classes + predicted, minlength=classes * classes)
    confusion = pairs.reshape(classes, classes)
    wrong = int(confusion.sum() - np.trace(confusion))
    return Results(
        error_rate=wrong / max(1, len(given)),
        wrong=wrong,
        judged=len(given),
        loss=float(loss.mean(dtype=np.float64)) if len(loss) else float("nan"),
        confusion=confusion,
        per_class=_per_class(run, given, confusion, loss),
        most_confused=_most_confused(confusion),
    )


def _per_class(
    run: Run, given: np.ndarray, confusion: np.ndarray, loss: np.ndarray
) -> tuple[ClassRow, ...]:
    losses = np.bincount(given, weights=loss, minlength=len(run.classes))
    mistakes = _mistakes(confusion)
    rows = []
    for k, name in enumerate(run.classes):
        photos, wrong = int(confusion[k].sum()), int(mistakes[k].sum())
        rows.append(
            ClassRow(
                class_name=name,
                photos=photos,
                wrong=wrong,
                loss=float(losses[k] / photos) if photos else float("nan"),
                confused_with=run.classes[mistakes[k].argmax()] if wrong else None,
            )
        )
    return tuple(rows)


def _most_confused(confusion: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    mistakes = _mistakes(confusion)
    actual, predicted = np.nonzero(mistakes)
    counts = mistakes[actual, predicted]
    order = np.argsort(-counts, kind="stable")
    return tuple((int(actual[at]), int(predicted[at]), int(counts[at])) for at in order)


def _mistakes(confusion: np.ndarray) -> np.ndarray:
    """The confusion matrix without its diagonal."""
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    return mistakes
