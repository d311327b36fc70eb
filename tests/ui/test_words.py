import pytest

from ui.words import ago, count, duration, percent, plain, shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cat", "cat"),
        ("Straße 猫 🐈‍⬛", "Straße 猫 🐈‍⬛"),
        ("a\nb", "a\\nb"),
        ("a\x00\x1b[31m", "a\\x00\\x1b[31m"),
        ("not\udcff utf-8", "not\\xff utf-8"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_in_a_name_is_shown_as_an_escape(name, text):
    assert shown(name) == text


def test_a_long_name_loses_its_middle():
    name = "a" * 150 + ".jpeg"

    text = shown(name, limit=40)

    assert len(text) == 40
    assert text.startswith("aaa") and "…" in text and text.endswith(".jpeg")


def test_right_to_left_names_leave_the_words_around_them_in_place():
    assert shown("חתול") == "\u2068חתול\u2069"


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        "![](https://example.org/beacon)",
        "**bold** _i_ `code` ~~s~~",
        "$x^2$",
        "[a](javascript:alert(1))",
        "# heading",
        "1. list",
        "|a|b|",
    ],
)
def test_every_mark_of_markdown_in_a_name_is_escaped(name):
    escaped = plain(name)

    for position, character in enumerate(escaped):
        if character in "<>![]()*_`~$#|.&^":
            assert escaped[position - 1] == "\\"


@pytest.mark.parametrize(
    "name", [":smile:", ":red[x]", ":material/home:", "www.example.org", "a@b.org", "https://a.b"]
)
def test_codes_that_take_effect_after_escapes_are_broken_up(name):
    assert "\u2060" in plain(name)
    assert plain(name).replace("\u2060", "").replace("\\", "") == name


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 photos"), (1, "1 photo"), (3412, "3,412 photos")]
)
def test_a_count_agrees_with_its_noun(number, words):
    assert count(number, "photo") == words


def test_an_irregular_plural_is_given():
    assert count(2, "class", "classes") == "2 classes"


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0.0 %"), (0.0352, "3.5 %"), (0.0004, "under 0.1 %"), (1, "100.0 %")]
)
def test_a_share_is_said_in_percent(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.84, "0.8 seconds"), (12.4, "12 seconds"), (185, "3 min 5 s")],
)
def test_a_length_of_time_is_said_in_fitting_units(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (200_000, "2 days ago")],
)
def test_how_long_ago_is_said_in_fitting_units(seconds, words):
    assert ago(1_000_000 - seconds, now=1_000_000) == words
