"""Training on a data set that brings its own split: what is held out, and how it is judged."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from core.dataset import FileRow
from core.dataset.names import photos
from core.dataset.parts import Part, part_of
from core.runs import Predictions
from core.runs.split import HELD_OUT, fold_of_part
from core.train.dealing import NOT_JUDGED
from core.train.head import Heads

NAMES_TOLD = 5
ROWS_AT_ONCE = 4096  # bounds the features held at a time

Held = Mapping[Part, Sequence[FileRow]]


def by_part(rows: Iterable[FileRow], parts: Sequence[str]) -> dict[Part, tuple[FileRow, ...]]:
    """Photos by the part they are in; those outside of any are for training."""
    found: dict[Part, list[FileRow]] = {}
    for row in rows:
        found.setdefault(part_of(row.path, parts) or "train", []).append(row)
    return {part: tuple(some) for part, some in found.items()}


def with_classes(held: Held, classes: Sequence[str]) -> dict[Part, tuple[FileRow, ...]]:
    """The photos held out that a model of these classes can be judged on, part by part."""
    known = set(classes)
    kept = {
        part: tuple(row for row in held.get(part, ()) if row.class_name in known)
        for part in HELD_OUT
    }
    return {part: rows for part, rows in kept.items() if rows}


def about_split(train: Sequence[FileRow], held: Held, classes: Sequence[str]) -> list[str]:
    """What there is to know before the model is judged by the split, in sentences."""
    said = []
    strangers = Counter(
        str(row.class_name)
        for rows in held.values()
        for row in rows
        if row.class_name not in set(classes)
    )
    if strangers:
        told = _named(sorted(strangers))
        said.append(
            f"No photo of {told} in train: {_photos_held(sum(strangers.values()), held)} "
            "can teach the model nothing and cannot judge it, and are left out."
        )
    usable = with_classes(held, classes)
    if not usable:
        return [
            *said,
            "There are no photos in valid or test to judge the model on. Each photo in train is "
            "judged by a model that did not see it.",
        ]
    judged_on = next(iter(usable))
    if judged_on == "test":
        said.append("There are no photos in valid, so the model is judged on those in test.")
    there = {row.class_name for row in usable[judged_on]}
    if absent := [name for name in classes if name not in there]:
        said.append(
            f"No photo of {_named(absent)} in {judged_on}: how often the model is wrong there "
            "says nothing about it."
        )
    seen = {row.content for row in train}
    leaked = [row for rows in usable.values() for row in rows if row.content in seen]
    if leaked:
        stand, them, are = (
            ("stands", "it", "it is") if len(leaked) == 1 else ("stand", "them", "they are")
        )
        said.append(
            f"{_photos_held(len(leaked), usable)} {stand} in train too (such as "
            f"{leaked[0].path}): the model has seen {them}, so {are} not judged there. "
            "Keep each picture in one of the two."
        )
    return said


def all_predictions(
    train: Sequence[FileRow],
    labels: np.ndarray,
    fold: np.ndarray,
    heads: Heads,
    *,
    held: Held,
    classes: Sequence[str],
    features: Callable[[Sequence[FileRow]], np.ndarray],
    folds: int,
) -> Predictions:
    """What the heads say of the photos trained on and of those held out, by path.

    Args:
        train: Photos trained on, by path.
        labels: (N,) class of each, as an index into the classes.
        fold: (N,) which head did not see it.
        heads: Fitted on them.
        held: Photos held out, all of these classes.
        classes: Those trained on.
        features: Gives (n, D) of some photos.
        folds: F.
    """
    index = {name: at for at, name in enumerate(classes)}
    seen = {row.content for row in train}
    rows, given, folds_of, probs = list(train), [labels], [fold], [heads.probs]
    for part, some in held.items():
        own = fold_of_part(part, folds=folds)
        rows += some
        given.append(np.array([index[str(row.class_name)] for row in some], dtype=labels.dtype))
        folds_of.append(
            np.array([NOT_JUDGED if row.content in seen else own for row in some], dtype=fold.dtype)
        )
        for start in range(0, len(some), ROWS_AT_ONCE):
            probs.append(_judge(features(some[start : start + ROWS_AT_ONCE]), heads))
    order = sorted(range(len(rows)), key=lambda at: rows[at].path)
    return Predictions(
        file_id=np.array([rows[at].id for at in order], dtype=np.int64),
        content=tuple(rows[at].content for at in order),
        given=np.concatenate(given)[order],
        fold=np.concatenate(folds_of)[order],
        probs=np.concatenate(probs)[order],
    )


def all_tensors(heads: Heads, *, held: Held) -> dict[str, np.ndarray]:
    """The heads as a run keeps them; where photos were held out, by fold for those too."""
    tensors = heads.tensors()
    if not held:
        return tensors
    for name in ("weight", "bias"):
        again = np.repeat(tensors[name][None], len(HELD_OUT), axis=0)
        tensors[f"fold_{name}"] = np.concatenate([tensors[f"fold_{name}"], again])
    return tensors


def _judge(features: np.ndarray, heads: Heads) -> np.ndarray:
    """(n, K): what the head from all photos trained on says."""
    logits = features @ heads.weight.T + heads.bias
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return probs


def _photos_held(count: int, held: Held) -> str:
    """``3 photos in valid``."""
    return f"{photos(count)} in {' and '.join(part for part in HELD_OUT if part in held)}"


def _named(names: Sequence[str]) -> str:
    told = ", ".join(f"“{name}”" for name in names[:NAMES_TOLD])
    return f"{told} and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else told
