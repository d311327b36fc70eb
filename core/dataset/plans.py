"""What each kind of edit wants of each file: from where to where."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.dataset.catalogue import REMOVED
from core.dataset.intended import Wish
from core.dataset.names import REMOVED as REMOVED_FOLDER
from core.dataset.names import (
    canonical,
    check_class_name,
    class_of,
    decoded,
    folder_of,
    name_of,
    shown,
)
from core.dataset.parts import folder_for
from core.dataset.rows import FileRow, removed_rows
from core.errors import DatasetError


def require_class(name: str, classes: Sequence[str], *, unsorted: str, new: bool) -> None:
    """Check the class that photos are to go to.

    Raises:
        DatasetError: If there is no such class and none may be made, or its name is refused.
    """
    if name in classes or name == unsorted:
        return
    if not new:
        meant = [other for other in classes if canonical(other) == canonical(name)]
        hint = f"Did you mean {shown(meant[0])}?" if meant else "Make it first, or check the name."
        raise DatasetError(f"There is no class {shown(name)} in this data set. {hint}")
    check_class_name(name, [*classes, unsorted])


def missing_folders(root: Path, wishes: Iterable[Wish]) -> list[str]:
    """The folders that files are to go to and that are not there yet: undo takes them away."""
    folders = dict.fromkeys(folder_of(wish.after) for wish in wishes)
    wanted = dict.fromkeys(one for folder in folders for one in (folder_of(folder), folder) if one)
    return [folder for folder in wanted if not os.path.isdir(root / folder)]


def relabel(
    rows: Iterable[FileRow], class_name: str, *, unsorted: str, parts: Sequence[str]
) -> list[Wish]:
    """Move photos into a class folder of their part, or into the unsorted one.

    Those in the class already stay.
    """
    goal = None if class_name == unsorted else class_name
    wishes = []
    for row in rows:
        if row.class_name == goal:
            continue
        folder = folder_for(class_name, parts, unsorted=unsorted, beside=row.path)
        wishes.append(
            Wish(
                file_id=row.id,
                before=row.path,
                after=f"{folder}/{name_of(row.path)}",
                source=row.class_name or unsorted,
                target=class_name,
                content=row.content,
            )
        )
    return wishes


def remove(rows: Iterable[FileRow], *, unsorted: str, parts: Sequence[str]) -> list[Wish]:
    """Move photos among the removed ones, into a folder named as their class, in their part's."""
    return [
        Wish(
            file_id=row.id,
            before=row.path,
            after=f"{REMOVED_FOLDER}/{removed_folder(row, parts, unsorted)}/{name_of(row.path)}",
            source=row.class_name or unsorted,
            target=None,
            content=row.content,
        )
        for row in rows
    ]


def removed_folder(row: FileRow, parts: Sequence[str], unsorted: str) -> str:
    """The folder among the removed ones that says, without the catalogue, where a photo was."""
    own = row.path.partition("/")[0]
    if own in parts:
        return own if row.class_name is None else f"{own}/{row.class_name}"
    return row.class_name or unsorted


def restore(
    connection: sqlite3.Connection, ids: Sequence[int], *, unsorted: str, parts: Sequence[str]
) -> list[Wish]:
    """Move removed photos back to where they were.

    Where the data set has come to have parts since, that is the class's folder in one of them.
    """
    places = {
        file_id: decoded(path)
        for file_id, path in connection.execute(f"SELECT id, path FROM file WHERE place={REMOVED}")
    }
    rows = {row.id: row for row in removed_rows(connection, ids)}
    wishes = []
    for row in (rows[one] for one in dict.fromkeys(ids) if one in rows):
        class_name = class_of(row.path, unsorted, parts) or unsorted
        top, slash, _ = row.path.partition("/")
        goal = row.path
        if parts and slash and top not in (*parts, unsorted):
            goal = f"{folder_for(class_name, parts, unsorted=unsorted)}/{name_of(row.path)}"
        wishes.append(
            Wish(
                file_id=row.id,
                before=places[row.id],
                after=goal,
                source=None,
                target=class_name,
                content=row.content,
            )
        )
    return wishes
