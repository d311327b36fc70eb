"""Many files judged at once, in processes of their own that a hostile file may take down."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from core.images.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package "core"

SECONDS_PER_FILE = 30.0
# Few enough to spread a run of huge photos over all processes, enough that asking costs nothing.
FILES_PER_REQUEST = 32
SECONDS_BETWEEN_BATCHES = 0.25
# A request that hangs is given up this soon, and its files are asked about one by one.
SECONDS_BEFORE_A_CLOSER_LOOK = 10.0

CRASHES = "This picture is damaged: it crashes the program that reads it. Remove it."
TAKES_TOO_LONG = "This picture takes too long to read; it may be damaged. Remove it."


class Judged(NamedTuple):
    position: int  # in the files asked about
    verdict: Verdict


class ProcessEnded(Exception):
    """The process that judges is gone: the file it was on ended it, or it was killed."""


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
            judge.start()
        yield from _batches(done, len(files))
    finally:
        for judge in judges:
            judge.end()


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
        self._process: _Process | None = None
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
                process = self._running()
                asked_at = time.monotonic()
                for verdicts in process.judge(self._names(part), limit, at_once):
                    self._tell(part, verdicts)
                    part = part[len(verdicts) :]
                    asked_at = time.monotonic()
            except ProcessEnded:
                if self._ending.is_set():
                    return
                self._stop_process()
                if at_once:  # answered one by one, so the next one is what ended it
                    self._tell(part, [self._fatal(time.monotonic() - asked_at)])
                    part = part[1:]
                at_once = not at_once

    def _tell(self, part: range, verdicts: list[Verdict]) -> None:
        self._done.put([Judged(*pair) for pair in zip(part, verdicts, strict=False)])

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

    def _running(self) -> "_Process":
        with self._lock:
            if self._ending.is_set():
                raise ProcessEnded
            if self._process is None:
                self._process = _Process()
            return self._process

    def _stop_process(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process = None


class _Process:
    """One ``core.clean.judging_process`` and its pipes.

    It is no ``multiprocessing`` process: those import the caller's main module again, which
    for a test run or a notebook is slow or impossible.
    """

    def __init__(self) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.clean.judging_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        if not self._answers.readline():
            self.kill()
            raise RuntimeError("The process that checks photos did not start. The log says more.")

    def judge(self, names: list[str], seconds: float, at_once: bool) -> Iterator[list[Verdict]]:
        """Ask about files, and yield their verdicts in order, some at a time."""
        request = {"seconds": seconds, "at_once": at_once, "files": names}
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except (OSError, ValueError) as error:  # ended, or closed by another thread's kill
            raise ProcessEnded from error
        left = len(names)
        while left:
            verdicts = self._answer()
            left -= len(verdicts)
            yield verdicts

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(OSError):  # what was not sent yet has nobody to read it
                pipe.close()

    def _answer(self) -> list[Verdict]:
        try:
            line = self._answers.readline()
        except ValueError as error:  # closed by another thread's kill
            raise ProcessEnded from error
        if not line.endswith(b"\n"):
            raise ProcessEnded
        return [Verdict(**fields) for fields in json.loads(line)["verdicts"]]
