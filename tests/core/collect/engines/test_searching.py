"""Searches through icrawler's threads, on a local server that plays the site."""

import logging
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.collect.engines import ENGINES, Found, Outcome, Search, search
from core.collect.engines import found as engines_found
from core.collect.engines.site import Turn

ROOT = Path(__file__).resolve().parents[4]


def search_threads():
    names = ("feeder", "parser", "downloader")
    return [one for one in threading.enumerate() if one.name.startswith(names)]


def wait_until(is_so, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        threading.Event().wait(0.01)


# Paging


def test_pages_are_asked_for_until_enough_are_found(run, bing, played):
    bing(1000)

    found, outcome = run(most=80)

    assert [one.url for one in found] == [
        f"https://photos.example/{number}.png?w=1" for number in range(1, 81)
    ]
    assert outcome == Outcome(found=80)
    assert [asked.fields["first"] for asked in played.asked] == ["1", "36", "71"]
    assert {asked.path for asked in played.asked} == {"/images/async"}


def test_a_search_that_finds_fewer_ends_and_says_so(run, bing):
    bing(50)

    found, outcome = run(most=500)

    assert len(found) == 50
    assert outcome.ending == "fewer"
    assert "Bing gives no more pictures for these words: 50 were found." in outcome.problem
    assert "Wikimedia Commons" in outcome.problem


def test_a_site_that_sends_the_same_page_for_ever_ends_the_search(run, played, reply, bing_page):
    played.answers = lambda asked: reply(bing_page(1, 48))

    found, outcome = run(most=500)

    assert len(found) == 47
    assert outcome.ending == "fewer"
    assert len(played.asked) == 2


def test_what_stands_on_two_pages_or_twice_on_one_comes_once(run, played, reply, bing_page):
    pages = {"1": bing_page(1, 6) + bing_page(1, 6), "11": bing_page(4, 9)}
    played.answers = lambda asked: reply(pages.get(asked.fields["first"], ""))

    found, _ = run(most=100)

    assert [one.url.rpartition("/")[2] for one in found] == [f"{n}.png?w=1" for n in range(1, 9)]


def test_pages_that_all_come_from_one_place_and_read_alike_are_told_apart(
    run, played, reply, bing_page
):
    def answer(asked):
        if asked.path != "/same":
            return reply(status=302, headers={"Location": "/same"})
        first = 5 * sum(one.path == "/same" for one in played.asked)
        return reply(bing_page(first, first + 5))

    played.answers = answer

    found, outcome = run(most=100)

    assert len(found) == 100
    assert outcome.problem is None


def test_the_next_page_is_asked_for_only_when_it_is_needed(begin, bing, played):
    bing(1000)
    results = begin(most=500)

    for _ in range(35):
        next(results)

    assert len(played.asked) == 1
    next(results)
    assert len(played.asked) == 2
    results.close()


def test_the_words_and_filters_reach_the_site_as_they_are(run, played, bing):
    bing(5)
    words = 'muffin & "co" 犬 \N{DOG FACE} \ud800 ?x=1#y'

    run(most=5, query=words, filters={"size": "large", "type": "photo", "colour": "mauve"})

    assert played.asked[0].fields["q"] == words.replace("\ud800", "?")
    assert played.asked[0].fields["qft"] == "+filterui:imagesize-large+filterui:photo-photo"


def test_words_are_asked_for_in_one_line_of_sensible_length(run, played, bing):
    bing(5)

    run(most=5, query="  chihuahua \n\t dog " + "x" * 1000)

    assert played.asked[0].fields["q"] == "chihuahua dog " + "x" * 236


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_choice_offered_changes_the_question_or_holds_for_all(engine):
    site = engines_found.SITES[engine]
    plain = site.ask(Search(query="cat", most=1), Turn(), "key")

    for kind, choices in ENGINES[engine].filters.items():
        assert kind in engines_found.FILTER_TITLES
        for choice in choices:
            wanted = Search(query="cat", most=1, filters={kind: choice.value})
            asked = site.ask(wanted, Turn(), "key")
            assert (asked != plain) == bool(site.filters[kind][choice.value]), choice
        assert len(choices) == len(site.filters[kind]), f"{engine}: a {kind} without a title"


# icrawler's habits


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_a_reader_that_breaks_inside_icrawler_is_noticed(run, bing, monkeypatch, error):
    def breaks(text):
        raise error("in the parser's thread")

    bing(100)
    broken = replace(engines_found.SITES["bing"], read=breaks)
    monkeypatch.setitem(engines_found.SITES, "bing", broken)

    found, outcome = run()

    assert found == []
    assert outcome.ending == "crashed"
    assert outcome.problem.startswith("The search on Bing broke off by itself.")


def test_an_address_that_cannot_be_made_inside_icrawler_is_noticed(run, monkeypatch):
    def breaks(*_):
        raise RuntimeError("in the feeder's thread")

    broken = replace(engines_found.SITES["bing"], ask=breaks)
    monkeypatch.setitem(engines_found.SITES, "bing", broken)

    assert run()[1].ending == "crashed"


def test_the_threads_are_icrawler_s_own_and_end_with_the_search(begin, bing):
    from icrawler import Downloader, Feeder, Parser
    from icrawler.utils.thread_pool import Worker

    bing(1000)
    results = begin(most=40)
    next(results)
    at_work = search_threads()

    assert len(at_work) == 3
    assert all(isinstance(one, Worker) for one in at_work)
    pools = {type(one._target.__self__).__mro__[1] for one in at_work}
    assert pools == {Feeder, Parser, Downloader}

    list(results)
    assert search_threads() == []


def test_the_root_logger_is_left_alone_and_no_key_is_logged(run, played, reply, caplog, impatient):
    played.answers = lambda asked: reply(status=500)
    before = list(logging.getLogger().handlers), logging.getLogger().level

    with caplog.at_level(logging.DEBUG):
        _, outcome = run("flickr", key="a-secret-key")

    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before
    ours = [one for one in caplog.records if not one.name.startswith("urllib3")]
    assert not any("a-secret-key" in one.getMessage() for one in ours)
    assert "a-secret-key" not in outcome.problem
    assert played.asked[0].fields["api_key"] == "a-secret-key"


# Stopping


def test_stop_ends_a_search_that_waits_for_the_site(begin, played, reply):
    stop = threading.Event()
    played.answers = lambda asked: reply(gate=played.released)
    results = begin(stop=stop)
    ended = []
    taking = threading.Thread(target=lambda: ended.extend(results), daemon=True)
    taking.start()
    wait_until(lambda: played.asked)

    at = time.monotonic()
    stop.set()
    taking.join(5)

    assert time.monotonic() - at < 2
    assert ended == [Outcome(found=0, ending="stopped")]
    wait_until(lambda: not search_threads())


def test_stop_ends_a_search_that_was_told_to_wait(begin, played, reply):
    stop = threading.Event()
    played.answers = lambda asked: reply(status=429, headers={"Retry-After": "50"})
    results = begin(stop=stop)
    ended = []
    taking = threading.Thread(target=lambda: ended.extend(results), daemon=True)
    taking.start()
    wait_until(lambda: played.asked)

    at = time.monotonic()
    stop.set()
    taking.join(5)

    assert time.monotonic() - at < 2
    assert ended == [Outcome(found=0, ending="stopped")]


def test_leaving_a_search_half_way_ends_its_threads(begin, bing):
    bing(1000)
    results = begin(most=500)

    assert isinstance(next(results), Found)
    results.close()

    wait_until(lambda: not search_threads())


def test_a_search_that_is_stopped_before_it_begins_asks_nothing(run, played):
    stop = threading.Event()
    stop.set()

    assert run(stop=stop) == ([], Outcome(found=0, ending="stopped"))
    assert played.asked == []


# The door


def test_searches_beside_one_another_do_not_mix(begin, played, reply, bing_page):
    played.answers = lambda asked: reply(
        bing_page(1, 36, host=f"{asked.fields['q']}.example")
        if asked.fields["first"] == "1"
        else ""
    )
    found = {}

    def take(word):
        found[word] = [one.url for one in begin(most=35, query=word) if isinstance(one, Found)]

    takers = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(8)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(20)

    assert len(found) == 8
    for word, urls in found.items():
        assert urls == [f"https://{word}.example/{number}.png?w=1" for number in range(1, 36)]


def test_the_environment_names_another_place_to_search(played, bing, session, monkeypatch):
    bing(3)
    monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", f"{played.base}/")

    results = list(
        search("bing", Search(query="cat", most=3), session=session, stop=threading.Event())
    )

    assert len(results) == 4
    assert played.asked[0].path == "/images/async"


def test_no_words_no_search(run, played):
    _, outcome = run(query=" \n ")

    assert "no words" in outcome.problem
    assert played.asked == []


def test_an_engine_that_is_not_there_is_our_own_mistake(session):
    with pytest.raises(ValueError, match="altavista"):
        search("altavista", Search(query="x", most=1), session=session, stop=threading.Event())


def test_a_key_is_asked_for_before_anything_is_sent(run, played):
    _, outcome = run("flickr")

    assert outcome.ending == "key"
    assert outcome.problem.startswith("Flickr only searches for those who have a key.")
    assert played.asked == []


def test_the_light_part_loads_no_crawler():
    program = (
        "import sys, core.collect.engines as e, core.collect.engines.url_list\n"
        "assert set(e.ENGINES) >= {'bing', 'google', 'baidu', 'flickr', 'wikimedia', 'openverse'}\n"
        "heavy = {'icrawler', 'bs4', 'lxml', 'requests', 'PIL', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 0, ended.stderr
