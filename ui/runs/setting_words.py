"""What a run was told to do, in words, and where several runs were told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from core.train.settings import DeepSettings
from ui.runs import words
from ui.words import count, shown

if TYPE_CHECKING:
    from core.runs import Run

NONE = "–"
LONGEST_CLASSES = 60  # characters

SCHEDULES = {"one_cycle": "One cycle", "sgdr": "Cosine with restarts", "constant": "Constant"}
HEADS = {"linear": "Linear", "concat": "Two layers, on mean and maximum"}
AUGMENTS = {
    "side": "From the side",
    "above": "From above",
    "count": "Nothing that changes a count",
    "crop": "Random crops",
    "none": "No changes",
}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_as_text(one) for one in value) or "By itself"
    return "By itself" if value is None else shown(str(value), limit=LONGEST_CLASSES)


def _pixels(value: object) -> str:
    return "As the network has it" if value is None else f"{value} pixels"


def _augment(value: object) -> str:
    return AUGMENTS.get(str(value), "Own choices" if isinstance(value, Mapping) else str(value))


def _share(value: object) -> str:
    return "All" if value in (1, 1.0) else f"{100 * float(str(value)):g} %"


def _stage(value: object) -> str:
    if value is None:
        return "The last stages train"
    return "All stages train" if value == 0 else f"Frozen before stage {value}"


def _mixup(value: object) -> str:
    return "No" if not value else _as_text(value)


# Settings of deep training in the order in which they are told, and how.
DEEP: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "head": ("Head", lambda value: HEADS.get(value, str(value))),
    "size": ("Image size", _pixels),
    "batch": ("Photos per step", _as_text),
    "epochs": ("Epochs", _as_text),
    "schedule": ("Schedule", lambda value: SCHEDULES.get(value, str(value))),
    "cycle_length": ("Length of the first cycle", _as_text),
    "cycle_mult": ("Each cycle longer by", _as_text),
    "lr": ("Learning rate", _as_text),
    "lrs": ("Learning rates by stage", _as_text),
    "spread": ("First stages slower by", _as_text),
    "freeze_to": ("Stages", _stage),
    "augment": ("Changes to photos", _augment),
    "views": ("Kept views of each photo", _as_text),
    "weight_decay": ("Weight decay", _as_text),
    "label_smoothing": ("Label smoothing", _as_text),
    "mixup": ("Mixup", _mixup),
    "batch_norm": ("Batch-norm learns too", _as_text),
    "tta": ("Judged with mirror image", _as_text),
    "fold": ("Part held out", lambda value: _as_text(int(value) + 1)),
    "all_folds": ("Every part held out once", _as_text),
    "seed": ("Seed", _as_text),
    "share": ("Share of photos trained on", _share),
    "start_from": ("Goes on from run", lambda value: NONE if value is None else shown(str(value))),
}
ONLY_SGDR = ("cycle_length", "cycle_mult")


def deep_settings(run: Run) -> dict[str, Any]:
    """What a deep run was asked for, as ``DeepSettings.from_json`` takes it."""
    kept = run.settings.get("deep", {})
    known = {field.name for field in fields(DeepSettings)}
    return {name: value for name, value in kept.items() if name in known}


def told(run: Run) -> dict[str, str]:
    """The settings of a run by their names on screen. As text, not for Markdown."""
    said = {
        "Training": words.MODES[run.mode],
        "Network": shown(words.network(run)),
        "Photos": f"{run.images:,}",
        "Classes": _classes(run.classes),
    }
    if run.mode == "quick":
        return {**said, "Penalty on weights": f"{run.l2:g}"}
    kept = deep_settings(run)
    for name, (label, in_words) in DEEP.items():
        if name in kept and (name not in ONLY_SGDR or kept.get("schedule") == "sgdr"):
            said[label] = in_words(kept[name])
    if kept.get("lr") is None and isinstance(run.settings.get("rate"), int | float):
        said[DEEP["lr"][0]] = f"By itself: {run.settings['rate']:g}"
    return said


def differing(several: Sequence[Run]) -> dict[str, list[str]]:
    """By setting, what each run has; only settings that two of them have otherwise.

    What only deep training has is no difference between one deep and one quick run: that they are
    of different kinds says it all.
    """
    each = [told(run) for run in several]
    names = list(dict.fromkeys(name for one in each for name in one))
    rows = {name: [one.get(name, NONE) for one in each] for name in names}
    return {name: row for name, row in rows.items() if len({*row} - {NONE}) > 1}


def _classes(names: Sequence[str]) -> str:
    few = ", ".join(shown(name, limit=20) for name in names)
    number = count(len(names), "class", "classes")
    return few if len(few) <= LONGEST_CLASSES else f"{number}: {few[:LONGEST_CLASSES]}…"
