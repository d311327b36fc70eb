"""The training loop of one fold: steps, epochs, the best weights, stopping and going on.

A generator like all long work. It keeps a checkpoint at every epoch, once a minute and when it is
left, and what it does next depends on nothing but that checkpoint and its arguments.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from core.dataset.names import photos as count_photos
from core.errors import TrainingError
from core.jobs.progress import Progress, Task
from core.train import checkpoint, unfinished
from core.train.batches import Batch, Inputs, batches
from core.train.checkpoint import Position
from core.train.learner import Learner, part_of, photos_at_once
from core.train.machine import Machine
from core.train.network import DeepNetwork
from core.train.schedules import Schedule, first_batch, schedule_of, steps_of
from core.train.seeds import photo_seed
from core.train.settings import DeepSettings

BETA_SMOOTHED = 0.98  # of the running mean of the loss, as in fastai
SECONDS_BETWEEN_ROWS = 0.25
SECONDS_BETWEEN_CHECKPOINTS = 60.0
JUDGED_AT_ONCE = 32
DIVERGED = 4.0  # times the loss of guessing, smoothed
STEPS_BEFORE_DIVERGING = 8


@dataclass(frozen=True, kw_only=True)
class FoldData:
    """What one fold is trained on and judged by."""

    inputs: Inputs  # of the training photos
    labels: np.ndarray  # (n,) int
    valid_inputs: Callable[[slice, bool], torch.Tensor]  # of held-out photos; mirrored or not
    valid_labels: np.ndarray  # (m,) int
    cached: bool  # whether inputs are activations of the frozen stages

    def __post_init__(self) -> None:
        if not len(self.labels) or not len(self.valid_labels):
            raise ValueError("a fold needs photos to train on and to judge")


class Fitting:
    """One fold in training. ``network`` is changed; after ``run`` it has the best weights."""

    def __init__(
        self,
        network: DeepNetwork,
        settings: DeepSettings,
        data: FoldData,
        *,
        peak: float,
        fold: int,
        machine: Machine,
        folder: Path,
    ) -> None:
        self.settings, self.data, self.folder = settings, data, folder
        self.learner = Learner(network, settings, machine, peak=peak, cached=data.cached)
        batch = first_batch(settings, len(data.labels))
        rate = machine.rate / self.learner.work() if machine.rate else 0.0
        self.position = Position(fold=fold, batch=batch, at_once=photos_at_once(batch, rate))
        self.best: dict[str, torch.Tensor] = {}
        self.guessing = math.log(1 + int(max(data.labels.max(), data.valid_labels.max())))
        self._row_at = self._kept_at = 0.0

    @property
    def schedule(self) -> Schedule:
        """Rates and momentum over the steps, for the batch size as it is now."""
        return schedule_of(self.settings, self.steps)

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return steps_of(len(self.data.labels), self.position.batch)

    def resume(self, found: checkpoint.Checkpoint) -> None:
        """Go on from a checkpoint of a training with the same settings and photos."""
        self.position = replace(found.position)
        self.load(dict(found.tensors))

    def run(self) -> Task[None]:
        """Train to the end of the schedule, or go on to it.

        Raises:
            TrainingError: If it diverges, memory does not suffice for a single photo, or the disk
                is full. What was kept last is still there.
        """
        self._kept_at = time.monotonic()
        if self.position.best_loss is None:
            loss, _ = yield from self.judge_loss()
            self._remember_if_best(loss, epoch=0)
        while self.position.epoch < self.schedule.epochs:
            start = self.state()
            try:
                yield from self._epoch()
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                yield self._progress(self._less_at_once(start))
            except GeneratorExit:
                self.keep()
                raise
        self.use_best()

    def judge_loss(self) -> Task[tuple[float, float]]:
        """Mean cross-entropy and error rate on the held-out photos."""
        labels = torch.from_numpy(self.data.valid_labels.astype(np.int64))
        loss, wrong, done = 0.0, 0, 0
        for logits in self._answers(mirrored=False):
            if done:
                yield self._judging(loss / done, done)
            own = labels[done : done + len(logits)]
            loss += float(functional.cross_entropy(logits, own, reduction="sum"))
            wrong += int((logits.argmax(1) != own).sum())
            done += len(logits)
        return loss / done, wrong / done

    def logits(
        self, report: Callable[[int, int], Progress], *, mirrored: bool
    ) -> Task[torch.Tensor]:
        """(m, K) float32 of the held-out photos; ``report`` gets how many are done, and m."""
        found, done = [], 0
        for logits in self._answers(mirrored=mirrored):
            found.append(logits)
            done += len(logits)
            yield report(done, len(self.data.valid_labels))
        return torch.cat(found)

    def keep(self) -> None:
        """Write a checkpoint."""
        self._kept_at = time.monotonic()
        checkpoint.write(self.folder, self.position, self.state())
        unfinished.tell(
            self.folder,
            settings=self.settings.to_json(),
            epoch=self.position.epoch,
            epochs=self.schedule.epochs,
            fold=self.position.fold,
        )

    def _epoch(self) -> Task[None]:
        began, before = time.monotonic(), self.position.seconds
        for batch in self._batches():
            for so_far in self._step(batch):
                so_far.seconds = before + time.monotonic() - began
                yield self._progress(self._in_words(so_far), metrics=self._row(so_far))
            if time.monotonic() - self._kept_at > SECONDS_BETWEEN_CHECKPOINTS:
                self.keep()
        valid_loss, error_rate = yield from self.judge_loss()
        position = self.position
        train_loss = position.loss_sum / max(1, position.step)
        position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
        self._remember_if_best(valid_loss, epoch=position.epoch)
        position.seconds = before + time.monotonic() - began
        row = {
            "epoch": position.epoch,
            "train_loss": train_loss,
            "valid_loss": valid_loss,
            "error_rate": error_rate,
            "seconds": round(time.monotonic() - began, 2),
        }
        position.epochs.append(row)
        self.keep()
        yield self._progress(
            self._in_words(position), metrics={"kind": "epoch", "fold": position.fold, **row}
        )

    def _answers(self, *, mirrored: bool) -> Iterator[torch.Tensor]:
        """Logits (n, K) of the held-out photos, a few at a time."""
        count = len(self.data.valid_labels)
        for start in range(0, count, JUDGED_AT_ONCE):
            part = slice(start, min(start + JUDGED_AT_ONCE, count))
            yield self.learner.logits(self.data.valid_inputs(part, mirrored))

    def _batches(self) -> Iterator[Batch]:
        position = self.position
        return batches(
            self.data.inputs,
            self.data.labels,
            batch=position.batch,
            seed=photo_seed(self.settings.seed, "order", position.fold),
            epoch=position.epoch,
            first=position.step,
        )

    def step(self, batch: Batch) -> None:
        """Learn from one batch, at the rate of this step of the schedule."""
        for _ in self._step(batch):
            pass

    def try_step(self, batch: Batch, rate: float, at: int) -> float:
        """One step at a rate of the head, the other parts in proportion; its loss before it.

        For the learning-rate finder: nothing is counted. ``state`` and ``load`` undo it.
        """
        self.learner.set_rates(rate / self.learner.peaks[-1], 0.9)
        parts = self.learner.begin(batch, at, self._at_once)
        loss = sum(part.share * self.learner.learn_from(part) for part in parts)
        self.learner.finish()
        return loss

    def _step(self, batch: Batch) -> Iterator[Position]:
        """Learn from a batch, part by part; where training is after each.

        It has taken the step, or none of it: only with the last part the position is another one.
        """
        at = self._steps_done(self.position)
        self.learner.set_rates(self.schedule.factor(at), self.schedule.momentum(at))
        so_far = replace(self.position)
        parts = self.learner.begin(batch, at, self._at_once)
        for number, part in enumerate(parts):
            if number:
                yield so_far
            self._count(so_far, self.learner.learn_from(part), part.share, at)
        self.learner.finish()
        so_far.step, so_far.part = so_far.step + 1, 0.0
        self.position = so_far
        yield so_far

    @property
    def _at_once(self) -> int:
        """Photos that are computed together."""
        whole = not self.learner.divisible or not self.position.at_once
        return self.position.batch if whole else self.position.at_once

    def _count(self, so_far: Position, loss: float, share: float, at: int) -> None:
        """Count the loss of a part of a batch."""
        kept = BETA_SMOOTHED**share
        so_far.part += share
        so_far.loss_sum += loss * share
        so_far.smoothed = kept * so_far.smoothed + (1 - kept) * loss
        so_far.smoothed_steps += share
        if so_far.first_loss is None:
            so_far.first_loss = loss
        unbearable = DIVERGED * max(self.guessing, so_far.first_loss)
        late = so_far.smoothed_steps >= STEPS_BEFORE_DIVERGING
        if not math.isfinite(loss) or (late and _smoothed(so_far) > unbearable):
            raise TrainingError(
                f"The learning rate is too high: training diverged at step {at + 1}. "
                f"Its highest rate was {max(self.learner.peaks):.1g}; choose a tenth of that, or "
                "find a rate first."
            )

    def _remember_if_best(self, valid_loss: float, *, epoch: int) -> None:
        position = self.position
        if position.best_loss is None or valid_loss < position.best_loss:
            position.best_loss, position.best_epoch = valid_loss, epoch
            self.best = {
                name: tensor.detach().clone()
                for name, tensor in self.learner.trained.state_dict().items()
            }

    def use_best(self) -> None:
        """Give the network the weights with the smallest held-out loss so far, if any."""
        if self.best:
            self.learner.trained.load_state_dict(self.best)

    def _less_at_once(self, start: dict[str, torch.Tensor]) -> str:
        """Begin the epoch again with half as many photos at once, or in a batch; says which."""
        position = self.position
        if self._at_once == 1:
            raise TrainingError(
                "There is too little memory to train on even one photo at a time. Close other "
                "programs, choose a smaller image size or another network."
            )
        position.at_once = self._at_once // 2
        if not self.learner.divisible:
            position.batch = position.at_once
        position.step, position.loss_sum = 0, 0.0
        self.load(start)
        if self.learner.divisible:
            return f"Memory is short: {count_photos(position.at_once)} at a time now."
        return f"Memory is short: batches of {position.batch} now."

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of all that changes: weights, best weights, the optimiser's memory."""
        best = {f"best.{name}": tensor.detach().clone() for name, tensor in self.best.items()}
        return self.learner.state() | best

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what ``state`` gave."""
        self.learner.load(state)
        self.best = part_of(state, "best.")

    def _steps_done(self, position: Position) -> int:
        return position.epoch * self.steps + position.step

    def _row(self, so_far: Position) -> dict[str, float | int | str]:
        """A row for the chart of batches, a few times a second."""
        if not self._is_time_for_a_row():
            return {}
        group = self.learner.optimiser.param_groups[-1]
        return {
            "kind": "batch",
            "fold": so_far.fold,
            "step": self._steps_done(so_far) + so_far.part,
            "steps": self.schedule.steps,
            "epoch": so_far.epoch + (so_far.step + so_far.part) / self.steps,
            "train_loss": _smoothed(so_far),
            "lr": group["lr"],
            "momentum": group["betas"][0],
        }

    def _in_words(self, so_far: Position) -> str:
        epochs = self.schedule.epochs
        done = self._steps_done(so_far) + so_far.part
        left = so_far.seconds / max(1, done) * (self.schedule.steps - done)
        at = min(so_far.epoch + 1, epochs)
        return f"Epoch {at} of {epochs}: loss {_smoothed(so_far):.3f}, {_time_left(left)}."

    def _judging(self, loss: float, done: int) -> Progress:
        """Says how far judging is, and what the mean loss would be by what is judged so far."""
        position, epochs = self.position, self.schedule.epochs
        at, count = min(position.epoch + 1, epochs), len(self.data.valid_labels)
        when = f"Epoch {at} of {epochs}" if position.step else "As it is before training"
        message = f"{when}: judging held-out photos, {done:,} of {count:,}."
        row: dict[str, float | int | str] = {}
        if position.step and self._is_time_for_a_row():
            row = {"kind": "judging", "fold": position.fold, "epoch": at, "valid_loss": loss}
        return self._progress(message, metrics=row)

    def _is_time_for_a_row(self) -> bool:
        if time.monotonic() - self._row_at < SECONDS_BETWEEN_ROWS:
            return False
        self._row_at = time.monotonic()
        return True

    def _progress(
        self, message: str, metrics: dict[str, float | int | str] | None = None
    ) -> Progress:
        return Progress(
            phase="train",
            done=self._steps_done(self.position),
            total=self.schedule.steps,
            message=message,
            metrics=metrics or {},
        )


def position_in_words(position: Position) -> dict[str, object]:
    """A position as a run keeps it."""
    kept = asdict(position)
    return {name: kept[name] for name in ("batch", "best_epoch", "best_loss", "epochs", "seconds")}


def _smoothed(position: Position) -> float:
    """The running mean of the loss, corrected for having begun at 0."""
    return float(position.smoothed / (1 - BETA_SMOOTHED**position.smoothed_steps))


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "memory" in str(error).lower() and "alloc" in str(error).lower()
    )


def _time_left(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds left"
    return f"about {round(seconds / 60)} minutes left"
