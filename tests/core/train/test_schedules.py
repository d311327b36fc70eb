import math

import pytest

from core.train.schedules import first_batch, points, schedule_of, total_epochs
from core.train.settings import DeepSettings


def test_one_cycle_starts_at_a_25th_reaches_the_peak_after_a_quarter_and_ends_at_nearly_nothing():
    schedule = schedule_of(DeepSettings(epochs=4), steps_per_epoch=10)

    assert schedule.steps == 40
    assert schedule.factor(0) == pytest.approx(1 / 25)
    assert schedule.factor(5) == pytest.approx((1 / 25 + 1) / 2)  # half way up
    assert schedule.factor(10) == pytest.approx(1)
    assert schedule.factor(25) == pytest.approx((1 + 1e-5) / 2)  # half way down
    assert schedule.factor(40) == pytest.approx(1e-5)


def test_the_momentum_of_one_cycle_goes_the_other_way():
    schedule = schedule_of(DeepSettings(epochs=4), steps_per_epoch=10)

    assert schedule.momentum(0) == pytest.approx(0.95)
    assert schedule.momentum(10) == pytest.approx(0.85)
    assert schedule.momentum(25) == pytest.approx(0.90)
    assert schedule.momentum(40) == pytest.approx(0.95)


def test_sgdr_falls_to_nothing_and_starts_again_each_cycle_twice_as_long():
    settings = DeepSettings(schedule="sgdr", epochs=7, cycle_length=1, cycle_mult=2)
    schedule = schedule_of(settings, steps_per_epoch=4)

    assert schedule.cycles == (1, 2, 4)
    assert schedule.restarts() == (4, 12)
    assert [schedule.factor(step) for step in (0, 4, 12)] == [1, 1, 1]
    assert schedule.factor(2) == pytest.approx(0.5)  # half of the first cycle
    assert schedule.factor(3) == pytest.approx((1 + math.cos(math.pi * 3 / 4)) / 2)
    assert schedule.factor(20) == pytest.approx(0.5)  # half of the third
    assert schedule.factor(28) == pytest.approx(0)
    assert {schedule.momentum(step) for step in range(28)} == {0.9}


@pytest.mark.parametrize(
    ("epochs", "length", "mult", "total"),
    [(1, 1, 2, 1), (2, 1, 2, 3), (4, 1, 2, 7), (6, 2, 1, 6), (5, 2, 1, 6), (3, 5, 3, 5)],
)
def test_sgdr_always_finishes_its_last_cycle(epochs, length, mult, total):
    settings = DeepSettings(schedule="sgdr", epochs=epochs, cycle_length=length, cycle_mult=mult)

    assert total_epochs(settings) == total
    assert schedule_of(settings, 3).epochs == total


def test_constant_stays_at_the_peak():
    schedule = schedule_of(DeepSettings(schedule="constant", epochs=2), steps_per_epoch=5)

    assert {schedule.factor(step) for step in range(12)} == {1.0}
    assert schedule.epochs == 2


@pytest.mark.parametrize("kind", ["one_cycle", "sgdr", "constant"])
def test_factor_and_momentum_stay_in_their_range_at_any_step_even_beyond_the_end(kind):
    schedule = schedule_of(DeepSettings(schedule=kind, epochs=3), steps_per_epoch=7)

    for step in range(-1, schedule.steps + 10):
        assert 0 <= schedule.factor(step) <= 1
        assert 0.85 <= schedule.momentum(step) <= 0.95


def test_one_step_in_all_is_a_schedule_too():
    assert schedule_of(DeepSettings(epochs=1), steps_per_epoch=0).steps == 1


def test_a_chart_has_both_ends_and_both_sides_of_each_restart():
    settings = DeepSettings(schedule="sgdr", epochs=3, cycle_length=1, cycle_mult=2)

    rows = points(schedule_of(settings, steps_per_epoch=1000), at_most=50)

    steps = [row["step"] for row in rows]
    assert len(rows) <= 52 and steps == sorted(set(steps))
    assert {0, 999, 1000, 2999} <= set(steps)
    at = steps.index(1000)
    assert rows[at - 1]["rate"] < 0.01 and rows[at]["rate"] == 1
    assert rows[at]["epoch"] == 1


def test_a_chart_of_one_step_is_one_point():
    assert len(points(schedule_of(DeepSettings(epochs=1), 1))) == 1


@pytest.mark.parametrize(
    ("count", "batch", "begins_with"),
    [
        (1, 32, 1),
        (3, 32, 3),
        (12, 32, 6),
        (48, 32, 8),
        (97, 32, 16),
        (98, 32, 32),
        (300, 32, 32),
        (60, 2, 2),
    ],
)
def test_batches_are_smaller_where_so_few_photos_would_make_no_steps(count, batch, begins_with):
    assert first_batch(DeepSettings(batch=batch), count) == begins_with
