"""The network of one fold and its optimiser: what it says of photos, and one step of learning.

A step computes a few photos at a time and adds up what they teach (gradient accumulation), so that
there is news within a step too, and memory and the processor's caches suffice for longer. In exact
numbers it is the same step: the loss of a batch is the mean over its photos. Only where batch-norm
learns, which looks at the photos of a batch together, is the batch computed as a whole.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from core.networks.backbones import backbone_named
from core.networks.stages import normalise
from core.train.batches import Batch
from core.train.machine import Machine
from core.train.network import DeepNetwork, frozen_stages, rate_groups
from core.train.seeds import photo_seed
from core.train.settings import DeepSettings

BETA_SQUARES = 0.99  # of AdamW's second moment, as in fastai
LARGEST_GRADIENT = 1.0  # norm over all parameters; larger ones are scaled down to it
SECONDS_AT_ONCE = 0.35  # that photos computed together take, a browser beside them half as much


class Part(NamedTuple):
    """Photos of a batch that are computed together."""

    inputs: torch.Tensor  # (n, ...)
    labels: torch.Tensor  # (n,) int64
    others: torch.Tensor | None  # (n,) int64: labels of the photos mixed in, with mixup
    mixed: float  # how much of each photo is its own, 1.0 without mixup
    share: float  # of the batch


class Learner:
    """A network in training. ``network`` is changed."""

    def __init__(
        self,
        network: DeepNetwork,
        settings: DeepSettings,
        machine: Machine,
        *,
        peak: float,
        cached: bool,
    ) -> None:
        """``cached``: whether what it is fed has been through the frozen stages already."""
        self.settings, self.machine, self.cached = settings, machine, cached
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
        self._normed = [one for one in self._learning() for one in one.modules() if _is_norm(one)]

    @property
    def divisible(self) -> bool:
        """Whether a batch may be computed in parts."""
        return not self._normed

    def work(self) -> float:
        """Of a step, as a share of that of training all stages: above 0, at most 1."""
        if not self.cached or not self.frozen:
            return 1.0
        size = self.settings.size or backbone_named(self.settings.backbone).size
        inputs = self.machine.tensor(torch.zeros(1, 3, size, size))
        before, inputs = _operations(self.network.frozen(self.frozen), inputs)
        after, _ = _operations(self.trained, inputs)
        return max(after, 1) / max(before + after, 1)

    def set_rates(self, factor: float, momentum: float) -> None:
        """Rates as a share of their peaks, and the momentum, from now on."""
        for group, peak in zip(self.optimiser.param_groups, self.peaks, strict=True):
            group["lr"], group["betas"] = peak * factor, (momentum, BETA_SQUARES)

    def begin(self, batch: Batch, at: int, at_once: int) -> list[Part]:
        """Begin step ``at``; its batch, at most so many photos at once. Learn from each part."""
        torch.manual_seed(photo_seed(self.settings.seed, "step", at))  # dropout
        self.network.head.train()  # dropout and the head's own batch-norm
        for module in self._normed:
            module.train()
        self.optimiser.zero_grad(set_to_none=True)
        return self._parts(batch, at, at_once if self.divisible else len(batch.labels))

    def learn_from(self, part: Part) -> float:
        """Add up what a part teaches; its mean loss."""
        logits = self.through(self._ready(part.inputs))
        loss = self._loss(logits, part.labels)
        if part.others is not None:
            loss = part.mixed * loss + (1 - part.mixed) * self._loss(logits, part.others)
        torch.autograd.backward(loss * part.share)
        return float(loss.detach())

    def finish(self) -> None:
        """Change the weights by what the parts have taught."""
        nn.utils.clip_grad_norm_(self.trained.parameters(), LARGEST_GRADIENT)
        self.optimiser.step()

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, K) float32 of photos to judge."""
        self.network.eval()
        with torch.inference_mode():
            return self.through(self._ready(inputs)).cpu()

    def through(self, inputs: torch.Tensor) -> torch.Tensor:
        """(n, K) float32 logits of what is on the device."""
        with self.machine.computing():
            if not self.cached and self.frozen:
                with torch.no_grad():
                    inputs = self.network.frozen(self.frozen)(inputs)
            logits: torch.Tensor = self.trained(inputs)
        return logits.float()

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of all that changes: weights and the optimiser's memory."""
        state = {f"net.{name}": tensor for name, tensor in self.trained.state_dict().items()}
        for number, parameter in enumerate(self.trained.parameters()):
            for name, tensor in self.optimiser.state.get(parameter, {}).items():
                state[f"optimiser.{number}.{name}"] = tensor
        return {name: tensor.detach().clone() for name, tensor in state.items()}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what ``state`` gave."""
        self.trained.load_state_dict(part_of(state, "net."))
        self.optimiser.state.clear()
        for number, parameter in enumerate(self.trained.parameters()):
            if kept := part_of(state, f"optimiser.{number}."):
                self.optimiser.state[parameter] = {
                    name: _laid_out_as(parameter, tensor) for name, tensor in kept.items()
                }

    def _learning(self) -> list[nn.Module]:
        """Modules whose batch-norm learns. With ``batch_norm`` off, the stages have none left."""
        return [self.trained] if self.settings.batch_norm else [self.network.head]

    def _parts(self, batch: Batch, at: int, at_once: int) -> list[Part]:
        inputs, labels = batch.inputs, batch.labels.to(self.machine.device)
        others, mixed = None, 1.0
        if self.settings.mixup:
            random = np.random.default_rng((self.settings.seed, at))
            mixed = float(random.beta(self.settings.mixup, self.settings.mixup))
            order = torch.from_numpy(random.permutation(len(labels)))
            inputs = self._ready(inputs)
            inputs, others = mixed * inputs + (1 - mixed) * inputs[order], labels[order]
        parts = []
        for start in range(0, len(labels), at_once):
            part = slice(start, min(start + at_once, len(labels)))
            parts.append(
                Part(
                    inputs=inputs[part],
                    labels=labels[part],
                    others=None if others is None else others[part],
                    mixed=mixed,
                    share=(part.stop - start) / len(labels),
                )
            )
        return parts

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        smoothing = self.settings.label_smoothing
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing)

    def _ready(self, inputs: torch.Tensor) -> torch.Tensor:
        """On the device and in its layout; pixels normalised."""
        if inputs.dtype == torch.uint8:
            inputs = normalise(inputs, backbone_named(self.settings.backbone))
        return self.machine.tensor(inputs)


def photos_at_once(batch: int, rate: float) -> int:
    """How many photos of a batch to compute together, so that there is news often enough.

    Args:
        batch: Photos of a step.
        rate: Photos a second that can be learnt from; 0 if that is not known.
    """
    parts = round(batch / (SECONDS_AT_ONCE * rate)) if rate else 1
    return math.ceil(batch / min(batch, max(1, parts)))


def _operations(module: nn.Module, inputs: torch.Tensor) -> tuple[int, torch.Tensor]:
    """How many multiplications and additions of one photo, and what comes out."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        made = module(inputs)
    return counter.get_total_flops(), made


def part_of(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix)
    }


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


def _laid_out_as(parameter: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """A copy with its strides: the fused AdamW walks both side by side and does not look."""
    if kept.ndim == 0:  # the count of steps
        return kept.to(parameter.device).clone()
    return torch.empty_like(parameter, requires_grad=False).copy_(kept)
