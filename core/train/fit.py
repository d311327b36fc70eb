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
from torch import nn
from torch.nn import functional

from core.errors import TrainingError
from core.jobs.progress import Progress, Task
from core.networks.backbones import backbone_named
from core.networks.stages import normalise
from core.train import checkpoint, unfinished
from core.train.batches import Batch, Inputs, batches
from core.train.checkpoint import Position
from core.train.machine import Machine
from core.train.network import DeepNetwork, frozen_stages, rate_groups
from core.train.schedules import Schedule, first_batch, schedule_of, steps_of
from core.train.seeds import photo_seed
from core.train.settings import DeepSettings

BETA_SMOOTHED = 0.98  # of the running mean of the loss, as in fastai
BETA_SQUARES = 0.99  # of AdamW's second moment, as in fastai
SECONDS_BETWEEN_ROWS = 0.25
SECONDS_BETWEEN_CHECKPOINTS = 60.0
JUDGED_AT_ONCE = 64
DIVERGED = 4.0  # times the loss of guessing, smoothed
STEPS_BEFORE_DIVERGING = 8
LARGEST_GRADIENT = 1.0  # norm over all parameters; larger ones are scaled down to it


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
        self.settings, self.data, self.machine, self.folder = settings, data, machine, folder
        self.network: DeepNetwork = network
        machine.module(network).eval()
        self.frozen = frozen_stages(settings, len(network.stages))
        self.trained = network.trained(self.frozen)
        network.frozen(self.frozen).requires_grad_(False)
        self.trained.requires_grad_(True)
        groups = rate_groups(network, settings, peak)
        self.peaks = [rate for _, rate in groups]
        self.optimiser = torch.optim.AdamW(
            [{"params": parameters, "lr": rate} for parameters, rate in groups],
            weight_decay=settings.weight_decay,
            fused=True,  # a sixth less time for an epoch of ResNet-34's last stage
        )
        self.position = Position(fold=fold, batch=first_batch(settings, len(data.labels)))
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
        if self.position.epoch == 0 and self.position.step == 0:
            self._remember_if_best(self.judge_loss()[0], epoch=0)
        while self.position.epoch < self.schedule.epochs:
            start = self.state()
            try:
                yield from self._epoch()
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                self._smaller_batches(start)
                yield self._progress(f"Memory is short: batches of {self.position.batch} now.")
            except GeneratorExit:
                self.keep()
                raise
        self.use_best()

    def judge_loss(self) -> tuple[float, float]:
        """Mean cross-entropy and error rate on the held-out photos."""
        logits = self.logits(mirrored=False)
        labels = torch.from_numpy(self.data.valid_labels.astype(np.int64))
        loss = float(functional.cross_entropy(logits, labels))
        return loss, float((logits.argmax(1) != labels).float().mean())

    def logits(self, *, mirrored: bool) -> torch.Tensor:
        """(m, K) float32 of the held-out photos."""
        self._for_judging()
        found = []
        for start in range(0, len(self.data.valid_labels), JUDGED_AT_ONCE):
            part = slice(start, min(start + JUDGED_AT_ONCE, len(self.data.valid_labels)))
            with torch.inference_mode():
                found.append(self._forward(self.data.valid_inputs(part, mirrored)).cpu())
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
        began = time.monotonic()
        before = self.position.seconds
        for batch in self._batches():
            self.step(batch)
            self.position.seconds = before + time.monotonic() - began
            yield self._progress(self._in_words(), metrics=self._row())
            if time.monotonic() - self._kept_at > SECONDS_BETWEEN_CHECKPOINTS:
                self.keep()
        position = self.position
        train_loss = position.loss_sum / max(1, position.step)
        position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
        valid_loss, error_rate = self.judge_loss()
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
            self._in_words(), metrics={"kind": "epoch", "fold": position.fold, **row}
        )

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
        position = self.position
        at = position.epoch * self.steps + position.step
        self._set_rates(at)
        self._count(self._learn(batch, at), at)

    def try_step(self, batch: Batch, rate: float, at: int) -> float:
        """One step at a rate of the head, the other parts in proportion; its loss before it.

        For the learning-rate finder: nothing is counted. ``state`` and ``load`` undo it.
        """
        for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
            group["lr"], group["betas"] = rate * peak / self.peaks[-1], (0.9, BETA_SQUARES)
        return self._learn(batch, at)

    def _learn(self, batch: Batch, at: int) -> float:
        torch.manual_seed(photo_seed(self.settings.seed, "step", at))  # dropout
        self._for_learning()
        loss = self._loss(batch, at)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.trained.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()
        return float(loss.detach())

    def _loss(self, batch: Batch, at: int) -> torch.Tensor:
        labels = batch.labels.to(self.machine.device)
        smoothing = self.settings.label_smoothing
        if not self.settings.mixup:
            logits = self._forward(batch.inputs)
            return functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        random = np.random.default_rng((self.settings.seed, at))
        share = float(random.beta(self.settings.mixup, self.settings.mixup))
        order = torch.from_numpy(random.permutation(len(labels)))
        inputs = self._ready(batch.inputs)
        logits = self._through(share * inputs + (1 - share) * inputs[order])
        own = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        other = functional.cross_entropy(logits, labels[order], label_smoothing=smoothing)
        return share * own + (1 - share) * other

    def _forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self._through(self._ready(inputs))

    def _ready(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.dtype == torch.uint8:
            inputs = normalise(inputs, backbone_named(self.settings.backbone))
        return self.machine.tensor(inputs)

    def _through(self, inputs: torch.Tensor) -> torch.Tensor:
        with self.machine.computing():
            if not self.data.cached and self.frozen:
                with torch.no_grad():
                    inputs = self.network.frozen(self.frozen)(inputs)
            logits: torch.Tensor = self.trained(inputs)
        return logits.float()

    def _for_learning(self) -> None:
        self.network.head.train()  # dropout and the head's own batch-norm
        if self.settings.batch_norm:  # of the stages; otherwise they have none left
            for module in self.trained.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.train()

    def _for_judging(self) -> None:
        self.network.eval()

    def _set_rates(self, at: int) -> None:
        factor, momentum = self.schedule.factor(at), self.schedule.momentum(at)
        for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
            group["lr"], group["betas"] = peak * factor, (momentum, BETA_SQUARES)

    def _count(self, loss: float, at: int) -> None:
        position = self.position
        position.step += 1
        position.loss_sum += loss
        position.smoothed = BETA_SMOOTHED * position.smoothed + (1 - BETA_SMOOTHED) * loss
        position.smoothed_steps += 1
        if position.first_loss is None:
            position.first_loss = loss
        unbearable = DIVERGED * max(self.guessing, position.first_loss)
        late = position.smoothed_steps >= STEPS_BEFORE_DIVERGING
        if not math.isfinite(loss) or (late and self._smoothed() > unbearable):
            raise TrainingError(
                f"The learning rate is too high: training diverged at step {at + 1}. "
                f"Its highest rate was {max(self.peaks):.1g}; choose a tenth of that, or find a "
                "rate first."
            )

    def _smoothed(self) -> float:
        return self.position.smoothed / (1 - BETA_SMOOTHED**self.position.smoothed_steps)

    def _remember_if_best(self, valid_loss: float, *, epoch: int) -> None:
        position = self.position
        if position.best_loss is None or valid_loss < position.best_loss:
            position.best_loss, position.best_epoch = valid_loss, epoch
            self.best = {
                name: tensor.detach().clone() for name, tensor in self.trained.state_dict().items()
            }

    def use_best(self) -> None:
        """Give the network the weights with the smallest held-out loss so far."""
        self.trained.load_state_dict(self.best)

    def _smaller_batches(self, start: dict[str, torch.Tensor]) -> None:
        """Begin the epoch again with half the batch size."""
        if self.position.batch == 1:
            raise TrainingError(
                "There is too little memory to train on even one photo at a time. Close other "
                "programs, choose a smaller image size or another network."
            )
        self.position.batch = max(1, self.position.batch // 2)
        self.position.step, self.position.loss_sum = 0, 0.0
        self.load(start)

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of all that changes: weights, best weights, the optimiser's memory."""
        state = {f"net.{name}": tensor for name, tensor in self.trained.state_dict().items()}
        state |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for number, parameter in enumerate(self.trained.parameters()):
            for name, tensor in self.optimiser.state.get(parameter, {}).items():
                state[f"optimiser.{number}.{name}"] = tensor
        return {name: tensor.detach().clone() for name, tensor in state.items()}

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what ``state`` gave."""

        def part(prefix: str) -> dict[str, torch.Tensor]:
            return {
                name.removeprefix(prefix): tensor
                for name, tensor in state.items()
                if name.startswith(prefix)
            }

        self.trained.load_state_dict(part("net."))
        self.best = part("best.")
        self.optimiser.state.clear()
        for number, parameter in enumerate(self.trained.parameters()):
            if kept := part(f"optimiser.{number}."):
                self.optimiser.state[parameter] = {
                    name: _laid_out_as(parameter, tensor) for name, tensor in kept.items()
                }

    def _row(self) -> dict[str, float | int | str]:
        """A row for the chart of batches, a few times a second."""
        if time.monotonic() - self._row_at < SECONDS_BETWEEN_ROWS:
            return {}
        self._row_at = time.monotonic()
        position = self.position
        at = position.epoch * self.steps + position.step
        return {
            "kind": "batch",
            "fold": position.fold,
            "step": at,
            "steps": self.schedule.steps,
            "epoch": position.epoch + position.step / self.steps,
            "train_loss": self._smoothed(),
            "lr": self.optimiser.param_groups[-1]["lr"],
            "momentum": self.optimiser.param_groups[-1]["betas"][0],
        }

    def _in_words(self) -> str:
        position, epochs = self.position, self.schedule.epochs
        done = position.epoch * self.steps + position.step
        left = position.seconds / max(1, done) * (self.schedule.steps - done)
        at = min(position.epoch + 1, epochs)
        return f"Epoch {at} of {epochs}: loss {self._smoothed():.3f}, {_time_left(left)}."

    def _progress(
        self, message: str, metrics: dict[str, float | int | str] | None = None
    ) -> Progress:
        done = self.position.epoch * self.steps + self.position.step
        return Progress(
            phase="train",
            done=done,
            total=self.schedule.steps,
            message=message,
            metrics=metrics or {},
        )


def position_in_words(position: Position) -> dict[str, object]:
    """A position as a run keeps it."""
    kept = asdict(position)
    return {name: kept[name] for name in ("batch", "best_epoch", "best_loss", "epochs", "seconds")}


def _laid_out_as(parameter: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """A copy with its strides: the fused AdamW walks both side by side and does not look."""
    if kept.ndim == 0:  # the count of steps
        return kept.to(parameter.device).clone()
    return torch.empty_like(parameter, requires_grad=False).copy_(kept)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "memory" in str(error).lower() and "alloc" in str(error).lower()
    )


def _time_left(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds left"
    return f"about {round(seconds / 60)} minutes left"
