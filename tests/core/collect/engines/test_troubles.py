"""What goes wrong with a site: what was found stays, and what happened is said."""

import socket

import pytest

from core.collect.engines import ENGINES


def test_an_error_in_the_middle_keeps_what_was_found(run, played, reply, bing_page, impatient):
    def answer(asked):
        return reply(bing_page(1, 36)) if asked.fields["first"] == "1" else reply(status=500)

    played.answers = answer

    found, outcome = run(most=100)

    assert len(found) == 35
    assert outcome.ending == "down" and outcome.again
    assert outcome.problem.startswith("Bing has a fault at the moment (500). 35 were found before")
    assert len(played.asked) == 4  # the second page was tried three times


def test_an_error_that_passes_is_not_noticed(run, played, reply, bing_page, impatient):
    def answer(asked):
        return reply(status=502) if len(played.asked) == 1 else reply(bing_page(1, 6))

    played.answers = answer

    found, outcome = run(most=5)

    assert len(found) == 5
    assert outcome.problem is None


@pytest.mark.parametrize(
    ("status", "ending", "words"),
    [
        (403, "blocked", "Bing refused to search (403)."),
        (404, "shape", "Bing does not know what it is asked (404)."),
    ],
)
def test_a_refusal_is_said_at_once_with_the_next_best_way(
    run, played, reply, status, ending, words
):
    played.answers = lambda asked: reply("<h1>No</h1>", status=status)

    found, outcome = run()

    assert found == []
    assert outcome.ending == ending
    assert words in outcome.problem
    assert outcome.problem.endswith("or paste a list of links.")
    assert len(played.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_too_many_questions_are_waited_out_as_told(run, played, reply, bing_page, status):
    def answer(asked):
        if len(played.asked) == 1:
            return reply(status=status, headers={"Retry-After": "1"})
        return reply(bing_page(1, 6))

    played.answers = answer

    found, outcome = run(most=5)

    assert len(found) == 5
    assert outcome.problem is None
    assert played.asked[1].at - played.asked[0].at >= 1.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        (" 120 ", 120.0),
        ("9" * 50, 999_999_999.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_how_long_to_wait_is_read_from_numbers_and_dates(header, seconds):
    from core.collect.engines.asking import told_to_wait

    assert told_to_wait(header) == seconds


def test_an_answer_that_breaks_off_is_asked_for_again(run, played, reply, bing_page, impatient):
    def answer(asked):
        return reply(bing_page(1, 6), promised=0 if len(played.asked) > 1 else 1000)

    played.answers = answer

    found, outcome = run(most=5)

    assert len(found) == 5
    assert outcome.problem is None
    assert len(played.asked) == 2


def test_a_site_that_wants_to_be_left_alone_for_long_is(run, played, reply):
    played.answers = lambda asked: reply(status=429, headers={"Retry-After": "1800"})

    found, outcome = run()

    assert len(played.asked) == 1
    assert outcome.ending == "limit" and outcome.wait_seconds == 1800
    assert "asked too often (429) and wants to be left alone for 30 minutes" in outcome.problem
    assert "Try again in 30 minutes." in outcome.problem


@pytest.mark.parametrize(
    ("body", "ending"),
    [
        ('<form id="captcha-form" action="/x"><div class="g-recaptcha"></div></form>', "captcha"),
        ("<p>Our systems have detected unusual traffic from your computer network.", "captcha"),
        ("<title>百度安全验证</title>", "captcha"),
        ('<form action="https://consent.google.com/save">Avant de continuer</form>', "consent"),
        ("", "shape"),
        ("<html><p>Bonjour ! Voici autre chose.</p></html>", "shape"),
        ('<ul class="dgControl_list"></ul><div class="b_no">Nichts gefunden</div>', "nothing"),
    ],
)
@pytest.mark.parametrize("engine", ["bing", "google", "baidu"])
def test_a_page_without_pictures_says_what_it_is(run, played, reply, engine, body, ending):
    played.answers = lambda asked: reply(body)
    if ending == "nothing" and engine != "bing":
        ending = "shape"

    found, outcome = run(engine)

    assert found == []
    assert outcome.ending == ending
    assert outcome.problem.startswith(ENGINES[engine].title)
    assert "Try " in outcome.problem


@pytest.mark.parametrize(
    ("place", "ending"),
    [("/sorry/index?continue=x", "captcha"), ("/consent?continue=x", "consent")],
)
def test_being_sent_to_a_wall_is_noticed_by_where_it_stands(run, played, reply, place, ending):
    def answer(asked):
        return reply(status=302, headers={"Location": place}) if asked.fields.get("q") else reply()

    played.answers = answer

    _, outcome = run("google")

    assert outcome.ending == ending


def test_a_site_that_is_down_is_said(run, session, impatient):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{sock.getsockname()[1]}"

        found, outcome = run(base=base)

    assert found == []
    assert outcome.ending == "down" and outcome.again
    assert outcome.problem.startswith("Bing cannot be asked. Nothing answers at this address")


def test_a_name_that_is_not_known_is_said(run, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    found, outcome = run(base="https://www.bing.invalid")

    assert found == []
    assert outcome.ending == "network" and outcome.again
    assert outcome.problem.startswith("Bing cannot be reached.")
    assert "Check the connection" in outcome.problem


def test_a_site_that_does_not_answer_in_time_is_said(run, played, reply, impatient):
    played.answers = lambda asked: reply(gate=played.released)

    found, outcome = run()

    assert found == []
    assert outcome.ending == "slow"
    assert "did not answer in time" in outcome.problem


def test_a_private_address_is_not_asked(run, played, monkeypatch):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "0")

    found, outcome = run()

    assert outcome.ending == "private"
    assert outcome.problem.startswith("Bing was not asked.")
    assert played.asked == []


def test_an_answer_without_an_end_is_cut_off(run, played, reply, monkeypatch):
    from core.collect.engines import asking

    monkeypatch.setattr(asking, "LARGEST_ANSWER", 100_000)
    played.answers = lambda asked: reply(b"x" * 1_000_000)

    found, outcome = run()

    assert outcome.ending == "shape"


def test_a_page_of_another_shape_in_the_middle_is_not_taken_for_the_end(
    run, played, reply, bing_page
):
    def answer(asked):
        return reply(bing_page(1, 36) if asked.fields["first"] == "1" else "<p>Something else")

    played.answers = answer

    found, outcome = run(most=100)

    assert len(found) == 35
    assert outcome.ending == "shape"
    assert "It may have changed its pages. 35 were found before that." in outcome.problem


def test_an_empty_answer_after_results_is_the_end(run, played, reply, bing_page):
    played.answers = lambda asked: reply(bing_page(1, 36) if asked.fields["first"] == "1" else "")

    assert run(most=100)[1].ending == "fewer"
