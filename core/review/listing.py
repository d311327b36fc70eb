"""Which of a run's photos to look at, and in which order.

The order depends on the run alone, not on what became of the photos since: while somebody works
through a list, nothing in it moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from core.runs import Predictions

Which = Literal["wrong", "unsure", "all"]

# The model wavers where its first choice leads its second by less than this probability.
UNSURE_LEAD = 0.3


def listed(
    predictions: Predictions,
    which: Which = "all",
    *,
    given: int | None = None,
    predicted: int | None = None,
    among: np.ndarray | None = None,
) -> np.ndarray:
    """Positions in the predictions of the judged photos asked for, highest loss first.

    Args:
        predictions: Of a run.
        which: "wrong": the model names another class; "unsure": its two best classes are close,
            the closest first.
        given: Only photos of this class, an index into the run's classes.
        predicted: Only photos for which the model names this class.
        among: (N,) only these.
    """
    best = predictions.predicted  # (N,)
    wanted = predictions.judged
    if among is not None:
        wanted = wanted & among
    if given is not None:
        wanted = wanted & (predictions.given == given)
    if predicted is not None:
        wanted = wanted & (best == predicted)
    order = -predictions.loss
    if which == "wrong":
        wanted = wanted & (best != predictions.given)
    elif which == "unsure":
        order = lead_of_best(predictions.probs)
        wanted = wanted & (order < UNSURE_LEAD)
    positions = np.flatnonzero(wanted)
    found: np.ndarray = positions[np.argsort(order[positions], kind="stable")]
    return found


def lead_of_best(probs: np.ndarray) -> np.ndarray:
    """How far the best class leads the second, (N,); certain where there is one class only."""
    if probs.shape[1] < 2:
        return np.ones(len(probs), dtype=np.float32)
    two = np.partition(probs, -2, axis=1)[:, -2:]  # (N, 2), ascending
    lead: np.ndarray = two[:, 1] - two[:, 0]
    return lead
