"""Timing a backbone in PyTorch. Runs in a process of its own, for ``core.networks.speed``.

On a processor one thread works, and its own processor time counts, times the number of cores. So
what else the machine does makes no way look slow: with both cores four times overloaded, training
EfficientNet-Lite0 was timed at 21 to 23 photos a second this way, and at 2 to 8 by the clock.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from core.networks import export
from core.networks.architectures import random_stages
from core.networks.backbones import Backbone
from core.networks.engine import usable_cores
from core.networks.stages import fold_batch_norm

BATCH = 4  # photos a step: enough for the ways to differ as they do at 32, and soon done
GPU_BATCH = 32
ROUNDS = 2  # in turn, so that what else runs on the machine slows all of them alike
SECONDS_A_ROUND = 0.4  # at least one step
SECONDS_OF_LOOKING = 1.0
HOPELESS = 2.5  # a first step so many times longer than another's is not repeated
WORTH_IT = 1.08  # less exact numbers must be at least so many times faster
CLASSES = 10


class Way(NamedTuple):
    """One way to train."""

    channels_last: bool
    bf16: bool


def training_ways(backbone: Backbone, size: int) -> Mapping[str, Any]:
    """The fastest way to train all stages of a backbone, and the photos a second of each way."""
    device = _device()
    torch.set_num_threads(1)
    ways = _ways(device)
    steps = {way: _Step(backbone, size, device, way) for way in ways}
    rates = _photos_a_second(steps)
    best = _chosen(rates)
    return {
        "device": device,
        "channels_last": best.channels_last,
        "bf16": best.bf16,
        "rates": {_name(way): round(rate, 2) for way, rate in rates.items()},
        "training": round(rates[best], 2),
    }


def embedding_rate(backbone: Backbone) -> float:
    """Photos a second of quick training's first step, all cores: each photo and its mirror image.

    Decoding them is not counted. Where the backbone is not prepared, its graph is written with
    random weights: it is the same work.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    photo = export.made_photos(backbone.size, count=2)
    with tempfile.TemporaryDirectory() as folder:
        file = _graph(backbone, Path(folder))
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )

        def look() -> object:
            return session.run([export.FEATURES], {export.INPUT: photo})

        look()  # the first one prepares
        seconds = quickest(look, SECONDS_OF_LOOKING, time.process_time)
    return usable_cores() / seconds


def _graph(backbone: Backbone, folder: Path) -> Path:
    if export.prepared(backbone.name):
        return export.exported_file(backbone)
    file = folder / "network.onnx"
    network = export.with_pixels(
        nn.Sequential(random_stages(backbone)), mean=backbone.mean, std=backbone.std
    )
    photos = torch.from_numpy(export.made_photos(backbone.size, count=2))
    with torch.no_grad():  # the old exporter: a tenth of the time, and the same operations
        torch.onnx.export(
            network,
            (photos,),
            str(file),
            input_names=[export.INPUT],
            output_names=[export.FEATURES, export.MAPS],
            dynamo=False,
        )
    return file


def _device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _ways(device: str) -> Sequence[Way]:
    """Those worth trying. Where a processor only imitates bfloat16, it is many times slower."""
    plain, exact, fast = Way(False, False), Way(True, False), Way(True, True)
    if device == "mps":
        return (plain, exact)
    if device == "cuda":
        return (exact, fast) if torch.cuda.is_bf16_supported() else (plain, exact)
    return (plain, exact, fast) if _bf16_in_hardware() else (plain, exact)


def _bf16_in_hardware() -> bool:
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):  # a build without oneDNN
        return False


def _chosen(rates: Mapping[Way, float]) -> Way:
    exact = max((way for way in rates if not way.bf16), key=lambda way: rates[way])
    fast = [way for way in rates if way.bf16 and rates[way] > WORTH_IT * rates[exact]]
    return fast[0] if fast else exact


def _name(way: Way) -> str:
    return ("channels-last " if way.channels_last else "") + ("bf16" if way.bf16 else "float32")


class _Step:
    """A step of fine-tuning on made photos: forward, backward, and AdamW."""

    def __init__(self, backbone: Backbone, size: int, device: str, way: Way) -> None:
        self.photos, self.device, self.way = GPU_BATCH if device == "cuda" else BATCH, device, way
        network = fold_batch_norm(nn.Sequential(random_stages(backbone)))
        head = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(backbone.dimensions, CLASSES)
        )
        form = torch.channels_last if way.channels_last else torch.contiguous_format
        self.network = nn.Sequential(network, head).to(device, memory_format=form)  # type: ignore[call-overload]
        self.pixels = torch.randn(self.photos, 3, size, size).to(device, memory_format=form)
        self.labels = torch.arange(self.photos, device=device) % CLASSES
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=1e-6, fused=True)

    def __call__(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.way.bf16):
            logits = self.network(self.pixels)
        loss = nn.functional.cross_entropy(logits.float(), self.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        if self.device == "cuda":
            torch.cuda.synchronize()
        elif self.device == "mps":
            torch.mps.synchronize()


def _photos_a_second(steps: Mapping[Way, _Step]) -> dict[Way, float]:
    """Of all cores together."""
    device = next(iter(steps.values())).device
    clock = time.process_time if device == "cpu" else time.perf_counter
    cores = usable_cores() if device == "cpu" else 1
    best = {way: quickest(step, 0, clock) for way, step in steps.items()}
    tried = [way for way in steps if best[way] < HOPELESS * min(best.values())]
    for _ in range(ROUNDS):
        for way in tried:
            best[way] = min(best[way], quickest(steps[way], SECONDS_A_ROUND, clock))
    return {way: cores * steps[way].photos / seconds for way, seconds in best.items()}


def quickest(work: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """Seconds of the quickest of some calls, which take that long together; at least one."""
    best, began = float("inf"), clock()
    while True:
        at = clock()
        work()
        best = min(best, clock() - at)
        if clock() - began >= seconds:
            return best
