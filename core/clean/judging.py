"""Many files judged and measured, in processes of their own that a hostile file may take down."""

import queue
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from core.images.helper_pool import SECONDS_PER_FILE, available_cores
from core.images.helpers import Helper, HelperEnded
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.images.verdict import Verdict

PROCESS = "core.clean.judging_process"

# Few enough to spread a run of huge photos over all processes, enough that asking costs nothing.
FILES_PER_REQUEST = 32
SECONDS_BETWEEN_BATCHES = 0.25
# A request that hangs is given up this soon, and its files are asked about one by one.
SECONDS_BEFORE_A_CLOSER_LOOK = 10.0


class Judged(NamedTuple):
    position: int  # in the files asked about
    verdict: Verdict
    scores: Mapping[str, float] | None  # as in ``core.clean.quality``; None where it is not good


def judge_all(
    files: Sequence[Path],
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
    parts = [
        range(start, min(start + FILES_PER_REQUEST, len(files)))
        for start in range(0, len(files), FILES_PER_REQUEST)
    ]
    waiting = queue.SimpleQueue[range]()
    for part in parts:
        waiting.put(part)
    done = queue.SimpleQueue[list[Judged] | Exception]()
    count = min(processes or available_cores(), len(parts))
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
        files: Sequence[Path],
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
        self._ending = threading.Event()
        self._lock = threading.Lock()  # a process is never started once the end has come

    def run(self) -> None:
        try:
            while not self._ending.is_set():
                self._judge(self._waiting.get_nowait())
        except queue.Empty:
            pass  # all is asked: the end of the work
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

    def _judge(self, part: range) -> None:
        """Have a part judged; where a file ends the process, find out which and go on."""
        at_once = False
        while part:
            limit = self._seconds if at_once else min(self._seconds, SECONDS_BEFORE_A_CLOSER_LOOK)
            try:
                process = self.start_process()
                asked_at = time.monotonic()
                request = {"seconds": limit, "at_once": at_once, "files": self._names(part)}
                process.ask(request)
                while part:
                    found = process.answer()["found"]
                    self._tell(part, [(Verdict(**fields), scores) for fields, scores in found])
                    part = part[len(found) :]
                    asked_at = time.monotonic()
            except HelperEnded:
                if self._ending.is_set():
                    return
                self._stop_process()
                if at_once:  # answered one by one, so the next one is what ended it
                    self._tell(part, [(self._fatal(time.monotonic() - asked_at), None)])
                    part = part[1:]
                at_once = not at_once

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

    def _names(self, part: range) -> list[str]:
        return [str(self._files[position]) for position in part]

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
