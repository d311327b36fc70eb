import json
import math

import pytest

from core.errors import TrainingError
from core.train.augment_choices import PRESETS, AugmentChoices, choices_of, preset_named


def test_every_preset_has_its_name_a_title_and_a_sentence_on_when_to_take_it():
    assert list(PRESETS) == ["side", "above", "count", "crop", "none"]
    for name, preset in PRESETS.items():
        assert preset.name == name and preset.title and preset.sentence.endswith(".")
        assert choices_of(name) is preset.choices


def test_from_the_side_is_what_fastai_does():
    assert choices_of("side").to_json() == {
        "flip": True,
        "flip_vertical": False,
        "quarter_turns": False,
        "rotate": 10.0,
        "zoom": 1.1,
        "lighting": 0.2,
        "warp": 0.2,
        "crop": 1.0,
        "p_affine": 0.75,
        "p_lighting": 0.75,
    }


def test_choices_come_back_from_json():
    choices = AugmentChoices(flip=True, rotate=7.5, crop=0.5)

    assert choices_of(json.loads(json.dumps(choices.to_json()))) == choices


def test_what_is_not_named_changes_nothing():
    assert choices_of({"flip": True}) == AugmentChoices(flip=True)
    assert not choices_of({}).changes
    assert choices_of({"zoom": 2}).resamples  # whole numbers are numbers


def test_an_unknown_preset_is_refused_and_those_there_are_are_named():
    with pytest.raises(TrainingError, match=r"'sideways'.* side, above, count, crop, none"):
        choices_of("sideways")
    with pytest.raises(TrainingError):
        preset_named("")


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"shear": 1}, "'shear'"),
        ({"flip": 1}, "flip is either true or false"),
        ({"rotate": -1}, "rotate is a number from 0 to 180"),
        ({"rotate": math.nan}, "rotate"),
        ({"rotate": True}, "rotate"),
        ({"rotate": "10"}, "rotate"),
        ({"zoom": 0.5}, "zoom is a number from 1 to 3"),
        ({"lighting": 1}, "lighting is a number from 0 to 0.9"),
        ({"warp": 0.6}, "warp"),
        ({"crop": 0}, "crop is a number from 0.05 to 1"),
        ({"p_affine": 2}, "p_affine"),
        ({"p_lighting": None}, "p_lighting"),
    ],
)
def test_choices_that_make_no_sense_are_refused_in_a_sentence(choices, sentence):
    with pytest.raises(TrainingError, match=sentence):
        choices_of(choices)


def test_only_what_moves_no_pixel_between_pixels_keeps_counts():
    assert PRESETS["count"].choices.keeps_counts and PRESETS["none"].choices.keeps_counts
    for name in ("side", "above", "crop"):
        assert not PRESETS[name].choices.keeps_counts
    assert AugmentChoices(rotate=10, p_affine=0).keeps_counts
