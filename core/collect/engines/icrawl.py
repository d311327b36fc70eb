"""A search through icrawler's own threads: feeder, parser and downloader, with our work in them.

The feeder gives out one page's address at a time, the parser asks for it through our session and
reads it our way, and what icrawler calls the downloader hands each picture over instead of
fetching it. Three habits of icrawler 0.6.10 are guarded against here:

- an exception in a parser kills its thread, and ``crawl`` returns as if all were done;
- ``CachedQueue.put`` remembers an item before it has found room for it, so that the second try
  after a full queue is dropped as a duplicate: our queues have no limit, a page being small;
- ``Crawler`` sets up the root logger and a session of its own, and waits in steps of a second.
"""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from icrawler import Crawler, Downloader, Feeder, Parser
from icrawler.storage import BaseStorage
from icrawler.utils import CachedQueue

from core.collect.engines.asking import ANSWER_SECONDS, Answer, Asking, Trouble, wall
from core.collect.engines.site import Page, Site, Turn
from core.collect.engines.terms import Found, Search

LOG = logging.getLogger(__name__)
# For icrawler, whose messages name whole addresses, and Flickr's hold the key: they go nowhere.
SILENT = logging.Logger("icrawler")
SILENT.disabled = True

A_LOOK = 0.1  # seconds between two looks at whether to go on
JOIN_SECONDS = 1.0
NUMBERS = itertools.count()


@dataclass(frozen=True, kw_only=True)
class PageEnd:
    """All pictures of a page were handed over; ``page.found`` is empty."""

    page: Page


Event = Found | PageEnd | Trouble


class Turns:
    """What the threads of one search share: whose turn it is, what came, whether it is over."""

    def __init__(self, stop: threading.Event) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[Turn] = queue.SimpleQueue()
        self._stop = stop
        self._closed = threading.Event()

    def over(self) -> bool:
        return self._closed.is_set() or self._stop.is_set()

    def close(self) -> None:
        self._closed.set()

    def ask(self, turn: Turn) -> None:
        self._waiting.put(turn)

    def next(self) -> Turn | None:
        """The next turn, waited for; None once the search is over."""
        while not self.over():
            try:
                return self._waiting.get(timeout=A_LOOK)
            except queue.Empty:
                continue
        return None


class PageFeeder(Feeder):  # type: ignore[misc]  # icrawler has no types
    """Gives out a page's address when it is that page's turn."""

    def feed(self, *, site: Site, base: str, wanted: Search, key: str | None, turns: Turns) -> None:
        asked: set[str] = set()
        while (turn := turns.next()) is not None:
            try:
                address = base + site.ask(wanted, turn, key)
            except Exception:  # it would end icrawler's thread, and nobody would hear of it
                LOG.exception("the next address of %s", site.name)
                turns.events.put(Trouble(ending="crashed"))
                return
            if address in asked:  # icrawler's queue would drop it, and everyone would wait for it
                turns.events.put(PageEnd(page=Page(known=True, more=False)))
            else:
                asked.add(address)
                self.output(address)


class PageParser(Parser):  # type: ignore[misc]
    """Reads a page our way. What it yields, icrawler puts before the downloader."""

    def parse(self, response: Answer, *, site: Site, turns: Turns) -> Iterator[dict[str, Any]]:
        try:
            page = replace(site.read(response.text), empty=not response.text.strip())
            trouble = page.trouble or (wall(response.text) if not page.rows else None)
        except Exception:  # as above; icrawler itself goes on as if the page were empty
            LOG.exception("a page of %s", site.name)
            turns.events.put(Trouble(ending="crashed"))
            return
        if trouble:
            turns.events.put(Trouble(ending=trouble))
            return
        for found in page.found:
            yield {"file_url": found.url, "found": asdict(found)}
        # The number keeps icrawler from taking two pages that read alike for one task.
        end = asdict(replace(page, found=()))
        yield {"file_url": response.url, "page_end": end, "number": next(NUMBERS)}


class HandOver(Downloader):  # type: ignore[misc]
    """Hands pictures over instead of fetching them, in the order in which they stood."""

    def download(
        self, task: dict[str, Any], default_ext: str, timeout: float, *, turns: Turns
    ) -> None:
        if "found" in task:
            turns.events.put(Found(**task["found"]))
        else:
            turns.events.put(PageEnd(page=Page(**task["page_end"])))


class PageCrawler(Crawler):  # type: ignore[misc]
    """The three pools of one search, one thread each, joined by queues without a limit."""

    def __init__(self, asking: Asking, turns: Turns) -> None:
        self._asking = asking
        self._turns = turns
        super().__init__(PageFeeder, PageParser, HandOver, storage=BaseStorage())
        for pool in (self.feeder, self.parser, self.downloader):
            pool.logger = SILENT
            pool.out_queue = CachedQueue()
        self.feeder.connect(self.parser).connect(self.downloader)

    def set_logger(self, log_level: int = logging.INFO) -> None:
        self.logger = SILENT  # the base class would set up the root logger

    def set_session(self, headers: dict[str, str] | None = None) -> None:
        self.session = self._asking

    def begin(self, site: Site, *, base: str, wanted: Search, key: str | None) -> None:
        turns = self._turns
        self.signal.reset()
        self.feeder.start(site=site, base=base, wanted=wanted, key=key, turns=turns)
        # The session tries again by itself, and knows when that is of use.
        self.parser.start(queue_timeout=A_LOOK, max_retry=1, site=site, turns=turns)
        self.downloader.start(max_num=0, queue_timeout=A_LOOK, turns=turns)

    def page(self, turn: Turn) -> Iterator[Event]:
        """What comes of one turn: pictures, then a PageEnd or a Trouble. Nothing once stopped."""
        self._asking.until = time.monotonic() + ANSWER_SECONDS
        self._turns.ask(turn)
        while not self._turns.over():
            alive = all(p.is_alive() for p in (self.feeder, self.parser, self.downloader))
            try:
                event = self._turns.events.get(timeout=A_LOOK)
            except queue.Empty:
                if not alive:  # looked at before the queue: nothing can have come since
                    event = Trouble(ending="crashed")
                elif time.monotonic() > self._asking.until:
                    event = Trouble(ending="slow")
                else:
                    continue
            yield event
            if not isinstance(event, Found):
                return

    def end(self) -> None:
        """End the threads. One that waits for a site may outlive this until its read times out."""
        self._turns.close()
        self.signal.set(feeder_exited=True, parser_exited=True, reach_max_num=True)
        until = time.monotonic() + JOIN_SECONDS
        for pool in (self.feeder, self.parser, self.downloader):
            for worker in pool.workers:
                worker.join(max(0.0, until - time.monotonic()))
