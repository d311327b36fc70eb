"""Which photos one deep training learns from and which judge it, fold by fold.

Labels, folds and the answers to beat are those of a quick run on the same photos, so both are held
against the same photos, and neither has seen them or a copy of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from core.dataset import Dataset, FileRow
from core.errors import TrainingError
from core.jobs.progress import Progress, Task
from core.runs import Predictions, Run, list_runs, load_predictions, load_tensors
from core.runs.split import fold_of_part
from core.train.given_split import by_part
from core.train.quick import train_quick
from core.train.seeds import photo_seed
from core.train.settings import DeepSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

FEWEST_OF_A_CLASS = 2  # kept of each class when only a share is used


@dataclass(frozen=True, kw_only=True)
class Photos:
    """All photos of one training, in the order of the quick run's predictions."""

    quick: Run
    said: Predictions  # by quick training; its rows are these photos
    rows: tuple[FileRow, ...]
    tensors: "Mapping[str, np.ndarray]"  # quick's heads
    usable: np.ndarray  # (N,) bool: can be read
    in_train: np.ndarray  # (N,) bool: not in a part that the data set's own split holds out

    @property
    def contents(self) -> tuple[str, ...]:
        """Of each photo."""
        return self.said.content

    def fingerprint(self) -> str:
        """Changes with any photo, label or fold."""
        told = xxhash.xxh3_64()
        told.update("\\n".join((*self.quick.classes, *self.contents)).encode())
        told.update(self.said.given.tobytes())
        told.update(self.said.fold.tobytes())
        return told.hexdigest()

    def judged(self, fold: int) -> np.ndarray:
        """Places of the photos that judge when this fold is held out."""
        return np.flatnonzero((self.said.fold == fold) & self.usable)

    def learnt(self, fold: int, settings: DeepSettings) -> np.ndarray:
        """Places of the photos to train on when this fold is held out."""
        inside = self.in_train & self.usable & (self.said.fold != fold)
        places = np.flatnonzero(inside)
        if settings.share < 1:
            places = places[_even_share(self, places, settings)]
        return places

    def quick_head(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Quick's weight (K, D) and bias (K,) that did not see the judging photos."""
        return self.tensors["fold_weight"][fold], self.tensors["fold_bias"][fold]


def prepare(dataset: Dataset, settings: DeepSettings) -> Task[Photos]:
    """The photos to train on, by a quick run on just these, which is made where there is none."""
    run = _quick_run_of(dataset, settings.backbone)
    if run is None:
        task = train_quick(dataset, backbone=settings.backbone)
        while True:
            try:
                progress = next(task)
            except StopIteration as end:
                run = end.value
                break
            yield Progress(
                phase="quick",
                done=progress.done,
                total=progress.total,
                message=f"Quick training first. {progress.message}",
            )
    assert run is not None
    said = load_predictions(dataset.home, run.id)
    found = dataset.get(int(number) for number in said.file_id)
    if len(found) < len(said.file_id):
        raise TrainingError("Photos were deleted while training began. Train again.")
    rows = tuple(found[int(number)] for number in said.file_id)
    in_train = {row.id for row in by_part(rows, dataset.parts()).get("train", ())}
    return Photos(
        quick=run,
        said=said,
        rows=rows,
        tensors=load_tensors(dataset.home, run.id),
        usable=np.ones(len(said.file_id), dtype=bool),
        in_train=np.array([row.id in in_train for row in rows], dtype=bool),
    )


def folds_to_judge(photos: Photos, settings: DeepSettings) -> list[int]:
    """The folds that judge, one training each."""
    split = photos.quick.split
    if split is not None and split["judged_on"] != "train":
        return [fold_of_part(split["judged_on"], folds=photos.quick.folds)]
    there = sorted({int(fold) for fold in photos.said.fold if 0 <= fold < photos.quick.folds})
    if settings.all_folds:
        return there
    return [settings.fold if settings.fold in there else there[0]]


def _quick_run_of(dataset: Dataset, backbone: str) -> Run | None:
    """The newest quick run of this backbone, if it is about the photos as they stand now."""
    runs = (run for run in list_runs(dataset.home) if run.mode == "quick")
    run = next((run for run in runs if run.backbone == backbone), None)
    if run is None:
        return None
    said = load_predictions(dataset.home, run.id)
    then = {
        int(number): (content, run.classes[given])
        for number, content, given in zip(said.file_id, said.content, said.given, strict=True)
    }
    left_out = set(run.settings.get("left_out", ()))
    now = {
        row.id: (row.content, row.class_name)
        for row in dataset.rows()
        if row.class_name is not None and row.id not in left_out
    }
    return run if then == now else None


def _even_share(photos: Photos, places: np.ndarray, settings: DeepSettings) -> np.ndarray:
    """Which of these places to use: the same share of each class, by the seed."""
    chosen: list[int] = []
    labels = photos.said.given[places]
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        turns = [photo_seed(settings.seed, photos.contents[places[at]], -1) for at in of_class]
        wanted = max(FEWEST_OF_A_CLASS, round(len(of_class) * settings.share))
        chosen += of_class[np.argsort(turns)[:wanted]].tolist()
    return np.array(sorted(chosen), dtype=np.int64)


def contents_at(photos: Photos, places: Sequence[int] | np.ndarray) -> list[str]:
    """The contents of some photos."""
    return [photos.contents[int(at)] for at in places]
