"""The command line of ``start.py``."""

import argparse
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from launcher.browser import open_browser
from launcher.install import install
from launcher.places import PYTHON, ROOT, VENV, StartError
from launcher.server import Running, free_port, running_app, serve

STOPPED_BY_THE_USER = 130


def main(words: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    testing = list(words[:1]) == ["test"]
    parser = options_parser(testing=testing)
    options, rest = parser.parse_known_args(words[1:] if testing else words)
    if rest and not testing:
        parser.error("unknown: " + " ".join(rest))
    for name in ("SIGTERM", "SIGHUP"):  # a closed terminal ends the app like Ctrl-C
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        return test(options, rest) if testing else start(options)
    except StartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Start again at any time; what was finished is kept.")
        return STOPPED_BY_THE_USER


# Most tests wait more than they compute. Those of a file share a server and a browser. Words that
# come after these win, such as "-n 0" for one test after another.
SIDE_BY_SIDE = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile")


def options_parser(*, testing: bool) -> argparse.ArgumentParser:
    """Options of ``start.py``, or of ``start.py test``, whose other words go to pytest."""
    parser = argparse.ArgumentParser(
        prog="start.py test" if testing else "start.py",
        description="Set Winnow up and run its tests; other words go to pytest."
        if testing
        else "Set Winnow up and open it in the browser. `start.py test` runs the tests instead.",
        allow_abbrev=False,
    )
    parser.add_argument("--setup-only", action="store_true", help="set up and stop")
    if not testing:
        parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
        parser.add_argument("--port", type=int, help="serve here (8501 or the next free port)")
    return parser


def test(options: argparse.Namespace, pytest_words: Sequence[str]) -> int:
    """Set up, run the tests, and return pytest's exit code."""
    with one_at_a_time():
        install("test")
        ask_winnow("--networks-only")
    if options.setup_only:
        return 0
    return subprocess.call([PYTHON, "-m", "pytest", *SIDE_BY_SIDE, *pytest_words], cwd=ROOT)


def start(options: argparse.Namespace) -> int:
    """Set up, serve the app until it is quit, and return the exit code."""
    began = time.monotonic()
    with one_at_a_time():
        if not options.setup_only and (going_on := running_app()):
            print(f"Winnow is running already, at {going_on.address()}")
            open_browser(going_on.address(), wanted=not options.no_browser)
            return 0
        if options.port is not None:
            free_port(options.port)  # said before the minutes of setting up, not after them
        install("app")
        welcome = ask_winnow()
        if options.setup_only:
            return 0
        running = serve(options.port, data=Path(welcome["data"]))
    try:
        address = running.address(welcome["token"])
        print(f"Winnow answers at {address} after {time.monotonic() - began:.0f} s.")
        print("Keep this window open while you work. Quit in the app, or Ctrl-C here, ends it.")
        open_browser(address, wanted=not options.no_browser)
        return until_it_ends(running)
    except KeyboardInterrupt:
        print("\nEnding Winnow. Training or checking that still runs goes on to its end.")
        return 0
    finally:
        running.end()


def until_it_ends(running: Running) -> int:
    """Wait for Quit in the app; the exit code is 0 then."""
    code = running.process.wait() if running.process else 0
    # Quit sends the server a SIGTERM, which Windows turns into an exit code of that number.
    if code in (0, -signal.SIGTERM, -signal.SIGINT, signal.SIGTERM):
        print("Winnow has ended.")
        return 0
    raise StartError(f"Winnow ended unexpectedly. What it wrote last is in {running.log}")


def ask_winnow(*words: str) -> dict[str, Any]:
    """Have the library get ready for the app: networks, sample. Quick when it is."""
    asked = subprocess.run(
        [PYTHON, "-m", "core.commands.welcome", *words], cwd=ROOT, stdout=subprocess.PIPE
    )
    if asked.returncode != 0:
        raise StartError(
            "Winnow could not get ready; the lines above say why. If starting again does not "
            f"help, remove the folder {VENV} and start once more."
        )
    answer: dict[str, Any] = json.loads(asked.stdout.decode().splitlines()[-1])
    return answer


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one start set up at a time; another waits. A killed one is no longer waited for."""
    # SQLite's is the one lock in the standard library that works alike on all three systems.
    file = ROOT / ".winnow-start.lock"
    lock = sqlite3.connect(file, timeout=0.5, isolation_level=None)
    try:
        told = False
        while not _locked(lock):
            if not told:
                print("Another start is setting Winnow up. Waiting for it.", flush=True)
            told = True
        yield
    finally:
        lock.close()


def _locked(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return False
        raise StartError(
            f"Winnow cannot write to its own folder {ROOT}. Move it to a place where you may "
            "write, such as your home folder, and start it there."
        ) from error
    return True
