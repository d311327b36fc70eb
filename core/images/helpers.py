"""A process that does one kind of work on foreign files, and may die of one.

Requests and answers are JSON objects, one a line, over its standard input and output.

A Python takes 0.15 s to start, in which two processors decode a thousand small photos. So whoever
has many files to get through may have its first processes forked, on Linux: they only decode, and
never touch what the threads of their parent may hold. All others are started anew.
"""

import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

from core.images.limits import limit_memory

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds the package "core"

FORKS = sys.platform == "linux"
SECONDS_TO_WAKE = 5.0  # a fork that has not said so by then never will

Message = dict[str, Any]
AnswerAll = Callable[[IO[bytes], Callable[[Message], None]], None]

# A fork beside other threads is what is meant here; the module's text says why it is safe.
warnings.filterwarnings("ignore", r".*fork\(\) may lead to deadlocks", DeprecationWarning)


class HelperEnded(Exception):
    """The process is gone: the file it was on ended it, or it was killed."""


class _Process(Protocol):
    requests: IO[bytes]
    answers: IO[bytes]

    def end(self) -> None: ...


class Helper:
    """One process and its pipes. It runs a module that calls ``serve`` when it is started.

    It is no ``multiprocessing`` process: those import the caller's main module again, which
    for a test run or a notebook is slow or impossible.
    """

    def __init__(self, module: str, *, by_fork: bool = False) -> None:
        """Start it.

        Args:
            module: Has a function ``answer_all(requests, send)``, and calls ``serve`` with it when
                it is run.
            by_fork: Whether a fork will do, where there is one.
        """
        process = _forked(module) if by_fork and FORKS else None
        self._process = process or _Spawned(module)
        if not self._process.answers.readline():
            self.kill()
            raise RuntimeError(f"The process {module} did not start. The log says more.")

    def ask(self, request: Message) -> None:
        """Send a request.

        Raises:
            HelperEnded: If the process is gone.
        """
        try:
            self._process.requests.write(json.dumps(request).encode() + b"\n")
            self._process.requests.flush()
        except (OSError, ValueError) as error:  # ended, or closed by another thread's kill
            raise HelperEnded from error

    def answer(self) -> Message:
        """Wait for the next answer.

        Raises:
            HelperEnded: If the process is gone.
        """
        try:
            line = self._process.answers.readline()
        except (OSError, ValueError) as error:  # closed by another thread's kill
            raise HelperEnded from error
        if not line.endswith(b"\n"):
            raise HelperEnded
        found: Message = json.loads(line)
        return found

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        self._process.end()
        for pipe in (self._process.requests, self._process.answers):
            with suppress(OSError):  # what was not sent yet has nobody to read it
                pipe.close()


def serve(answer_all: AnswerAll) -> None:
    """Be the process: say so, then answer until the requests end.

    Args:
        answer_all: Reads requests, one a line, and sends answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what decoders print, in C, is nobody's answer
        os.dup2(nowhere, stream)
    limit_memory()

    def send(message: Message) -> None:
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()

    send({"ready": True})
    answer_all(os.fdopen(os.dup(0), "rb"), send)


class _Spawned:
    """A new Python."""

    def __init__(self, module: str) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "OPENBLAS_NUM_THREADS": "1",  # nobody multiplies matrices here; threads take memory
            },
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self.requests, self.answers = self._process.stdin, self._process.stdout

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


class _Forked:
    """A fork of this process."""

    def __init__(self, process: int, requests: IO[bytes], answers: IO[bytes]) -> None:
        self.requests, self.answers = requests, answers
        self._process = process
        self._lock = threading.Lock()  # a number that was waited for may be another's by now
        self._ended = False

    def end(self) -> None:
        with self._lock:
            if not self._ended:
                self._ended = True
                os.kill(self._process, signal.SIGKILL)
                os.waitpid(self._process, 0)


def _forked(module: str) -> _Forked | None:
    """A fork that runs a module; None where it does not wake."""
    answer_all = importlib.import_module(module).answer_all  # once for all forks
    to_hear, to_ask = os.pipe()
    to_learn, to_answer = os.pipe()
    process = os.fork()
    if process == 0:
        _become(answer_all, to_hear, to_answer)
    os.close(to_hear)
    os.close(to_answer)
    helper = _Forked(process, os.fdopen(to_ask, "wb"), os.fdopen(to_learn, "rb"))
    if not select.select([to_learn], [], [], SECONDS_TO_WAKE)[0]:
        helper.end()
        helper.requests.close()
        helper.answers.close()
        return None
    return helper


def _become(answer_all: AnswerAll, hear: int, answer: int) -> NoReturn:
    """In the fork: let go of all that is the parent's, its locks among it, and serve."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        gc.freeze()  # what is the parent's is not looked through again and again
        os.dup2(hear, 0)
        os.dup2(answer, 1)
        for one in sorted(int(name) for name in os.listdir("/proc/self/fd")):
            if one > 2:
                with suppress(OSError):  # the one that listed them is closed already
                    os.close(one)
        serve(answer_all)
    finally:
        os._exit(0)  # nothing of the parent's is flushed, closed or taken away
