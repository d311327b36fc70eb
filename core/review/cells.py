"""The photos behind one cell of the confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.runs import Predictions


def photos_in_cell(predictions: Predictions, actual: int, predicted: int) -> np.ndarray:
    """Positions of the judged photos of one class that were taken for another, worst first.

    Both are indices into the run's classes; equal ones give the photos that were got right.
    "Worst" is the highest loss; equal losses keep the order of the predictions.
    """
    judged = predictions.fold >= 0
    inside = judged & (predictions.given == actual)
    inside &= predictions.probs.argmax(axis=1) == predicted
    positions = np.flatnonzero(inside)
    order = np.argsort(-predictions.loss[positions], kind="stable")
    found: np.ndarray = positions[order]
    return found
