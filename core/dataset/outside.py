"""What was done to a data set outside Winnow, told in the journal's words.

A look at the folders that finds a photo moved, deleted, added or changed writes a step of kind
"outside": it is there to be read, and neither undone nor redone.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.dataset.names import class_of, decoded, encoded, is_removed, photos, shown
from core.dataset.parts import load_parts
from core.dataset.rows import chunks
from core.dataset.settings import load_setting, save_setting
from core.dataset.steps import Heading

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

LOOKED = "looked"  # setting: the folders were looked through once, so that differences are news
LAST, SEEN = "outside_last", "outside_seen"  # settings: steps told of, and the last one dismissed
KEPT = 200  # photos of such a step that are written down with it, for their pictures
NAMED = 3  # classes or files named in a sentence
SHOWN = 3  # steps told of at once

Place = tuple[str, str | None]  # "class" with its name (None: unsorted), or "removed"


@dataclass(kw_only=True)
class Noticed:
    """What one look at the folders found done by hand; paths by file."""

    moved: dict[int, tuple[str, str]] = field(default_factory=dict)  # before and after
    returned: dict[int, str] = field(default_factory=dict)  # were gone at an earlier look
    added: dict[int, str] = field(default_factory=dict)
    changed: dict[int, str] = field(default_factory=dict)  # rewritten in place

    def __bool__(self) -> bool:
        return bool(self.moved or self.returned or self.added or self.changed)


def is_known(connection: sqlite3.Connection) -> bool:
    """Whether the folders were looked through before: what differs now was done since."""
    return load_setting(connection, LOOKED) is not None


def note_looked(connection: sqlite3.Connection) -> None:
    """Take note that the folders were looked through."""
    save_setting(connection, LOOKED, "1")


def tell(
    root: Path,
    connection: sqlite3.Connection,
    noticed: Noticed,
    gone: Iterable[int],
    *,
    unsorted: str,
) -> None:
    """Write down what was noticed, within a transaction; nothing where nothing was."""
    parts = load_parts(connection)
    lost = _paths(connection, gone)

    def place(path: str) -> Place:
        return ("removed" if is_removed(path) else "class", class_of(path, unsorted, parts))

    words = _words(root, noticed, lost, place_of=place, unsorted=unsorted)
    if not words:
        return
    cursor = connection.execute(
        "INSERT INTO step(time, kind, words, dropped) VALUES(?, 'outside', ?, 1)",
        (time.time(), f"Outside Winnow: {words}"),
    )
    step_id = int(cursor.lastrowid or 0)
    connection.executemany(
        "INSERT INTO move(step, seq, file, before, after, content, bytes, mtime_ns) "
        "SELECT ?, ?, id, ?, ?, content, bytes, mtime_ns FROM file WHERE id=?",
        [
            (step_id, seq, encoded(before), encoded(after), file_id)
            for seq, (file_id, before, after) in enumerate(_examples(noticed, lost))
        ],
    )
    save_setting(connection, LAST, str(step_id))


def news(dataset: "Dataset") -> list[Heading]:
    """The steps made outside Winnow that nobody has dismissed yet, newest first; the last few."""
    connection = dataset.connection()
    seen = int(load_setting(connection, SEEN, "0") or 0)
    if int(load_setting(connection, LAST, "0") or 0) <= seen:
        return []
    rows = connection.execute(
        "SELECT id, time, kind, words FROM step WHERE id>? AND kind='outside' "
        "ORDER BY id DESC LIMIT ?",
        (seen, SHOWN),
    )
    return [
        Heading(id=step_id, time=moment, kind=kind, words=words)
        for step_id, moment, kind, words in rows
    ]


def dismiss(dataset: "Dataset", step_id: int) -> None:
    """Count what was done outside Winnow up to a step as read."""
    with dataset.writing() as connection:
        if int(load_setting(connection, SEEN, "0") or 0) < step_id:
            save_setting(connection, SEEN, str(step_id))


def _paths(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for chunk in chunks(sorted(ids)):
        rows = connection.execute(
            f"SELECT id, path FROM file WHERE place=2 AND id IN ({','.join('?' * len(chunk))})",
            chunk,
        )
        found |= {file_id: decoded(path) for file_id, path in rows}
    return found


def _examples(noticed: Noticed, lost: dict[int, str]) -> list[tuple[int, str, str]]:
    """Some photos with their paths before and after; empty for none."""
    every = [(file_id, before, after) for file_id, (before, after) in noticed.moved.items()]
    for there in (noticed.changed, noticed.returned, noticed.added):
        every += [(file_id, "", path) for file_id, path in there.items()]
    every += [(file_id, path, "") for file_id, path in lost.items()]
    return every[:KEPT]


def _words(
    root: Path,
    noticed: Noticed,
    lost: dict[int, str],
    *,
    place_of: Callable[[str], Place],
    unsorted: str,
) -> str:
    ways = Counter((place_of(before), place_of(after)) for before, after in noticed.moved.values())
    told = []
    for (source, target), number in list(ways.items()):
        if _is_renamed(root, source, target, ways):
            told.append(
                f"class folder {shown(str(source[1]))} renamed to {shown(str(target[1]))} "
                f"({photos(number)})"
            )
            del ways[source, target]
    told += _told_ways(ways, unsorted)
    for verb, paths in (
        ("deleted", [path for path in lost.values() if not is_removed(path)]),
        ("added", list(noticed.added.values())),
        ("came back", list(noticed.returned.values())),
        ("changed", list(noticed.changed.values())),
    ):
        if paths:
            told.append(f"{photos(len(paths))} {verb}{_named(paths)}")
    removed = sum(map(is_removed, lost.values()))
    if removed:
        told.append(f"{photos(removed)} deleted that had been removed")
    return "; ".join(told)


def _is_renamed(
    root: Path, source: Place, target: Place, ways: Counter[tuple[Place, Place]]
) -> bool:
    """Whether a class's folder is gone, and all its photos that are left went to one new class."""
    if source[0] != "class" or target[0] != "class" or None in (source[1], target[1]):
        return False
    if source == target or sum(way[0] == source for way in ways) > 1:
        return False
    return not (root / str(source[1])).exists()


def _told_ways(ways: Counter[tuple[Place, Place]], unsorted: str) -> list[str]:
    renamed = sum(number for (source, target), number in ways.items() if source == target)
    moved = {way: number for way, number in ways.items() if way[0] != way[1]}
    told = []
    if moved:
        way = ""
        if len(moved) == 1:
            source, target = next(iter(moved))
            way = f": {_name(source, unsorted)} to {_name(target, unsorted)}"
        told.append(f"{photos(sum(moved.values()))} moved{way}")
    if renamed:
        told.append(f"{photos(renamed)} renamed")
    return told


def _name(place: Place, unsorted: str) -> str:
    kind, class_name = place
    return "the removed photos" if kind == "removed" else shown(class_name or unsorted)


def _named(paths: Sequence[str]) -> str:
    if len(paths) > NAMED:
        return ""
    return f" ({', '.join(shown(path) for path in paths)})"
