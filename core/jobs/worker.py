"""The process that does one job: ``python -m core.jobs.worker HOME ID``.

Imports stay minimal, so that a click on Start shows its first report within half a second.
"""

import errno
import faulthandler
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from core.errors import WinnowError
from core.jobs.progress import JobResult, Progress, Task
from core.jobs.record import JobFolder, Request, plain_value

NICENESS = 5
SECONDS_BETWEEN_WRITES = 0.15
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_STOP = 1.5
LOCK_TIMEOUT_SECONDS = 10.0  # others hold it for an instant when they look whether it is held

OUT_OF_MEMORY = "The computer ran out of memory. Close other programs, then start again."
DISK_FULL = "The disk is full. Make room, then start again."
UNEXPECTED = "Something unexpected went wrong. The last lines of the log say more."


class Worker:
    """Runs one job and keeps its status on disk."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self.stop = threading.Event()
        self._writing = threading.Lock()
        self._status = replace(folder.read_status(), state="running", pid=os.getpid())
        self._started = time.monotonic()
        self._written = 0.0
        self._seconds_to_stop = SECONDS_TO_STOP
        self._last: Progress | None = None
        self.folder.write_status(self._status)

    def run(self, request: Request) -> None:
        """Do the work; whatever happens ends in a final status."""
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self._seconds_to_stop = _seconds_to_stop(request)
            result = self._consume(_task(request))
        except WinnowError as error:
            self._finish({"state": "failed", "error": str(error)})
        except MemoryError:
            self._fail(OUT_OF_MEMORY)
        except OSError as error:
            self._fail(DISK_FULL if error.errno == errno.ENOSPC else UNEXPECTED)
        except Exception:  # the boundary of the process: the page must learn of anything
            self._fail(UNEXPECTED)
        else:
            self._end(result)

    def _consume(self, task: Task[JobResult]) -> JobResult | None:
        """Run the task to its end and return its result, or None when stopped."""
        with self.folder.metrics_file.open("a", encoding="ascii") as rows:
            while not self.stop.is_set():
                try:
                    self._report(next(task), rows)
                except StopIteration as end:
                    result: JobResult = end.value or {}
                    return result
        task.close()
        return None

    def _report(self, progress: Progress, rows: IO[str]) -> None:
        if progress.metrics:
            seconds = round(time.monotonic() - self._started, 3)
            row = {"phase": progress.phase, **progress.metrics, "t": seconds}
            rows.write(json.dumps(row, default=plain_value) + "\n")
            rows.flush()
        changed_phase = self._last is None or progress.phase != self._last.phase
        self._last = progress
        if changed_phase or time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            self._written = time.monotonic()
            self._write({})

    def _watch(self) -> None:
        """Notice the stop flag, and end a process whose task does not come back in time."""
        while not (self.stop.is_set() or self.folder.stop_flag.exists()):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        self.stop.set()
        time.sleep(self._seconds_to_stop)
        # What the task was doing is as safe to cut off here as by a power cut.
        self._finish({"state": "stopped", "message": "Stopped"})
        _end_process()

    def _end(self, result: JobResult | None) -> None:
        if result is None:
            self._finish({"state": "stopped", "message": "Stopped"})
        else:
            self._finish({"state": "done", "result": result})

    def _fail(self, sentence: str) -> None:
        traceback.print_exc()
        sys.stderr.flush()
        tail = self.folder.log_tail()
        self._finish({"state": "failed", "error": sentence, "log_tail": tail})

    def _finish(self, changes: dict[str, Any]) -> None:
        self._write({"finished_at": time.time(), **changes})

    def _write(self, changes: dict[str, Any]) -> None:
        with self._writing:
            if self._status.finished:
                return  # the first final word stands
            if self._last is not None:
                changes = {
                    "phase": self._last.phase,
                    "done": self._last.done,
                    "total": self._last.total,
                    "message": self._last.message,
                    **changes,
                }
            self._status = replace(self._status, updated_at=time.time(), **changes)
            self.folder.write_status(self._status)


def main(home: str, job_id: str) -> None:
    """Do the job, holding its lock until the process ends."""
    faulthandler.enable()
    _be_polite()
    folder = JobFolder(Path(home), job_id)
    with FileLock(folder.lock_file, timeout=LOCK_TIMEOUT_SECONDS):
        worker = Worker(folder)
        signal.signal(signal.SIGTERM, lambda number, frame: worker.stop.set())
        try:
            worker.run(folder.read_request())
        finally:  # threads and pools of a stopped task must not keep the process
            _end_process()


def _task(request: Request) -> Task[JobResult]:
    module, _, function = request.target.partition(":")
    task: Task[JobResult] = getattr(importlib.import_module(module), function)(**request.arguments)
    return task


def _seconds_to_stop(request: Request) -> float:
    """How long work may take to stop: its module says so where a step of it is long."""
    module = importlib.import_module(request.target.partition(":")[0])
    return float(getattr(module, "SECONDS_TO_STOP", SECONDS_TO_STOP))


def _be_polite() -> None:
    if hasattr(os, "nice"):  # Windows got its lower priority when the process was made
        os.nice(NICENESS)


def _end_process() -> None:
    """End this process and every process it started, without waiting for any of them."""
    sys.stdout.flush()
    sys.stderr.flush()
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        # The group is ours alone: the worker was started in a session of its own.
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
