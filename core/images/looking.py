"""Files looked at as they come, in processes of their own that a hostile file may take down."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from core.images.look import Look
from core.images.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package "core"

SECONDS_PER_FILE = 30.0
CRASHES = "This picture is damaged: it crashes the program that reads it. Remove it."
TAKES_TOO_LONG = "This picture takes too long to read; it may be damaged. Remove it."


class Closed(Exception):
    """Looking was ended while, or before, a file was looked at."""


class Lookers:
    """Processes that look at files, one file each at a time; shared by threads."""

    def __init__(
        self, *, processes: int | None = None, seconds_per_file: float = SECONDS_PER_FILE
    ) -> None:
        self.count = processes or available_cores()
        self._seconds = seconds_per_file
        self._closed = threading.Event()
        self._lock = threading.Lock()  # a process is never started once the end has come
        self._running: set[_Process] = set()
        self._free = queue.LifoQueue[_Process | None]()
        for _ in range(self.count):
            self._free.put(None)  # room for a process, started when first needed

    def look(self, path: Path, *, min_side: int = 1) -> Look:
        """Look at one file, waiting for a free process.

        Raises:
            Closed: If ``close`` was called meanwhile.
        """
        # A process may also be ended from outside, as by a system out of memory: the file is at
        # fault only if it ends a second one.
        for is_last in (False, True):
            started_at = time.monotonic()
            answer = self._ask(path, min_side)
            if answer is not None:
                return answer
            if self._closed.is_set():
                raise Closed
            late = time.monotonic() - started_at >= self._seconds
            if late or is_last:
                break
        return _fatal(late=late)

    def _ask(self, path: Path, min_side: int) -> Look | None:
        """A free process's answer; None if the file ended it."""
        process = self._free.get()
        try:
            if process is None:
                process = self._started()
            answer = process.look(path, min_side, self._seconds)
            if answer is None:
                self._end(process)
                process = None
            return answer
        finally:
            self._free.put(process)

    def close(self) -> None:
        """End all processes at once, whatever they are doing."""
        self._closed.set()
        with self._lock:
            running, self._running = self._running, set()
        for process in running:
            process.kill()

    def _started(self) -> "_Process":
        with self._lock:
            if self._closed.is_set():
                raise Closed
            process = _Process()
            self._running.add(process)
            return process

    def _end(self, process: "_Process") -> None:
        with self._lock:
            self._running.discard(process)
        process.kill()


def available_cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fatal(*, late: bool) -> Look:
    verdict = Verdict(
        kind="corrupt",
        reason=TAKES_TOO_LONG if late else CRASHES,
        width=0,
        height=0,
        format="",
        lasting=not late,  # the machine may only have been busy
    )
    return Look(verdict=verdict, content="", near=None)


class _Process:
    """One ``core.images.looking_process`` and its pipes.

    It is no ``multiprocessing`` process: those import the caller's main module again, which
    for a test run or a notebook is slow or impossible.
    """

    def __init__(self) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.images.looking_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        if not self._answers.readline():
            self.kill()
            raise RuntimeError("The process that looks at photos did not start. The log says more.")

    def look(self, path: Path, min_side: int, seconds: float) -> Look | None:
        """Ask about a file; None if that ended the process."""
        request = {"seconds": seconds, "min_side": min_side, "file": str(path)}
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
            line = self._answers.readline()
        except (OSError, ValueError):  # ended, or closed by another thread's kill
            return None
        if not line.endswith(b"\n"):
            return None
        answer = json.loads(line)
        near = answer["near"]
        return Look(
            verdict=Verdict(**answer["verdict"]),
            content=answer["content"],
            near=None if near is None else bytes.fromhex(near),
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with suppress(OSError):  # what was not sent yet has nobody to read it
                pipe.close()
