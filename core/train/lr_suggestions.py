"""Which learning rates a sweep suggests: the four rules of fastai 2's finder.

A sweep raises the rate from step to step, exponentially, and notes the loss. The rules are those of
fastai's ``callback/schedule.py`` (``valley``, ``slide``, ``minimum``, ``steep``), with the same
points left out before: the first tenth, the last five, and all from the first that is no number.
Valley takes n log n time in place of n squared. A sweep of few points has fewer left out, which
fastai does not do, and a loss that never falls suggests nothing.

Light: pages import it.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

SMOOTHING = 0.98  # how much of the average so far is kept at each step, as fastai does
SKIPPED_AT_END = 5  # points; by then the loss shoots up
WHOLE_SWEEP = 20  # points from which on as many are left out at the end as fastai does
FEWEST = 3  # points that are left; fewer have no shape
LEAST_FALL = 0.1  # share of the points; what falls less only trembles
SLIDE_WINDOW = 15  # points
SLIDE_THRESHOLD = 0.005  # change of the loss's slope, per point


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """Learning rates, each by one rule; None where the rule finds nothing."""

    valley: float | None = None  # in the middle of the longest fall: a good first choice
    slide: float | None = None  # just before the loss turns: the boldest
    minimum: float | None = None  # a tenth of the rate at the lowest loss
    steepest: float | None = None  # where the loss falls fastest

    @property
    def best(self) -> float | None:
        """The one to take where nobody chooses: fastai's default, or what comes nearest to it."""
        named = (self.valley, self.steepest, self.minimum, self.slide)
        return next((rate for rate in named if rate is not None), None)

    def to_json(self) -> dict[str, float | None]:
        return asdict(self)


def suggestions(
    lrs: Sequence[float], losses: Sequence[float], *, planned: int | None = None
) -> Suggestions:
    """What a sweep suggests.

    Args:
        lrs: The rates, rising.
        losses: The smoothed loss at each; may hold NaN and infinities.
        planned: How many points there would have been had the sweep not stopped early; the share
            left out at the start is of these.

    Raises:
        ValueError: If there are not as many losses as rates.
    """
    rates, heights = _used(lrs, losses, planned or len(lrs))
    valley = _valley(rates, heights) if len(heights) >= FEWEST else None
    if valley is None:
        return Suggestions()
    lowest = int(np.argmin(heights))
    return Suggestions(
        valley=valley,
        slide=_slide(rates, heights),
        minimum=rates[lowest] / 10 if lowest else None,
        steepest=_steepest(rates, heights),
    )


def smoothed(losses: Sequence[float]) -> list[float]:
    """The running average of losses, each step counting less the longer ago it was.

    The start is corrected for what it lacks, so the first value is the first loss. From the first
    NaN on all are NaN.
    """
    found: list[float] = []
    average = 0.0
    for step, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        found.append(average / (1 - SMOOTHING**step))
    return found


def _used(
    lrs: Sequence[float], losses: Sequence[float], planned: int
) -> tuple[list[float], list[float]]:
    """The points that the rules look at."""
    if len(lrs) != len(losses):
        raise ValueError(f"{len(lrs)} rates need as many losses, not {len(losses)}.")
    at_end = SKIPPED_AT_END if len(lrs) >= WHOLE_SWEEP else len(lrs) // 4
    # A sweep that stopped early keeps at least half of its points.
    first = min(planned // 10, len(lrs) // 2)
    kept = range(first, len(lrs) - at_end)
    numbers = next((at for at in kept if not math.isfinite(losses[at])), kept.stop)
    kept = range(first, numbers)
    return [float(lrs[at]) for at in kept], [float(losses[at]) for at in kept]


def _valley(lrs: list[float], losses: list[float]) -> float | None:
    """The middle of the longest fall, which may pause and rise in between.

    That is the longest strictly falling subsequence. The middle is counted from as many points
    before its end as it is long, as fastai does.
    """
    # ends[k]: the highest loss, negated, at which a fall of k + 1 points can end so far.
    ends: list[float] = []
    longest, end = 0, 0
    for at, loss in enumerate(losses):
        length = bisect_left(ends, -loss)
        ends[length : length + 1] = [-loss]
        if length + 1 > longest:
            longest, end = length + 1, at
    if longest < max(2, len(losses) * LEAST_FALL):
        return None
    middle = end - longest + int(longest / 3) + int(longest / 6)
    return lrs[max(0, middle)]


def _slide(lrs: list[float], losses: list[float]) -> float | None:
    """The last rate before which the slope has stopped changing, looked for from the end."""
    if len(losses) <= SLIDE_WINDOW:
        return None
    slopes = np.gradient(np.array(losses))
    left, right = len(losses) - 1 - SLIDE_WINDOW, len(losses) - 1
    found = lrs[left]
    while left >= 0 and abs(slopes[right] - slopes[left]) > SLIDE_THRESHOLD:
        found = lrs[left]
        left, right = left - 1, right - 1
    return found


def _steepest(lrs: list[float], losses: list[float]) -> float | None:
    """Where the loss falls most for a rate so many times as high."""
    slopes = [
        (losses[at + 1] - losses[at]) / math.log(after / before)
        for at, (before, after) in enumerate(pairwise(lrs))
    ]
    steepest = int(np.argmin(slopes))
    return lrs[steepest] if slopes[steepest] < 0 else None
