import errno
import os
import threading
import time
import zlib

import pytest

from core.collect.web import saving
from core.collect.web.fetch import Fetcher
from core.collect.web.limits import Limits
from core.collect.web.reasons import A_PAGE, BROKE_OFF, STOPPED
from core.collect.web.session import guarded_session
from tests.core.collect.web.conftest import picture

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body>No picture</body></html>"
QUICK = Limits(connect_seconds=1, read_seconds=1, seconds_a_file=2)


def saying(*args, **kwargs):
    return lambda handler: handler.say(*args, **kwargs)


def fetch(site, folder, path="/a.jpg", **limits):
    return Fetcher(folder, limits=Limits(**limits)).fetch(site.url(path))


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_picture_arrives_whole_under_a_name_of_our_own(site, tmp_path):
    site.answers["*"] = saying(200, picture(), content_type="image/png")

    found = fetch(site, tmp_path, "/..%2f..%2fetc/%00passwd.png?name=../../x")

    assert found.reason is None
    assert found.path == tmp_path / "1"
    assert found.path.read_bytes() == picture()
    assert (found.bytes, found.content_type) == (len(picture()), "image/png")
    assert leftovers(tmp_path) == ["1"]


def test_files_that_lie_in_the_folder_are_not_replaced(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    (tmp_path / "1").write_bytes(b"mine")
    (tmp_path / "2.part").write_bytes(b"left by a crash")

    found = fetch(site, tmp_path)

    assert found.path == tmp_path / "3"
    assert (tmp_path / "1").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("status", "words", "again"),
    [
        (403, "The site refused (403).", False),
        (401, "The site refused (401).", False),
        (404, "The file is no longer there (404).", False),
        (500, "The site has a fault at the moment (500).", True),
        (503, "The site has a fault at the moment (503).", True),
        (408, "The site has a fault at the moment (408).", True),
        (204, "The site sent an empty file.", False),
        (206, "The site sent no file (206).", False),
        (418, "The site sent no file (418).", False),
    ],
)
def test_a_refusal_or_fault_is_said_and_asked_once(site, tmp_path, status, words, again):
    site.answers["*"] = saying(status, b"" if status == 204 else b"sorry")

    found = fetch(site, tmp_path)

    assert (found.reason, found.again, found.path) == (words, again, None)
    assert sum(site.asked.values()) == 1
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kind", ["image/jpeg", "text/html", ""])
def test_a_page_under_a_pictures_name_is_told_by_its_content(site, tmp_path, kind):
    site.answers["*"] = saying(200, PAGE, content_type=kind)

    found = fetch(site, tmp_path)

    assert found.reason == A_PAGE
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream", "text/plain", ""])
def test_a_picture_with_a_wrong_type_is_kept(site, tmp_path, kind):
    site.answers["*"] = saying(200, picture("JPEG"), content_type=kind)

    assert fetch(site, tmp_path).reason is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The site sent an empty file."),
        (b'{"error": "no such picture"}', "a message from a web server instead of a picture"),
        (b"%PDF-1.7 and so on", "a PDF document instead of a picture"),
        (b"Access denied", "text instead of a picture"),
        (b"<p>Access denied</p>", A_PAGE),
    ],
)
def test_what_is_plainly_no_picture_is_named(site, tmp_path, body, words):
    site.answers["*"] = saying(200, body, content_type="image/jpeg")

    assert words in fetch(site, tmp_path).reason


def test_a_file_that_says_it_is_too_large_is_not_even_begun(site, tmp_path):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "50000000")
        handler.end_headers()
        handler.wfile.write(picture())

    site.answers["*"] = answer

    found = fetch(site, tmp_path)

    assert found.reason == "The file is larger than 30 MB."
    assert not found.again
    assert leftovers(tmp_path) == []


def chunk(handler, data):
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def test_a_file_without_an_end_is_cut_off(site, tmp_path):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        chunk(handler, picture())
        while not site.over.is_set():
            chunk(handler, b"\0" * 65536)

    site.answers["*"] = answer

    found = fetch(site, tmp_path, file_bytes=1_000_000)

    assert found.reason == "The file is larger than 1 MB."
    assert leftovers(tmp_path) == []


def packed(data):
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def test_a_file_that_unpacks_beyond_the_limit_is_cut_off(site, tmp_path):
    bomb = packed(picture() + b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    site.answers["*"] = saying(200, bomb, content_encoding="gzip")

    found = fetch(site, tmp_path)

    assert found.reason == "The file is larger than 30 MB."
    assert leftovers(tmp_path) == []


def test_a_packed_picture_is_unpacked_though_nobody_asked_for_packing(site, tmp_path):
    site.answers["*"] = saying(200, packed(picture()), content_encoding="gzip")

    found = fetch(site, tmp_path)

    assert site.requests[0][1]["Accept-Encoding"] == "identity"
    assert found.path.read_bytes() == picture()


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,deflate"])
def test_layers_of_packing_are_refused(site, tmp_path, encoding):
    site.answers["*"] = saying(200, packed(packed(picture())), content_encoding=encoding)

    assert "packing" in fetch(site, tmp_path).reason


def test_a_packing_that_is_not_known_is_said(site, tmp_path):
    site.answers["*"] = saying(200, b"\x1b\x03\0\xf8\xff" * 9, content_encoding="br")

    assert "packing" in fetch(site, tmp_path).reason


def test_a_picture_that_claims_to_be_packed_and_is_not_is_damaged(site, tmp_path):
    site.answers["*"] = saying(200, picture(), content_encoding="gzip")

    found = fetch(site, tmp_path)

    assert (found.reason, found.again) == ("The file arrived damaged.", True)


def test_a_connection_that_breaks_off_leaves_nothing(site, tmp_path):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(picture()) + 1000))
        handler.end_headers()
        handler.wfile.write(picture())
        handler.close_connection = True

    site.answers["*"] = answer

    found = fetch(site, tmp_path)

    assert (found.reason, found.again) == (BROKE_OFF, True)
    assert leftovers(tmp_path) == []


def test_more_than_the_length_says_does_not_become_the_next_answer(site, tmp_path):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(picture())))
        handler.end_headers()
        handler.wfile.write(picture() + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nBMx")

    site.answers["/a"] = answer
    site.answers["/b"] = saying(200, picture(colour="blue"))
    fetcher = Fetcher(tmp_path)

    fetcher.fetch(site.url("/a"))
    found = fetcher.fetch(site.url("/b"))

    assert found.path.read_bytes() == picture(colour="blue")


@pytest.mark.parametrize("length", ["-5", "abc", "12, 13", "9" * 400])
def test_a_length_that_is_none_ends_in_a_sentence_or_a_picture(site, tmp_path, length):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(picture())
        handler.close_connection = True

    site.answers["*"] = answer

    found = fetch(site, tmp_path)

    assert (found.path is None) == (found.reason is not None)


def test_a_kept_connection_that_was_just_closed_is_tried_again(site, tmp_path):
    def answer(handler):
        if site.asked["/a.jpg"] == 1:
            handler.close_connection = True
        else:
            handler.say(200, picture())

    site.answers["*"] = answer

    assert fetch(site, tmp_path).reason is None
    assert site.asked["/a.jpg"] == 2


def test_all_files_together_have_a_limit(site, tmp_path):
    site.answers["*"] = saying(200, picture("BMP", side=64))
    size = len(picture("BMP", side=64))
    fetcher = Fetcher(tmp_path, limits=Limits(total_bytes=int(size * 2.5)))

    found = [fetcher.fetch(site.url(f"/{number}")) for number in range(5)]

    assert [fetch.path is not None for fetch in found] == [True, True, False, False, False]
    assert {fetch.reason for fetch in found[2:]} == {
        "The limit of 30.9 KB for all files was reached."
    }
    assert all(fetch.again for fetch in found[2:])
    assert leftovers(tmp_path) == ["1", "2"]
    assert sum(site.asked.values()) == 3


def test_the_number_of_addresses_has_a_limit(site, tmp_path):
    site.answers["*"] = saying(200, picture())
    fetcher = Fetcher(tmp_path, limits=Limits(files=2))

    found = [fetcher.fetch(site.url(f"/{number}")) for number in range(3)]

    assert found[2].reason == "The limit of 2 addresses was reached."
    assert sum(site.asked.values()) == 2


def test_redirects_are_followed_and_the_last_address_is_given_without_a_password(site, tmp_path):
    site.answers["/0"] = saying(302, location="1")
    site.answers["/1"] = saying(
        301, b"x" * 10, location=f"http://me:secret@127.0.0.1:{site.port}/é"
    )
    site.answers["/%C3%A9"] = saying(200, picture())

    found = fetch(site, tmp_path, "/0")

    assert found.reason is None
    assert found.final_url == site.url("/é")
    assert not any("Authorization" in headers for _, headers in site.requests)


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_redirects_end(site, tmp_path, hops, arrives):
    def answer(handler):
        number = int(handler.path[1:])
        if number == hops:
            handler.say(200, picture())
        else:
            handler.say(302, location=f"/{number + 1}")

    site.answers["*"] = answer

    found = fetch(site, tmp_path, "/0")

    assert (found.path is not None) == arrives
    assert arrives or found.reason == "The site sent Winnow on more than 5 times."


def test_a_redirect_with_a_body_without_an_end_is_followed_all_the_same(site, tmp_path):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", "/picture")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while not site.over.is_set():
            chunk(handler, b"x" * 65536)

    site.answers["/a.jpg"] = answer
    site.answers["/picture"] = saying(200, picture())

    assert fetch(site, tmp_path).reason is None


def trickle(site, first=b""):
    """Send first, then a byte now and then, for ever."""

    def answer(handler):
        handler.wfile.write(first)
        while not site.over.wait(0.05):
            handler.wfile.write(b"x")

    return answer


TRICKLES = {
    "headers": b"",
    "a header": b"HTTP/1.1 200 OK\r\nX-Long: ",
    "a body": b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + picture(),
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9;",
}


@pytest.mark.parametrize("first", TRICKLES.values(), ids=TRICKLES)
def test_a_site_that_trickles_is_cut_off_when_its_time_is_over(site, tmp_path, first):
    site.answers["*"] = trickle(site, first)
    start = time.monotonic()

    found = fetch(site, tmp_path, seconds_a_file=0.6)

    assert time.monotonic() - start < 2.5
    assert found.reason == "The site was too slow: it took more than 0.6 seconds."
    assert found.again
    assert leftovers(tmp_path) == []


def test_a_site_that_falls_silent_is_left(site, tmp_path):
    def answer(handler):
        handler.wfile.write(TRICKLES["a body"])
        site.over.wait(30)

    site.answers["*"] = answer

    found = fetch(site, tmp_path, read_seconds=0.4)

    assert (found.reason, found.again) == ("The site stopped sending in the middle.", True)


def silent(site):
    return lambda handler: site.over.wait(30)


def stopped_in(folder, url, *, after, **limits):
    """Seconds from a stop to the end of what it ended, and what that gave."""
    stop = threading.Event()
    fetcher = Fetcher(folder, limits=Limits(**limits), stop=stop)
    found = []
    thread = threading.Thread(target=lambda: found.append(fetcher.fetch(url)), daemon=True)
    thread.start()
    assert after(), "the request did not get so far"
    stop.set()
    start = time.monotonic()
    thread.join(10)
    return time.monotonic() - start, found[0]


def within(seconds, happened):
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.01)
    return True


@pytest.mark.parametrize("first", [None, *TRICKLES.values()], ids=["silence", *TRICKLES])
def test_a_stop_ends_whatever_is_waited_for_within_a_second(site, tmp_path, first):
    site.answers["*"] = silent(site) if first is None else trickle(site, first)

    took, found = stopped_in(
        tmp_path, site.url("/a.jpg"), after=lambda: within(10, lambda: site.asked["/a.jpg"])
    )

    assert took < 1
    assert (found.reason, found.again) == (STOPPED, True)
    assert leftovers(tmp_path) == []


def test_a_stop_ends_a_tls_handshake_that_nobody_answers(ear, open_loopback, tmp_path):
    took, found = stopped_in(
        tmp_path,
        f"https://127.0.0.1:{ear.port}/a.jpg",
        after=lambda: within(10, lambda: ear.heard()[0]),
    )

    assert took < 1
    assert found.reason == STOPPED


def test_a_stop_ends_a_name_lookup_that_does_not_come_back(tmp_path, monkeypatch):
    begun, never = threading.Event(), threading.Event()

    def lookup(*_, **__):
        begun.set()
        never.wait(30)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", lookup)

    took, found = stopped_in(tmp_path, "http://photos.example/a.jpg", after=lambda: begun.wait(10))
    never.set()

    assert took < 1
    assert found.reason == STOPPED


def test_a_name_lookup_that_does_not_come_back_is_given_up(tmp_path, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [never.wait(30)][:0])

    found = Fetcher(tmp_path, limits=Limits(connect_seconds=0.4)).fetch("http://photos.example/")
    never.set()

    assert found.reason == "The site did not answer within 0.4 seconds."
    assert found.again


def test_a_stop_ends_a_wait_that_a_site_asked_for(site, tmp_path):
    site.answers["*"] = saying(429, retry_after="100")

    took, found = stopped_in(
        tmp_path, site.url("/a.jpg"), after=lambda: within(10, lambda: site.asked["/a.jpg"])
    )

    assert took < 1
    assert found.reason == STOPPED


def test_nothing_is_asked_after_a_stop(site, tmp_path):
    stop = threading.Event()
    stop.set()

    found = Fetcher(tmp_path, stop=stop).fetch(site.url("/a.jpg"))

    assert (found.reason, found.again) == (STOPPED, True)
    assert not site.asked


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_asks_to_wait_is_waited_for_as_told(site, tmp_path, status):
    times = []

    def answer(handler):
        times.append(time.monotonic())
        if len(times) == 1:
            handler.say(status, retry_after="1")
        else:
            handler.say(200, picture())

    site.answers["*"] = answer

    found = fetch(site, tmp_path)

    assert found.reason is None
    assert times[1] - times[0] >= 0.99


def test_a_site_that_asks_for_too_long_a_wait_is_asked_no_more(site, tmp_path):
    site.answers["*"] = saying(429, retry_after="3600")
    fetcher = Fetcher(tmp_path)

    first, second = fetcher.fetch(site.url("/a.jpg")), fetcher.fetch(site.url("/b.jpg"))

    assert first.reason == second.reason == "The site asks to wait 60 minutes (429)."
    assert first.again and second.again
    assert first.retry_after == 3600
    assert sum(site.asked.values()) == 1


def test_a_site_that_asks_to_wait_for_ever_is_given_up(site, tmp_path):
    site.answers["*"] = saying(429, retry_after="0")

    found = fetch(site, tmp_path)

    assert (found.again, found.path) == (True, None)
    assert sum(site.asked.values()) == 4


def test_one_address_that_asks_to_wait_for_ever_is_given_up_where_others_arrive(site, tmp_path):
    site.answers["/never"] = saying(429, retry_after="0")
    site.answers["*"] = saying(200, picture())
    fetcher = Fetcher(tmp_path)
    urls = [site.url("/never"), *(site.url(f"/{number}") for number in range(60))]

    found = dict(fetcher.fetch_all(urls))

    assert len(found) == 61
    assert found[site.url("/never")].again


def test_a_site_that_is_down_is_said_and_after_three_times_left_alone(
    new_site, open_loopback, tmp_path
):
    site = new_site()
    url = site.url("/a.jpg")
    site.shutdown()
    site.server_close()
    fetcher = Fetcher(tmp_path)

    found = [fetcher.fetch(url) for _ in range(4)]

    refused = "Nothing answers at this address: the connection was refused."
    assert [fetch.reason for fetch in found] == [refused] * 3 + [
        f"Not asked after 3 failures. {refused}"
    ]
    assert all(fetch.again for fetch in found)


def test_a_site_that_never_answers_is_left_alone_after_three_times(site, tmp_path):
    site.answers["*"] = silent(site)
    fetcher = Fetcher(tmp_path, limits=Limits(read_seconds=0.3))

    found = [fetcher.fetch(site.url("/a.jpg")) for _ in range(4)]

    assert found[3].reason.startswith("Not asked after 3 failures.")
    assert sum(site.asked.values()) == 3


def test_a_full_disk_is_said(site, tmp_path, monkeypatch):
    site.answers["*"] = saying(200, picture())

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(saving.os, "replace", full)

    found = fetch(site, tmp_path)

    assert (found.reason, found.again) == ("There is no space left on the disk.", True)
    assert leftovers(tmp_path) == []


def test_the_referer_is_sent_and_nothing_else_of_ours(site, tmp_path):
    site.answers["*"] = saying(200, picture())

    Fetcher(tmp_path).fetch(site.url("/a.jpg"), referer="http://page.example/\r\nX-Evil: é")

    headers = site.requests[0][1]
    assert headers["Referer"] == "http://page.example/X-Evil:%20%C3%A9"
    assert "X-Evil" not in headers
    assert headers["User-Agent"].startswith("Winnow/")
    assert "Cookie" not in headers


def test_no_cookie_is_kept(site, tmp_path):
    site.answers["*"] = saying(200, picture(), set_cookie="who=you; Path=/")
    fetcher = Fetcher(tmp_path, session=guarded_session())

    fetcher.fetch(site.url("/a.jpg"))
    fetcher.fetch(site.url("/b.jpg"))

    assert not any("Cookie" in headers for _, headers in site.requests)
