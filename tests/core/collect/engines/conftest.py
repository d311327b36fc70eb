"""A local server that plays a search engine, and a search that asks it."""

import html
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from core.collect.engines import Found, Outcome, Search, search
from core.collect.engines.found import SITES
from core.collect.web.session import guarded_session


@dataclass
class Reply:
    """What the played engine sends. ``gate`` holds it back until it is set."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    promised: int = 0  # bytes that never come


@dataclass
class Asked:
    """One question that came, with its fields (the first value of each)."""

    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    at: float


class PlayedSite:
    """Answers each question with what ``answers`` makes of it; keeps all of them."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: Callable[[Asked], Reply] = lambda asked: Reply()
        self.released = threading.Event()  # set at the end, so that no thread waits on
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                fields = {k: v[0] for k, v in parse_qs(parts.query, True).items()}
                asked = Asked(parts.path, fields, dict(self.headers), time.monotonic())
                played.asked.append(asked)
                reply = played.answers(asked)
                if reply.gate is not None:
                    while not (reply.gate.wait(0.05) or played.released.is_set()):
                        pass
                body = reply.body.encode() if isinstance(reply.body, str) else reply.body
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body) + reply.promised))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # who asked has gone

            def log_message(self, *args: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def impatient(monkeypatch):
    """Searches that wait a moment where real ones wait for seconds."""
    from core.collect.engines import asking, icrawl

    monkeypatch.setattr(asking, "PAUSES", (0.01, 0.02))
    monkeypatch.setattr(asking, "READ_SECONDS", 0.3)
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(icrawl, "ANSWER_SECONDS", 1.0)
    openverse = replace(SITES["openverse"], pause_seconds=0.0)
    monkeypatch.setitem(SITES, "openverse", openverse)


@pytest.fixture
def played() -> Iterator[PlayedSite]:
    site = PlayedSite()
    yield site
    site.close()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def bing_page() -> Callable[..., str]:
    """A page of Bing with the pictures of these numbers: ``bing_page(1, 36)``."""

    def page(first: int, end: int, *, host: str = "photos.example") -> str:
        links = (
            html.escape(json.dumps({"murl": f"https://{host}/{number}.png?w=1"}))
            for number in range(first, end)
        )
        items = "".join(f'<a class="iusc" m="{link}" href="#"></a>' for link in links)
        return f'<ul class="dgControl_list">{items}</ul>'

    return page


@pytest.fixture
def bing(played: "PlayedSite", bing_page: Callable[..., str]) -> Callable[..., None]:
    """Let the played site be Bing with so many pictures, 35 a page."""

    def play(pictures: int) -> None:
        def answer(asked: Asked) -> Reply:
            first = int(asked.fields["first"])
            return Reply(bing_page(first, min(first + 35, pictures + 1)))

        played.answers = answer

    return play


@pytest.fixture(scope="package")
def one_session() -> Iterator[requests.Session]:
    with guarded_session() as session:
        yield session


@pytest.fixture
def session(one_session: requests.Session, monkeypatch) -> requests.Session:
    """A guarded session that may ask this computer. Made once: its certificates take a while."""
    monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
    one_session.cookies.clear()
    return one_session


@pytest.fixture
def begin(played: PlayedSite, session: requests.Session) -> Callable[..., Iterator]:
    """Begin a search on the played site, for words and a number of results."""

    def begin(engine: str = "bing", most: int = 10, query: str = "cat", **more) -> Iterator:
        filters = more.pop("filters", {})
        more = {"session": session, "stop": threading.Event(), "base": played.base} | more
        return search(engine, Search(query=query, most=most, filters=filters), **more)

    return begin


@pytest.fixture
def run(begin: Callable[..., Iterator]) -> Callable[..., tuple[list[Found], Outcome]]:
    """Search to the end: the pictures, and how it ended."""

    def run(engine: str = "bing", most: int = 10, **more) -> tuple[list[Found], Outcome]:
        *found, outcome = begin(engine, most, **more)
        assert isinstance(outcome, Outcome)
        assert all(isinstance(one, Found) for one in found)
        assert outcome.found == len(found)
        return found, outcome

    return run
