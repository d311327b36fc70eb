"""Engines and sites that fail, work that is stopped or killed: what is there stays, and goes on."""

import os
import signal
import time
from contextlib import closing
from dataclasses import replace

import pytest

from core import jobs
from core.collect import collecting, hunts
from core.collect.collecting import Wanted, collect
from core.collect.engines.searching import search
from core.collect.engines.url_list import Listed
from core.collect.kept import state
from core.collect.web.limits import Limits
from core.dataset import Dataset
from core.dataset.fetched import known, refused
from core.images.verdict import judge
from tests.search_server import CAPTCHA_PAGE, GARBAGE, NO_RESULTS, Item

pytestmark = pytest.mark.timeout(120)


def engine_problem(done):
    (search,) = done.searches
    assert search.done
    return search.problem


def test_an_engine_with_fewer_photos_than_wanted_says_how_many(played, empty, items, search_for):
    played.offer("cat", items(7))

    done = search_for(empty, 20, "cat")

    assert (done.total("found"), done.total("kept")) == (7, 7)
    assert "7 were found" in engine_problem(done)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((403, "No."), "refused"),
        ((200, CAPTCHA_PAGE), "whether a person is searching"),
        ((200, NO_RESULTS), "has no pictures for these words"),
        ((200, GARBAGE), "cannot read"),
        ((200, ""), "cannot read"),
    ],
)
def test_an_engine_that_fails_is_said_and_nothing_is_made_up(
    played, empty, search_for, on_disk, answer, words
):
    played.search_answer = lambda query, first: answer

    done = search_for(empty, 5, "cat")

    assert words in engine_problem(done)
    assert (done.total("kept"), on_disk(empty), empty.history()) == (0, [], [])


def test_a_search_site_that_is_down_is_said(empty, search_for, monkeypatch):
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
    monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", "http://127.0.0.1:1")

    assert "answer" in engine_problem(search_for(empty, 5, "cat"))


def test_an_engine_that_fails_on_its_second_page_keeps_the_first_and_goes_on_later(
    played, empty, items, search_for
):
    played.offer("cat", items(60, size=(80, 80)))
    played.search_answer = lambda query, first: (500, "Oops.") if first > 1 else None

    done = search_for(empty, 55, "cat")

    assert done.total("kept") == 47
    assert "(500)" in engine_problem(done)

    played.search_answer = None
    done = search_for(empty, 55, "cat")

    assert (done.total("kept"), engine_problem(done)) == (55, None)
    assert empty.counts() == {"cat": 55}
    assert set(played.pictures_asked().values()) == {1}


def test_a_site_that_asks_to_wait_is_waited_for(played, empty, photos, search_for):
    (path,) = photos(1)
    (url,) = played.offer("cat", [Item.busy(path, seconds=1)])

    search_for(empty, 1, "cat")

    assert empty.counts() == {"cat": 1}
    first, second = (asked.at for asked in played.asked if asked.path.startswith("/pictures/"))
    assert second - first >= 1.0
    assert played.asked_for(url) == 2


def test_an_error_that_passes_is_tried_again_and_one_that_stays_may_be_later(
    played, empty, photos, search_for
):
    one, other = photos(2)
    urls = played.offer("cat", [Item.failing(one), Item.failing(other, times=2)])

    done = search_for(empty, 2, "cat")

    assert done.total("kept") == 1
    (row,) = refused(empty, "c0ffee")
    assert (row.url, row.again) == (urls[1], True)
    assert row.reason == "The site has a fault at the moment (500)."

    done = search_for(empty, 2, "cat")

    assert (done.total("kept"), done.total("rejected")) == (2, 0)
    assert [played.asked_for(url) for url in urls] == [2, 3]


def test_a_site_that_takes_its_time_is_not_waited_for_where_there_are_others(
    played, empty, items, photos, search_for, monkeypatch
):
    monkeypatch.setattr(hunts, "SECONDS_UNTIL_LATE", 0.5)
    slow, *_ = photos(1, first=50)
    urls = played.offer("cat", [Item.slow(slow, seconds=60), *items(5)])
    started = time.monotonic()

    done = search_for(empty, 4, "cat")

    assert time.monotonic() - started < 30
    assert (done.total("kept"), len(empty.rows())) == (4, 4)
    assert refused(empty, "c0ffee") == []
    assert known(empty, "cat", urls[:1]) == set()  # it may be asked for again


def test_a_search_that_breaks_by_itself_is_said_and_ends_no_other(
    played, empty, items, search_for, monkeypatch
):
    played.offer("dog", items(3))

    def broken(engine, wanted, **options):
        if wanted.query == "cat":
            raise RuntimeError("a mistake of ours")
        return search(engine, wanted, **options)

    monkeypatch.setattr(collecting, "search", broken)

    done = search_for(empty, 3, "cat", "dog")

    assert "broke off by itself" in done.problems[0]
    assert empty.counts() == {"dog": 3}


def test_an_address_without_a_site_is_said(empty, run_to_end):
    listed = [Listed(url="http://no-such-site.invalid/cat.jpg", class_name="cat", line=1)]

    done = run_to_end(collect(empty, [], listed=listed, collection="c0ffee"))

    (row,) = refused(empty, "c0ffee")
    assert row.reason.startswith(("There is no network", "There is no site of this name"))
    assert (done.total("kept"), done.total("rejected"), empty.classes()) == (0, 1, [])


def test_a_site_that_stops_sending_is_given_up_and_the_others_are_kept(
    played, empty, items, photos, search_for
):
    (path,) = photos(1, first=50)
    stalled = replace(Item.photo(path, name="stalled.jpg"), trickle=True)
    played.offer("cat", [*items(3), stalled])

    done = search_for(empty, 4, "cat", limits=Limits(seconds_a_file=1))

    assert done.total("kept") == 3
    (row,) = refused(empty, "c0ffee")
    assert (row.reason, row.again) == ("The site was too slow: it took more than 1 second.", True)


def test_more_can_be_asked_for_and_nothing_is_fetched_again(played, empty, items, search_for):
    played.offer("cat", items(12))
    search_for(empty, 5, "cat")

    done = search_for(empty, 10, "cat")

    assert (done.total("asked"), done.total("kept")) == (10, 10)
    assert empty.counts() == {"cat": 10}
    assert set(played.pictures_asked().values()) == {1}
    assert len(empty.history()) == 1


def test_a_search_that_meets_only_what_was_asked_for_before_says_so(
    played, empty, items, search_for
):
    played.offer("cat", items(4))
    search_for(empty, 4, "cat")
    empty.undo()

    done = search_for(empty, 4, "cat", collection="second")

    assert (done.total("kept"), done.total("known")) == (0, 4)
    assert "being asked for before: 4." in engine_problem(done)


def test_a_collection_stopped_in_the_middle_keeps_what_came_and_goes_on(
    played, empty, items, search_for, on_disk
):
    played.delay = 0.2
    played.offer("cat", items(90, size=(80, 80)))
    wanted = [Wanted(class_name="cat", query="cat", engine="bing", most=90)]

    with closing(collect(empty, wanted, collection="c0ffee")) as task:
        while next(task).done < 5:
            pass
        started = time.monotonic()
        task.close()
        assert time.monotonic() - started < 3.0

    stopped_at = len(on_disk(empty))
    assert 5 <= stopped_at < 90
    (search,) = state(empty, "c0ffee")
    assert (search.kept, search.done, search.problem) == (stopped_at, False, None)
    assert not list((empty.root / ".winnow" / "arriving").rglob("*.*"))

    played.delay = 0.0
    search_for(empty, 90, "cat")

    assert empty.counts() == {"cat": 90}
    assert len(empty.history()) == 1
    twice = [asked for asked, times in played.pictures_asked().items() if times > 1]
    assert len(twice) <= 8  # what was on its way when it was stopped


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_worker_leaves_nothing_half_and_its_successor_nothing_twice(
    played, empty, items, on_disk, run_to_end
):
    played.delay = 0.05
    played.offer("cat", items(120, size=(90, 80)))
    arguments = {
        "root": str(empty.root),
        "collection": "c0ffee",
        "wanted": [{"class_name": "cat", "query": "cat", "engine": "bing", "most": 110}],
    }
    target = "core.collect.collecting:collect_job"
    at_kills = []
    for at_least in (10, 50):
        job = jobs.start(empty.home, "collect", target, arguments)
        wait_for(lambda: len(on_disk(empty)) >= at_least)  # noqa: B023
        os.kill(jobs.status(empty.home, job.id).pid, signal.SIGKILL)
        wait_for(lambda: jobs.status(empty.home, job.id).state == "crashed")  # noqa: B023
        Dataset.open(empty.root)  # takes away names that were reserved and not filled yet
        assert {judge(empty.root / path).kind for path in on_disk(empty)} == {"good"}
        at_kills.append(set(on_disk(empty)))

    job = jobs.start(empty.home, "collect", target, arguments)
    wait_for(lambda: jobs.status(empty.home, job.id).finished)

    ended = jobs.status(empty.home, job.id)
    assert (ended.state, ended.result["kept"]) == ("done", 110)
    dataset = Dataset.open(empty.root)
    looked = run_to_end(dataset.reconcile())
    assert (looked.added, looked.moved, looked.changed, looked.gone) == (0, 0, 0, 0)
    rows = dataset.rows()
    assert len(rows) == len({row.content for row in rows}) == 110
    assert sorted(row.path for row in rows) == on_disk(empty)
    assert at_kills[0] <= at_kills[1] <= set(on_disk(empty))
    assert not list((empty.root / ".winnow" / "arriving").rglob("*.*"))
    assert all(times <= 3 for times in played.pictures_asked().values())
    assert sum(played.pictures_asked().values()) <= 120 + 2 * 64


def wait_for(condition, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
