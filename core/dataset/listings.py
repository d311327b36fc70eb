"""Short answers from the catalogue: which classes there are and how many photos they hold."""

import sqlite3
from collections.abc import Iterable

from core.dataset.catalogue import GONE, PRESENT, REMOVED
from core.dataset.names import decoded, encoded
from core.dataset.parts import load_parts


def class_folders(connection: sqlite3.Connection) -> list[str]:
    """The names of the folders where classes lie: below the data set's own, or in its parts."""
    parts = load_parts(connection)
    rows = connection.execute("SELECT path FROM folder WHERE path<>x''")
    names = set()
    for (path,) in rows:
        top, slash, name = decoded(path).partition("/")
        if top in parts:
            top = name
        elif slash:
            continue
        if top and "/" not in top and not top.startswith("."):
            names.add(top)
    return sorted(names)


def classes(connection: sqlite3.Connection, unsorted: str) -> list[str]:
    """The class folders by name."""
    return [name for name in class_folders(connection) if name != unsorted]


def counts(connection: sqlite3.Connection, classes: Iterable[str]) -> dict[str, int]:
    """Present photos of each class."""
    rows = connection.execute(
        f"SELECT class, count(*) FROM file WHERE place={PRESENT} AND class IS NOT NULL "
        "GROUP BY class"
    )
    found = {decoded(name): count for name, count in rows}
    return {name: found.get(name, 0) for name in classes}


def part_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Present photos with a class in each part of a data set that brings its own split."""
    found = {}
    for part in load_parts(connection):
        front = encoded(f"{part}/")
        (found[part],) = connection.execute(
            f"SELECT count(*) FROM file WHERE place={PRESENT} AND class IS NOT NULL "
            "AND substr(path, 1, ?)=?",
            (len(front), front),
        ).fetchone()
    return found


def unsorted_count(connection: sqlite3.Connection) -> int:
    """How many present photos have no class."""
    row = connection.execute(
        f"SELECT count(*) FROM file WHERE place={PRESENT} AND class IS NULL"
    ).fetchone()
    return int(row[0])


def removed_count(connection: sqlite3.Connection) -> int:
    """How many photos are among the removed ones."""
    row = connection.execute(f"SELECT count(*) FROM file WHERE place={REMOVED}").fetchone()
    return int(row[0])


def paths_by_content(connection: sqlite3.Connection, content: str) -> list[str]:
    """The paths of the files with this content, present ones before removed ones."""
    rows = connection.execute(
        f"SELECT path FROM file WHERE content=? AND content<>'' AND place<{GONE} "
        "ORDER BY place, id",
        (content,),
    ).fetchall()
    return [decoded(path) for (path,) in rows]
