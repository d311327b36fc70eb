"""Where and how the network is computed: the fastest safe path on this machine, for one network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from core.jobs.progress import Task
from core.networks.engine import usable_cores
from core.networks.speed import finding_training_path


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How tensors and modules are brought onto the device."""

    device: str  # "cpu", "cuda" or "mps"
    channels_last: bool
    bf16: bool  # matrix products in bfloat16, or in what CUDA's AMP takes
    rate: float = 0.0  # photos a second of training all stages; 0: not known

    @property
    def words(self) -> str:
        """What a run keeps of it."""
        layout = "channels last" if self.channels_last else "channels first"
        return f"{self.device}, {layout}, {'bf16' if self.bf16 else 'float32'}"

    def module(self, module: nn.Module) -> nn.Module:
        """The module, on the device and in the layout."""
        if self.channels_last:
            return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
        return module.to(self.device)

    def tensor(self, values: torch.Tensor) -> torch.Tensor:
        """(n, C, h, w), on the device and in the layout."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return values.to(self.device, non_blocking=True).contiguous(memory_format=layout)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """In which the network is called."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            yield


def finding_machine(backbone: str, size: int) -> Task[Machine]:
    """The fastest safe path for training this network, measured once and remembered."""
    torch.set_num_threads(usable_cores())
    path = yield from finding_training_path(backbone, size)
    return Machine(
        device=path.device, channels_last=path.channels_last, bf16=path.bf16, rate=path.training
    )
