"""How fast networks run on this machine, measured once and remembered.

``training_path`` says how deep training is fastest here, ``known_speed`` how many photos a second
to expect. Measuring needs torch, so it is done in a process of its own:
``python -m core.networks.speed path NAME SIZE`` prints one JSON object, and so does ``speed``.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from core.jobs.progress import JobResult, Progress, Task
from core.networks.backbones import backbone_named
from core.user_folders import user_cache

SPEED_VERSION = 1  # grows when something is measured otherwise
ROOT = Path(__file__).parents[2]
SECONDS_BETWEEN_REPORTS = 0.5
TIMEOUT_SECONDS = 300  # on a machine overloaded eightfold it took 100


@dataclass(frozen=True, kw_only=True)
class TrainingPath:
    """The fastest safe way to train a network on this machine."""

    device: str  # "cuda", "mps" or "cpu", as torch calls it
    channels_last: bool  # whether maps lie in memory pixel by pixel
    bf16: bool  # whether to calculate under autocast to bfloat16; weights stay float32
    training: float = 0.0  # photos a second of training all stages so; 0: not known


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What to expect of a network on this machine while it does nothing else."""

    looking: float  # photos a second of quick training's first step, reading them not counted
    training: float  # photos a second of fine-tuning all stages, at the network's own size


# Where measuring failed: never wrong, and rarely much slower.
SAFE = TrainingPath(device="cpu", channels_last=True, bf16=False)


def training_path(backbone_name: str, size: int) -> TrainingPath:
    """The fastest safe way to train here; measured the first time, which takes some 15 seconds.

    Args:
        backbone_name: Such as "lite0"; its weights need not be here.
        size: Side of the square it is to look at, in pixels.

    Raises:
        NetworkError: If there is no such network.
    """
    task = finding_training_path(backbone_name, size)
    while True:
        try:
            next(task)
        except StopIteration as end:
            path: TrainingPath = end.value
            return path


def finding_training_path(backbone_name: str, size: int) -> Task[TrainingPath]:
    """As ``training_path``, with progress while it is measured."""
    chosen = backbone_named(backbone_name)
    known = _remembered("path", backbone_name, size)
    if known is None:
        message = f"Finding the fastest way to train {chosen.title} here. This is done once."
        report = Progress(phase="measure", done=0, total=0, message=message)
        known = yield from _measured(["path", backbone_name, str(size)], report)
        if known is None:
            return SAFE
        _remember("path", backbone_name, size, known)
    return TrainingPath(**{field.name: known[field.name] for field in fields(TrainingPath)})


def known_speed(backbone_name: str) -> Speed | None:
    """What was measured here before; None if nothing was. Quick, for pages."""
    known = _remembered("speed", backbone_name, backbone_named(backbone_name).size)
    if known is None:
        return None
    return Speed(looking=float(known["looking"]), training=float(known["training"]))


def measure_job(backbones: Sequence[str]) -> Task[JobResult]:
    """Measure the speed of backbones that is not known yet; a few seconds for each."""
    names = [name for name in backbones if known_speed(name) is None]
    for done, name in enumerate(names):
        chosen = backbone_named(name)
        report = Progress(
            phase="measure", done=done, total=len(names), message=f"Measuring {chosen.title}."
        )
        found = yield from _measured(["speed", name, str(chosen.size)], report)
        if found is not None:
            _remember("speed", name, chosen.size, found)
            _remember("path", name, chosen.size, found)
    failed = [name for name in names if known_speed(name) is None]
    return {"measured": len(names) - len(failed), "failed": failed}


def _measured(arguments: list[str], report: Progress) -> Task[Mapping[str, Any] | None]:
    """What a process of its own prints; None if it fails or takes too long."""
    process = subprocess.Popen(
        [sys.executable, "-m", "core.networks.speed", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    began = time.monotonic()
    try:
        while time.monotonic() - began < TIMEOUT_SECONDS:
            yield report
            try:
                said, _ = process.communicate(timeout=SECONDS_BETWEEN_REPORTS)
            except subprocess.TimeoutExpired:
                continue
            return _last_object(said)
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _last_object(said: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(said.splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _remembered(what: str, backbone: str, size: int) -> Mapping[str, Any] | None:
    try:
        found = json.loads(_file(what, backbone, size).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _remember(what: str, backbone: str, size: int, found: Mapping[str, Any]) -> None:
    file = _file(what, backbone, size)
    draft = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(found), "ascii")
        os.replace(draft, file)
    except OSError:  # then it is measured again next time
        draft.unlink(missing_ok=True)


def _file(what: str, backbone: str, size: int) -> Path:
    """Another one for another machine, other libraries or another number of cores."""
    return user_cache() / "speed" / f"{what}-{backbone}-{size}-{_machine()}.json"


@cache
def _machine() -> str:
    parts = [SPEED_VERSION, platform.machine(), _processor(), os.cpu_count()]
    parts += [metadata.version(name) for name in ("torch", "torchvision", "timm", "onnxruntime")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _processor() -> str:
    """What the processor is called; Linux's own call does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())


def main(arguments: list[str]) -> int:
    """Measure and print one JSON object."""
    from core.networks import timing  # imports torch

    what, name, size = arguments[0], arguments[1], int(arguments[2])
    found = dict(timing.training_ways(backbone_named(name), size))
    if what == "speed":
        found["looking"] = round(timing.embedding_rate(backbone_named(name)), 2)
    print(json.dumps(found))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
