"""What frozen stages make of each photo, kept: frozen stages never run twice on the same pixels.

Fastai 0.7's ``precompute``, for a cut after any stage and for several augmented views of a photo.
"""

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xxhash
from torch import nn

from core.jobs.progress import Progress, Task
from core.networks.backbones import backbone_named
from core.networks.stages import normalise
from core.train.augment import augment
from core.train.augment_choices import AugmentChoices
from core.train.kept_arrays import KeptArrays
from core.train.machine import Machine

AT_ONCE = 32  # photos
SETS_KEPT = 2  # with a data set; older ones are deleted, since each may take gigabytes
PLAIN, MIRROR = 0, 1  # views that are no augmentation; further ones are


class Activations:
    """Activations (C, h, w) by content and view, float16 on disk."""

    def __init__(self, kept: KeptArrays) -> None:
        self.kept = kept

    def missing(self, contents: Sequence[str], view: int) -> list[str]:
        """Those contents without this view."""
        keys = {_key(content, view): content for content in contents}
        return [keys[key] for key in self.kept.missing(list(keys))]

    def places(self, contents: Sequence[str], view: int) -> np.ndarray:
        """(n,) int64, for ``rows``."""
        return self.kept.places([_key(content, view) for content in contents])

    def rows(self, places: np.ndarray) -> torch.Tensor:
        """(n, C, h, w) float32, channels last in memory."""
        stored = torch.from_numpy(self.kept.rows(places))  # (n, h, w, C)
        return stored.to(torch.float32).permute(0, 3, 1, 2)


def activations_folder(home: Path, made_by: object) -> Path:
    """Where the activations lie that ``made_by``, JSON-able, decides."""
    told = json.dumps(made_by, sort_keys=True, default=str).encode()
    return home / "activations" / xxhash.xxh3_64_hexdigest(told)


def open_activations(folder: Path, shape: tuple[int, int, int]) -> Activations:
    """Those of this folder; (C, h, w) is the shape of one. Older sets are deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "used").touch()
    others = sorted(
        (other for other in folder.parent.iterdir() if other != folder and other.is_dir()),
        key=_used_at,
        reverse=True,
    )
    for other in others[SETS_KEPT - 1 :]:
        shutil.rmtree(other, ignore_errors=True)
    channels, height, width = shape
    return Activations(KeptArrays(folder, (height, width, channels), np.float16))


def keep_activations(
    kept: Activations,
    frozen: nn.Module,
    copies: KeptArrays,
    wanted: Sequence[tuple[str, int]],
    *,
    seeds: Sequence[int],
    backbone: str,
    choices: AugmentChoices,
    machine: Machine,
) -> Task[None]:
    """Run the frozen stages over those (content, view) that are wanted and not there yet.

    Args:
        kept: Takes them.
        frozen: The stages, on the machine.
        copies: Pixels by content.
        wanted: Contents with the number of a view.
        seeds: Of each, for its augmentation.
        backbone: Says how pixels are normalised.
        choices: The augmentation of views from 2 on; of 1 too where nothing may be mirrored.
        machine: Where the stages run.

    Raises:
        TrainingError: If the disk has no room for them.
    """
    by_key = {
        _key(content, view): (content, view, seed)
        for (content, view), seed in zip(wanted, seeds, strict=True)
    }
    missing = kept.kept.missing(list(by_key))
    kept.kept.refuse_if_no_room(len(missing))
    began = time.monotonic()
    for start in range(0, len(missing), AT_ONCE):
        keys = missing[start : start + AT_ONCE]
        pixels = _views([by_key[key] for key in keys], copies, choices)
        with torch.inference_mode(), machine.computing():
            inputs = machine.tensor(normalise(pixels, backbone_named(backbone)))
            made = frozen(inputs).to(torch.float16).permute(0, 2, 3, 1)
        kept.kept.add(keys, made.cpu().numpy())
        done = start + len(keys)
        rate = done / max(1e-9, time.monotonic() - began)
        yield Progress(
            phase="cache",
            done=done,
            total=len(missing),
            message=f"Passing photos through the frozen stages, once: {rate:.0f} a second.",
        )


def _views(
    some: Sequence[tuple[str, int, int]], copies: KeptArrays, choices: AugmentChoices
) -> torch.Tensor:
    """(n, 3, S, S) uint8 of contents, views and seeds."""
    places = copies.places([content for content, _, _ in some])
    pixels = torch.from_numpy(copies.rows(places)).permute(0, 3, 1, 2)
    changed = pixels.clone()
    made_up = [at for at, (_, view, _) in enumerate(some) if view > MIRROR]
    mirrored = [at for at, (_, view, _) in enumerate(some) if view == MIRROR]
    if mirrored:
        changed[mirrored] = pixels[mirrored].flip(3)
    if made_up:
        seeds = [some[at][2] for at in made_up]
        changed[made_up] = augment(pixels[made_up], seeds, choices)
    return changed


def _key(content: str, view: int) -> str:
    return f"{content}/{view}"


def _used_at(folder: Path) -> float:
    try:
        return (folder / "used").stat().st_mtime
    except OSError:
        return 0.0
