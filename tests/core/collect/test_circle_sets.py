from dataclasses import asdict, replace

import numpy as np
import pytest

from core.collect.circle_sets import (
    SIDES,
    CircleChoices,
    file_name,
    objection,
    picture,
    sizes,
)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("count", [1, 5, 12])
def test_as_many_circles_are_drawn_as_the_class_says(side, count):
    choices = CircleChoices(most=12, side=side)

    for number in range(3):
        assert blobs(picture(choices, count, number)) == count


def test_fifty_circles_are_drawn_apart_from_one_another():
    choices = CircleChoices(fewest=45, most=50, side=256)

    assert blobs(picture(choices, 50, 0)) == 50


def test_the_same_choices_draw_the_same_picture_and_another_seed_another():
    choices = CircleChoices(seed=3)

    assert same(picture(choices, 4, 7), picture(CircleChoices(**asdict(choices)), 4, 7))
    assert not same(picture(choices, 4, 7), picture(choices, 4, 8))
    assert not same(picture(choices, 4, 7), picture(replace(choices, seed=4), 4, 7))


def test_more_pictures_a_class_or_fewer_circles_leave_the_others_as_they_are():
    few, more = CircleChoices(fewest=3), CircleChoices(fewest=1, per_class=500)

    assert file_name(few, 4, 7) == file_name(more, 4, 7)
    assert same(picture(few, 4, 7), picture(more, 4, 7))


def test_a_name_does_not_tell_how_many_circles_there_are():
    names = [file_name(CircleChoices(), count, number) for count in (1, 5) for number in range(50)]

    assert len(set(names)) == len(names)
    assert sorted(names[:50])[0] < sorted(names[50:])[-1]
    assert sorted(names[50:])[0] < sorted(names[:50])[-1]


def test_one_colour_is_one_colour_in_every_picture():
    choices = CircleChoices(colours="one", overlap=False)

    hues = {hue for number in range(8) for hue in hues_of(picture(choices, 5, number))}

    assert len(hues) == 1


def test_many_colours_are_several_in_one_picture():
    choices = CircleChoices(fewest=5, most=12)

    assert max(len(hues_of(picture(choices, 12, number))) for number in range(8)) > 1


def test_overlapping_circles_overlap_but_none_hides_another():
    from core.collect.circle_sets import _places

    choices = CircleChoices(most=30, overlap=True)
    found = sizes(choices)
    overlaps = 0
    for seed in range(5):
        places = _places(found, 30, choices, np.random.default_rng(seed))
        for at, (x, y, radius) in enumerate(places):
            for other_x, other_y, other in places[:at]:
                away = np.hypot(x - other_x, y - other_y)
                assert away >= 0.7 * (radius + other) - 1e-9
                overlaps += away < radius + other

    assert overlaps > 5


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("side", SIDES)
def test_whatever_is_not_objected_to_can_be_drawn(side, overlap):
    fits = [
        most
        for most in range(1, 101)
        if sizes(CircleChoices(most=most, side=side, overlap=overlap)) is not None
    ]

    most = max(fits)

    assert fits == list(range(1, most + 1))
    choices = CircleChoices(most=most, side=side, overlap=overlap)
    assert picture(choices, most, 0).size == (side, side)


def test_circles_that_do_not_fit_are_objected_to_with_what_would_fit():
    sentence = objection(CircleChoices(fewest=90, most=100, side=96))

    assert "100 circles do not fit on 96 pixels without touching" in sentence
    assert "pictures of 192 pixels" in sentence
    fewer = int(sentence.split("at most ")[1].split()[0])
    assert objection(CircleChoices(fewest=fewer, most=fewer, side=96)) is None
    assert objection(CircleChoices(fewest=fewer, most=fewer + 1, side=96)) is not None


@pytest.mark.parametrize(
    ("choices", "word"),
    [
        ({"fewest": 6, "most": 5}, "as many as the fewest"),
        ({"fewest": 0}, "as many as the fewest"),
        ({"fewest": 99, "most": 101, "side": 512}, "At most 100"),
        ({"fewest": 1, "most": 60, "side": 512}, "60 classes"),
        ({"per_class": 0}, "one picture"),
        ({"per_class": 20_000}, "More than 50,000"),
    ],
)
def test_choices_that_make_no_sense_are_objected_to(choices, word):
    assert word in objection(CircleChoices(**choices))


def test_usual_choices_are_not_objected_to():
    assert objection(CircleChoices()) is None
    assert objection(CircleChoices(fewest=45, most=50)) is None
    assert objection(CircleChoices(fewest=45, most=50, overlap=True, side=128)) is None


def same(one, other):
    return one.tobytes() == other.tobytes()


def ink_of(picture):
    pixels = np.asarray(picture, dtype=int)
    return np.abs(pixels - pixels[0, 0]).max(axis=2) > 20


def hues_of(picture):
    """Hues of what is plainly ink, as the order and rough relation of its channels."""
    hsv = np.asarray(picture.convert("HSV"), dtype=int)
    hue, saturation = hsv[..., 0], hsv[..., 1]
    seen, counts = np.unique(hue[saturation > 90] // 12, return_counts=True)
    return {int(one) for one, count in zip(seen, counts, strict=True) if count > 40}


def blobs(picture):
    """How many separate patches differ from the paper."""
    from scipy.ndimage import label

    return label(ink_of(picture))[1]
