"""Commands that bring photos in and throw broken ones out: ``sample`` and ``check``."""

import argparse
import secrets
from pathlib import Path
from typing import Any

from core.commands.shared import add_command, add_dataset_command, finish, opened, say
from core.dataset import Dataset
from core.errors import CollectError

# Named here as well as in core.collect.samples, so that other commands start without it.
SAMPLE_NAMES = ("circles", "circles-hard", "digits")
COUNTED = "circles"
# What counted circles can be told, as ``CircleChoices`` names it, and how the options are called.
OF_CIRCLES = {"fewest": "--fewest", "most": "--most", "per_class": "--per-class"}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    sample = add_command(
        commands, "sample", make, about="make a data set to try out, some labels wrong on purpose"
    )
    sample.add_argument(
        "name", choices=SAMPLE_NAMES, metavar="NAME", help=" or ".join(SAMPLE_NAMES)
    )
    sample.add_argument("dataset", type=Path, metavar="DATASET", help="folder to make it in")
    own = sample.add_argument_group(
        "circles by choice", "Any of these draws circles as Collect does, every label right."
    )
    own.add_argument(
        "--fewest", type=int, metavar="N", help="circles in the first class; 1 if not given"
    )
    own.add_argument(
        "--most", type=int, metavar="N", help="circles in the last class; 5 if not given"
    )
    own.add_argument(
        "--per-class", type=int, metavar="N", help="pictures of each class; 100 if not given"
    )
    checked = add_dataset_command(
        commands, "check", check, about="find the photos that cannot be trained on"
    )
    checked.add_argument(
        "--remove", action="store_true", help="move them out of the data set, as one step to undo"
    )


def make(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a sample: how many images it has, and in which classes."""
    chosen: dict[str, Any] = {name: getattr(arguments, name) for name in OF_CIRCLES}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if chosen:
        dataset = _draw_circles(arguments, chosen)
    else:
        from core.collect.samples import make_sample

        finish(make_sample(arguments.name, arguments.dataset))
        dataset = Dataset.open(arguments.dataset)
    finish(dataset.reconcile())
    counts = dataset.counts()
    images = sum(counts.values()) + dataset.unsorted_count()
    say(arguments, f"{images} images of {len(counts)} classes are in {arguments.dataset}")
    return {"images": images, "classes": counts}


def _draw_circles(arguments: argparse.Namespace, chosen: dict[str, Any]) -> Dataset:
    """Draw circles by choice into a new data set, no label of which is wrong.

    Raises:
        WinnowError: If the choices do not fit, or the folder holds something already.
    """
    from core.collect.circle_sets import CircleChoices, objection
    from core.collect.generating import generate

    if arguments.name != COUNTED:
        options = ", ".join(OF_CIRCLES[name] for name in chosen)
        raise CollectError(f"Only the sample {COUNTED!r} can be told {options}.")
    choices = CircleChoices(**chosen)
    # Before a folder is made for what cannot be drawn.
    if problem := objection(choices):
        raise CollectError(problem)
    dataset = Dataset.create(arguments.dataset, [str(number) for number in choices.counts])
    finish(generate(dataset, choices, collection=secrets.token_hex(8)))
    return dataset


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
