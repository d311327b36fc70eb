"""Deep training and the search for a rate without a network: what pages see of them, and no more.

They report as ``core.train.deep`` and ``core.train.lr_find`` do, can be stopped and gone on with,
and leave a run behind, in seconds.
"""

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.dataset import Dataset
from core.errors import TrainingError
from core.jobs.progress import JobResult, Progress, Task
from core.runs import Run, list_runs
from core.train import unfinished
from core.train.lr_suggestions import suggestions
from core.train.quick import train_quick
from core.train.schedules import Schedule, schedule_of
from core.train.settings import DeepSettings
from tests.made_runs import deep_run

TARGET = f"{__name__}:train_deep_job"
FINDER_TARGET = f"{__name__}:lr_find_job"
STEPS = 8  # of an epoch
SECONDS_A_STEP = 0.06
SECONDS_OF_THE_LAST_LAYER = 0.25  # it has few epochs, and a test must be in time to stop it
TOO_HIGH = 1.0  # rate from which on it diverges
ALL_FROZEN = 50  # stages; no network has so many
SECONDS_A_RATE = 0.02


def train_deep_job(
    root: str, settings: dict[str, Any], fresh: bool = False, finish: bool = False
) -> Task[JobResult]:
    """Go through the phases of deep training, and keep a run that mended one mistake."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    asked = DeepSettings.from_json(settings)
    yield from _prepare()
    folder = unfinished.state_folder(dataset.home, asked.to_json(), "stand-in")
    if fresh:
        unfinished.forget(folder)
    unfinished.forget_others(dataset.home, folder)
    if not finish:
        yield from _train(asked, folder)
    yield Progress(phase="judge", done=0, total=1, message="Judging every photo.")
    run = yield from _keep(dataset, asked)
    unfinished.forget(folder)
    return {
        "run": run.id,
        "kept": run.kept,
        "error_rate": run.error_rate,
        "quick_error_rate": run.answers["quick"]["error_rate"],
        "wrong": run.wrong,
        "judged": run.judged,
    }


def lr_find_job(root: str, settings: dict[str, Any]) -> Task[JobResult]:
    """A sweep whose loss falls, then rises."""
    DeepSettings.from_json(settings)
    lrs = [10 ** (-7 + 8 * at / 99) for at in range(90)]
    losses = [_loss_at(rate) for rate in lrs]
    for at, (rate, loss) in enumerate(zip(lrs, losses, strict=True), start=1):
        yield Progress(
            phase="sweep",
            done=at,
            total=100,
            message=f"Trying a rate of {rate:.1g}.",
            metrics={"lr": rate, "loss": loss, "raw": loss},
        )
        time.sleep(SECONDS_A_RATE)
    ended = "It ended at a rate of 2, where the loss had grown fourfold."
    return {
        **suggestions(lrs, losses, planned=100).to_json(),
        "lrs": lrs,
        "losses": losses,
        "stopped": ended,
    }


def _loss_at(rate: float) -> float:
    place = math.log10(rate)
    return 0.7 - 0.5 / (1 + math.exp(-3 * (place + 3))) + math.exp(3 * (place + 0.4))


def _prepare() -> Iterator[Progress]:
    for phase, message in (
        ("quick", "Looking at the photos."),
        ("copies", "Making working copies."),
        ("cache", "Looking once through the frozen stages."),
    ):
        yield Progress(phase=phase, done=1, total=1, message=message)
        time.sleep(0.2)


def _train(asked: DeepSettings, folder: Path) -> Iterator[Progress]:
    plan = schedule_of(asked, STEPS)
    at = _read(folder)
    try:
        while at < plan.steps:
            last_layer = asked.freeze_to is not None and asked.freeze_to >= ALL_FROZEN
            time.sleep(SECONDS_OF_THE_LAST_LAYER if last_layer else SECONDS_A_STEP)
            yield _batch(asked, plan, at)
            at += 1
            if asked.lr is not None and asked.lr >= TOO_HIGH and at == STEPS // 2:
                raise TrainingError(
                    f"The learning rate is too high: training diverged at step {at}. Its highest "
                    f"rate was {asked.lr:.1g}; choose a tenth of that, or find a rate first."
                )
            if at % STEPS == 0:
                yield _epoch(plan, at // STEPS)
                _write(folder, at, asked, plan)
    except GeneratorExit:
        _write(folder, at, asked, plan)
        raise


def _batch(asked: DeepSettings, plan: Schedule, at: int) -> Progress:
    peak = asked.lrs[-1] if asked.lrs else asked.lr or 1e-3
    done = (at + 1) / STEPS
    return Progress(
        phase="train",
        done=at + 1,
        total=plan.steps,
        message=f"Epoch {int(at / STEPS) + 1} of {plan.epochs}.",
        metrics={
            "kind": "batch",
            "fold": asked.fold,
            "step": at + 1,
            "steps": plan.steps,
            "epoch": done,
            "train_loss": 0.05 + 0.6 / (1 + 1.5 * done) + 0.02 * math.sin(5 * at),
            "lr": peak * plan.factor(at),
            "momentum": plan.momentum(at),
        },
    )


def _epoch(plan: Schedule, epoch: int) -> Progress:
    valid = 0.18 + 0.5 / (1 + epoch) + 0.03 * max(0, epoch - 3)
    return Progress(
        phase="train",
        done=epoch * STEPS,
        total=plan.steps,
        message=f"Epoch {epoch} of {plan.epochs} is over.",
        metrics={
            "kind": "epoch",
            "fold": 0,
            "epoch": epoch,
            "train_loss": 0.05 + 0.6 / (1 + 1.5 * epoch),
            "valid_loss": valid,
            "error_rate": valid / 4,
            "seconds": STEPS * SECONDS_A_STEP,
        },
    )


def _keep(dataset: Dataset, asked: DeepSettings) -> Task[Run]:
    quick = next((run for run in list_runs(dataset.home) if run.mode == "quick"), None)
    if quick is None:
        quick = yield from train_quick(dataset)
    return deep_run(
        dataset, quick, kept="deep", after=time.time() - quick.created, **asked.to_json()
    )


def _read(folder: Path) -> int:
    try:
        return int(json.loads((folder / "step").read_text()))
    except (OSError, ValueError):
        return 0


def _write(folder: Path, at: int, asked: DeepSettings, plan: Schedule) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "step").write_text(json.dumps(at))
    unfinished.tell(
        folder, settings=asked.to_json(), epoch=at // STEPS, epochs=plan.epochs, fold=asked.fold
    )
