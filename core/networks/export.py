"""Turning a backbone's weights into a file that runs without PyTorch.

``python -m core.networks.export [lite0 ...]`` prepares backbones (all, if none is named) in the
user's cache. Preparing imports torch and timm, so it belongs in a process of its own.
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
from core.networks.backbones import BACKBONES, Backbone, backbone_named, weights_file
from core.user_folders import user_cache

if TYPE_CHECKING:
    import torch

EXPORT_VERSION = 1  # grows when this file writes another graph
INPUT, FEATURES, MAPS = "photos", "features", "maps"
RETRY_SECONDS = 24 * 3600
AGREES = 1e-3  # largest difference allowed between the exported network and PyTorch


def exported_file(backbone: Backbone) -> Path:
    """Where the exported backbone lies once prepared; another name for other library versions."""
    parts = [EXPORT_VERSION, backbone, weights_file(backbone).name]
    parts += [metadata.version(name) for name in ("torch", "timm", "onnxruntime")]
    stamp = hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]
    return _folder() / f"{backbone.name}-{stamp}.onnx"


def prepared(backbone: str) -> bool:
    """Whether the backbone can be used at once."""
    return exported_file(backbone_named(backbone)).is_file()


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
    """The backbone in PyTorch: (N, S, S, 3) uint8 to its mean features and its last feature map."""
    import timm
    import torch

    class PhotoFeatures(torch.nn.Module):
        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, photos: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scale, shift = 1 / (255 * backbone.std), -backbone.mean / backbone.std
            pixels = photos.permute(0, 3, 1, 2).to(torch.float32) * scale + shift
            maps = self.network.forward_features(pixels)  # type: ignore[operator]  # (N, D, h, w)
            return maps.mean((2, 3)), maps

    network = timm.create_model(backbone.timm_name, pretrained=False)
    _load_by_position(network, weights_file(backbone))
    return PhotoFeatures(network).eval()


def _load_by_position(network: "torch.nn.Module", weights: Path) -> None:
    """The package names its tensors otherwise than timm, but in the same order and shapes."""
    import torch

    stored = torch.load(weights, map_location="cpu", weights_only=True)
    wanted = network.state_dict()
    if [tensor.shape for tensor in stored.values()] != [t.shape for t in wanted.values()]:
        raise NetworkError(f"The weights in {weights} do not fit the network. Install them again.")
    network.load_state_dict(dict(zip(wanted, stored.values(), strict=True)))


def _export(backbone: Backbone, target: Path) -> None:
    import torch

    network = pytorch_network(backbone)
    photos = _made_photos(backbone, count=2)
    draft = target.with_suffix(f".{os.getpid()}.part")
    try:
        with torch.no_grad():
            torch.onnx.export(
                network,
                (torch.from_numpy(photos),),
                str(draft),
                input_names=[INPUT],
                output_names=[FEATURES, MAPS],
                dynamic_shapes={"photos": {0: torch.export.Dim("n", min=1, max=65536)}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            expected = network(torch.from_numpy(photos))
        _check(draft, photos, [tensor.numpy() for tensor in expected])
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _check(exported: Path, photos: np.ndarray, expected: Sequence[np.ndarray]) -> None:
    """Refuse an export whose numbers differ from PyTorch's: a wrong file must never be kept."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    for got, wanted in zip(session.run([FEATURES, MAPS], {INPUT: photos}), expected, strict=True):
        difference = float(np.abs(got - wanted).max())
        if not difference <= AGREES:
            raise NetworkError(f"The exported network differs from PyTorch by {difference:.2g}.")


def _made_photos(backbone: Backbone, *, count: int) -> np.ndarray:
    random = np.random.default_rng(0)
    shape = (count, backbone.size, backbone.size, 3)
    return random.integers(0, 256, shape, dtype=np.uint8)


def _folder() -> Path:
    folder = user_cache() / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main(names: Sequence[str]) -> int:
    """Prepare the named backbones, or all, with progress on standard error."""
    failed = False
    for name in names or list(BACKBONES):
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
