"""Running a backbone fast, without importing PyTorch unless there is no other way."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from core.errors import NetworkError
from core.jobs.progress import Progress, Task
from core.networks import export
from core.networks.backbones import Backbone, backbone_named
from core.networks.preprocessing import to_batch_item as to_batch_item

Kind = Literal["onnxruntime", "pytorch"]
Output = Literal["features", "maps"]
Run = Callable[[Output, np.ndarray], np.ndarray]

SECONDS_BETWEEN_REPORTS = 0.5
PREPARE_TIMEOUT_SECONDS = 600
# Photos per call of the network. A photo and its mirror image stay in a core's cache: calls of 2
# gave 1.15 times the photos of calls of 8. Splitting each call over the cores instead was up to
# three times slower on a busy machine, since its threads wait for each other at every layer.
PHOTOS_PER_CALL = 2


class Engine:
    """A backbone ready to run. Safe to use from several threads at once."""

    def __init__(self, backbone: Backbone, kind: Kind, run: Run) -> None:
        self.backbone = backbone
        self.kind: Kind = kind  # what runs it; "pytorch" means that exporting failed
        self.threads = usable_cores()
        self._run = run
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="network")

    @classmethod
    def load(cls, backbone: str) -> "Engine":
        """Load the backbone; one not prepared yet is prepared first, which takes a while."""
        task = cls.loading(backbone)
        while True:
            try:
                next(task)
            except StopIteration as end:
                engine: Engine = end.value
                return engine

    @classmethod
    def loading(cls, backbone: str) -> "Task[Engine]":
        """As `load`, with progress while the backbone is being prepared."""
        chosen = backbone_named(backbone)
        file = export.exported_file(chosen)
        for _ in range(2):  # a damaged file is deleted and prepared once more
            if not file.is_file() and not export.failed_lately(chosen):
                yield from _prepare_elsewhere(chosen)
            run = _onnxruntime(file)
            if run:
                return cls(chosen, "onnxruntime", run)
        return cls(chosen, "pytorch", _pytorch(chosen))

    def features(self, batch: np.ndarray) -> np.ndarray:
        """What describes each photo: (N, S, S, 3) uint8 to (N, D) float32."""
        return self._over_all_cores("features", batch)

    def feature_maps(self, batch: np.ndarray) -> np.ndarray:
        """Last feature maps: (N, S, S, 3) uint8 to (N, D, h, w) float32; the mean is `features`."""
        return self._over_all_cores("maps", batch)

    def features_on_this_thread(self, batch: np.ndarray) -> np.ndarray:
        """As `features`, for a few photos, by a caller that runs threads of its own."""
        return self._run("features", batch)

    def _over_all_cores(self, output: Output, batch: np.ndarray) -> np.ndarray:
        parts = [batch[i : i + PHOTOS_PER_CALL] for i in range(0, len(batch), PHOTOS_PER_CALL)]
        if len(parts) <= 1:
            return self._run(output, batch)
        return np.concatenate(list(self._pool.map(lambda part: self._run(output, part), parts)))


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _onnxruntime(file: Path) -> Run | None:
    """Run the exported network, one call per thread; None if this machine cannot."""
    try:
        import onnxruntime
    except ImportError:
        return None

    options = onnxruntime.SessionOptions()
    # Calls run side by side, one per core, instead of splitting each over the cores.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
    # onnxruntime's errors are classes of its C++ part with no family of their own.
    except Exception:
        file.unlink(missing_ok=True)  # damaged: it is prepared again next time
        return None

    def run(output: Output, batch: np.ndarray) -> np.ndarray:
        answer: np.ndarray = session.run([output], {export.INPUT: batch})[0]
        return answer

    return run


def _pytorch(backbone: Backbone) -> Run:
    try:
        import torch
    except ImportError as error:
        raise NetworkError(
            f"{backbone.title} cannot run: neither onnxruntime nor torch works here ({error}). "
            "Install Winnow's requirements again."
        ) from error

    network = export.pytorch_network(backbone).to(memory_format=torch.channels_last)
    torch.set_num_threads(1)  # as above: calls side by side

    def run(output: Output, batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            features, maps = network(torch.from_numpy(np.ascontiguousarray(batch)))
        chosen: np.ndarray = (features if output == "features" else maps).numpy()
        return chosen

    return run


def _prepare_elsewhere(backbone: Backbone) -> Task[None]:
    """Export in a process of its own, so that this one never holds PyTorch's 650 MB."""
    process = subprocess.Popen(
        [sys.executable, "-m", "core.networks.export", backbone.name],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    began = time.monotonic()
    try:
        while process.poll() is None:
            if time.monotonic() - began > PREPARE_TIMEOUT_SECONDS:
                raise NetworkError(
                    f"Preparing {backbone.title} took over {PREPARE_TIMEOUT_SECONDS // 60} minutes "
                    "and was stopped. Close other programs and try again."
                )
            yield Progress(
                phase="prepare",
                done=0,
                total=0,
                message=f"Preparing {backbone.title}. This is done once and takes half a minute.",
            )
            try:
                process.wait(SECONDS_BETWEEN_REPORTS)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
