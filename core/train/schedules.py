"""How the learning rate and the momentum go over a training, step by step.

Light: pages draw a schedule before anything is trained.

- one cycle: fastai 2, ``callback/schedule.py::fit_one_cycle``, after Smith, "Super-Convergence"
  (arXiv 1708.07120): up to the peak and down to nearly nothing, along cosines; momentum goes the
  other way.
- SGDR: fastai 2, ``fit_sgdr``, after Loshchilov and Hutter (arXiv 1608.03983): down along a cosine
  to nothing, then again from the peak, each cycle some times as long as the last.
- constant: the peak throughout.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from core.train.settings import DeepSettings
from core.train.settings import Schedule as Kind

DIV = 25.0  # a cycle starts at the peak divided by this
DIV_FINAL = 1e5  # and ends at the peak divided by this
PCT_START = 0.25  # share of the steps in which the rate rises
MOMENTA = (0.95, 0.85, 0.95)  # at start, peak and end of one cycle
STEADY_MOMENTUM = 0.9  # for the other schedules
# Few photos in large batches make so few steps that nothing is learnt.
FEWEST_STEPS = 4  # of an epoch, while batches are larger than
SMALLEST_BATCH = 4


@dataclass(frozen=True)
class Schedule:
    """Rate and momentum of each step."""

    kind: Kind
    steps_per_epoch: int
    cycles: tuple[int, ...]  # their lengths in epochs; one for what does not restart

    @property
    def epochs(self) -> int:
        """How many there are in all: for SGDR, until the last cycle is finished."""
        return sum(self.cycles)

    @property
    def steps(self) -> int:
        """How many there are in all."""
        return self.epochs * self.steps_per_epoch

    def factor(self, step: int) -> float:
        """The rate of a step, counted from 0, as a share of the peak; after the end, the end's."""
        if self.kind == "constant":
            return 1.0
        done = self._share_of_cycle(step)
        if self.kind == "sgdr":
            return _cosine(1.0, 0.0, done)
        if done < PCT_START:
            return _cosine(1 / DIV, 1.0, done / PCT_START)
        return _cosine(1.0, 1 / DIV_FINAL, (done - PCT_START) / (1 - PCT_START))

    def momentum(self, step: int) -> float:
        """The momentum of a step: SGD's, or the first beta of Adam."""
        if self.kind != "one_cycle":
            return STEADY_MOMENTUM
        done = self._share_of_cycle(step)
        if done < PCT_START:
            return _cosine(*MOMENTA[:2], done / PCT_START)
        return _cosine(*MOMENTA[1:], (done - PCT_START) / (1 - PCT_START))

    def restarts(self) -> tuple[int, ...]:
        """The steps at which a cycle starts, the first left out."""
        return tuple(end * self.steps_per_epoch for end in accumulate(self.cycles))[:-1]

    def _share_of_cycle(self, step: int) -> float:
        """How much of the cycle that a step is in is done before it, 0 to 1."""
        starts = 0
        for length in self.cycles:
            steps = length * self.steps_per_epoch
            if step < starts + steps:
                return max(0, step - starts) / steps
            starts += steps
        return 1.0


def schedule_of(settings: DeepSettings, steps_per_epoch: int) -> Schedule:
    """The schedule that settings ask for, with at least one step in an epoch."""
    return Schedule(
        kind=settings.schedule,
        steps_per_epoch=max(1, steps_per_epoch),
        cycles=tuple(_cycles(settings)),
    )


def steps_of(count: int, batch: int) -> int:
    """Steps of an epoch. A last batch of a single photo, which no batch-norm takes, is left out."""
    full, rest = divmod(count, batch)
    return max(1, full + (rest > 1))


def first_batch(settings: DeepSettings, count: int) -> int:
    """The batch size that training on so many photos begins with: halved where they are few."""
    batch = min(settings.batch, count)
    while steps_of(count, batch) < FEWEST_STEPS and batch // 2 >= SMALLEST_BATCH:
        batch //= 2
    return batch


def total_epochs(settings: DeepSettings) -> int:
    """How many epochs a training by these settings has; SGDR finishes its last cycle."""
    return sum(_cycles(settings))


def points(schedule: Schedule, at_most: int = 200) -> list[dict[str, float]]:
    """Rows for a chart: ``step``, ``epoch`` (with fractions), ``rate`` (0 to 1), ``momentum``.

    First and last step are there, and both sides of each restart, else it would look like a slope.
    """
    last = schedule.steps - 1
    evenly = max(2, min(at_most, schedule.steps))
    chosen = {round(at * last / (evenly - 1)) for at in range(evenly)}
    for restart in schedule.restarts():
        chosen |= {restart - 1, restart}
    return [
        {
            "step": float(step),
            "epoch": step / schedule.steps_per_epoch,
            "rate": schedule.factor(step),
            "momentum": schedule.momentum(step),
        }
        for step in sorted(chosen)
    ]


def _cycles(settings: DeepSettings) -> Iterator[int]:
    """Lengths in epochs, until there are as many as asked for."""
    if settings.schedule != "sgdr":
        yield settings.epochs
        return
    length, left = settings.cycle_length, settings.epochs
    while left > 0:
        yield length
        left -= length
        length *= settings.cycle_mult


def _cosine(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine."""
    return start + (1 + math.cos(math.pi * (1 - share))) * (end - start) / 2
