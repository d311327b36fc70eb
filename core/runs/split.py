"""Runs on data sets that bring their own split: which photos a figure is about.

No head trains on the photos of ``valid`` and ``test``. In a run's predictions their folds are the
numbers after the run's own, and the run's heads by fold go on with the head from all of ``train``,
which judged them: so for every photo ``fold`` names a head that did not see it.
"""

from collections.abc import Collection

import numpy as np

from core.dataset.names import photos
from core.dataset.parts import Part
from core.runs.run import Figure, Predictions, Run, Split

HELD_OUT: tuple[Part, ...] = ("valid", "test")  # the first with photos gives a run's error rate


def fold_of_part(part: Part, *, folds: int) -> int:
    """The fold that stands for a part held out of all training."""
    return folds + HELD_OUT.index(part)


def in_part(predictions: Predictions, part: Part, *, folds: int) -> np.ndarray:
    """(N,) whether a row is a judged one of this part, in a run with so many folds."""
    fold = predictions.fold
    found: np.ndarray = (
        (fold >= 0) & (fold < folds) if part == "train" else fold == fold_of_part(part, folds=folds)
    )
    return found


def counted(
    predictions: Predictions,
    split: Split | None,
    *,
    folds: int,
    judged_folds: Collection[int] | None = None,
) -> np.ndarray:
    """(N,) the rows that a run's own figures are about.

    ``judged_folds`` are those of a deep run, of its split too: it judged no other photo itself.
    """
    if judged_folds is not None or split is None:
        return judged_itself(predictions, judged_folds)
    return in_part(predictions, split["judged_on"], folds=folds)


def judged_itself(predictions: Predictions, judged_folds: Collection[int] | None) -> np.ndarray:
    """(N,) the judged rows that hold a run's own answer, not one that quick training lent it."""
    if judged_folds is None:
        return predictions.judged
    found: np.ndarray = np.isin(predictions.fold, sorted(judged_folds)) & predictions.judged
    return found


def split_of(predictions: Predictions, sizes: dict[Part, int], *, folds: int) -> Split | None:
    """How a run does on each part; None if no photo was held out of training.

    Photos held out that are copies of others in train cannot be judged. If all are, the run's own
    figures are about train.

    Args:
        predictions: Of the run.
        sizes: How many photos there are in each part, those that were not judged too.
        folds: Of the run.
    """
    parts: dict[Part, Figure] = {}
    for part, number in sizes.items():
        rows = in_part(predictions, part, folds=folds)
        judged = int(rows.sum())
        wrong = int((predictions.predicted != predictions.given)[rows].sum())
        parts[part] = Figure(
            photos=number,
            judged=judged,
            wrong=wrong,
            error_rate=wrong / judged if judged else None,
        )
    if not any(part in parts for part in HELD_OUT):
        return None
    fit = [part for part in HELD_OUT if part in parts and parts[part]["judged"]]
    return Split(judged_on=fit[0] if fit else "train", parts=parts)


def unseen(split: Split | None) -> str:
    """Which photos a figure is about, to follow "17 photos": " in valid that it never saw"."""
    if split is None:
        return " it had not seen"
    part = split["judged_on"]
    return f" in {part} that it {'had not seen' if part == 'train' else 'never saw'}"


def other_parts(run: Run) -> list[str]:
    """How the model does on the parts that its error rate is not about, a sentence each."""
    said: list[str] = []
    if run.split is None:
        return said
    for part, figure in run.split["parts"].items():
        if part == run.split["judged_on"] or not figure["judged"]:
            continue
        how = (
            ", each judged by a model that did not see it"
            if part == "train"
            else " that it never saw"
        )
        said.append(
            f"In {part} it is wrong on {figure['wrong']:,} of {photos(figure['judged'])}{how}."
        )
    return said
