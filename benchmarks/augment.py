"""How long changing a photo takes while training, per preset, on one processor.

    python benchmarks/augment.py [--size 224] [--photos 64] [--rounds 7]

Promised: under 4 ms for a photo of 224 pixels. Beside it stands what the same changes take with
Transforms v2 written as usual, one operation after the other, on the same photos in turn. It fills
the edges with black, which training with it would have to put up with.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torchvision.transforms import v2

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.train.augment import augment
from core.train.augment_choices import PRESETS, AugmentChoices

PROMISED_MS = 4.0


def main() -> int:
    """Measure, print, and fail if the promise is broken."""
    arguments = _arguments()
    torch.set_num_threads(1)
    photos = _photos(arguments.photos, arguments.size)
    print(f"{len(photos)} photos of {arguments.size} pixels, medians of {arguments.rounds} rounds")
    print(f"{'preset':8}{'Winnow':>10}{'v2':>10}   ms a photo")
    slowest = 0.0
    for name, preset in PRESETS.items():
        ours, theirs = _measured(
            partial(_ours, photos, preset.choices),
            partial(_theirs, photos, _peer(name, arguments.size)),
            rounds=arguments.rounds,
            photos=len(photos),
        )
        slowest = max(slowest, ours)
        print(f"{name:8}{ours:10.2f}{theirs:10.2f}")
    kept = slowest < PROMISED_MS or arguments.size > 224
    print(f"slowest {slowest:.2f} ms of {PROMISED_MS:.1f}: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


def _ours(photos: torch.Tensor, choices: AugmentChoices, start: int) -> None:
    augment(photos, range(start, start + len(photos)), choices)


def _theirs(photos: torch.Tensor, peer: v2.Transform, start: int) -> None:
    for photo in photos:
        peer(photo)


def _measured(*tasks: Callable[[int], object], rounds: int, photos: int) -> list[float]:
    """Milliseconds of processor time that each task takes a photo, done in turn."""
    taken: list[list[float]] = [[] for _ in tasks]
    for number in range(rounds + 1):
        for task, times in zip(tasks, taken, strict=True):
            began = time.process_time()
            task(number * photos)
            times.append((time.process_time() - began) / photos * 1000)
    return [statistics.median(times[1:]) for times in taken]  # the first warms up


def _peer(name: str, size: int) -> v2.Transform:
    """The same changes from Transforms v2, as one would write them."""
    lighting = v2.RandomApply([v2.ColorJitter(brightness=0.2, contrast=0.2)], p=0.75)
    bilinear = v2.InterpolationMode.BILINEAR
    affine = v2.RandomApply([v2.RandomAffine(10, scale=(1.0, 1.1), interpolation=bilinear)], p=0.75)
    side = [v2.RandomHorizontalFlip(), v2.RandomPerspective(0.2, p=0.75), affine, lighting]
    flips = [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]
    lists = {
        "side": side,
        "above": [v2.RandomVerticalFlip(), *side],
        "count": [*flips, lighting],
        "crop": [
            v2.RandomResizedCrop(size, scale=(0.35, 1), antialias=False),
            v2.RandomHorizontalFlip(),
            lighting,
        ],
        "none": [v2.Identity()],
    }
    return v2.Compose(lists[name])


def _photos(count: int, size: int) -> torch.Tensor:
    """Smooth colours with some grain (N,3,S,S)."""
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.integers(0, 256, (count, 3, 8, 8)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bilinear")
    grain = torch.from_numpy(random.normal(0, 8, smooth.shape).astype(np.float32))
    return (smooth + grain).clamp(0, 255).to(torch.uint8)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
