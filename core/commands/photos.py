"""Commands that bring photos in and throw broken ones out: ``sample`` and ``check``."""

import argparse
from pathlib import Path
from typing import Any

from core.commands.shared import add_command, add_dataset_command, finish, opened, say
from core.dataset import Dataset

# Named here as well as in core.collect.samples, so that other commands start without it.
SAMPLE_NAMES = ("circles", "circles-hard", "digits")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    sample = add_command(
        commands, "sample", make, about="make a data set to try out, some labels wrong on purpose"
    )
    sample.add_argument(
        "name", choices=SAMPLE_NAMES, metavar="NAME", help=" or ".join(SAMPLE_NAMES)
    )
    sample.add_argument("dataset", type=Path, metavar="DATASET", help="folder to make it in")
    checked = add_dataset_command(
        commands, "check", check, about="find the photos that cannot be trained on"
    )
    checked.add_argument(
        "--remove", action="store_true", help="move them out of the data set, as one step to undo"
    )


def make(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a sample: how many images it has, and in which classes."""
    from core.collect.samples import make_sample

    finish(make_sample(arguments.name, arguments.dataset))
    dataset = Dataset.open(arguments.dataset)
    finish(dataset.reconcile())
    counts = dataset.counts()
    images = sum(counts.values()) + dataset.unsorted_count()
    say(arguments, f"{images} images of {len(counts)} classes are in {arguments.dataset}")
    return {"images": images, "classes": counts}


def check(arguments: argparse.Namespace) -> dict[str, Any]:
    """Sweep a data set, and with ``--remove`` move what is refused to the removed files."""
    from core.clean import sweep

    dataset = opened(arguments)
    result = finish(sweep.check(dataset))
    for row in result.rejected:
        say(arguments, f"{_one_line(row.file)}: {row.reason}")
    say(
        arguments,
        f"{len(result.rejected)} of {result.checked} files cannot be used"
        f" ({result.seconds:.1f} seconds).",
    )
    if result.suspicious:
        say(arguments, sweep.SUSPICION)
    if arguments.remove and result.rejected:
        step = dataset.remove([row.file_id for row in result.rejected])
        say(arguments, f"{step.words}. This can be undone.")
        for skipped in step.skipped:
            say(arguments, f"{_one_line(skipped.file)}: {skipped.reason}")
    return {
        "checked": result.checked,
        "rejected": [
            {"file": row.file, "reason": row.reason, "kind": row.kind} for row in result.rejected
        ],
        "seconds": round(result.seconds, 3),
    }


def _one_line(name: str) -> str:
    return name.replace("\n", "\\n")
