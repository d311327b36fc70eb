from dataclasses import replace

import numpy as np

from core.review.metrics import results
from core.runs import Predictions, Run


def judged(answers, *, classes=("cat", "dog", "cow")):
    """A run and its predictions from (given, predicted, fold) triples; sure to 0.8."""
    probs = np.full((len(answers), len(classes)), 0.2 / (len(classes) - 1), dtype=np.float32)
    probs[np.arange(len(answers)), [predicted for _, predicted, _ in answers]] = 0.8
    predictions = Predictions(
        file_id=np.arange(len(answers)),
        content=tuple(map(str, range(len(answers)))),
        given=np.array([given for given, _, _ in answers], dtype=np.int16),
        fold=np.array([fold for _, _, fold in answers], dtype=np.int8),
        probs=probs,
    )
    run = Run(
        id="20261122-081530-123456",
        mode="quick",
        backbone="lite0",
        classes=classes,
        images=len(answers),
        judged=sum(fold >= 0 for _, _, fold in answers),
        wrong=0,
        error_rate=0.0,
        loss=0.0,
        seconds={},
        l2=1.0,
        folds=5,
        created=0.0,
        step=None,
    )
    return run, predictions


# given, predicted, fold
SEVEN = [(0, 0, 0), (0, 0, 1), (0, 1, 2), (1, 1, 3), (1, 0, 4), (1, 0, 0), (2, 1, -1)]


def test_the_confusion_matrix_counts_actual_down_and_predicted_across():
    found = results(*judged(SEVEN))

    assert found.confusion.tolist() == [[2, 1, 0], [2, 1, 0], [0, 0, 0]]


def test_photos_that_were_trained_on_do_not_count():
    found = results(*judged(SEVEN))

    assert (found.wrong, found.judged, found.error_rate) == (3, 6, 0.5)
    assert np.isclose(found.loss, (3 * -np.log(0.8) + 3 * -np.log(0.1)) / 6)


def test_a_deep_run_is_counted_on_the_folds_that_it_judged():
    run, predictions = judged(SEVEN)

    found = results(replace(run, mode="deep", judged_folds=(0, 4)), predictions)

    assert (found.judged, found.wrong) == (3, 2)


def test_most_confused_pairs_come_with_their_counts_most_first():
    found = results(*judged(SEVEN))

    assert found.most_confused == ((1, 0, 2), (0, 1, 1))


def test_each_class_has_its_share_of_mistakes_and_its_rival():
    cat, dog, cow = results(*judged(SEVEN)).per_class

    assert (cat.class_name, cat.photos, cat.wrong, cat.confused_with) == ("cat", 3, 1, "dog")
    assert (dog.photos, dog.wrong, dog.error_rate) == (3, 2, 2 / 3)
    assert (cow.photos, cow.error_rate, cow.confused_with) == (0, None, None)
    assert np.isclose(cat.loss, (2 * -np.log(0.8) - np.log(0.1)) / 3)
    assert np.isnan(cow.loss)


def test_a_run_without_mistakes_confuses_nothing():
    found = results(*judged([(0, 0, 0), (1, 1, 1), (2, 2, 2)]))

    assert (found.wrong, found.most_confused) == (0, ())


def test_nothing_judged_is_no_crash():
    found = results(*judged([(0, 0, -1)]))

    assert (found.judged, found.error_rate) == (0, 0.0)
    assert np.isnan(found.loss)
