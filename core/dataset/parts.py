"""Data sets that bring their own split: ``train/cat/1.jpg`` has the class ``cat``, in ``train``.

Such a tree has no top folders but these and the unsorted one, and those that hold photos hold them
in folders: in the world there is also a class of trains. The folders themselves say what a tree
is, so it may become a split tree, or cease to be one, by a change made by hand.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal

from core.dataset.names import class_of, decoded, encoded, folder_of
from core.dataset.scanning import list_folder

Part = Literal["train", "valid", "test"]

MEANINGS: dict[str, Part] = {
    "train": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
}
SETTING = "parts"  # the top folders that are parts, as a JSON list; missing where there are none


def meaning(folder: str) -> Part | None:
    """The part that a folder of this name stands for; None if for none."""
    return MEANINGS.get(folder.lower())


def split_parts(folders: Iterable[str], *, unsorted: str) -> tuple[str, ...]:
    """The top folders that split a tree, by name; none if it is no split tree.

    Whether those without folders in them hold photos, which a part may not, is not looked at.

    Args:
        folders: Paths of all its folders.
        unsorted: The folder that may lie beside the parts.
    """
    tops: set[str] = set()
    filled: set[str] = set()  # top folders that hold folders
    for folder in folders:
        top, slash, _ = folder.partition("/")
        if top and not top.startswith(".") and top != unsorted:
            tops.add(top)
            if slash:
                filled.add(top)
    if any(meaning(top) is None for top in tops):
        return ()
    return tuple(sorted(tops)) if any(meaning(top) == "train" for top in filled) else ()


def part_of(path: str, parts: Collection[str]) -> Part | None:
    """The part that a photo lies in; None outside of any, or where there are none."""
    top = path.partition("/")[0]
    return meaning(top) if top in parts else None


def folder_for(class_name: str, parts: Sequence[str], *, unsorted: str, beside: str = "") -> str:
    """The folder for photos of a class.

    Args:
        class_name: The class, or the unsorted folder's name.
        parts: Of the data set.
        unsorted: Of the data set.
        beside: A photo's path: where there are parts, the folder is in the photo's own, and in
            ``train`` for a photo that has none.
    """
    if not parts or class_name == unsorted:
        return class_name
    own = beside.partition("/")[0]
    return f"{own if own in parts else training_folder(parts)}/{class_name}"


def training_folder(parts: Sequence[str]) -> str:
    """The part that photos without one go to: ``train`` as it is spelt here."""
    return min((part for part in parts if meaning(part) == "train"), key=lambda one: one != "train")


def load_parts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The data set's parts as last found; empty if it has none."""
    row = connection.execute("SELECT value FROM setting WHERE key=?", (SETTING,)).fetchone()
    return () if row is None else tuple(json.loads(row[0]))


def found_parts(root: Path, connection: sqlite3.Connection, *, unsorted: str) -> tuple[str, ...]:
    """The parts of a tree by the folders that the catalogue knows."""
    folders = [decoded(path) for (path,) in connection.execute("SELECT path FROM folder")]
    parts = split_parts(folders, unsorted=unsorted)
    filled = {folder_of(folder) for folder in folders}
    bare = [part for part in parts if part not in filled]  # read only where it decides
    loose = {part for part in bare if list_folder(root, part).files}
    return () if loose else parts


def sort_anew(
    connection: sqlite3.Connection, *, unsorted: str, parts: Sequence[str], version: int
) -> None:
    """Give every photo the class it has by these names of folders. No file is moved."""
    connection.execute("DELETE FROM setting WHERE key=?", (SETTING,))
    if parts:
        connection.execute("INSERT INTO setting VALUES(?, ?)", (SETTING, json.dumps(list(parts))))
    rows = connection.execute("SELECT id, path, class FROM file WHERE place<2").fetchall()
    for file_id, path, before in rows:
        class_name = class_of(decoded(path), unsorted, parts)
        after = None if class_name is None else encoded(class_name)
        if after != before:
            connection.execute(
                "UPDATE file SET class=?, changed=? WHERE id=?", (after, version, file_id)
            )
