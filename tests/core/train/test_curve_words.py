"""Curves made by hand, and what is read off them."""

import math

import pytest

from core.train.curve_words import diverged_at, read_curves


def epochs(valid, train=None, errors=None, fold=0) -> list[dict]:
    train = train or [1 / (at + 1) for at in range(len(valid))]
    errors = errors or valid
    return [
        {
            "kind": "epoch",
            "fold": fold,
            "epoch": at + 1,
            "train_loss": train[at],
            "valid_loss": valid[at],
            "error_rate": errors[at],
        }
        for at in range(len(valid))
    ]


def batches(losses, fold=0) -> list[dict]:
    return [
        {"kind": "batch", "fold": fold, "step": at + 1, "train_loss": loss}
        for at, loss in enumerate(losses)
    ]


def kind(rows, finished=True) -> str:
    reading = read_curves(rows, finished=finished)
    assert reading is not None
    return reading.kind


def test_nothing_is_said_before_the_first_epoch():
    assert read_curves([], finished=False) is None
    assert read_curves(batches([0.7, 0.6]), finished=False) is None
    assert read_curves([{"phase": "quick", "train_loss": 1.0}], finished=False) is None


def test_one_epoch_says_little():
    assert kind(epochs([0.5])) == "early"


def test_a_falling_loss_is_still_improving():
    reading = read_curves(epochs([0.7, 0.5, 0.4]), finished=True)

    assert reading.kind == "improving"
    assert "Still improving" in reading.sentence
    assert reading.advice == "More epochs may help."


def test_no_advice_is_given_while_it_improves_and_goes_on():
    assert read_curves(epochs([0.7, 0.5]), finished=False).advice == ""


def test_overfitting_begins_after_the_best_epoch():
    reading = read_curves(epochs([0.7, 0.5, 0.4, 0.45, 0.5, 0.6]), finished=True)

    assert (reading.kind, reading.at) == ("overfitting", 4)
    assert "Overfitting since epoch 4" in reading.sentence
    assert "epoch 3 are kept" in reading.advice


def test_one_bad_epoch_is_not_overfitting():
    assert kind(epochs([0.7, 0.5, 0.4, 0.5])) == "levelled"


def test_a_loss_that_rises_on_both_is_not_overfitting():
    rows = epochs([0.7, 0.4, 0.5, 0.6], train=[0.7, 0.4, 0.5, 0.6])

    assert kind(rows) == "levelled"


def test_overfitting_by_loss_with_fewer_mistakes_says_so():
    rows = epochs([0.4, 0.5, 0.6], errors=[0.1, 0.09, 0.08])

    assert "fewer mistakes" in read_curves(rows, finished=False).sentence


def test_a_flat_loss_has_levelled_off_since_it_came_near_its_best():
    reading = read_curves(epochs([0.9, 0.41, 0.40, 0.405, 0.401]), finished=True)

    assert reading.kind == "levelled"
    assert "since epoch 2" in reading.sentence


def test_a_loss_that_runs_away_has_diverged_at_that_step():
    losses = [0.7, 0.6, 0.5, 0.5, 1.2, 2.5, 6.0]

    reading = read_curves(batches(losses), finished=False)

    assert (reading.kind, reading.at) == ("diverged", 6)
    assert "step 6" in reading.sentence
    assert "ten times smaller" in reading.advice


@pytest.mark.parametrize("gone", [math.nan, math.inf])
def test_a_loss_that_is_no_number_has_diverged(gone):
    assert diverged_at(batches([0.7, 0.6, gone, gone])) == 3


def test_a_loss_that_came_down_again_has_not_diverged():
    assert diverged_at(batches([0.5, 0.4, 3.0, 1.0, 0.4])) is None


def test_small_losses_may_jump():
    assert diverged_at(batches([0.01, 0.005, 0.05, 0.2])) is None


def test_only_the_fold_reached_last_counts():
    rows = epochs([0.4, 0.5, 0.6, 0.7], fold=0) + epochs([0.7, 0.5, 0.3], fold=1)

    assert kind(rows) == "improving"


def test_held_out_losses_that_are_no_numbers_are_survived():
    assert kind(epochs([0.5, math.nan, math.nan, math.nan])) in ("levelled", "overfitting")
