"""A web of the tests' own: servers on this computer that do what each test tells them."""

import contextlib
import io
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from core.collect.web.names import NAMES

Answer = Callable[["Handler"], None]


def picture(kind: str = "PNG", *, colour: str = "red", side: int = 16) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, kind)
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Site"

    def do_GET(self) -> None:
        site = self.server
        path = self.path.partition("?")[0]
        with site.lock:
            site.asked[path] += 1
            site.requests.append((self.path, dict(self.headers)))
            site.active += 1
            site.most_active = max(site.most_active, site.active)
        try:
            answer = site.answers.get(path) or site.answers.get("*")
            if answer is None:
                self.say(404, b"nothing here")
            else:
                answer(self)
        except OSError:
            self.close_connection = True  # the client left, as it may
        finally:
            with site.lock:
                site.active -= 1

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer; headers by keyword, ``content_type`` for Content-Type."""
        self.send_response(status)
        named = {key.replace("_", "-").title(): value for key, value in headers.items()}
        named.setdefault("Content-Length", str(len(body)))
        for key, value in named.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Site(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.active = 0
        self.most_active = 0
        self.over = threading.Event()  # ends what answers wait for

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def handle_error(self, *_: object) -> None:
        """Connections are broken off here on purpose."""


@pytest.fixture
def open_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")


@pytest.fixture(autouse=True)
def names_of_this_test() -> Iterator[None]:
    NAMES.forget()
    yield
    NAMES.forget()


@pytest.fixture
def new_site() -> Iterator[Callable[[], Site]]:
    sites: list[Site] = []

    def make() -> Site:
        site = Site()
        sites.append(site)
        threading.Thread(target=site.serve_forever, args=(0.02,), daemon=True).start()
        return site

    yield make
    for site in sites:
        site.over.set()
        site.shutdown()
        site.server_close()


@pytest.fixture
def site(new_site: Callable[[], Site], open_loopback: None) -> Site:
    """A site that may be asked."""
    return new_site()


class Ear:
    """A listening socket that answers nothing and remembers whoever came, and every byte."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind((address, 0))
        self._socket.listen(64)
        self.port = int(self._socket.getsockname()[1])

        self._socket.setblocking(False)
        self._connections: list[socket.socket] = []
        self._sent = b""

    def heard(self) -> tuple[int, bytes]:
        """How many connections were made until now, and all that they sent.

        A connection that was made is queued by the system, so none needs to be waited for.
        """
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._socket.accept()
                connection.setblocking(False)
                self._connections.append(connection)
        for connection in self._connections:
            with contextlib.suppress(BlockingIOError):
                self._sent += connection.recv(65536)
        return len(self._connections), self._sent

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._socket.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.close()
