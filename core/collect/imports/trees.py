"""A tree of train, valid and test folders, brought as it is into a data set that is empty."""

import os
from collections.abc import Sequence
from pathlib import Path

from core.collect.imports.arranging import Place
from core.dataset import Dataset
from core.dataset.carrying import FreeNames
from core.dataset.moving import move
from core.dataset.names import canonical, file_name


def is_empty(dataset: Dataset, *, but: Sequence[str] = ()) -> bool:
    """Whether a data set holds no photos and no folders besides some and the unsorted one."""
    passed_over = {canonical(name) for name in (*but, dataset.unsorted)}
    with os.scandir(dataset.root) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".")]
    if any(canonical(name) not in passed_over for name in names):
        return False
    return bool(but) or not (dataset.unsorted_count() or any(dataset.counts().values()))


def may_keep_parts(dataset: Dataset, places: Sequence[Place]) -> bool:
    """Whether nothing in the data set stands beside the parts, but what an earlier try brought."""
    return is_empty(dataset, but=[place.part for place in places])


def tree_path(dataset: Dataset, tree: Path, places: Sequence[Place]) -> list[tuple[Place, str]]:
    """Where each photo goes in the tree; without those whose part is in place already.

    Photos of no class go to the unsorted folder: a part holds nothing but class folders.
    """
    names = FreeNames(tree)
    there = {part for part in {place.part for place in places} if (dataset.root / part).exists()}
    return [
        (place, names.claim(f"{_folder(place, dataset.unsorted)}/{_last(place)}"))
        for place in places
        if place.part not in there
    ]


def put_tree_in_place(dataset: Dataset, tree: Path) -> None:
    """Move the finished folders into the data set, each whole, where nothing has its name yet."""
    with dataset.editing():
        for top in sorted(os.listdir(tree)):
            if top == dataset.unsorted and (dataset.root / top).exists():
                _move_files(tree / top, dataset.root / top, FreeNames(dataset.root))
            else:
                os.rename(tree / top, dataset.root / top)


def _move_files(folder: Path, target: Path, names: FreeNames) -> None:
    for name in sorted(os.listdir(folder)):
        free = names.claim(f"{target.name}/{name}")
        move(folder / name, target.parent / free, target / f".{name}.part")


def _folder(place: Place, unsorted: str) -> str:
    return unsorted if place.class_name is None else f"{place.part}/{place.class_name}"


def _last(place: Place) -> str:
    return file_name(place.name.rpartition("/")[2])
