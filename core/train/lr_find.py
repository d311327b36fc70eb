"""The learning-rate finder: rates from tiny to huge, and how the loss answers.

Smith's range test (arXiv 1506.01186) as fastai 2 does it: from 1e-7 to 10 in 100 steps that are
even on a log scale, ended where the smoothed loss is four times its best. Weights and optimiser are
put back whatever happens, and nothing is written to disk but what may be kept anyway.
"""

import math
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.dataset import Dataset
from core.jobs.progress import JobResult, Progress, Task
from core.networks.backbones import backbone_named
from core.train.batches import Batch, batches
from core.train.fit import Fitting
from core.train.folds_data import Feed
from core.train.lr_suggestions import smoothed, suggestions
from core.train.machine import finding_machine
from core.train.material import folds_to_judge, prepare
from core.train.session import built_network
from core.train.settings import DeepSettings

LOWEST, HIGHEST = 1e-7, 10.0
STEPS = 100
TOO_HIGH = 4.0  # times the best smoothed loss
STEPS_BEFORE_STOPPING = 10  # fastai: not before the first losses have settled
SECONDS_TO_STOP = 20.0  # read by core.jobs.worker


def lr_find_job(root: str, settings: dict[str, Any]) -> Task[JobResult]:
    """The finder as a job; see ``lr_find``."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    return (yield from lr_find(dataset, DeepSettings.from_json(settings)))


def lr_find(dataset: Dataset, settings: DeepSettings) -> Task[JobResult]:
    """Sweep the rate of the network that these settings would train, from where they begin.

    Rows for the chart, of phase "sweep": {"lr", "loss" (smoothed), "raw"}.

    Returns:
        "valley", "slide", "minimum" and "steepest": suggested rates, None where the curve gives
        none; "lrs" and "losses" (smoothed); "stopped": a sentence on how the sweep ended.
    """
    photos = yield from prepare(dataset, settings)
    size = settings.size or backbone_named(settings.backbone).size
    machine = yield from finding_machine(settings.backbone, size)
    feed = Feed(dataset, photos, settings, machine)
    photos = yield from feed.make_copies()
    fold = folds_to_judge(photos, settings)[0]
    network = built_network(dataset.home, settings, photos, fold)
    data = yield from feed.of_fold(fold, network)
    fitting = Fitting(
        network,
        settings,
        data,
        peak=settings.peak,
        fold=fold,
        machine=feed.machine,
        folder=dataset.home / "deep" / "never-written",
    )
    return (yield from sweep(fitting))


def sweep(fitting: Fitting) -> Task[JobResult]:
    """The sweep on a training that has not begun; it is as it was when this ends, however it ends.

    All layers' rates rise together, in the proportion they would be trained with; the rate told is
    that of the head.
    """
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    before, random = fitting.state(), torch.random.get_rng_state()
    raw: list[float] = []
    ended = "It went through all rates."
    feeding = _forever(fitting)
    try:
        for at, rate in enumerate(rates.tolist()):
            raw.append(fitting.try_step(next(feeding), rate, at))
            smooth = smoothed(raw)
            yield _progress(at, rate, raw[-1], smooth[-1])
            if not math.isfinite(raw[-1]):
                ended = f"It ended at a rate of {rate:.1g}, where the loss is no number any more."
                break
            if at >= STEPS_BEFORE_STOPPING and smooth[-1] > TOO_HIGH * min(smooth):
                ended = f"It ended at a rate of {rate:.1g}, where the loss had grown fourfold."
                break
    finally:
        feeding.close()
        fitting.load(before)
        torch.random.set_rng_state(random)
    kept = [(rate, loss) for rate, loss in zip(rates.tolist(), smoothed(raw), strict=False)]
    kept = [(rate, loss) for rate, loss in kept if math.isfinite(loss)]
    lrs, losses = [rate for rate, _ in kept], [loss for _, loss in kept]
    return {
        **asdict(suggestions(lrs, losses, planned=STEPS)),
        "lrs": lrs,
        "losses": losses,
        "stopped": ended,
    }


def _forever(fitting: Fitting) -> Generator[Batch, None, None]:
    """Batches without an end: small sets are gone through again and again."""
    epoch = 0
    while True:
        yield from batches(
            fitting.data.inputs,
            fitting.data.labels,
            batch=fitting.position.batch,
            seed=fitting.settings.seed,
            epoch=epoch,
            first=0,
        )
        epoch += 1


def _progress(at: int, rate: float, raw: float, smooth: float) -> Progress:
    row: dict[str, float | int | str] = {"lr": rate}
    if math.isfinite(raw) and math.isfinite(smooth):
        row |= {"loss": smooth, "raw": raw}
    return Progress(
        phase="sweep",
        done=at + 1,
        total=STEPS,
        message=f"Trying a learning rate of {rate:.1e}.",
        metrics=row,
    )
