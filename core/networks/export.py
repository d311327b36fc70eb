"""Turning a backbone's weights into a file that runs without PyTorch.

``python -m core.networks.export [lite0 ...]`` prepares backbones in the user's cache: all there are
weights for, if none is named. Preparing imports torch, so it belongs in a process of its own.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from core.errors import NetworkError
from core.jobs.progress import Progress, Task
from core.networks.backbones import (
    BACKBONES,
    Backbone,
    Triple,
    backbone_named,
    random_weights,
    weights_file,
    weights_here,
)
from core.user_folders import user_cache

if TYPE_CHECKING:
    import torch

EXPORT_VERSION = 1  # grows when this file writes another graph
RANDOM = "random"  # in place of the file of weights
INPUT, FEATURES, MAPS = "photos", "features", "maps"
RETRY_SECONDS = 24 * 3600
# Largest difference allowed between the exported network and PyTorch, as a share of the largest
# number where that is above 1.
AGREES = 1e-3


def exported_file(backbone: Backbone) -> Path:
    """Where the exported backbone lies once prepared; another name for other library versions.

    Raises:
        NetworkError: If its weights are not here.
    """
    weights = RANDOM if random_weights(backbone) else weights_file(backbone).name
    parts = [EXPORT_VERSION, backbone.name, backbone.architecture, backbone.size, weights]
    parts += [*backbone.mean, *backbone.std]
    parts += [metadata.version(name) for name in ("torch", "timm", "onnxruntime")]
    stamp = hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]
    return _folder() / f"{backbone.name}-{stamp}.onnx"


def prepared(backbone: str) -> bool:
    """Whether the backbone can be used at once."""
    chosen = backbone_named(backbone)
    if not (weights_here(chosen) or random_weights(chosen)):
        return False
    return exported_file(chosen).is_file()


def refusal_file(backbone: Backbone) -> Path:
    """Where the reason is kept if exporting failed."""
    return exported_file(backbone).with_suffix(".failed.txt")


def failed_lately(backbone: Backbone) -> bool:
    """Whether exporting failed within a day: it is not tried on every start, nor given up."""
    try:
        failed_at = refusal_file(backbone).stat().st_mtime
    except FileNotFoundError:
        return False
    return 0 <= time.time() - failed_at < RETRY_SECONDS


def prepare(backbone: str) -> Task[Path]:
    """Export the backbone unless that is done, check it against PyTorch, and return its file.

    Safe if several processes prepare at once: one works, the others wait for it.
    """
    chosen = backbone_named(backbone)
    target = exported_file(chosen)
    with FileLock(target.with_suffix(".lock")):
        if not target.is_file():
            yield Progress(
                phase="prepare", done=0, total=1, message=f"Preparing {chosen.title}, once."
            )
            _export(chosen, target)
            refusal_file(chosen).unlink(missing_ok=True)
    yield Progress(phase="prepare", done=1, total=1, message=f"{chosen.title} is ready.")
    return target


def pytorch_network(backbone: Backbone) -> "torch.nn.Module":
    """The backbone in PyTorch: (N, S, S, 3) uint8 to its mean features and its last feature map.

    Raises:
        NetworkError: If its weights are not here, or are damaged.
    """
    from core.networks.stages import trainable

    return with_pixels(trainable(backbone), mean=backbone.mean, std=backbone.std)


def with_pixels(network: "torch.nn.Module", *, mean: Triple, std: Triple) -> "torch.nn.Module":
    """A network of normalised pixels (N, 3, S, S) to maps (N, D, h, w), made one of photos.

    It takes (N, S, S, 3) uint8 and gives the mean of the maps, (N, D), and the maps.
    """
    import torch

    class PhotoFeatures(torch.nn.Module):
        scale: torch.Tensor
        shift: torch.Tensor

        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network
            by_channel = (1, 3, 1, 1)
            spread, middle = (torch.tensor(x).view(by_channel) for x in (std, mean))
            self.register_buffer("scale", 1 / (255 * spread), persistent=False)
            self.register_buffer("shift", -middle / spread, persistent=False)

        def forward(self, photos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            pixels = photos.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift
            maps = self.network(pixels)  # (N, D, h, w)
            return maps.mean((2, 3)), maps

    return PhotoFeatures(network).eval()


def export_network(
    network: "torch.nn.Module", target: Path, *, size: int, mean: Triple, std: Triple
) -> None:
    """Write a network, such as a fine-tuned one, as a file that runs without PyTorch.

    The file is like a backbone's: photos (N, S, S, 3) uint8 in, mean features and last map out.
    Nothing is left at ``target`` unless its numbers are PyTorch's.

    Args:
        network: Normalised pixels (N, 3, S, S) to maps (N, D, h, w).
        target: The file; replaced if there is one.
        size: S, in pixels.
        mean: Taken off red, green and blue in 0..1.
        std: What they are divided by then.

    Raises:
        NetworkError: If the file's numbers would differ from the network's.
    """
    import torch

    whole = with_pixels(network, mean=mean, std=std)
    photos = made_photos(size, count=2)
    draft = target.with_suffix(f".{os.getpid()}.part")
    try:
        with torch.no_grad():
            torch.onnx.export(
                whole,
                (torch.from_numpy(photos),),
                str(draft),
                input_names=[INPUT],
                output_names=[FEATURES, MAPS],
                dynamic_shapes={"photos": {0: torch.export.Dim("n", min=1, max=65536)}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            expected = whole(torch.from_numpy(photos))
        _check(draft, photos, [tensor.numpy() for tensor in expected])
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _export(backbone: Backbone, target: Path) -> None:
    from core.networks.stages import trainable

    export_network(
        trainable(backbone), target, size=backbone.size, mean=backbone.mean, std=backbone.std
    )


def _check(exported: Path, photos: np.ndarray, expected: Sequence[np.ndarray]) -> None:
    """Refuse an export whose numbers differ from PyTorch's: a wrong file must never be kept."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    for count in (len(photos), 1):  # it must take any number of photos
        found = session.run([FEATURES, MAPS], {INPUT: photos[:count]})
        for got, wanted in zip(found, (each[:count] for each in expected), strict=True):
            difference = float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()))
            if not difference <= AGREES:
                raise NetworkError(
                    f"The exported network differs from PyTorch by {difference:.2g}."
                )


def made_photos(size: int, *, count: int) -> np.ndarray:
    """Noise in the form of photos: (count, size, size, 3) uint8, the same each time."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def _folder() -> Path:
    folder = user_cache() / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main(names: Sequence[str]) -> int:
    """Prepare the named backbones, or all there are weights for; progress on standard error."""
    failed = False
    for name in names or [one.name for one in BACKBONES.values() if weights_here(one)]:
        try:
            for progress in prepare(name):
                print(progress.message, file=sys.stderr, flush=True)  # noqa: T201
        # What the exporter raises is open-ended; whatever it is, Winnow goes on with PyTorch.
        except Exception as error:
            failed = True
            reason = f"{type(error).__name__}: {error}"
            print(f"{name} could not be exported. {reason}", file=sys.stderr)  # noqa: T201
            # Where even the reason cannot be kept, the next start simply tries again.
            with suppress(NetworkError, OSError):
                refusal = refusal_file(backbone_named(name))
                refusal.write_text(reason, "utf-8", errors="replace")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
