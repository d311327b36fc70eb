import math

import numpy as np
import pytest

from core.train.lr_suggestions import Suggestions, smoothed, suggestions


def sweep(points=100, *, start=1e-7, end=10.0):
    return [start * (end / start) ** (at / points) for at in range(points)]


def bowl(lrs, *, lowest=1e-2):
    """Flat, then a fall to a lowest loss, then a steep rise."""
    heights = []
    for lr in lrs:
        decades = math.log10(lr / lowest)
        heights.append(1.0 - math.exp(-(decades**2)) * 0.8 + (4 * decades if decades > 0 else 0))
    return heights


def fastai_valley(lrs, losses):
    """The rule in fastai's own way, over all pairs of points."""
    lengths = [1] * len(losses)
    start = end = 0
    for i in range(1, len(losses)):
        for j in range(i):
            if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[end] < lengths[i]:
                end, start = i, i - lengths[i]
    sections = (end - start) / 3
    return lrs[start + int(sections) + int(sections / 2)]


def test_the_rules_give_what_is_worked_out_by_hand():
    # 30 points at 1, 2, 3 ... The first 3 and the last 5 are left out: 4 to 25 are looked at.
    lrs = [float(at) for at in range(1, 31)]
    losses = [9.0] * 9  # rates 1 to 9
    losses += [8.0, 7.0, 6.0, 3.0, 2.0, 1.0]  # 10 to 15: the lowest at 15
    losses += [2.0] * 15

    found = suggestions(lrs, losses)

    assert found.minimum == 1.5
    # 12 to 13 falls by 3 over log(13/12) = 0.080, the most for so small a step.
    assert found.steepest == 12.0
    # The fall has 7 points (9, 8, 7, 6, 3, 2, 1) and ends at place 11 of those left: it counts
    # from place 4; a third of 7 is 2, a sixth 1, so place 7, where the rate is 11.
    assert found.valley == 11.0
    # Slopes at places 6 and 21 are -1 and 0, at 5 and 20 they are -0.5 and 0, at 4 and 19 both
    # are 0: so it stops at place 5, where the rate is 9.
    assert found.slide == 9.0


@pytest.mark.parametrize("seed", range(20))
def test_the_valley_is_fastai_s_on_any_curve(seed):
    lrs = sweep()
    losses = smoothed(
        (np.array(bowl(lrs)) + np.random.default_rng(seed).normal(0, 0.05, 100)).tolist()
    )

    assert suggestions(lrs, losses).valley == fastai_valley(lrs[10:-5], losses[10:-5])


def test_the_slide_moves_back_while_the_slope_still_changes():
    lrs = sweep()
    losses = bowl(lrs)

    found = suggestions(lrs, losses)

    assert found.slide is not None and found.slide < lrs[-5 - 1 - 15]


def test_six_points_are_enough_for_all_but_the_slide():
    found = suggestions([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1], [2.0, 2.0, 1.5, 1.0, 1.2, 9.0])

    # None is left out at the start, the last one at the end.
    assert found == Suggestions(valley=1e-5, slide=None, minimum=1e-4, steepest=1e-5)


def test_all_from_the_first_that_is_no_number_is_left_out():
    lrs = sweep()
    whole = suggestions(lrs[:65], bowl(lrs[:65]), planned=100)
    for nonsense in (math.nan, math.inf):
        losses = bowl(lrs)
        losses[60:] = [nonsense] * 40

        assert suggestions(lrs, losses) == whole


@pytest.mark.parametrize(
    "losses",
    [
        [1.0 + at / 100 for at in range(100)],  # only rises
        [1.0] * 100,
        [math.nan] * 100,
        [0.5 + (1e-3 if at % 2 else 0) + at / 10 for at in range(100)],  # rises and trembles
    ],
)
def test_a_loss_that_never_falls_suggests_nothing(losses):
    found = suggestions(sweep(), losses)

    assert found == Suggestions()
    assert found.best is None


@pytest.mark.parametrize("points", range(6))
def test_fewer_points_than_a_shape_has_suggest_nothing_and_raise_nothing(points):
    found = suggestions(sweep(6)[:points], [1.0 - at / 10 for at in range(points)])

    assert (found == Suggestions()) == (points < 3)


def test_a_sweep_that_stopped_early_leaves_out_a_tenth_of_what_was_planned():
    lrs = sweep()[:70]
    losses = bowl(lrs)
    losses[9] = 0.0  # left out, or it would be the lowest

    assert suggestions(lrs, losses, planned=100).minimum != lrs[9] / 10
    assert suggestions(lrs, losses).minimum == lrs[9] / 10


def test_the_best_is_the_valley_where_there_is_one():
    assert Suggestions(valley=1e-3, steepest=1e-2).best == 1e-3
    assert Suggestions(steepest=1e-2, minimum=1e-4).best == 1e-2


def test_the_first_smoothed_loss_is_the_first_loss_and_the_rest_are_averages():
    first, second, third = smoothed([2.0, 4.0, 4.0])

    assert first == pytest.approx(2.0)
    assert second == pytest.approx((0.98 * 2 + 4) / 1.98)
    assert third == pytest.approx((0.98**2 * 2 + 0.98 * 4 + 4) / (0.98**2 + 0.98 + 1))


def test_what_is_smoothed_is_no_number_from_the_first_nan_on():
    found = smoothed([1.0, math.nan, 1.0])

    assert found[0] == pytest.approx(1.0) and all(math.isnan(loss) for loss in found[1:])


def test_a_hundred_thousand_points_take_no_time_to_speak_of():
    lrs = sweep(100_000)

    assert suggestions(lrs, bowl(lrs)).valley is not None


def test_losses_without_their_rates_are_refused():
    with pytest.raises(ValueError, match="3 rates"):
        suggestions([1e-3, 1e-2, 1e-1], [1.0])
