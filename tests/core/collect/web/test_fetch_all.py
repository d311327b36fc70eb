import itertools
import socket
import threading
import time

import pytest

from core.collect.web.fetch import Fetcher
from core.collect.web.limits import Limits
from core.collect.web.reasons import STOPPED
from tests.core.collect.web.conftest import picture


def saying(*args, **kwargs):
    return lambda handler: handler.say(*args, **kwargs)


@pytest.fixture
def names_lead_here(monkeypatch):
    """Every name leads to this computer, so that one site can play many hosts."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *_: real("127.0.0.1", port, 0, socket.SOCK_STREAM)
    )


def test_every_address_comes_back_once_with_its_file(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    urls = [site.url(f"/{number}.png") for number in range(200)]

    found = list(Fetcher(tmp_path).fetch_all(urls))

    assert sorted(url for url, _ in found) == sorted(urls)
    paths = {fetch.path for _, fetch in found}
    assert len(paths) == 200
    assert all(path.read_bytes() == picture() for path in paths)


def test_items_of_any_form_come_back_as_they_were(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    items = [{"number": number} for number in range(3)]

    found = list(
        Fetcher(tmp_path).fetch_all(
            items, url=lambda item: site.url(f"/{item['number']}"), referer=lambda _: site.url("/p")
        )
    )

    assert sorted(item["number"] for item, _ in found) == [0, 1, 2]
    assert {headers["Referer"] for _, headers in site.requests} == {site.url("/p")}


def test_sixteen_are_asked_for_at_once_where_that_is_allowed(site, tmp_path):
    together = threading.Barrier(16)

    def answer(handler):
        together.wait(20)  # breaks, and its request with it, unless 16 come together
        handler.say(200, picture())

    site.answers["*"] = answer
    urls = [site.url(f"/{number}") for number in range(48)]

    found = list(Fetcher(tmp_path, limits=Limits(a_host=16)).fetch_all(urls))

    assert [fetch.reason for _, fetch in found] == [None] * 48
    assert site.most_active == 16


def test_a_host_is_sent_eight_requests_at_once_and_all_of_them_sixteen(
    site, names_lead_here, tmp_path
):
    lock, active, most = threading.Lock(), {}, {}
    gate = threading.Barrier(16)

    def answer(handler):
        host = handler.headers["Host"].partition(":")[0].rstrip(".").lower()
        with lock:
            active[host] = active.get(host, 0) + 1
            most[host] = max(most.get(host, 0), active[host])
        gate.wait(20)
        with lock:
            active[host] -= 1
        handler.say(200, picture())

    site.answers["*"] = answer
    hosts = itertools.cycle(["one.example", "one.example.", "ONE.example", "two.example"])
    urls = [
        site.url(f"/{number}", host=host) for number, host in zip(range(64), hosts, strict=False)
    ]
    urls += [site.url(f"/{number}", host="two.example") for number in range(64, 96)]

    found = list(Fetcher(tmp_path).fetch_all(urls))

    assert all(fetch.reason is None for _, fetch in found)
    assert most == {"one.example": 8, "two.example": 8}
    assert site.most_active == 16


def test_the_input_is_read_only_as_far_as_there_are_connections(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    read = []

    def addresses():
        for number in itertools.count():
            read.append(number)
            yield site.url(f"/{number}")

    flow = Fetcher(tmp_path).fetch_all(addresses())
    taken = [next(flow)[1] for _ in range(20)]
    flow.close()

    assert len(read) <= 20 + 16 + 64
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        fetch.path.name for fetch in taken
    )


def test_nothing_piles_up_for_a_caller_who_takes_its_time(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    flow = Fetcher(tmp_path, limits=Limits(a_host=16)).fetch_all(
        site.url(f"/{number}") for number in itertools.count()
    )
    next(flow)
    settled = threading.Event()

    before = -1
    while before != sum(site.asked.values()):
        before = sum(site.asked.values())
        settled.wait(0.3)
    flow.close()

    assert before <= 100


def test_a_site_that_asks_to_wait_keeps_no_other_waiting(site, names_lead_here, tmp_path):
    def answer(handler):
        if handler.headers["Host"].startswith("busy"):
            handler.say(429, retry_after="100")
        else:
            handler.say(200, picture())

    site.answers["*"] = answer
    busy = [site.url(f"/{number}", host="busy.example") for number in range(30)]
    calm = [site.url(f"/{number}", host="calm.example") for number in range(100)]
    flow = Fetcher(tmp_path).fetch_all(busy + calm)

    found = [next(flow)[0] for _ in calm]
    flow.close()

    assert sorted(found) == sorted(calm)
    assert site.asked.total() <= 100 + 8


def test_a_silent_site_keeps_no_other_waiting(site, names_lead_here, tmp_path):
    def answer(handler):
        if handler.headers["Host"].startswith("silent"):
            site.over.wait(30)
        else:
            handler.say(200, picture())

    site.answers["*"] = answer
    silent = [site.url(f"/{number}", host="silent.example") for number in range(30)]
    calm = [site.url(f"/{number}", host="calm.example") for number in range(50)]
    flow = Fetcher(tmp_path).fetch_all(silent + calm)

    found = [next(flow)[0] for _ in calm]
    flow.close()

    assert sorted(found) == sorted(calm)


def test_redirects_to_another_host_are_counted_there(site, names_lead_here, tmp_path):
    together = []

    def answer(handler):
        if handler.headers["Host"].startswith("short"):
            handler.say(302, location=site.url(handler.path, host="store.example"))
        else:
            with site.lock:
                together.append(site.active)
            handler.say(200, picture())

    site.answers["*"] = answer
    urls = [site.url(f"/{number}", host=f"short{number}.example") for number in range(60)]

    found = list(Fetcher(tmp_path).fetch_all(urls))

    assert all(fetch.reason is None for _, fetch in found)
    assert {fetch.final_url.partition("//")[2].partition(":")[0] for _, fetch in found} == {
        "store.example"
    }


def test_a_fault_in_the_middle_leaves_the_others_alone(site, tmp_path):
    def answer(handler):
        number = int(handler.path[1:])
        if number % 10 == 5:
            handler.say(500, b"fault")
        elif number % 10 == 6:
            handler.wfile.write(b"nonsense\r\n\r\n")
            handler.close_connection = True
        else:
            handler.say(200, picture())

    site.answers["*"] = answer

    found = dict(Fetcher(tmp_path).fetch_all(site.url(f"/{number}") for number in range(100)))

    failed = {url: fetch for url, fetch in found.items() if fetch.reason}
    assert len(found) == 100
    assert sum(fetch.path is not None for fetch in found.values()) == 80
    assert all(fetch.again for fetch in failed.values())


def test_a_stop_ends_all_within_a_second(site, tmp_path):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + picture())
        while not site.over.wait(0.05):
            handler.wfile.write(b"x")

    site.answers["*"] = answer
    stop = threading.Event()
    flow = Fetcher(tmp_path, stop=stop).fetch_all(
        (site.url(f"/{number}") for number in range(100)), beat=0.1
    )
    for _ in flow:
        if site.asked.total() == 8:
            break
    stop.set()
    start = time.monotonic()
    found = [entry for entry in flow if entry is not None]

    assert time.monotonic() - start < 1
    assert {fetch.reason for _, fetch in found} == {STOPPED}
    assert list(tmp_path.iterdir()) == []


def test_leaving_early_ends_what_is_under_way_and_leaves_only_what_was_handed_out(site, tmp_path):
    def answer(handler):
        if handler.path == "/0":
            handler.say(200, picture())
        else:
            site.over.wait(30)

    site.answers["*"] = answer
    flow = Fetcher(tmp_path).fetch_all(site.url(f"/{number}") for number in range(100))
    _, first = next(flow)
    start = time.monotonic()
    flow.close()

    assert time.monotonic() - start < 1.5
    assert list(tmp_path.iterdir()) == [first.path]


def test_a_beat_comes_while_nothing_finishes(site, tmp_path):
    site.answers["*"] = lambda handler: site.over.wait(30)
    flow = Fetcher(tmp_path).fetch_all([site.url("/a")], beat=0.2)
    start = time.monotonic()

    assert [next(flow), next(flow), next(flow)] == [None] * 3
    assert 0.5 < time.monotonic() - start < 5
    flow.close()


def test_nothing_to_fetch_is_over_at_once(tmp_path):
    assert list(Fetcher(tmp_path).fetch_all([])) == []


def test_an_input_that_fails_fails_for_the_caller(site, tmp_path):
    site.answers["*"] = saying(200, picture())

    def addresses():
        yield site.url("/1")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(Fetcher(tmp_path).fetch_all(addresses()))


def test_a_slow_input_does_not_keep_back_what_is_done(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    given = []
    slowness = threading.Event()

    def addresses():
        yield site.url("/0")
        deadline = time.monotonic() + 20
        while not (tmp_path / "1").exists() and time.monotonic() < deadline:
            slowness.wait(0.01)
        for number in range(1, 15):
            slowness.wait(0.02)
            assert number < 14 or given, "nearly all was read before anything was given"
            yield site.url(f"/{number}")

    for _, fetch in Fetcher(tmp_path).fetch_all(addresses()):
        given.append(fetch)

    assert len(given) == 15
