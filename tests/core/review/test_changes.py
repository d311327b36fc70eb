"""What is counted as changed between a run and the data set as it stands."""

from dataclasses import replace

import numpy as np
import pytest

from core.dataset import Dataset
from core.review.changes import Changes, changes_since
from core.runs import Predictions, Run
from tests.trained_sets import finish


@pytest.fixture
def dataset(photo_set) -> Dataset:
    opened = Dataset.open(photo_set({"cat": 3, "dog": 3, "unsorted": 1}))
    finish(opened.reconcile())
    return opened


@pytest.fixture
def run() -> Run:
    return Run(
        id="20260101-120000-000000",
        mode="quick",
        backbone="lite0",
        classes=("cat", "dog"),
        images=6,
        judged=6,
        wrong=0,
        error_rate=0.0,
        loss=0.1,
        seconds={},
        l2=1.0,
        folds=5,
        created=0.0,
        step=None,
    )


@pytest.fixture
def predictions(dataset, run) -> Predictions:
    rows = [row for row in dataset.rows() if row.class_name is not None]
    return Predictions(
        file_id=np.array([row.id for row in rows]),
        content=tuple(row.content for row in rows),
        given=np.array([run.classes.index(row.class_name) for row in rows], np.int16),
        fold=np.zeros(len(rows), np.int8),
        probs=np.full((len(rows), 2), 0.5, np.float32),
    )


def test_nothing_has_changed_right_after_training(dataset, run, predictions):
    changes = changes_since(run, predictions, dataset)

    assert changes == Changes(relabelled=0, gone=0, added=0, edited=0)
    assert changes.total == 0


def test_each_kind_of_change_is_counted_once(dataset, run, predictions, save_image):
    dataset.relabel([dataset.find("cat/0000.png").id], "dog")
    dataset.remove([dataset.find("cat/0001.png").id])
    dataset.relabel([dataset.find("unsorted/0000.png").id], "cat")
    save_image(dataset.root / "dog" / "new.png", seed=100)
    save_image(dataset.root / "dog" / "0001.png", size=(70, 50), seed=101)
    finish(dataset.reconcile())

    changes = changes_since(run, predictions, dataset)

    assert changes == Changes(relabelled=1, gone=1, added=2, edited=1)
    assert changes.total == 5


def test_a_change_that_was_undone_is_none(dataset, run, predictions):
    dataset.relabel([dataset.find("cat/0000.png").id], "dog")
    dataset.undo()

    assert changes_since(run, predictions, dataset).total == 0


def test_photos_that_the_run_could_not_read_are_not_new_ones(dataset, run, predictions):
    left_out = predictions.file_id[:1].tolist()
    kept = replace(
        predictions,
        file_id=predictions.file_id[1:],
        content=predictions.content[1:],
        given=predictions.given[1:],
        fold=predictions.fold[1:],
        probs=predictions.probs[1:],
    )

    changes = changes_since(replace(run, settings={"left_out": left_out}), kept, dataset)

    assert changes.total == 0
