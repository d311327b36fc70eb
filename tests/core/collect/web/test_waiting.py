import time
from email.utils import formatdate

import pytest

from core.collect.web.waiting import asked_wait, wait_words


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0), ("120", 120), (" 5 ", 5), ("-3", 0), ("1.5", 1.5), (None, None), ("", None)],
)
def test_seconds_are_taken_as_they_are(header, seconds):
    assert asked_wait(header) == seconds


@pytest.mark.parametrize(
    "header", ["soon", "nan", "inf", "1e999", "Mon, 99 Foo 2020", "1 Jan 99999", "\0"]
)
def test_what_is_no_time_says_nothing(header):
    assert asked_wait(header) is None


def test_a_date_is_so_far_from_now():
    assert asked_wait(formatdate(time.time() + 90, usegmt=True)) == pytest.approx(90, abs=2)


def test_a_date_in_the_past_is_now():
    assert asked_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (0.2, "1 second"),
        (90, "90 seconds"),
        (91, "2 minutes"),
        (5400, "90 minutes"),
        (7200, "2 hours"),
        (10_000_000, "more than a week"),
    ],
)
def test_waits_are_said_in_the_unit_that_fits(seconds, words):
    assert wait_words(seconds) == words
