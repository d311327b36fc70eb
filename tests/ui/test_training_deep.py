"""Figures and curves of a deep training as it goes, from rows that come within a step, too."""

import pytest
from streamlit.testing.v1 import AppTest

from ui.training_deep.curves import epochs_in_all, one_a_step


def batch(step: float) -> dict:
    """A row of a training of 4 epochs with 12 steps each."""
    return {
        "kind": "batch",
        "fold": 0,
        "step": step,
        "steps": 48,
        "epoch": step / 12,
        "train_loss": 0.5,
        "lr": 1e-3,
        "momentum": 0.9,
        "t": step,
    }


@pytest.mark.parametrize("step", [0.25, 1.0, 11.75, 12.0, 30.5, 48.0])
def test_how_many_epochs_there_are_is_told_by_any_row(step):
    assert epochs_in_all(batch(step)) == 4


@pytest.mark.parametrize(("step", "epoch"), [(0.25, 1), (12.0, 1), (12.25, 2), (48.0, 4)])
def test_the_epoch_changes_once_the_last_one_was_judged(step, epoch):
    def page(row):
        from ui.training_deep import live

        live.draw_figures([row])

    at = AppTest.from_function(page, kwargs={"row": batch(step)}).run()

    assert at.metric[0].value == f"{epoch} of 4"


def test_the_rate_is_drawn_once_a_step():
    rows = [batch(step) for step in (0.25, 0.5, 1.0, 1.25, 2.0, 2.75)]

    assert [row["step"] for row in one_a_step(rows)] == [1.0, 2.0, 2.75]
