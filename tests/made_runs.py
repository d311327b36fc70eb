"""Runs that nobody trained: small ones, and deep ones derived from a quick one."""

import calendar
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.dataset import Dataset
from core.runs import (
    Predictions,
    Run,
    load_predictions,
    load_tensors,
    new_run_id,
    save_run,
)

DEEP_SETTINGS = {
    "backbone": "lite0",
    "head": "linear",
    "size": None,
    "batch": 32,
    "epochs": 6,
    "schedule": "one_cycle",
    "cycle_length": 1,
    "cycle_mult": 2,
    "lr": 0.002,
    "lrs": [],
    "spread": 10.0,
    "freeze_to": None,
    "augment": "side",
    "views": None,
    "weight_decay": 0.01,
    "label_smoothing": 0.0,
    "mixup": 0.0,
    "batch_norm": False,
    "tta": True,
    "fold": 0,
    "all_folds": False,
    "seed": 0,
    "share": 1.0,
    "start_from": None,
}


def small_run(home: Path, number: int, **changes: Any) -> Run:
    """Keep a run about two photos, of which it got one right; ``number`` orders runs by time."""
    figures = {
        "id": f"20261122-081530-{number:06d}",
        "mode": "quick",
        "backbone": "lite0",
        "classes": ("cat", "dog"),
        "images": 2,
        "judged": 2,
        "wrong": 1,
        "error_rate": 0.5,
        "loss": 0.7,
        "seconds": {"fit": 0.25},
        "l2": 1.5,
        "folds": 5,
        "created": 1795335330.0 + number,
        "step": None,
    }
    run = Run(**(figures | changes))
    predictions = Predictions(
        file_id=np.array([1, 2], np.int64),
        content=("a" * 32, "b" * 32),
        given=np.array([0, 1], np.int16),
        fold=np.array([0, 1], np.int8),
        probs=np.array([[0.9, 0.1], [0.8, 0.2]], np.float32),
    )
    save_run(home, run, predictions, {"bias": np.zeros(2, np.float32)}, [])
    return run


def deep_run(
    dataset: Dataset,
    quick: Run,
    *,
    kept: str = "blend",
    mended: int = 1,
    broken: int = 0,
    after: float = 60.0,
    judged_folds: tuple[int, ...] = (0,),
    **settings: Any,
) -> Run:
    """Keep a deep run that is a quick one, but right or wrong on others of the photos it judged.

    Args:
        dataset: The data set of both.
        quick: The run to begin with.
        kept: The best answer; deep training and the mean of both are the same here.
        mended: How many of the quick run's mistakes in the judged folds are none for deep training.
        broken: How many others are mistakes.
        after: Seconds that it was made after the quick run.
        judged_folds: The folds it judged.
        settings: Other than the usual ones.
    """
    old = load_predictions(dataset.home, quick.id)
    rows = np.isin(old.fold, judged_folds)
    probs = old.probs.copy()
    mistaken = np.flatnonzero(rows & (old.predicted != old.given))
    for at in mistaken[:mended]:
        probs[at] = 0.1 / (len(quick.classes) - 1)
        probs[at, old.given[at]] = 0.9
    right = np.flatnonzero(rows & (old.predicted == old.given))
    for at in right[:broken]:
        probs[at] = 0.1
        probs[at, (old.given[at] + 1) % len(quick.classes)] = 0.9
    new = replace(old, probs=probs)
    run = replace(
        quick,
        id=_later(quick.id, after),
        created=quick.created + after,
        mode="deep",
        settings={"deep": {**DEEP_SETTINGS, **settings}},
        seconds={"copies": 1.5, "train": 93.0, "judge": 2.0},
        kept=kept,
        judged=int(rows.sum()),
        wrong=_wrong(new, rows),
        error_rate=_wrong(new, rows) / int(rows.sum()),
        loss=_loss(new, rows),
        answers={
            "quick": _score(old, rows),
            "deep": _score(new, rows),
            "blend": _score(new, rows),
            "deep_plain": _score(old, rows),
        },
        judged_folds=judged_folds,
    )
    save_run(dataset.home, run, new, load_tensors(dataset.home, quick.id), _curve(judged_folds))
    return run


def _later(run_id: str, seconds: float) -> str:
    day, clock, micro = run_id.split("-")
    began = calendar.timegm(time.strptime(f"{day}{clock}", "%Y%m%d%H%M%S"))
    return new_run_id(began + int(micro) / 1e6 + seconds)


def _wrong(predictions: Predictions, rows: np.ndarray) -> int:
    return int((predictions.predicted != predictions.given)[rows].sum())


def _loss(predictions: Predictions, rows: np.ndarray) -> float:
    return float(predictions.loss[rows].mean(dtype=np.float64))


def _score(predictions: Predictions, rows: np.ndarray) -> dict[str, float]:
    judged, wrong = int(rows.sum()), _wrong(predictions, rows)
    return {
        "wrong": wrong,
        "judged": judged,
        "error_rate": wrong / judged,
        "loss": _loss(predictions, rows),
    }


def _curve(folds: tuple[int, ...], *, epochs: int = 6, steps: int = 10) -> list[dict[str, Any]]:
    """What deep training reports: the loss of each batch, and the figures of each epoch."""
    rows: list[dict[str, Any]] = []
    for fold in folds:
        for epoch in range(1, epochs + 1):
            for step in range((epoch - 1) * steps + 1, epoch * steps + 1):
                rows.append(
                    {
                        "phase": "train",
                        "kind": "batch",
                        "fold": fold,
                        "step": step,
                        "steps": epochs * steps,
                        "epoch": step / steps,
                        "train_loss": 0.2 + 1.2 / (1 + step / steps),
                        "lr": 0.002,
                        "momentum": 0.9,
                    }
                )
            rows.append(
                {
                    "phase": "train",
                    "kind": "epoch",
                    "fold": fold,
                    "epoch": epoch,
                    "train_loss": 0.2 + 1.2 / (1 + epoch),
                    "valid_loss": 0.3 + 0.9 / (1 + epoch),
                    "error_rate": 0.1 + 0.4 / (1 + epoch),
                    "seconds": 15.0,
                }
            )
    return rows
