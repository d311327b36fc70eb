"""A local server that plays Bing and the sites its results lead to.

    with SearchServer(template=pages / "bing_images_real.html") as server:
        server.offer("muffin", [Item.photo(path), Item.page(), Item.busy(path, seconds=1)])
        ...   # WINNOW_SEARCH_BASE_BING=server.url, WINNOW_ALLOW_LOOPBACK=1
        server.asked  # what was asked for, in order

Result pages are the saved real one with its addresses replaced (or, without a template, a small
one of the same shape). As a program, for benchmarks and for trying things by hand, it prints its
address and serves every photo below some folders under the folder's name as the query:

    python -m tests.search_server FOLDER... [--delay 0.05] [--template PAGE]
"""

import argparse
import html
import json
import re
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

A_PAGE = 47  # results on the saved page
MARK = re.compile(r'(<a\b[^>]*class="iusc"[^>]*?) m="([^"]*)"')
LINK = re.compile(r'href="[^"]*mediaurl=[^"]*"')
NO_RESULTS = '<html lang="en"><div class="b_no">There are no results for these words.</div></html>'
CAPTCHA_PAGE = '<html lang="en"><title>One last step</title><p>Solve the captcha to go on.</p>'
GARBAGE = "<html><p>Bonjour ! " + "xyz " * 500
CHUNK = b"\0" * 65536
TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif"}


class Asked(NamedTuple):
    at: float  # time.monotonic
    path: str  # without the query
    query: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """One result of a search, and what its address answers."""

    name: str = "photo.jpg"  # the last part of its address
    body: bytes | Path = b""
    status: int = 200
    content_type: str = "image/jpeg"
    headers: tuple[tuple[str, str], ...] = ()
    times: int | None = None  # how often a status other than 200 stands before the body is given
    padding: int = 0  # bytes of nothing after the body
    seconds: float = 0.0  # before the answer, besides the server's own delay
    trickle: bool = False  # the body a little at a time
    url: str | None = None  # an address elsewhere, for results that are not the server's own
    title: str = "A photo"

    @classmethod
    def photo(cls, path: Path, *, name: str | None = None) -> "Item":
        """A photo that is as it should be."""
        kind = TYPES.get(path.suffix.lower(), "image/jpeg")
        return cls(name=name or path.name, body=path, content_type=kind, title=path.stem)

    @classmethod
    def page(cls) -> "Item":
        """A web page under a picture's name, said to be a picture."""
        return cls(name="page.jpg", body=b"<!DOCTYPE html><html><body>Not here.</body></html>")

    @classmethod
    def broken(cls, path: Path) -> "Item":
        """A photo whose second half is missing, whole by its length."""
        return cls(name=f"broken-{path.name}", body=path.read_bytes()[: path.stat().st_size // 2])

    @classmethod
    def redirect(cls, to: str) -> "Item":
        """Sends on to another address."""
        return cls(name="moved.jpg", status=302, headers=(("Location", to),))

    @classmethod
    def large(cls, *, size: int = 50_000_000) -> "Item":
        """A file of 50 MB that begins as a JPEG."""
        return cls(name="large.jpg", body=b"\xff\xd8\xff\xe0\0\x10JFIF\0", padding=size)

    @classmethod
    def slow(cls, path: Path, *, seconds: float) -> "Item":
        """A photo that comes after a while."""
        return replace(cls.photo(path, name=f"slow-{path.name}"), seconds=seconds)

    @classmethod
    def refused(cls, status: int = 403) -> "Item":
        """Never given out."""
        return cls(name=f"refused-{status}.jpg", status=status, body=b"No.")

    @classmethod
    def busy(cls, path: Path, *, seconds: int, times: int = 1) -> "Item":
        """First 429 with Retry-After, then the photo."""
        given = cls.photo(path, name=f"busy-{path.name}")
        headers = (("Retry-After", str(seconds)),)
        return replace(given, status=429, times=times, headers=headers)

    @classmethod
    def failing(cls, path: Path, *, times: int | None = 1) -> "Item":
        """First 500, then the photo; with ``times=None`` never."""
        return replace(cls.photo(path, name=f"failing-{path.name}"), status=500, times=times)


@dataclass
class SearchServer:
    """See the module. Attributes may be set while it runs."""

    template: Path | None = None
    delay: float = 0.0  # seconds before every picture
    gives_at_most: int | None = None  # pictures; whoever asks for more waits until this is None
    port: int = 0
    searches: dict[str, Sequence[Item]] = field(default_factory=dict)
    search_answer: Callable[[str, int], tuple[int, str] | None] | None = None
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0  # pictures being sent at the same time

    def __post_init__(self) -> None:
        self._page = self.template.read_text(encoding="utf-8") if self.template else ""
        self._items: dict[str, Item] = {}
        self._urls: dict[str, list[str]] = {}
        self._answered: Counter[str] = Counter()
        self._at_once = 0
        self._given = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        handler = type("Handler", (_Handler,), {"server_of": self})
        self._http = _Server(("127.0.0.1", self.port), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "SearchServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def join(self) -> None:
        """Wait until it is closed, by another thread or with the process."""
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def offer(self, query: str, items: Sequence[Item]) -> list[str]:
        """Answer these query words with these results; returns their addresses."""
        number = len(self._urls)
        urls = []
        for at, item in enumerate(items):
            path = f"/pictures/{number}/{at}/{quote(item.name)}"
            self._items[path] = item
            urls.append(item.url or f"{self.url}{path}?w=400&h=300")
        self._urls[query], self.searches[query] = urls, items
        return urls

    def asked_for(self, url: str) -> int:
        """How often an address was asked for."""
        return sum(asked.path == urlsplit(url).path for asked in list(self.asked))

    def pictures_asked(self) -> Counter[str]:
        """How often each picture's path was asked for."""
        return Counter(one.path for one in list(self.asked) if one.path.startswith("/pictures/"))

    # What the handler asks

    def note(self, target: str) -> None:
        parts = urlsplit(target)
        with self._lock:
            self.asked.append(Asked(time.monotonic(), parts.path, parts.query))

    def item(self, path: str) -> Item | None:
        item = self._items.get(path)
        if item is None or item.times is None:
            return item
        with self._lock:
            self._answered[path] += 1
            given = self._answered[path] > item.times
        return replace(item, status=200, headers=()) if given else item

    def entered(self, by: int) -> None:
        with self._lock:
            self._at_once += by
            self.most_at_once = max(self.most_at_once, self._at_once)

    def wait(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def wait_for_turn(self) -> None:
        """Hold back what is more than ``gives_at_most``."""
        with self._lock:
            self._given += 1
            number = self._given
        while (most := self.gives_at_most) is not None and number > most:
            if self._closing.wait(0.05):
                return

    def result_page(self, query: str, first: int) -> tuple[int, str]:
        """The answer to a search, from its ``first`` result on (counted from 1)."""
        if self.search_answer and (answer := self.search_answer(query, first)):
            return answer
        urls = self._urls.get(query, [])
        chosen = range(first - 1, min(first - 1 + A_PAGE, len(urls)))
        marks = [self._mark(urls[at], self.searches[query][at].title) for at in chosen]
        if not marks:
            return 200, NO_RESULTS
        if not self._page:
            links = "".join(f'<li><a class="iusc" m="{mark}" href="#"></a></li>' for mark in marks)
            return 200, f'<ul class="dgControl_list">{links}</ul>'
        left = iter(marks)
        page = MARK.sub(lambda found: f'{found[1]} m="{next(left, "")}"', self._page)
        return 200, LINK.sub('href="#"', page)

    def _mark(self, url: str, title: str) -> str:
        shown_on = f"{self.url}/shown-on/{quote(title)}"
        return html.escape(json.dumps({"murl": url, "turl": url, "purl": shown_on, "t": title}))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what these tests do."""


class _Handler(BaseHTTPRequestHandler):
    server_of: SearchServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        played = self.server_of
        played.note(self.path)
        parts = urlsplit(self.path)
        if parts.path.startswith("/images/"):
            asked = parse_qs(parts.query)
            first = int(asked.get("first", ["1"])[0])
            status, page = played.result_page(asked.get("q", [""])[0], first)
            self._send(status, "text/html; charset=utf-8", page.encode())
            return
        item = played.item(parts.path)
        if item is None:
            self._send(404, "text/plain", b"There is nothing here.")
            return
        played.entered(1)
        try:
            played.wait(played.delay + item.seconds)
            played.wait_for_turn()
            self._give(item)
        finally:
            played.entered(-1)

    def _give(self, item: Item) -> None:
        body = item.body.read_bytes() if isinstance(item.body, Path) else item.body
        if item.status != 200:
            body = b""
        self.send_response(item.status)
        self.send_header("Content-Type", item.content_type)
        self.send_header("Content-Length", str(len(body) + item.padding))
        for name, value in item.headers:
            self.send_header(name, value)
        self.end_headers()
        if item.trickle:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                self.server_of.wait(0.2)
            return
        self.wfile.write(body)
        for start in range(0, item.padding, len(CHUNK)):
            self.wfile.write(CHUNK[: item.padding - start])

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--template", type=Path)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    queries: dict[str, list[Item]] = defaultdict(list)
    for folder in arguments.folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in TYPES:
                queries[folder.name].append(Item.photo(path))
    with SearchServer(
        template=arguments.template, delay=arguments.delay, port=arguments.port
    ) as server:
        for query, items in queries.items():
            server.offer(query, items)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        server.join()


if __name__ == "__main__":
    main()
