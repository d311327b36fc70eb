"""The network that deep training changes: the stages of a backbone, and a head on their last map.

Unless batch-norm is to learn too, its statistics stay those of the pretraining: they are part of
the convolutions, as ``core.networks.stages`` explains.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.errors import RunError
from core.networks.backbones import backbone_named
from core.networks.stages import fold_batch_norm, trainable
from core.train.settings import DeepSettings

HIDDEN = 512  # of the concat-pool head, as in fastai
DROPOUT = (0.25, 0.5)
# The head learns at the peak rate. Below it the rate falls evenly, on a log scale, to the first
# trained stage.


class DeepNetwork(nn.Module):
    """Stages, then a head on the last map (N, D, h, w)."""

    stages: nn.Sequential
    head: nn.Module

    def __init__(self, stages: nn.Sequential, head: nn.Module) -> None:
        super().__init__()
        self.stages, self.head = stages, head

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S) normalised to logits (N, K)."""
        logits: torch.Tensor = self.head(self.stages(pixels))
        return logits

    def frozen(self, count: int) -> nn.Sequential:
        """The first stages, as one module."""
        return nn.Sequential(*list(self.stages)[:count])

    def trained(self, count: int) -> nn.Sequential:
        """The stages after them and the head, as one module."""
        return nn.Sequential(*list(self.stages)[count:], self.head)


class LinearHead(nn.Module):
    """A linear layer on the mean of the last map: quick training's head."""

    def __init__(self, dimensions: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(dimensions, classes)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, D, h, w) to logits (N, K)."""
        logits: torch.Tensor = self.linear(maps.mean((2, 3)))
        return logits


class ConcatHead(nn.Module):
    """fastai's head: maximum and mean of the map, a hidden layer, batch-norm and dropout."""

    def __init__(self, dimensions: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(2 * dimensions),
            nn.Dropout(DROPOUT[0]),
            nn.Linear(2 * dimensions, HIDDEN),
            nn.ReLU(),
            nn.BatchNorm1d(HIDDEN),
            nn.Dropout(DROPOUT[1]),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(N, D, h, w) to logits (N, K)."""
        pooled = torch.cat([maps.amax((2, 3)), maps.mean((2, 3))], dim=1)
        logits: torch.Tensor = self.layers(pooled)
        return logits


def new_network(
    settings: DeepSettings, classes: int, quick: tuple[np.ndarray, np.ndarray] | None
) -> DeepNetwork:
    """The pretrained network; a linear head begins as quick training's, if that is given.

    Args:
        settings: Which backbone, head and seed.
        classes: K.
        quick: Weight (K, D) and bias (K,) of the head that has not seen the judging photos.
    """
    torch.manual_seed(settings.seed)  # of the head's first weights
    backbone = backbone_named(settings.backbone)
    stages: nn.Module = trainable(backbone)
    if not settings.batch_norm:
        stages = fold_batch_norm(stages)
    assert isinstance(stages, nn.Sequential)
    head: nn.Module
    if settings.head == "concat":
        head = ConcatHead(backbone.dimensions, classes)
    else:
        head = LinearHead(backbone.dimensions, classes)
        if quick is not None:
            with torch.no_grad():
                head.linear.weight.copy_(torch.from_numpy(quick[0]))
                head.linear.bias.copy_(torch.from_numpy(quick[1]))
    return DeepNetwork(stages, head)


def frozen_stages(settings: DeepSettings, stages: int) -> int:
    """How many of so many stages stay as they are."""
    if settings.freeze_to is None:
        return max(0, stages - LAST_STAGES)
    return min(settings.freeze_to, stages)


# What is trained unless somebody chooses otherwise: of EfficientNet-Lite the last two blocks and
# the layer after them, four fifths of all weights at an eighth of the work of all stages.
LAST_STAGES = 3


def rate_groups(
    network: DeepNetwork, settings: DeepSettings, peak: float
) -> list[tuple[list[nn.Parameter], float]]:
    """Parameters with their peak learning rate, from the first trained stage to the head."""
    frozen = frozen_stages(settings, len(network.stages))
    parts = [*list(network.stages)[frozen:], network.head]
    rates = stage_rates(settings, peak, len(parts))
    return [(list(part.parameters()), rate) for part, rate in zip(parts, rates, strict=True)]


def stage_rates(settings: DeepSettings, peak: float, count: int) -> list[float]:
    """Peak rates of ``count`` parts, the last of which is the head.

    Two rates are the ends of an even range; of three, the first half of the stages, the second
    half and the head have one each, as in fastai's three layer groups.
    """
    if len(settings.lrs) == 3:
        body = count - 1
        return [settings.lrs[0] if at < body / 2 else settings.lrs[1] for at in range(body)] + [
            settings.lrs[2]
        ]
    low, high = settings.lrs if settings.lrs else (peak / settings.spread, peak)
    if count == 1:
        return [high]
    return [float(rate) for rate in np.geomspace(low, high, count)]


def save_network(network: DeepNetwork, path: Path, about: Mapping[str, Any]) -> None:
    """Write the weights; ``about`` is what is needed to build the same network again."""
    from safetensors.torch import save

    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    path.write_bytes(save(tensors, metadata={"about": json.dumps(dict(about))}))


def load_weights(network: DeepNetwork, path: Path) -> None:
    """Read weights that ``save_network`` wrote into a network built the same way.

    Raises:
        RunError: If the file is gone, damaged, or of another network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"The network in {path} cannot be read. Start from another run, or anew."
        ) from error
    except RuntimeError as error:
        raise RunError(
            f"The network in {path} has other classes, another head or another backbone. "
            "Start from a run with the same ones, or anew."
        ) from error
