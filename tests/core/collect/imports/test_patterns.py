"""Classes read out of names, and patterns that would hang whoever tries them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.collect.imports.patterns import TOO_COMPLICATED, class_by_pattern, suggest_patterns
from core.errors import DatasetError


def test_the_first_group_is_the_class():
    names = ["images/great_pyrenees_173.jpg", "pug_2.jpg"]

    assert class_by_pattern(r"^(.+)_\d+.jpg$", names) == ["great_pyrenees", "pug"]


def test_the_whole_match_is_the_class_where_there_is_no_group():
    assert class_by_pattern(r"^[a-z]+", ["cat.123.jpg", "1.jpg"]) == ["cat", None]


def test_fast_ai_s_pattern_with_a_slash_finds_the_class():
    assert class_by_pattern(r"/([^/]+)_\d+.jpg$", ["images/pug_2.jpg", "pug_3.jpg"]) == ["pug"] * 2


def test_a_group_that_matches_nothing_is_no_class():
    assert class_by_pattern(r"^(\d*)", ["cat.jpg"]) == [None]
    assert class_by_pattern(r"^(x)?cat", ["cat.jpg"]) == [None]


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(a|aa)+$", r"(.*)*\d$", r"^(([a-z])+.)+[A-Z]$"])
def test_a_pattern_that_never_ends_is_given_up_in_time(pattern):
    began = time.monotonic()

    with pytest.raises(DatasetError, match="takes too long"):
        class_by_pattern(pattern, ["a" * 60 + "!.jpg"], seconds=0.5)

    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(.+", "bracket ( is never closed"),
        (".+)", "bracket ) closes nothing"),
        ("[a-z", "bracket [ is never closed"),
        ("*.jpg", "nothing before it that could repeat"),
        ("a++*", "signs for repeating"),
        ("[z-a]", "range such as a-z runs the wrong way"),
        ("a{5,2}", "begins higher than it ends"),
        ("\\", "ends in a \\"),
        (r"\q", "no meaning with it"),
        ("(?Q)", "begins with (?"),
        (r"(?<=a+)b", "one fixed length"),
        (r"(a)\7", "names a bracket that is not there"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said_in_plain_words(pattern, words):
    with pytest.raises(DatasetError) as refused:
        class_by_pattern(pattern, ["cat.jpg"])

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "pattern", ["(" * 5000, "a" * 501, "(" * 240 + ")" * 240, "a{1,99999999999}"]
)
def test_a_monstrous_pattern_is_a_sentence_or_a_result(pattern):
    try:
        assert len(class_by_pattern(pattern, ["cat.jpg"])) == 1
    except DatasetError as error:
        assert str(error)


def test_a_pattern_that_is_too_long_is_not_tried():
    with pytest.raises(DatasetError, match=TOO_COMPLICATED[:20]):
        class_by_pattern("a" * 1000, ["cat.jpg"])


def test_names_that_are_not_utf_8_come_through():
    assert class_by_pattern(r"^(.+)_\d", ["c\udce4t_1.jpg"]) == ["c\udce4t"]


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=12))
def test_no_pattern_raises_anything_but_a_sentence(pattern):
    try:
        found = class_by_pattern(pattern, ["great_pyrenees_173.jpg"], seconds=5)
        assert len(found) == 1
    except DatasetError as error:
        assert str(error).endswith(".") or "at place" in str(error)


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        ("great_pyrenees_{n}.jpg pug_{n}.jpg", r"^(.+)_\d+\.[^.]+$"),
        ("cat.{n}.jpg dog.{n}.jpg", r"^(.+)\.\d+\.[^.]+$"),
        ("dog-{n:03}.png cat-{n:03}.png", r"^(.+)-\d+\.[^.]+$"),
        ("{n:04}_cat.jpg {n:04}_dog.jpg", r"^\d+[_\-. ]+(\D.*)\.[^.]+$"),
        ("n01440764_{n}.JPEG n02102040_{n}.JPEG", r"^(.+)_\d+\.[^.]+$"),
        ("cat ({n}).jpg dog ({n}).jpg", r"^(.+?) ?\(\d+\)\.[^.]+$"),
        ("cat{n}.jpg dog{n}.jpg", r"^([^\W\d_]+)[ ]?\d+\.[^.]+$"),
    ],
)
def test_common_shapes_of_names_get_a_pattern(shape, pattern):
    names = [one.format(n=n) for n in range(20) for one in shape.split(" ") if "(" not in shape]
    names = names or [f"{animal} ({n}).jpg" for n in range(20) for animal in ("cat", "dog")]

    best = suggest_patterns(names)[0]

    assert best.pattern == pattern
    assert (best.classes, best.matched) == (2, 40)
    found = class_by_pattern(best.pattern, names)
    for name, class_name in best.examples:
        assert found[names.index(name)] == class_name


@pytest.mark.parametrize("shape", ["IMG_{n}.jpg", "{n}.jpg", "{h:08x}.jpg", "DSC0{n}.JPG"])
def test_names_that_tell_no_class_get_no_pattern(shape):
    names = [shape.format(n=n, h=n * 2654435761 % 2**32) for n in range(50)]

    assert suggest_patterns(names) == []


def test_hostile_names_do_not_hold_up_the_suggestions():
    names = ["1_" + "a." * 30_000, "_" * 60_000 + "1", "-1" * 30_000, "(" * 60_000] * 20

    began = time.monotonic()
    suggest_patterns(names)

    assert time.monotonic() - began < 5
