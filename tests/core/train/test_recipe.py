"""The eight steps of the recipe, without any training."""

import json

import pytest

from core.train import recipe as steps
from core.train.recipe import Pending, Recipe, group_rates, settings_for

LAST_RUN, AUGMENTED_RUN, FULL_RUN = "20260101-000000-000003", "20260101-000000-000004", "x"


def walked(to: int) -> Recipe:
    """A recipe whose steps up to this one are done."""
    results = {
        steps.AUGMENT: "done",
        steps.FIND: 0.02,
        steps.LAST: LAST_RUN,
        steps.AUGMENTED: AUGMENTED_RUN,
        steps.UNFREEZE: "done",
        steps.LOWER: "done",
        steps.FIND_AGAIN: 0.001,
        steps.FULL: FULL_RUN,
    }
    recipe = Recipe(augment="above")
    for step in range(1, to + 1):
        recipe = recipe.with_result(step, results[step])
    return recipe


def test_a_new_recipe_begins_with_the_first_step():
    assert Recipe.from_text(None).next == 1
    assert Recipe().next == 1


def test_it_is_read_back_as_it_was_kept():
    recipe = Recipe.from_text(walked(4).to_text())

    assert recipe == walked(4)
    assert recipe.next == 5
    with_work = Recipe(pending=Pending(step=3, job="j"))
    assert Recipe.from_text(with_work.to_text()) == with_work


@pytest.mark.parametrize("text", ["", "no", "[]", '{"done": 3}', '{"pending": {"no": 1}}'])
def test_what_cannot_be_read_is_a_new_recipe(text):
    assert Recipe.from_text(text) == Recipe()


def test_a_step_done_anew_forgets_what_was_built_on_it():
    again = walked(8).with_result(steps.LAST, "20260101-000000-000009")

    assert sorted(again.done) == [1, 2, 3]
    assert again.next == 4


def test_another_rate_forgets_what_was_trained_with_the_old_one():
    other = walked(4).with_rate(steps.FIND, 0.005)

    assert other.next == steps.LAST
    assert other.rate(steps.FIND) == 0.005
    with pytest.raises(ValueError):
        walked(4).with_rate(steps.LAST, 0.005)


def test_the_last_layer_is_trained_without_augmentation_then_with_it():
    first = settings_for(walked(2), steps.LAST)
    second = settings_for(walked(3), steps.AUGMENTED)

    assert (first.augment, first.start_from, first.lr) == ("none", None, 0.02)
    assert (second.augment, second.start_from, second.lr) == ("above", LAST_RUN, 0.02)
    assert second.views == 4
    assert first.freeze_to == second.freeze_to == steps.ONLY_THE_LAST_LAYER


def test_the_whole_network_is_trained_from_there_in_growing_cycles():
    search = settings_for(walked(6), steps.FIND_AGAIN)
    full = settings_for(walked(7), steps.FULL)

    for settings in (search, full):
        assert (settings.freeze_to, settings.start_from) == (0, AUGMENTED_RUN)
    assert (full.schedule, full.cycle_mult, full.epochs) == ("sgdr", 2, 7)
    assert full.lrs == pytest.approx((1e-5, 1e-4, 1e-3))


def test_training_further_goes_on_from_the_last_run():
    assert settings_for(walked(8), steps.FULL, further=True).start_from == FULL_RUN


def test_early_layers_have_lower_rates():
    assert group_rates(0.09, 3) == pytest.approx((0.01, 0.03, 0.09))


def test_steps_without_work_have_no_settings():
    with pytest.raises(ValueError):
        settings_for(walked(8), steps.UNFREEZE)


def test_settings_can_be_kept_as_json():
    for step in (*steps.SEARCHES, *steps.TRAININGS):
        json.dumps(settings_for(walked(8), step).to_json())
