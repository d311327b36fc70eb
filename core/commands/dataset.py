"""Commands on the data set itself: scan, relabel, remove, undo, redo, history."""

import argparse
import datetime
import re
from typing import Any

from core.commands.shared import add_dataset_command, finish, opened, say
from core.dataset import Change, Dataset, Skipped, Step
from core.dataset.names import photos
from core.errors import DatasetError

MOST_STEPS = 1_000_000  # that history lists


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    add_dataset_command(commands, "scan", scan, about="count the photos of each class")
    parser = add_dataset_command(commands, "relabel", relabel, about="move photos to a class")
    parser.add_argument("class_name", metavar="CLASS")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--new", action="store_true", help="make the class if there is none")
    parser = add_dataset_command(commands, "remove", remove, about="move photos to the removed")
    parser.add_argument("files", nargs="+", metavar="FILE")
    add_dataset_command(commands, "undo", undo, about="take back the last step")
    add_dataset_command(commands, "redo", redo, about="do again what was undone last")
    parser = add_dataset_command(commands, "history", history, about="list the last steps")
    parser.add_argument("--limit", type=_limit, default=100, help="how many; 100 if not given")


def _limit(text: str) -> int:
    # A number of many digits is never converted: Python refuses it with words of its own.
    if not re.fullmatch("[0-9]{1,7}", text) or not 1 <= int(text) <= MOST_STEPS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_STEPS}")
    return int(text)


def scan(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count what the data set holds, telling what stands out."""
    dataset = Dataset.open(arguments.dataset)
    found = finish(dataset.reconcile())
    counts = dataset.counts()
    for name, count in counts.items():
        say(arguments, f"{count:8,}  {name}")
    say(arguments, f"{dataset.unsorted_count():8,}  without a class")
    say(arguments, f"{dataset.removed_count():8,}  removed")
    if parts := dataset.part_counts():
        told = ", ".join(f"{number:,} in {name}" for name, number in parts.items())
        say(arguments, f"The folder brings its own split: {told}")
    for skipped in found.unreadable:
        say(arguments, f"{skipped.file}: {skipped.reason}")
    for names in found.look_alikes:
        say(arguments, f"These classes are easily taken for one: {', '.join(names)}")
    if found.links:
        say(arguments, f"Links passed over: {found.links}")
    return {
        "images": found.photos,
        "classes": counts,
        "unsorted": dataset.unsorted_count(),
        "removed": dataset.removed_count(),
        "links": found.links,
        "look_alikes": [list(names) for names in found.look_alikes],
        "unreadable": [_skipped(skipped) for skipped in found.unreadable],
    }


def relabel(arguments: argparse.Namespace) -> dict[str, Any]:
    """Move photos to a class."""
    dataset = opened(arguments)
    ids = [dataset.find(file).id for file in arguments.files]
    step = dataset.relabel(ids, arguments.class_name, new=arguments.new)
    return _told(arguments, step, step.words)


def remove(arguments: argparse.Namespace) -> dict[str, Any]:
    """Move photos to the removed ones."""
    dataset = opened(arguments)
    step = dataset.remove([dataset.find(file).id for file in arguments.files])
    return _told(arguments, step, step.words)


def undo(arguments: argparse.Namespace) -> dict[str, Any]:
    """Take back the last step."""
    dataset = opened(arguments)
    step = dataset.finished_on_opening.get("undo") or dataset.undo()
    _require_changes(step, "undone")
    return _told(arguments, step, f"Undone: {step.words}")


def redo(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do again what was undone last."""
    dataset = opened(arguments)
    step = dataset.finished_on_opening.get("redo") or dataset.redo()
    _require_changes(step, "done again")
    return _told(arguments, step, f"Done again: {step.words}")


def history(arguments: argparse.Namespace) -> dict[str, Any]:
    """List the last steps, newest first."""
    steps = opened(arguments).history(arguments.limit)
    for step in steps:
        when = datetime.datetime.fromtimestamp(step.time).strftime("%Y-%m-%d %H:%M:%S")
        say(arguments, f"{when}  {step.words}{' (undone)' if step.undone else ''}")
    if not steps:
        say(arguments, "Nothing was changed yet.")
    return {"steps": [_step(step) for step in steps]}


def _require_changes(step: Step, done: str) -> None:
    if step.changes:
        return
    reasons = [f"{skipped.file}: {skipped.reason}" for skipped in step.skipped]
    raise DatasetError("\n".join([f"Nothing could be {done} ({step.words}).", *reasons]))


def _told(arguments: argparse.Namespace, step: Step, words: str) -> dict[str, Any]:
    say(arguments, f"{words}.".replace("..", "."))
    for skipped in step.skipped:
        say(arguments, f"{skipped.file}: {skipped.reason}")
    if step.skipped:
        say(arguments, f"Left alone: {photos(len(step.skipped))}.")
    return {
        "changed": [_changed(change) for change in step.changes],
        "skipped": [_skipped(skipped) for skipped in step.skipped],
        "step": step.id,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "time": step.time,
        "kind": step.kind,
        "words": step.words,
        "undone": step.undone,
        "changed": [_changed(change) for change in step.changes],
        "skipped": [_skipped(skipped) for skipped in step.skipped],
    }


def _changed(change: Change) -> dict[str, Any]:
    return {
        "file": change.file,
        "from": change.source,
        "to": change.target,
        "now": change.now,
    }


def _skipped(skipped: Skipped) -> dict[str, Any]:
    return {"file": skipped.file, "reason": skipped.reason}
