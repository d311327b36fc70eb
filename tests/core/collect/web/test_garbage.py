"""Answers that are none: whatever a site sends, there is a file or a sentence, and no crash."""

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.collect.web.fetch import Fetcher
from core.collect.web.limits import Limits
from tests.core.collect.web.conftest import picture

BODY = picture()
STARTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 302 Found\r\n",
        b"HTTP/1.1 429 Wait\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 999 What\r\n",
        b"HTTP/1.1 -1 What\r\n",
        b"HTTP/9.9 200 OK\r\n",
        b"ICY 200 OK\r\n",
        b"\r\n",
        b"",
    ]
)
HEADERS = st.sampled_from(
    [
        b"Content-Length: %d\r\n" % len(BODY),
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: deflate\r\n",
        b"Content-Type: \xff\xfe\r\n",
        b"Location: http://[::1\r\n",
        b"Location: \xc3\xa9\xff\r\n",
        b"Location: //\r\n",
        b"Location: http://a:b:c/\r\n",
        b"Retry-After: 99999999999999999999999\r\n",
        b"Retry-After: \xff\r\n",
        b"Set-Cookie: \0=\0; expires=never\r\n",
        b"no colon at all\r\n",
        b": no name\r\n",
        b" folded\r\n",
        b"X: " + b"y" * 70_000 + b"\r\n",
        b"X: y\r\n" * 200,
    ]
)
BODIES = st.sampled_from(
    [
        BODY,
        b"",
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        b"-5\r\nabc\r\n",
        b"ffffffffffffffffffff\r\n" + BODY,
        b"zz\r\n",
        b"\x1f\x8b\x08" + BODY,
    ]
) | st.binary(max_size=200)
ANSWERS = st.builds(
    lambda start, headers, body: start + b"".join(headers) + b"\r\n" + body,
    STARTS,
    st.lists(HEADERS, max_size=3),
    BODIES,
) | st.binary(max_size=300)


class Parrot:
    """Says the same to everybody, and hangs up."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.says = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(5)
                    connection.recv(65536)
                    connection.sendall(self.says)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    continue

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    parrot = Parrot()
    yield parrot
    parrot.close()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(answer=ANSWERS)
def test_any_answer_ends_in_a_file_or_a_sentence(parrot, open_loopback, tmp_path, answer):
    parrot.says = answer
    limits = Limits(read_seconds=1, seconds_a_file=2, wait_seconds=0)

    with Fetcher(tmp_path, limits=limits) as fetcher:
        found = fetcher.fetch(f"http://127.0.0.1:{parrot.port}/a.jpg")

    if found.path is None:
        assert found.reason
        assert found.reason.endswith(".")
        assert list(tmp_path.iterdir()) == []
    else:
        assert found.reason is None
        assert found.path.stat().st_size == found.bytes > 0
        found.path.unlink()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(url=st.text(max_size=60) | st.text(max_size=40).map("http://{}".format))
def test_any_text_for_an_address_ends_in_a_sentence(tmp_path, monkeypatch, url):
    def nowhere(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    found = Fetcher(tmp_path).fetch(url)

    assert found.path is None
    assert found.reason.endswith(".")
    assert found.reason != "The site could not be asked."
