"""One search on one engine: page after page, until enough were found or nothing new comes."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.collect.engines.found import ENGINES, SITES
from core.collect.engines.site import Page, Site, Turn
from core.collect.engines.terms import Ending, Found, Outcome, Search

if TYPE_CHECKING:
    import requests

LONGEST_QUERY = 250  # characters; Wikimedia refuses more than 300
# Wikimedia may send pages whose details only follow on the next; more in a row is no progress.
PAGES_WITHOUT_NEWS = 3


def search(
    engine: str,
    wanted: Search,
    *,
    session: "requests.Session",
    stop: threading.Event,
    key: str | None = None,
    base: str | None = None,
) -> Iterator[Found | Outcome]:
    """Pictures as an engine finds them, each address once, and last of all an Outcome.

    A page is asked for only when the pictures of the one before were taken. Closing the iterator
    ends the search; setting ``stop`` ends it within two seconds.

    Args:
        session: Asks the site, and is asked from one other thread only.
        key: For engines that need one; others are not shown it.
        base: Scheme and host instead of the site's own, as is the environment's
            ``WINNOW_SEARCH_BASE_<ENGINE>``: for tests and labs.

    Raises:
        ValueError: For an engine that is not in ENGINES, and a base that is no address. What a
            site does raises nothing.
    """
    if engine not in ENGINES:
        raise ValueError(f"no engine named {engine!r}: {', '.join(ENGINES)}")
    site = SITES[engine]
    base = base or os.environ.get(f"WINNOW_SEARCH_BASE_{engine.upper()}") or site.home
    if urlsplit(base).scheme not in {"http", "https"} or not urlsplit(base).netloc:
        raise ValueError(f"not an address to search at: {base!r}")
    wanted = replace(wanted, query=" ".join(wanted.query.split())[:LONGEST_QUERY])
    if not ENGINES[engine].needs_key:
        key = None  # another site's: it is nobody else's business
    return _search(site, wanted, session=session, stop=stop, key=key, base=base.rstrip("/"))


@dataclass
class Course:
    """How far a search has come."""

    most_pages: int
    found: int = 0
    seen: set[str] = field(default_factory=set)
    turn: Turn = field(default_factory=Turn)
    fresh: int = 0  # new on this page
    without_news: int = 0  # pages in a row

    def is_new(self, picture: Found) -> bool:
        if picture.url in self.seen:
            return False
        self.seen.add(picture.url)
        self.found += 1
        self.fresh += 1
        return True

    def after(self, page: Page) -> Ending | None:
        """How the search ends with this page, or None: then ``turn`` is the next one."""
        self.without_news = 0 if self.fresh else self.without_news + 1
        self.fresh = 0
        turn = self.turn
        if page.more is False or turn.page + 1 >= self.most_pages:
            return self._ending_without_news(page)
        if self.without_news >= (PAGES_WITHOUT_NEWS if page.more else 1):
            return self._ending_without_news(page)
        self.turn = Turn(page=turn.page + 1, seen=turn.seen + page.rows, carried=page.carry)
        return None

    def _ending_without_news(self, page: Page) -> Ending:
        if self.found:
            return "fewer" if page.known or page.empty else "shape"
        return "nothing" if page.known and not page.rows else "shape"


def _search(
    site: Site,
    wanted: Search,
    *,
    session: "requests.Session",
    stop: threading.Event,
    key: str | None,
    base: str,
) -> Iterator[Found | Outcome]:
    from core.collect.engines.asking import Asking, Trouble
    from core.collect.engines.icrawl import PageCrawler, Turns
    from core.collect.engines.problems import outcome

    ended = partial(outcome, name=site.name, title=site.title, has_key=bool(key))
    if not wanted.query:
        words = "There are no words to search for. Enter some."
        yield Outcome(found=0, ending="nothing", problem=words)
        return
    if ENGINES[site.name].needs_key and not key:
        yield ended(Trouble(ending="key"), found=0)
        return
    course = Course(most_pages=site.most_pages)
    turns = Turns(stop)
    asking = Asking(
        session,
        headers=site.headers,
        over=turns.over,
        tell=turns.events.put,
        pause_seconds=site.pause_seconds,
        has_key=bool(key),
    )
    crawler = PageCrawler(asking, turns)
    last = Trouble(ending="done")
    crawler.begin(site, base=base, wanted=wanted, key=key)
    try:
        while course.found < wanted.most:
            ending: Ending | None = "stopped"
            for event in crawler.page(course.turn):
                if isinstance(event, Found):
                    if course.is_new(event):
                        yield event
                        if course.found >= wanted.most:
                            ending = "done"
                            break
                elif isinstance(event, Trouble):
                    last, ending = event, event.ending
                else:
                    ending = course.after(event.page)
            if ending is not None:
                last = last if last.ending == ending else Trouble(ending=ending)
                break
    finally:
        crawler.end()
    yield ended(last, found=course.found)
