import numpy as np
import pytest

from core.train.answers import best_of, blend, kept_in_words, score, softmax


def scores(quick, deep, mixed, losses=(0.3, 0.2, 0.25)):
    named = zip(("quick", "deep", "blend"), (quick, deep, mixed), losses, strict=True)
    return {
        name: {"wrong": wrong, "judged": 70, "error_rate": wrong / 70, "loss": loss}
        for name, wrong, loss in named
    }


def test_a_score_counts_what_is_wrong_and_how_surprised_it_is():
    probs = np.array([[0.5, 0.5, 0.0], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]], np.float32)

    found = score(probs, np.array([0, 1, 0]))

    assert (found["wrong"], found["judged"]) == (1, 3)
    assert found["loss"] == pytest.approx(-(np.log(0.5) + np.log(0.8) + np.log(0.25)) / 3)


def test_the_blend_is_the_mean_of_both():
    mixed = blend(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]]))

    assert mixed.tolist() == [[0.75, 0.25]]


def test_quick_is_kept_where_deep_does_not_beat_it():
    found = scores(7, 9, 8)

    assert best_of(found) == "quick"
    assert "did not beat quick here" in kept_in_words("quick", found)


def test_the_answer_that_is_wrong_least_often_is_kept():
    assert best_of(scores(7, 5, 6)) == "deep"
    assert best_of(scores(7, 8, 6)) == "blend"


def test_of_equally_good_answers_the_surer_one_is_kept():
    found = scores(6, 6, 6, losses=(0.30, 0.28, 0.25))

    assert best_of(found) == "blend"
    assert "as often right and surer" in kept_in_words("blend", found)


def test_quick_stays_where_all_are_the_same():
    assert best_of(scores(6, 6, 6, losses=(0.3, 0.3, 0.3))) == "quick"


def test_softmax_stands_huge_logits():
    assert softmax(np.array([[1000.0, 0.0]])).tolist() == [[1.0, 0.0]]
