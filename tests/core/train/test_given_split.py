"""Training on data sets that bring their own split into train, valid and test."""

import shutil

import numpy as np
import pytest

from core.dataset import Dataset
from core.errors import TrainingError
from core.networks.features import FeatureStore
from core.review.changes import changes_since
from core.review.compare import compare
from core.review.metrics import results
from core.review.ranking import ranking
from core.runs import load_predictions, load_run, load_tensors
from core.runs.split import counted, in_part, unseen
from core.train.quick import before_training, train_quick, train_quick_job
from tests.trained_sets import finish, make_features, train_on_made_features

EVEN = {"train/cat": 30, "train/dog": 30, "valid/cat": 12, "valid/dog": 12}


def trained(root):
    run = train_on_made_features(root)
    dataset = Dataset.open(root)
    return dataset, run, load_predictions(dataset.home, run.id)


def paths(dataset, predictions, rows):
    present = dataset.get(predictions.file_id[rows].tolist())
    return [row.path for row in present.values()]


def test_the_error_rate_is_that_of_photos_in_valid(photo_set):
    dataset, run, predictions = trained(photo_set(EVEN))

    # Of 42 photos of a class by path, every sixth from the first on looks like the other class.
    assert run.split == {
        "judged_on": "valid",
        "parts": {
            "train": {"photos": 60, "judged": 60, "wrong": 10, "error_rate": 10 / 60},
            "valid": {"photos": 24, "judged": 24, "wrong": 4, "error_rate": 4 / 24},
        },
    }
    assert (run.images, run.judged, run.wrong, run.error_rate) == (60, 24, 4, 4 / 24)
    own = counted(predictions, run.split, folds=run.folds)
    assert run.loss == pytest.approx(float(predictions.loss[own].mean()))
    assert all(path.startswith("valid/") for path in paths(dataset, predictions, own))
    assert load_run(dataset.home, run.id) == run


def test_no_head_learns_from_photos_held_out(photo_set):
    root = photo_set(EVEN)
    dataset, first, _ = trained(root)
    for row in dataset.rows():
        if row.path.startswith("valid/"):
            dataset.relabel([row.id], "dog" if row.class_name == "cat" else "cat")

    second = finish(train_quick(dataset))

    one, other = (load_tensors(dataset.home, run.id) for run in (first, second))
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert second.wrong == 24 - first.wrong


def test_training_on_train_alone_gives_the_same_heads(photo_set, tmp_path):
    root = photo_set(EVEN)
    dataset, run, predictions = trained(root)
    shutil.copytree(root / "train", tmp_path / "alone")
    alone = Dataset.open(tmp_path / "alone")
    finish(alone.reconcile())
    contents = [row.content for row in alone.rows()]
    kept = FeatureStore(dataset.home, "lite0").get(contents)
    FeatureStore(alone.home, "lite0").add(contents, kept)

    other = finish(train_quick(alone))

    assert (other.split, other.wrong, other.images) == (None, 10, 60)
    one, two = load_tensors(dataset.home, run.id), load_tensors(alone.home, other.id)
    assert np.array_equal(one["weight"], two["weight"])
    assert np.array_equal(one["fold_weight"][:5], two["fold_weight"])
    in_train = in_part(predictions, "train", folds=5)
    assert np.array_equal(predictions.probs[in_train], load_predictions(alone.home, other.id).probs)


def test_the_kept_head_of_each_photo_gives_its_probabilities(photo_set):
    dataset, run, predictions = trained(photo_set({**EVEN, "test/cat": 5, "test/dog": 5}))
    tensors = load_tensors(dataset.home, run.id)

    features = FeatureStore(dataset.home, "lite0").get(predictions.content).mean(axis=1)
    weight, bias = (tensors[f"fold_{name}"][predictions.fold] for name in ("weight", "bias"))
    logits = np.einsum("nd,nkd->nk", features.astype(np.float32), weight) + bias

    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(predictions.probs, wanted, atol=1e-3)
    assert sorted(set(predictions.fold.tolist())) == [0, 1, 2, 3, 4, 5, 6]
    assert np.array_equal(tensors["fold_weight"][6], tensors["weight"])


def test_predictions_stand_in_the_order_of_paths(photo_set):
    dataset, _, predictions = trained(photo_set({**EVEN, "Test/cat": 5, "Test/dog": 5}))

    assert predictions.file_id.tolist() == [row.id for row in dataset.rows()]


def test_test_is_judged_beside_valid_and_alone_where_there_is_no_valid(photo_set):
    _, both, _ = trained(photo_set({**EVEN, "test/cat": 6, "test/dog": 6}, name="both"))
    only = {name.replace("valid", "test"): number for name, number in EVEN.items()}
    _, alone, _ = trained(photo_set({**only, "valid/cat": 0}, name="alone"))

    assert both.split["judged_on"] == "valid"
    assert both.split["parts"]["test"]["judged"] == 12
    assert (alone.split["judged_on"], alone.judged) == ("test", 24)
    assert alone.warnings == (
        "There are no photos in valid, so the model is judged on those in test.",
    )


def test_review_ranks_photos_of_every_part_and_counts_those_of_one(photo_set):
    dataset, run, predictions = trained(photo_set(EVEN))

    suspects = ranking(run, predictions, dataset)
    found = results(run, predictions)

    assert len(suspects) == 84
    assert [suspect.kind for suspect in suspects].count("wrong class") == 14
    assert (found.judged, found.wrong, int(found.confusion.sum())) == (24, 4, 24)
    of_train = results(run, predictions, among=in_part(predictions, "train", folds=run.folds))
    assert (of_train.judged, of_train.wrong) == (60, 10)


def test_two_runs_are_compared_on_the_photos_of_every_part(photo_set):
    dataset, first, _ = trained(photo_set(EVEN))
    second = finish(train_quick(dataset))

    found = compare(dataset, first, second)

    assert (found.photos, found.left_out) == (84, 0)
    assert "60 of these photos are in train, 24 in valid" in " ".join(found.words)


def test_a_photo_in_valid_that_is_in_train_too_is_not_judged_there(photo_set):
    root = photo_set(EVEN)
    shutil.copy(root / "train/cat/0001.png", root / "valid/cat/copy.png")

    dataset, run, predictions = trained(root)

    (at,) = np.flatnonzero(predictions.file_id == dataset.find("valid/cat/copy.png").id)
    assert predictions.fold[at] == -1
    assert run.split["parts"]["valid"] == {
        "photos": 25,
        "judged": 24,
        "wrong": run.wrong,
        "error_rate": run.error_rate,
    }
    assert "1 photo in valid stands in train too (such as valid/cat/copy.png)" in run.warnings[0]


def test_a_valid_that_only_repeats_train_judges_nothing(photo_set):
    root = photo_set({"train/cat": 30, "train/dog": 30})
    for name in ("cat", "dog"):
        (root / "valid" / name).mkdir(parents=True)
        for file in ("0001.png", "0002.png"):
            shutil.copy(root / "train" / name / file, root / "valid" / name / file)

    dataset, run, predictions = trained(root)

    assert (run.split["judged_on"], run.judged, run.images) == ("train", 60, 60)
    assert run.split["parts"]["valid"] == {
        "photos": 4,
        "judged": 0,
        "wrong": 0,
        "error_rate": None,
    }
    assert run.warnings == (
        "4 photos in valid stand in train too (such as valid/cat/0001.png): the model has seen "
        "them, so they are not judged there. Keep each picture in one of the two.",
    )
    assert changes_since(run, predictions, dataset).total == 0
    assert unseen(run.split) == " in train that it had not seen"


def test_a_class_that_train_does_not_hold_is_left_out(photo_set):
    dataset, run, predictions = trained(photo_set({**EVEN, "valid/cow": 3, "train/cow": 0}))

    assert run.classes == ("cat", "dog")
    assert run.judged == 24
    assert run.warnings == (
        "No photo of “cow” in train: 3 photos in valid can teach the model nothing and cannot "
        "judge it, and are left out.",
    )
    assert changes_since(run, predictions, dataset).total == 0


def test_a_class_that_valid_does_not_hold_is_told(photo_set):
    dataset, run, _ = trained(photo_set({**EVEN, "train/cow": 30}))

    assert run.classes == ("cat", "cow", "dog")
    assert run.warnings == (
        "No photo of “cow” in valid: how often the model is wrong there says nothing about it.",
    )


@pytest.mark.parametrize("valid", [{}, {"valid": 0}, {"valid/cat": 0, "valid/dog": 0}])
def test_without_photos_held_out_all_are_judged_out_of_fold(photo_set, valid):
    _, run, _ = trained(photo_set({"train/cat": 30, "train/dog": 30, **valid}))

    assert (run.split, run.judged, run.wrong) == (None, 60, 10)
    assert run.warnings == (
        "There are no photos in valid or test to judge the model on. Each photo in train is "
        "judged by a model that did not see it.",
    )


def test_ordinary_data_sets_hear_nothing_of_splits(photo_set):
    root = photo_set({"cat": 20, "dog": 20})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())

    assert before_training(dataset) == []


def test_a_photo_moved_into_train_while_photos_are_embedded_is_trained_on(photo_set):
    root = photo_set(EVEN)
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=6)
    task = train_quick(dataset)
    next(task)
    task_row = dataset.find("valid/cat/0005.png")
    # What this stands for: by now the folds are dealt, and somebody drags a photo to train.
    original = FeatureStore.missing

    def dragged(store, contents):
        if task_row.path == "valid/cat/0005.png" and (root / task_row.path).exists():
            (root / task_row.path).rename(root / "train/cat/dragged.png")
            finish(dataset.refresh())
        return original(store, contents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FeatureStore, "missing", dragged)
        run = finish(task)

    assert (run.images, run.judged) == (61, 23)


def test_the_job_tells_what_it_was_judged_on(photo_set):
    root = photo_set(EVEN)
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=6)

    reports = []
    task = train_quick_job(str(root))
    while True:
        try:
            reports.append(next(task))
        except StopIteration as end:
            result = end.value
            break

    assert (result["judged"], result["wrong"]) == (24, 4)
    assert reports[-1].message == "Wrong on 4 of 24 photos in valid that it never saw."


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"train/cat": 0, "valid/cat": 3, "valid/dog": 3}, "No photos in classes in train in "),
        ({"train/cat": 3, "valid/cat": 3, "valid/dog": 3}, "All photos in train are in one class"),
        ({"train/cat": 1, "train/dog": 1, "valid/cat": 3}, "a single photo in train, which is too"),
    ],
)
def test_a_train_that_teaches_nothing_is_refused(photo_set, counts, words):
    dataset = Dataset.open(photo_set(counts))
    finish(dataset.reconcile())

    with pytest.raises(TrainingError, match=words):
        before_training(dataset)


def test_a_class_with_few_photos_in_train_is_told(photo_set):
    _, run, _ = trained(photo_set({**EVEN, "train/cow": 5, "valid/cow": 40}))

    assert run.warnings == (
        "The class “cow” has fewer than 20 different photos in train: what the model says there "
        "is rough.",
    )
