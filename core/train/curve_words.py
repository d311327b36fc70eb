"""What the curves of a training say, in plain words. Imports stay light: pages use it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["early", "improving", "levelled", "overfitting", "diverged"]

BLOWN_UP = 4.0  # times the best smoothed loss, where fast.ai's finder gives up as well
LEAST_BLOWN_UP = 1.5  # below it a batch may be hard by chance
RISEN = 1.05  # times the best held-out loss; less is chance
FALLEN = 0.99  # times the best held-out loss before: less is no progress
EPOCHS_TO_OVERFIT = 2  # after the best one, so that one bad epoch says nothing


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What can be read off the curves."""

    kind: Kind
    sentence: str  # what they say
    advice: str  # what to do; may be empty
    at: int | None = None  # the epoch, or for "diverged" the step, that it is about


def read_curves(rows: Sequence[Mapping[str, Any]], *, finished: bool) -> Reading | None:
    """What the rows of a deep training say about the fold that it reached last.

    Args:
        rows: As the job reports them: of kind "batch" with "fold", "step" and "train_loss", and
            of kind "epoch" with "fold", "epoch", "train_loss" and "valid_loss".
        finished: Whether nothing more will come.

    Returns:
        None while there is nothing to read.
    """
    folds = [row.get("fold") for row in rows if row.get("kind") in ("batch", "epoch")]
    if not folds:
        return None
    of_fold = [row for row in rows if row.get("fold") == folds[-1]]
    batches = [row for row in of_fold if row.get("kind") == "batch"]
    epochs = [row for row in of_fold if row.get("kind") == "epoch"]
    if (step := diverged_at(batches, epochs)) is not None:
        return Reading(
            kind="diverged",
            sentence=f"The rate is too high: the loss ran away at step {step:,}.",
            advice="Stop, take a learning rate ten times smaller, or find one, and start afresh.",
            at=step,
        )
    return _of_epochs(epochs, finished=finished) if epochs else None


def diverged_at(
    batches: Sequence[Mapping[str, Any]], epochs: Sequence[Mapping[str, Any]] = ()
) -> int | None:
    """The step from which the smoothed loss was far above its best, to the end; None if it is not.

    A loss that came down again, as it may after the peak of a one-cycle schedule, has not diverged.
    """
    best, first, since = math.inf, None, None
    for row in batches:
        loss = float(row["train_loss"])
        first = loss if first is None else first
        line = max(BLOWN_UP * best, 1.5 * first, LEAST_BLOWN_UP)
        if math.isfinite(loss) and not loss > line:
            since = None
        elif since is None:
            since = math.ceil(row["step"])
        best = min(best, loss) if math.isfinite(loss) else best
    if since is None and epochs and not math.isfinite(float(epochs[-1]["train_loss"])):
        return math.ceil(batches[-1]["step"]) if batches else 0
    return since


def _of_epochs(epochs: Sequence[Mapping[str, Any]], *, finished: bool) -> Reading:
    losses = [float(row["valid_loss"]) for row in epochs]
    finite = [loss if math.isfinite(loss) else math.inf for loss in losses]
    best = min(range(len(finite)), key=finite.__getitem__)
    best_epoch, last_epoch = int(epochs[best]["epoch"]), int(epochs[-1]["epoch"])
    if len(epochs) == 1:
        return Reading(
            kind="early",
            sentence="One epoch says little yet." if not finished else "One epoch says little.",
            advice="Train for a few more to see where the curves go." if finished else "",
            at=last_epoch,
        )
    if _overfits(epochs, finite, best):
        return _overfitting(epochs, best, best_epoch, finished=finished)
    if best == len(epochs) - 1 and finite[-1] < FALLEN * min(finite[:-1]):
        return Reading(
            kind="improving",
            sentence="Still improving: the loss on held-out photos falls with every epoch."
            if finite == sorted(finite, reverse=True)
            else "Still improving: the loss on held-out photos is the lowest so far.",
            advice="More epochs may help." if finished else "",
            at=last_epoch,
        )
    return Reading(
        kind="levelled",
        sentence="Levelled off: the loss on held-out photos has been about the same since "
        f"epoch {_level_since(finite, epochs):,}.",
        advice="More epochs will hardly help; more photos, or other augmentation, may."
        if finished
        else "",
        at=best_epoch,
    )


def _overfits(epochs: Sequence[Mapping[str, Any]], losses: Sequence[float], best: int) -> bool:
    after = len(epochs) - 1 - best
    rises = losses[-1] > RISEN * losses[best] + 0.001
    learns_on = float(epochs[-1]["train_loss"]) < float(epochs[best]["train_loss"])
    return after >= EPOCHS_TO_OVERFIT and rises and learns_on


def _overfitting(
    epochs: Sequence[Mapping[str, Any]], best: int, best_epoch: int, *, finished: bool
) -> Reading:
    since = best_epoch + 1
    more = ""
    if epochs[-1].get("error_rate", 1.0) < epochs[best].get("error_rate", 0.0):
        more = " It still makes fewer mistakes, but is too sure of those it makes."
    return Reading(
        kind="overfitting",
        sentence=f"Overfitting since epoch {since:,}: it learns these photos by heart and does "
        f"worse on photos it has not seen.{more}",
        advice=f"The weights of epoch {best_epoch:,} are kept. Stronger augmentation, more photos "
        "or fewer epochs help."
        if finished
        else f"The weights of epoch {best_epoch:,} are kept; you can stop now.",
        at=since,
    )


def _level_since(losses: Sequence[float], epochs: Sequence[Mapping[str, Any]]) -> int:
    """The first epoch whose loss was within chance of the best one."""
    lowest = min(losses)
    at = next(i for i, loss in enumerate(losses) if loss <= RISEN * lowest + 0.001)
    return int(epochs[at]["epoch"])
