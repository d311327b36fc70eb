import numpy as np
import pytest

from core.review.listing import listed
from core.runs import Predictions


def judged(*, probs, given, fold):
    return Predictions(
        file_id=np.arange(len(given)),
        content=tuple(map(str, given)),
        given=np.array(given, dtype=np.int16),
        fold=np.array(fold, dtype=np.int8),
        probs=np.array(probs, dtype=np.float32),
    )


@pytest.fixture
def five():
    return judged(
        probs=[[0.9, 0.1], [0.4, 0.6], [0.05, 0.95], [0.45, 0.55], [0.01, 0.99]],
        given=[0, 0, 0, 1, 0],
        fold=[0, 1, 2, 3, -1],
    )


def test_the_photos_got_wrong_come_worst_first(five):
    assert listed(five, "wrong").tolist() == [2, 1]


def test_a_photo_that_was_trained_on_is_not_listed(five):
    assert 4 not in listed(five, "all")


def test_unsure_are_those_whose_two_best_classes_are_close_the_closest_first(five):
    assert listed(five, "unsure").tolist() == [3, 1]


def test_a_pair_of_classes_narrows_the_list(five):
    assert listed(five, given=0, predicted=1).tolist() == [2, 1]
    assert listed(five, given=1, predicted=0).tolist() == []


def test_equal_losses_keep_the_order_of_the_run():
    even = judged(probs=[[0.3, 0.7]] * 4, given=[0] * 4, fold=[0] * 4)

    assert listed(even, "wrong").tolist() == [0, 1, 2, 3]


def test_a_single_class_leaves_nothing_unsure():
    alone = judged(probs=[[1.0], [1.0]], given=[0, 0], fold=[0, 1])

    assert listed(alone, "unsure").tolist() == []
    assert len(listed(alone, "all")) == 2
