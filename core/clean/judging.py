"""Many files judged and measured, in processes of their own that a hostile file may take down."""

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from core.images.helper_pool import SECONDS_PER_FILE, available_cores
from core.images.helpers import Helper, HelperEnded
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.images.verdict import Verdict

PROCESS = "core.clean.judging_process"

# Enough that asking costs nothing, and fewer towards the end: a run of huge photos is spread over
# all processes, and none has much left when the others have nothing.
FILES_PER_REQUEST = 32
FEWEST_PER_REQUEST = 4
REQUESTS_LEFT = 8  # for each process, at least, until they cannot be made smaller
AHEAD = 2  # requests a process has: it never waits for one while the machine does something else
SECONDS_BETWEEN_BATCHES = 0.25
# A request that hangs is given up this soon, and its files are asked about one by one.
SECONDS_BEFORE_A_CLOSER_LOOK = 10.0


class Judged(NamedTuple):
    position: int  # in the files asked about
    verdict: Verdict
    scores: Mapping[str, float] | None  # as in ``core.clean.quality``; None where it is not good


def judge_all(
    files: Sequence[str | Path],
    *,
    processes: int | None = None,
    seconds_per_file: float = SECONDS_PER_FILE,
) -> Generator[list[Judged], None, None]:
    """Judge files on all processors.

    Args:
        files: Absolute paths.
        processes: How many to use at most; the default is one for each processor.
        seconds_per_file: What takes longer is given up as damaged.

    Yields:
        Batches in no order, each file once; an empty one where a while has passed without any.
        Closing the generator ends all processes at once.
    """
    count = processes or available_cores()
    waiting = queue.SimpleQueue[range]()
    for part in _parts(len(files), count):
        waiting.put(part)
    done = queue.SimpleQueue[list[Judged] | Exception]()
    count = min(count, waiting.qsize())
    judges = [_Judge(files, waiting, done, seconds_per_file) for _ in range(count)]
    try:
        for judge in judges:
            judge.start_process(by_fork=True)  # all of them before there are threads
        for judge in judges:
            judge.start()
        yield from _batches(done, len(files))
    finally:
        for judge in judges:
            judge.end()


def _parts(files: int, processes: int) -> Iterator[range]:
    start = 0
    while start < files:
        size = (files - start) // (processes * REQUESTS_LEFT)
        size = min(FILES_PER_REQUEST, max(FEWEST_PER_REQUEST, size))
        yield range(start, min(start + size, files))
        start += size


def _batches(
    done: "queue.SimpleQueue[list[Judged] | Exception]", expected: int
) -> Iterator[list[Judged]]:
    while expected:
        batch: list[Judged] = []
        until = time.monotonic() + SECONDS_BETWEEN_BATCHES
        while len(batch) < expected and (left := until - time.monotonic()) > 0:
            try:
                found = done.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(found, Exception):
                raise found
            batch.extend(found)
        expected -= len(batch)
        yield batch


class _Judge(threading.Thread):
    """Keeps one process busy, and replaces it when a file has ended it."""

    def __init__(
        self,
        files: Sequence[str | Path],
        waiting: "queue.SimpleQueue[range]",
        done: "queue.SimpleQueue[list[Judged] | Exception]",
        seconds_per_file: float,
    ) -> None:
        super().__init__(name="judge", daemon=True)
        self._files = files
        self._waiting = waiting
        self._done = done
        self._seconds = seconds_per_file
        self._process: Helper | None = None
        self._asked: deque[range] = deque()  # what the process has been asked, in its order
        self._at = 0.0  # when the last answer came
        self._ending = threading.Event()
        self._lock = threading.Lock()  # a process is never started once the end has come

    def run(self) -> None:
        try:
            while not self._ending.is_set() and self._ask_ahead():
                self._judge(self._asked[0])
        except Exception as error:
            if not self._ending.is_set():
                self._done.put(error)
        finally:
            self._stop_process()

    def end(self) -> None:
        """Stop at once, whatever the process is doing."""
        self._ending.set()
        self._stop_process()
        if self.ident is not None:
            self.join()

    def _ask_ahead(self) -> bool:
        """Hand the process more to do; False where all is done."""
        while len(self._asked) < AHEAD:
            try:
                part = self._waiting.get_nowait()
            except queue.Empty:
                break
            self._asked.append(part)
            with suppress(HelperEnded):  # whoever waits for the answer will see it
                self._ask(part)
        return bool(self._asked)

    def _judge(self, part: range) -> None:
        """Wait for the answers on a part, the first that is asked for."""
        self._at = time.monotonic()
        try:
            while part:
                part = self._answered(part)
        except HelperEnded:
            self._one_by_one(part)
        self._asked.popleft()

    def _one_by_one(self, part: range) -> None:
        """A file has ended the process: find out which, and go on with the others."""
        self._stop_process()
        while part and not self._ending.is_set():
            try:
                self._ask(part, at_once=True)
                self._at = time.monotonic()
                while part:
                    part = self._answered(part)
            except HelperEnded:  # answered one by one, so the next one is what ended it
                if not self._ending.is_set():
                    self._tell(part, [(self._fatal(time.monotonic() - self._at), None)])
                    part = part[1:]
                self._stop_process()
        with suppress(HelperEnded):
            for ahead in list(self._asked)[1:]:  # the process that knew of them is gone
                self._ask(ahead)

    def _ask(self, part: range, *, at_once: bool = False) -> None:
        limit = self._seconds if at_once else min(self._seconds, SECONDS_BEFORE_A_CLOSER_LOOK)
        names = [os.fspath(self._files[position]) for position in part]
        self.start_process().ask({"seconds": limit, "at_once": at_once, "files": names})

    def _answered(self, part: range) -> range:
        """Pass on the next answer; what is left of the part."""
        found = self.start_process().answer()["found"]
        self._tell(part, [(Verdict(**fields), scores) for fields, scores in found])
        self._at = time.monotonic()
        return part[len(found) :]

    def _tell(self, part: range, found: list[tuple[Verdict, Any]]) -> None:
        self._done.put([Judged(at, *one) for at, one in zip(part, found, strict=False)])

    def _fatal(self, seconds: float) -> Verdict:
        late = seconds >= self._seconds
        return Verdict(
            kind="corrupt",
            reason=TAKES_TOO_LONG if late else CRASHES,
            width=0,
            height=0,
            format="",
            lasting=not late,  # the machine may only have been busy
        )

    def start_process(self, *, by_fork: bool = False) -> Helper:
        """Start the process, or find it running."""
        with self._lock:
            if self._ending.is_set():
                raise HelperEnded
            if self._process is None:
                self._process = Helper(PROCESS, by_fork=by_fork)
            return self._process

    def _stop_process(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process = None
