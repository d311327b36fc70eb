"""A training in the middle: all that is needed to go on exactly where it was.

Written beside the last one and renamed over it, so that a full disk or a kill leaves the last one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from core.errors import TrainingError

FILE = "checkpoint.safetensors"


@dataclass(kw_only=True)
class Position:
    """How far a training of one fold is. JSON-able."""

    fold: int
    batch: int  # photos per step
    at_once: int = 0  # of them computed together; 0: all, as before this was kept
    epoch: int = 0  # finished epochs
    step: int = 0  # finished steps of the epoch that follows
    part: float = 0.0  # of the next step that is computed; 0 wherever it is kept
    loss_sum: float = 0.0  # of those steps
    smoothed: float = 0.0  # bias-corrected running mean of the loss, before correction
    smoothed_steps: float = 0.0
    best_loss: float | None = None  # smallest held-out loss
    best_epoch: int = 0
    first_loss: float | None = None
    epochs: list[dict[str, float]] = field(default_factory=list)  # rows as reported
    seconds: float = 0.0  # of training, over all tries


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What was read."""

    position: Position
    tensors: Mapping[str, torch.Tensor]  # "net.*", "best.*", "optimiser.*"


def write(folder: Path, position: Position, tensors: Mapping[str, torch.Tensor]) -> None:
    """Keep a checkpoint in place of the last one.

    Raises:
        TrainingError: If it cannot be written; what was there before is still there.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    raw = save(whole, metadata={"position": json.dumps(asdict(position))})
    draft = folder / f"{FILE}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, folder / FILE)
    except OSError as error:
        draft.unlink(missing_ok=True)
        reached = f"epoch {position.epoch}" if position.epoch else "its beginning"
        raise TrainingError(
            f"Training could not be kept in {folder}: {error.strerror or error}. Make room there, "
            f"then press Resume: it goes on from what was kept last, at the latest from {reached}."
        ) from error


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint, or None where there is none that can be read."""
    try:
        with safe_open(str(folder / FILE), framework="pt") as file:
            position = Position(**json.loads(file.metadata()["position"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    return Checkpoint(position=position, tensors=tensors)


def about(folder: Path, name: str) -> dict[str, Any] | None:
    """A JSON file beside the checkpoint; None where there is none."""
    try:
        kept: dict[str, Any] = json.loads((folder / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return kept
