"""What each kind of edit wants of each file: from where to where."""

import sqlite3
from collections.abc import Iterable, Sequence

from core.dataset.catalogue import REMOVED
from core.dataset.journal import Wish
from core.dataset.names import REMOVED as REMOVED_FOLDER
from core.dataset.names import canonical, check_class_name, class_of, decoded, name_of, shown
from core.dataset.rows import FileRow, removed_rows
from core.errors import DatasetError


def class_to_create(name: str, classes: Sequence[str], *, unsorted: str, new: bool) -> str | None:
    """Check the class that photos are to go to; return it if its folder must be made first.

    Raises:
        DatasetError: If there is no such class and none may be made, or its name is refused.
    """
    if name in classes or name == unsorted:
        return None
    if not new:
        meant = [other for other in classes if canonical(other) == canonical(name)]
        hint = f"Did you mean {shown(meant[0])}?" if meant else "Make it first, or check the name."
        raise DatasetError(f"There is no class {shown(name)} in this data set. {hint}")
    check_class_name(name, [*classes, unsorted])
    return name


def relabel(rows: Iterable[FileRow], class_name: str, *, unsorted: str) -> list[Wish]:
    """Move photos into a class folder, or into the unsorted one; those in it already stay."""
    goal = None if class_name == unsorted else class_name
    return [
        Wish(
            file_id=row.id,
            before=row.path,
            after=f"{class_name}/{name_of(row.path)}",
            source=row.class_name or unsorted,
            target=class_name,
            content=row.content,
        )
        for row in rows
        if row.class_name != goal
    ]


def remove(rows: Iterable[FileRow], *, unsorted: str) -> list[Wish]:
    """Move photos among the removed ones, into a folder named as their class."""
    return [
        Wish(
            file_id=row.id,
            before=row.path,
            after=f"{REMOVED_FOLDER}/{row.class_name or unsorted}/{name_of(row.path)}",
            source=row.class_name or unsorted,
            target=None,
            content=row.content,
        )
        for row in rows
    ]


def restore(connection: sqlite3.Connection, ids: Sequence[int], *, unsorted: str) -> list[Wish]:
    """Move removed photos back to where they were."""
    places = {
        file_id: decoded(path)
        for file_id, path in connection.execute(f"SELECT id, path FROM file WHERE place={REMOVED}")
    }
    rows = {row.id: row for row in removed_rows(connection, ids)}
    return [
        Wish(
            file_id=row.id,
            before=places[row.id],
            after=row.path,
            source=None,
            target=class_of(row.path, unsorted) or unsorted,
            content=row.content,
        )
        for row in (rows[one] for one in dict.fromkeys(ids) if one in rows)
    ]
