"""Commands that train and show what the model thinks: ``train``, ``issues`` and ``heatmap``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.shared import add_dataset_command, finish, opened, say
from core.errors import RunError, TrainingError
from core.networks.backbones import BACKBONES
from core.train.augment_choices import PRESETS

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.runs import Run

# What only deep training can be told, and how the options are called.
ONLY_DEEP = {
    "epochs": "--epochs",
    "lr": "--lr",
    "augment": "--augment",
    "size": "--size",
    "freeze_to": "--freeze-to",
    "batch_norm": "--batch-norm",
    "all_folds": "--all-folds",
    "fresh": "--fresh",
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands."""
    training = add_dataset_command(commands, "train", train, about="train on the photos in classes")
    training.add_argument("--mode", choices=("quick", "deep"), default="quick")
    training.add_argument("--backbone", default="lite0", metavar="B", help=", ".join(BACKBONES))
    training.add_argument("--seed", type=int, metavar="S", help="quick training needs none")
    deep = training.add_argument_group("deep training only")
    deep.add_argument("--epochs", type=int, metavar="N", help="how often it sees every photo")
    deep.add_argument("--lr", type=float, metavar="R", help="highest learning rate, of the head")
    deep.add_argument(
        "--augment", metavar="PRESET", help=f"how photos are changed: {', '.join(PRESETS)}"
    )
    deep.add_argument("--size", type=int, metavar="PX", help="side of what the network sees")
    deep.add_argument(
        "--freeze-to",
        type=int,
        metavar="N",
        help="stages left as they are; 0 trains all, without this only the last ones are trained",
    )
    deep.add_argument(
        "--batch-norm",
        action="store_true",
        default=None,
        help="batch-norm of the trained stages learns too; can bear a higher rate",
    )
    deep.add_argument(
        "--all-folds",
        action="store_true",
        default=None,
        help="judge with each fifth in turn, so that every photo is judged",
    )
    deep.add_argument(
        "--fresh", action="store_true", default=None, help="do not go on with what was interrupted"
    )

    listing = add_dataset_command(
        commands, "issues", issues, about="list photos whose label the model doubts, worst first"
    )
    listing.add_argument("--all", action="store_true", help="list every photo it judged")

    heat = add_dataset_command(
        commands, "heatmap", heatmap, about="draw what in a photo spoke for the model's answer"
    )
    heat.add_argument("file", metavar="FILE", help="a photo, by its path in the data set")
    heat.add_argument("--out", type=Path, required=True, metavar="PNG", help="where to write it")


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, and say how well the model does on photos it had not seen."""
    if arguments.mode == "deep":
        return train_deep(arguments)
    _refuse_what_has_no_meaning(arguments)
    from core.runs.split import other_parts, unseen
    from core.train.quick import train_quick

    run = finish(train_quick(opened(arguments), backbone=arguments.backbone))
    for sentence in run.warnings:
        say(arguments, sentence)
    say(
        arguments,
        f"Wrong on {run.wrong:,} of {run.judged:,} photos{unseen(run.split)}"
        f" ({run.error_rate:.1%}), in {sum(run.seconds.values()):.1f} seconds.",
    )
    for sentence in other_parts(run):
        say(arguments, sentence)
    return _outcome(run)


def train_deep(arguments: argparse.Namespace) -> dict[str, Any]:
    """Fine-tune the network, and say how that does beside quick training on the same photos."""
    from core.train.answers import kept_in_words
    from core.train.settings import DeepSettings

    deep_only = [name for name in ONLY_DEEP if name != "fresh"]
    asked = {name: getattr(arguments, name) for name in ("backbone", "seed", *deep_only)}
    settings = DeepSettings.from_json({k: v for k, v in asked.items() if v is not None})
    from core.train.deep import train_deep as deep  # imports torch

    run = finish(deep(opened(arguments), settings, fresh=bool(arguments.fresh)))
    assert run.answers is not None and run.kept is not None
    for sentence in run.warnings:
        say(arguments, sentence)
    say(arguments, kept_in_words(run.kept, run.answers))
    say(arguments, f"It took {sum(run.seconds.values()):.0f} seconds.")
    return {
        **_outcome(run),
        "kept": run.kept,
        "quick_error_rate": run.answers["quick"]["error_rate"],
        "answers": {name: dict(score) for name, score in run.answers.items()},
    }


def _outcome(run: "Run") -> dict[str, Any]:
    """What either training answers."""
    return {
        "run": run.id,
        "error_rate": run.error_rate,
        "loss": run.loss,
        "images": run.images,
        "classes": list(run.classes),
        "seconds": dict(run.seconds),
        "wrong": run.wrong,
        "judged": run.judged,
        "warnings": list(run.warnings),
        "split": run.split,
    }


def issues(arguments: argparse.Namespace) -> dict[str, Any]:
    """List the photos whose label the run in use doubts."""
    from core.review.ranking import ranking
    from core.runs import load_predictions

    dataset = opened(arguments)
    run = _in_use(dataset)
    suspects = ranking(run, load_predictions(dataset.home, run.id), dataset)
    shown = [suspect for suspect in suspects if arguments.all or suspect.kind != "fine"]
    for suspect in shown:
        doubt = f"{suspect.kind}, {suspect.label_quality:.0%} for {suspect.given}"
        if suspect.suggested != suspect.given:
            doubt += f", {suspect.confidence:.0%} for {suspect.suggested}"
        say(arguments, f"{suspect.file}: {doubt}")
    doubted = sum(suspect.kind != "fine" for suspect in suspects)
    say(arguments, f"The model doubts {doubted:,} of {len(suspects):,} labels.")
    return {
        "issues": [
            {
                "file": suspect.file,
                "given": suspect.given,
                "suggested": suspect.suggested,
                "label_quality": suspect.label_quality,
                "kind": suspect.kind,
            }
            for suspect in shown
        ]
    }


def heatmap(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw the heat map of the class that the run in use finds most probable in a photo."""
    from core.review.heat_map import heat_map_file
    from core.runs import load_predictions

    dataset = opened(arguments)
    _refuse_to_overwrite(arguments.out, dataset)
    run = _in_use(dataset)
    row = dataset.find(arguments.file)
    predictions = load_predictions(dataset.home, run.id)
    places = [at for at, number in enumerate(predictions.file_id.tolist()) if number == row.id]
    if not places:
        raise RunError(
            f"{row.path} was not part of the last training. Put it in a class, then train again."
        )
    predicted = int(predictions.predicted[places[0]])
    _write_png(heat_map_file(dataset, run.id, row.id, predicted), arguments.out)
    given, named = run.classes[predictions.given[places[0]]], run.classes[predicted]
    say(arguments, f"{row.path}: labelled {given}, the model says {named}. See {arguments.out}")
    return {"file": row.path, "given": given, "predicted": named, "out": str(arguments.out)}


def _refuse_what_has_no_meaning(arguments: argparse.Namespace) -> None:
    given = [option for name, option in ONLY_DEEP.items() if getattr(arguments, name) is not None]
    if given:
        raise TrainingError(
            f"Quick training has no use for {', '.join(given)}. Leave that out and train again."
        )


def _in_use(dataset: "Dataset") -> "Run":
    from core.runs.in_use import run_in_use

    run = run_in_use(dataset)
    if run is None:
        raise RunError(f"{dataset.root} has not been trained yet. Run: train {dataset.root}")
    return run


def _refuse_to_overwrite(out: Path, dataset: "Dataset") -> None:
    """A heat map must replace no photo and nothing of Winnow's: neither could be undone."""
    target = out.resolve()
    is_photo = target.exists() and target.is_relative_to(dataset.root.resolve())
    if is_photo or target.is_relative_to(dataset.home.resolve()):
        raise RunError(f"{out} lies in the data set. Choose a place outside it.")


def _write_png(picture: Path, out: Path) -> None:
    from PIL import Image

    try:
        with Image.open(picture) as image:
            image.save(out, format="PNG")
    except OSError as error:
        raise RunError(
            f"The heat map cannot be written to {out}: {error.strerror or error}. "
            "Choose another place."
        ) from error
