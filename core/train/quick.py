"""Quick training: features kept once, a linear head fitted in a second or so.

``train_quick`` embeds what is missing, fits a head per fold and one on all photos, and keeps the
run. While it embeds it already fits heads on what it has: the learning curve.
"""

import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.dataset import Dataset, FileRow
from core.dataset.alike import compared_contents
from core.dataset.folds import folds
from core.dataset.verdicts import UNREADABLE, load_verdicts
from core.errors import TrainingError
from core.jobs.progress import JobResult, Progress, Task
from core.networks.backbones import DEFAULT, FEATURES_VERSION
from core.networks.features import FeatureStore
from core.runs import Predictions, Run, new_run_id, save_run
from core.runs.split import counted, split_of, unseen
from core.train.checks import NONE_TO_JUDGE, Material, before_training, material
from core.train.dealing import folds_for_run
from core.train.given_split import all_predictions, all_tensors
from core.train.head import FitStep, Heads, fit_heads, fit_once

__all__ = ["before_training", "train_quick", "train_quick_job"]

FOLDS = 5
CURVE_POINTS = 10  # on the learning curve while photos are embedded
CURVE_ROWS = 500  # at most, so that a point costs a few hundredths of a second
CURVE_STRENGTH = 0.03  # about what cross-validation chooses for small sets


def train_quick_job(root: str, backbone: str = DEFAULT) -> Task[JobResult]:
    """Quick training as a job: which run came of it, and how well it does."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    run = yield from train_quick(dataset, backbone=backbone)
    return {
        "run": run.id,
        "error_rate": run.error_rate,
        "wrong": run.wrong,
        "judged": run.judged,
    }


def train_quick(dataset: Dataset, *, backbone: str = DEFAULT) -> Task[Run]:
    """Train on the photos in classes, and keep the run. The same photos give the same result.

    Progress phases are "embed", "fit" and "judge". Rows for charts: while embedding, about every
    tenth of it, {"photos", "train_loss", "valid_loss", "error_rate"} of heads fitted on the photos
    so far; then {"step", "train_loss", "valid_loss", "error_rate"} for every step of the fit.

    Raises:
        TrainingError: If nothing can be learnt; says what to do.
    """
    training = _Training(dataset, backbone)
    while True:
        try:
            progress = training.record(next(training.task))
        except StopIteration as end:
            run: Run = end.value
            return run
        yield progress


class _Training:
    """One run in the making: the steps, their times, and the rows of its charts."""

    def __init__(self, dataset: Dataset, backbone: str) -> None:
        self.dataset, self.backbone = dataset, backbone
        self.store = FeatureStore(dataset.home, backbone)
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}
        self.engine: str | None = None  # what embedded, if anything was
        self.kept_folds: dict[str, int] = {}  # the data set's, by content
        self.gone: set[int] = set()  # photos that left, or changed, while training ran
        self.curve: list[Mapping[str, Any]] = []
        self.task = self._steps()

    def record(self, progress: Progress) -> Progress:
        """Keep what charts will show of a report."""
        if progress.metrics:
            seconds = round(time.monotonic() - self.began, 3)
            self.curve.append({"phase": progress.phase, **progress.metrics, "t": seconds})
        return progress

    def _steps(self) -> Task[Run]:
        yield Progress(phase="embed", done=0, total=0, message="Looking for new photos.")
        every = self.dataset.rows()
        self.kept_folds = self._deal(material(self.dataset, every))  # or refuses, before long work
        readable = yield from self._timed("embed", self._embed(every))
        yield from self._timed("alike", self._group(readable))
        latest = self.dataset.history(1)
        standing = self._standing(readable)
        photos = material(self.dataset, standing)
        # Copies found now share a fold; a photo may have been moved from one part to another.
        self.kept_folds = self._deal(photos)
        labels, fold = self._labelled(photos)
        heads = yield from self._timed("fit", self._fit(photos, labels, fold))
        yield Progress(phase="judge", done=0, total=1, message="Judging every photo.")
        began = time.monotonic()
        predictions = all_predictions(
            photos.rows,
            labels,
            fold,
            heads,
            held=photos.held,
            classes=photos.classes,
            features=self._features,
            folds=FOLDS,
        )
        unusable = _left_out(every, [row.id for row in standing])
        run = self._judged(
            photos,
            predictions,
            heads,
            left_out=_left_out(every, predictions.file_id.tolist()),
            said=_about_left_out(unusable, self.gone),
        )
        self.seconds["judge"] = round(time.monotonic() - began, 3)
        run = replace(run, step=latest[0].id if latest else None)
        tensors = all_tensors(heads, held=photos.held)
        save_run(self.dataset.home, run, predictions, tensors, self.curve)
        yield Progress(phase="judge", done=1, total=1, message=_in_words(run))
        return run

    def _timed(self, name: str, task: Task[Any]) -> Task[Any]:
        began = time.monotonic()
        try:
            return (yield from task)
        finally:
            self.seconds[name] = round(time.monotonic() - began, 3)

    def _embed(self, rows: Sequence[FileRow]) -> Task[list[FileRow]]:
        """Those photos in classes that have features, once the missing ones are made."""
        known = load_verdicts(self.dataset)
        readable = [
            row
            for row in rows
            if row.class_name is not None
            and row.content
            and not (row.id in known and known[row.id].kind in UNREADABLE)
        ]
        missing = self.store.missing([row.content for row in readable])
        if not missing:
            return readable
        from core.networks.embed import embed  # costs a third of a second; only where needed

        # In the order of contents, so that any part of the way is a fair sample of all classes.
        shuffled = sorted(readable, key=lambda row: row.content)
        task = embed(self.dataset, self.backbone, shuffled)
        learning = [row for row in shuffled if row.content in self.kept_folds]  # none held out
        points = 0
        while True:
            try:
                progress = next(task)
            except StopIteration as end:
                failed = {file_id for file_id, _ in end.value.unreadable}
                self.gone.update(end.value.gone)
                self.engine = end.value.engine
                return [row for row in readable if row.id not in failed]
            yield progress
            if progress.done * CURVE_POINTS >= (points + 1) * len(missing):
                points = progress.done * CURVE_POINTS // len(missing)
                point = self._learning_curve_point(learning)
                if point is not None:
                    yield replace(progress, metrics=point)

    def _group(self, rows: Sequence[FileRow]) -> Task[None]:
        """Find copies among photos that are new, so that no fold judges what another one learnt."""
        contents = {row.content for row in rows}
        if contents <= compared_contents(self.dataset):
            return
        from core.networks.alike import bring_up_to_date  # decodes; only where needed

        yield from bring_up_to_date(self.dataset, rows, backbone=self.backbone)

    def _standing(self, rows: Sequence[FileRow]) -> list[FileRow]:
        """Those photos as they stand now: people go on sorting while photos are embedded."""
        contents = {row.id: row.content for row in rows}
        standing = [
            row
            for row in self.dataset.rows()
            if row.class_name is not None and contents.get(row.id) == row.content
        ]
        self.gone |= contents.keys() - {row.id for row in standing}
        return standing

    def _learning_curve_point(self, learning: Sequence[FileRow]) -> dict[str, float] | None:
        """How well heads do that are fitted on what is embedded so far."""
        missing = set(self.store.missing([row.content for row in learning]))
        rows = [row for row in learning if row.content not in missing]
        embedded = len(rows)
        names, labels = np.unique([str(row.class_name) for row in rows], return_inverse=True)
        if len(names) < 2:
            return None
        part = np.unique(np.linspace(0, embedded - 1, CURVE_ROWS).astype(int))
        rows, labels = [rows[at] for at in part], labels[part]
        names, labels = np.unique(labels, return_inverse=True)
        fold = self._folds_of(rows, labels)
        if len(names) < 2 or (fold < 0).all():
            return None
        try:
            step = fit_once(
                self._features(rows), labels, fold, folds=FOLDS, strength=CURVE_STRENGTH
            )
        except TrainingError:  # the first photos all look the same; later ones need not
            return None
        return {"photos": embedded, **_figures(step)}

    def _deal(self, photos: Material) -> dict[str, int]:
        """The data set's fold of every content.

        All are dealt at once: dealt as they are embedded, folds would depend on the speed of the
        machine, and so would the result.
        """
        contents = [row.content for row in photos.rows]
        return folds(
            self.dataset, contents, [str(row.class_name) for row in photos.rows], count=FOLDS
        )

    def _folds_of(self, rows: Sequence[FileRow], labels: np.ndarray) -> np.ndarray:
        return folds_for_run([row.content for row in rows], labels, self.kept_folds, count=FOLDS)

    def _labelled(self, photos: Material) -> tuple[np.ndarray, np.ndarray]:
        """The class of each photo, an index, and the fold that judges it."""
        index = {name: at for at, name in enumerate(photos.classes)}
        labels = np.array([index[str(row.class_name)] for row in photos.rows], dtype=np.int16)
        fold = self._folds_of(photos.rows, labels)
        if (fold < 0).all():
            raise TrainingError(NONE_TO_JUDGE)
        return labels, fold

    def _features(self, rows: Sequence[FileRow]) -> np.ndarray:
        """Mean of photo and mirror image, (N, D) float32."""
        kept = self.store.get([row.content for row in rows])
        mean: np.ndarray = kept.mean(axis=1, dtype=np.float32)
        return mean

    def _fit(self, photos: Material, labels: np.ndarray, fold: np.ndarray) -> Task[Heads]:
        task = fit_heads(
            lambda start, stop: self._features(photos.rows[start:stop]),
            labels,
            fold,
            dimensions=self.store.dimensions,
            folds=FOLDS,
        )
        while True:
            try:
                step = next(task)
            except StopIteration as end:
                heads: Heads = end.value
                return heads
            yield _fit_progress(step)

    def _judged(
        self,
        photos: Material,
        predictions: Predictions,
        heads: Heads,
        *,
        left_out: Sequence[FileRow],
        said: Sequence[str],
    ) -> Run:
        in_parts = {part: len(rows) for part, rows in photos.held.items()}
        split = split_of(predictions, {"train": len(photos.rows), **in_parts}, folds=FOLDS)
        judged = counted(predictions, split, folds=FOLDS)
        wrong = int((predictions.predicted != predictions.given)[judged].sum())
        return Run(
            id=new_run_id(),
            mode="quick",
            backbone=self.backbone,
            classes=photos.classes,
            images=len(photos.rows),
            judged=int(judged.sum()),
            wrong=wrong,
            error_rate=wrong / int(judged.sum()),
            loss=float(predictions.loss[judged].mean(dtype=np.float64)),
            seconds=self.seconds,
            l2=heads.l2,
            folds=FOLDS,
            created=time.time(),
            step=None,
            settings={
                "features_version": FEATURES_VERSION,
                "views": ["photo", "mirror"],
                "engine": self.engine,
                "left_out": [row.id for row in left_out],
                "strengths": [{"l2": l2, "valid_loss": loss} for l2, loss in heads.path],
            },
            warnings=(*said, *photos.warnings),
            split=split,
        )


def _left_out(every: Sequence[FileRow], used: Sequence[int]) -> list[FileRow]:
    kept = set(used)
    return [row for row in every if row.class_name is not None and row.id not in kept]


def _about_left_out(rows: Sequence[FileRow], gone: Set[int]) -> list[str]:
    unreadable = [row for row in rows if row.id not in gone]
    left = [row for row in rows if row.id in gone]
    return [
        *_told(unreadable, "could not be read and {} left out", " Check says why."),
        *_told(left, "{} changed, moved or deleted while training ran, and left out", ""),
    ]


def _told(rows: Sequence[FileRow], what: str, advice: str) -> list[str]:
    if not rows:
        return []
    if len(rows) == 1:
        return [f"One photo {what.format('was')}: {rows[0].path}.{advice}"]
    return [f"{len(rows):,} photos {what.format('were')}, such as {rows[0].path}.{advice}"]


def _figures(step: FitStep) -> dict[str, float]:
    return {
        "train_loss": step.train_loss,
        "valid_loss": step.valid_loss,
        "error_rate": step.error_rate,
    }


def _fit_progress(step: FitStep | None) -> Progress:
    if step is None:
        return Progress(phase="fit", done=0, total=100, message="Preparing.")
    return Progress(
        phase="fit",
        done=round(100 * step.share),
        total=100,
        message=f"Learning: wrong on {step.error_rate:.1%} of the photos it has not seen.",
        metrics={"step": step.step, **_figures(step)},
    )


def _in_words(run: Run) -> str:
    return f"Wrong on {run.wrong:,} of {run.judged:,} photos{unseen(run.split)}."
