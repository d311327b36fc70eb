from dataclasses import replace

import numpy as np
import pytest

from core.dataset import Dataset
from core.dataset.alike import save_groups
from core.review.compare import compare, sign_test
from core.runs import Predictions, Run, load_predictions, save_run
from core.train.quick import train_quick
from tests.trained_sets import finish, train_on_made_features

CLASSES = ("cat", "dog")


@pytest.fixture
def dataset(tmp_path):
    return Dataset.open(tmp_path)


def save(dataset, number, rows, *, classes=CLASSES, **changes):
    """A run from rows (file id, content, given, predicted, fold)."""
    probs = np.full((len(rows), len(classes)), 0.1, dtype=np.float32)
    for at, (_, _, _, predicted, _) in enumerate(rows):
        probs[at, predicted] = 0.9
    predictions = Predictions(
        file_id=np.array([row[0] for row in rows], dtype=np.int64),
        content=tuple(row[1] for row in rows),
        given=np.array([row[2] for row in rows], dtype=np.int16),
        fold=np.array([row[4] for row in rows], dtype=np.int8),
        probs=probs,
    )
    run = Run(
        id=f"20261122-081530-{number:06d}",
        mode="quick",
        backbone="lite0",
        classes=classes,
        images=len(rows),
        judged=len(rows),
        wrong=0,
        error_rate=0.0,
        loss=0.0,
        seconds={},
        l2=1.0,
        folds=5,
        created=0.0,
        step=None,
    )
    run = replace(run, **changes)
    save_run(dataset.home, run, predictions, {"bias": np.zeros(2, np.float32)}, [])
    return run


def plain(answers, *, start=0):
    """Rows from (given, predicted) pairs."""
    return [(start + at, f"c{start + at}", *pair, at % 5) for at, pair in enumerate(answers)]


def test_a_gain_from_changed_labels_does_not_pass_for_a_better_model(dataset):
    before = save(dataset, 1, plain([(0, 1), (0, 1), (0, 0), (1, 1)]))
    after = save(dataset, 2, plain([(1, 1), (1, 1), (0, 0), (1, 1)]))  # same answers, new labels

    found = compare(dataset, before, after)

    assert (found.before_old, found.before_corrected) == (2, 0)
    assert (found.after_old, found.after_corrected) == (2, 0)
    assert (found.photos, found.changed) == (4, 2)
    assert "neither better nor worse" in found.verdict
    assert "2 labels were changed" in found.words[1]
    assert "from 2 wrong to 0 wrong: this part says nothing about the model" in found.words[1]


def test_mended_and_broken_photos_are_counted_by_the_corrected_labels(dataset):
    before = save(dataset, 1, plain([(0, 1), (0, 1), (0, 0), (1, 1), (1, 0)]))
    after = save(dataset, 2, plain([(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)]))

    found = compare(dataset, before, after)

    assert (found.mended, found.broken) == ((0, 1), (2,))
    assert (found.before_untouched, found.after_untouched) == (3, 2)
    assert "may be a little better, but that could be chance" in found.verdict
    assert "2 mended, 1 broken" in found.verdict


def test_a_gain_on_many_photos_is_more_than_chance(dataset):
    before = save(dataset, 1, plain([(0, 1)] * 10 + [(0, 0)] * 10))
    after = save(dataset, 2, plain([(0, 0)] * 19 + [(0, 1)]))

    found = compare(dataset, before, after)

    assert found.chance == pytest.approx(2 * 12 / 2**11)
    assert found.verdict.startswith("The model itself has become better:")
    assert "on the same 20 photos and the same labels" in found.verdict
    assert found.words[1] == "No label of these photos was changed between the two trainings."


def test_a_worse_model_is_called_worse(dataset):
    before = save(dataset, 1, plain([(0, 0)] * 12))
    after = save(dataset, 2, plain([(0, 1)] * 12))

    assert "has become worse" in compare(dataset, before, after).verdict


def test_as_many_mended_as_broken_is_neither_better_nor_worse(dataset):
    before = save(dataset, 1, plain([(0, 1), (0, 0)]))
    after = save(dataset, 2, plain([(0, 0), (0, 1)]))

    found = compare(dataset, before, after)

    assert "both are wrong on 1 (1 mended, 1 broken)" in found.verdict
    assert found.chance == 1.0


def test_only_the_same_photos_are_compared_and_the_others_are_counted(dataset):
    before = save(
        dataset,
        1,
        [(1, "a", 0, 0, 0), (2, "b", 0, 0, 1), (3, "c", 0, 0, 2), (4, "d", 0, 0, -1)]
        + [(5, "e", 0, 0, 3), (6, "f", 0, 0, 4)],
    )
    after = save(
        dataset,
        2,
        [(1, "a", 0, 1, 0), (2, "B", 0, 0, 1), (4, "d", 0, 0, 1), (5, "e", 0, 0, 4)]
        + [(7, "g", 0, 0, 0)],
    )

    found = compare(dataset, before, after)

    assert found.photos == 1
    assert (found.only_before, found.only_after) == (3, 2)  # 2 changed content, 3, 6; 2, 7
    assert (found.not_judged, found.other_fold) == (1, 1)
    assert found.left_out == 7
    assert "Left out of this comparison: 3 removed or changed" in found.words[-1]


def test_a_class_that_one_run_does_not_know_is_never_its_answer(dataset):
    before = save(dataset, 1, plain([(0, 0), (0, 0), (1, 1)]))
    new = [(0, 0, 0), (1, 2, 2), (2, 1, 1)]
    after = save(
        dataset,
        2,
        [(file_id, f"c{file_id}", given, named, file_id) for file_id, given, named in new],
        classes=("cat", "dog", "kitten"),
    )

    found = compare(dataset, before, after)

    assert (found.changed, found.before_old, found.before_corrected) == (1, 0, 1)
    assert found.after_corrected == 0


def test_classes_in_another_order_are_the_same_classes(dataset):
    before = save(dataset, 1, plain([(0, 0), (1, 1)]))
    after = save(dataset, 2, plain([(1, 1), (0, 0)]), classes=("dog", "cat"))

    found = compare(dataset, before, after)

    assert (found.changed, found.before_corrected, found.after_corrected) == (0, 0, 0)


def test_runs_without_a_photo_in_common_are_a_sentence(dataset):
    before = save(dataset, 1, plain([(0, 0)]))
    after = save(dataset, 2, plain([(0, 0)], start=9))

    found = compare(dataset, before, after)

    assert found.photos == 0
    assert "cannot be compared" in found.verdict


@pytest.mark.parametrize(
    ("mended", "broken", "chance"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (8, 1, 20 / 512), (3, 3, 1.0)],
)
def test_the_sign_test_is_exact(mended, broken, chance):
    assert sign_test(mended, broken) == pytest.approx(chance)
    assert sign_test(broken, mended) == pytest.approx(chance)


def test_the_sign_test_takes_many_photos():
    assert sign_test(50_000, 49_900) == pytest.approx(0.754, abs=0.01)


def test_a_round_of_relabelling_is_compared_end_to_end(photo_set):
    root = photo_set({"cat": 30, "dog": 30})
    before = train_on_made_features(root, mistaken_every=10)
    dataset = Dataset.open(root)
    predictions = load_predictions(dataset.home, before.id)
    wrong = np.flatnonzero(predictions.predicted != predictions.given)
    for at in wrong.tolist():
        named = before.classes[predictions.predicted[at]]
        dataset.relabel([int(predictions.file_id[at])], named)

    after = finish(train_quick(dataset))

    found = compare(dataset, before, replace(after))
    assert len(wrong) == 6
    assert (found.photos, found.changed) == (60, 6)
    assert (found.before_old, found.before_corrected, found.after_corrected) == (6, 0, 0)
    assert "neither better nor worse" in found.verdict


def test_a_photo_whose_copy_only_one_of_the_models_had_learnt_is_left_out(dataset):
    """Photo 0 keeps its fold, but its copy, photo 3, came to it in the meantime."""
    rows = plain([(0, 0), (0, 0), (1, 1), (0, 0), (1, 1)])
    moved = [(*row[:4], 0) if row[1] == "c3" else row for row in rows]
    before, after = save(dataset, 1, rows), save(dataset, 2, moved)
    save_groups(dataset, {"near": [["c0", "c3"], ["c1", "elsewhere"]]}, compared=[])

    found = compare(dataset, before, after)

    assert (found.photos, found.other_fold) == (3, 2)
    assert "2 judged with other photos held out" in found.words[-1]


def test_photos_that_a_given_split_holds_out_are_not_learnt_by_their_head(dataset):
    rows = [(0, "c0", 0, 0, 5), (1, "c1", 0, 0, 6), (2, "c2", 1, 1, 0)]
    before, after = save(dataset, 1, rows), save(dataset, 2, rows)
    save_groups(dataset, {"scene": [["c0", "c1"]]}, compared=[])

    assert compare(dataset, before, after).photos == 3


def test_a_deep_run_is_compared_on_the_photos_that_it_judged_itself(dataset):
    answers = [(0, 1), (0, 1), (0, 0), (1, 0), (1, 1), (0, 1), (1, 1)]
    better = [(0, 0), (0, 1), (0, 0), (1, 0), (1, 1), (0, 0), (1, 1)]
    quick = save(dataset, 1, plain(answers))
    deep = save(dataset, 2, plain(better), mode="deep", kept="blend", judged_folds=(0,))

    found = compare(dataset, quick, deep)

    assert (found.photos, found.not_deep, found.left_out) == (2, 5, 5)  # folds 0 to 4, 0, 1
    assert (found.before_old, found.after_old) == (2, 0)
    assert found.mended == (0, 5)
    assert "the mean of quick's and deep's" in found.words[1]
    assert "flatters them a little" in found.words[1]
    assert "5 judged by quick training only" in found.words[-1]


def test_two_deep_runs_are_compared_where_both_judged(dataset):
    rows = plain([(0, 0)] * 10)
    before = save(dataset, 1, rows, mode="deep", kept="deep", judged_folds=(0, 1))
    after = save(dataset, 2, rows, mode="deep", kept="deep", judged_folds=(1,))

    assert compare(dataset, before, after).photos == 2

    other = save(dataset, 3, rows, mode="deep", kept="deep", judged_folds=(4,))
    assert "cannot be compared" in compare(dataset, before, other).verdict


def test_it_is_said_where_a_deep_run_did_not_beat_quick(dataset):
    rows = plain([(0, 0)] * 10)
    before = save(dataset, 1, rows)
    after = save(dataset, 2, rows, mode="deep", kept="quick", judged_folds=(0,))

    words = " ".join(compare(dataset, before, after).words)

    assert "deep and did not beat quick training" in words
    assert "neither better nor worse" in words
