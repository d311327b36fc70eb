"""What every command needs: arguments in common, progress on standard error, words for people."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from core.dataset import Dataset
from core.jobs.progress import Progress, Task

Handler = Callable[[argparse.Namespace], dict[str, Any]]
Result = TypeVar("Result")

SECONDS_BETWEEN_REPORTS = 1.0


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    handler: Handler,
    *,
    about: str,
) -> argparse.ArgumentParser:
    """Register a command that works on one data set, and return its parser for more arguments."""
    parser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.set_defaults(handler=handler)
    return parser


def add_dataset_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    handler: Handler,
    *,
    about: str,
) -> argparse.ArgumentParser:
    """Register a command whose first argument is the folder of a data set."""
    parser = add_command(commands, name, handler, about=about)
    parser.add_argument("dataset", type=_folder, metavar="DATASET", help="folder of class folders")
    return parser


def _folder(text: str) -> Path:
    if not text:  # Path("") would be the current folder
        raise argparse.ArgumentTypeError("no folder was named; the current one is a dot")
    return Path(text)


def opened(arguments: argparse.Namespace) -> Dataset:
    """Open the data set a command was given, brought up to date with its folder."""
    dataset = Dataset.open(arguments.dataset)
    finish(dataset.reconcile())
    return dataset


def say(arguments: argparse.Namespace, text: str) -> None:
    """Print a line for people: standard error where standard output is wanted as JSON."""
    print(printable(text), file=sys.stderr if arguments.json else sys.stdout)


def printable(text: str) -> str:
    """Make a hostile name safe for a terminal: control characters and broken bytes shown."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1]
        for character in text
    )


def finish(task: Task[Result]) -> Result:
    """Run long work in the foreground, reporting on standard error, and return its result."""
    reported_at = time.monotonic()
    while True:
        try:
            progress = next(task)
        except StopIteration as end:
            result: Result = end.value
            return result
        if time.monotonic() - reported_at >= SECONDS_BETWEEN_REPORTS:
            reported_at = time.monotonic()
            _report(progress)


def _report(progress: Progress) -> None:
    share = f" {progress.done} of {progress.total}" if progress.total else ""
    print(printable(f"{progress.message}{share}"), file=sys.stderr, flush=True)
