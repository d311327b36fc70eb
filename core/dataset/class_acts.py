"""What a step does to class folders besides moving their photos: rename them, take them away.

A class is renamed by renaming its folder, however many photos lie in it. Its step still names
every photo: where the folder cannot go as a whole (a name is taken, a photo was changed since and
must stay), the photos go one by one, as in any other step. Both ways end in the same tree, so
whoever finishes a step after a crash need not know which way it was on.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset import moving
from core.dataset.carrying import NO_LONGER_THERE, Move, Outcome, ends
from core.dataset.catalogue import PRESENT, REMOVED
from core.dataset.checkpoints import reached
from core.dataset.names import encoded, folder_of, name_of, photos
from core.dataset.scanning import is_plain_folder
from core.dataset.settings import load_setting, save_setting
from core.dataset.steps import Direction

ORDER = "class_order"  # the setting: class names as a JSON list, in the order of the digit keys
# What file managers leave behind in a folder; nobody misses it.
DEBRIS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, kw_only=True)
class ClassAct:
    """What a step does to the classes themselves. Undo takes it back."""

    words: str  # "Renamed class cat to kitten"; how many photos it moved is added
    renames: tuple[tuple[str, str], ...] = ()  # folders: before and after
    clears: tuple[str, ...] = ()  # folders taken away once nothing is left in them
    order: tuple[str, ...] | None = None  # the classes by digit key afterwards; None: as before


@dataclass(frozen=True, kw_only=True)
class StoredAct:
    """A class act as the catalogue holds it, with the order of the classes before it."""

    words: str
    renames: tuple[tuple[str, str], ...]
    clears: tuple[str, ...]
    order_before: str | None  # values of the setting
    order_after: str | None

    def pairs(self, direction: Direction) -> list[tuple[str, str]]:
        """The folders to rename: from and to."""
        if direction == "forward":
            return list(self.renames)
        return [(after, before) for before, after in self.renames]

    def folders(self) -> set[str]:
        """Every folder it makes or takes away."""
        return {folder for pair in self.renames for folder in pair} | set(self.clears)


def save_act(connection: sqlite3.Connection, step_id: int, act: ClassAct) -> None:
    """Keep it with its step, in the transaction that writes the step's intention."""
    before = load_setting(connection, ORDER)
    after = before if act.order is None else json.dumps(act.order)
    connection.execute(
        "INSERT INTO class_act VALUES(?, ?, ?, ?, ?, ?)",
        (step_id, act.words, json.dumps(act.renames), json.dumps(act.clears), before, after),
    )


def load_act(connection: sqlite3.Connection, step_id: int) -> StoredAct | None:
    """What a step does to classes; None for most steps."""
    row = connection.execute(
        "SELECT words, renames, clears, order_before, order_after FROM class_act WHERE step=?",
        (step_id,),
    ).fetchone()
    if row is None:
        return None
    words, renames, clears, order_before, order_after = row
    return StoredAct(
        words=words,
        renames=tuple((before, after) for before, after in json.loads(renames)),
        clears=tuple(json.loads(clears)),
        order_before=order_before,
        order_after=order_after,
    )


def rename_folders(
    root: Path,
    connection: sqlite3.Connection,
    act: StoredAct,
    moves: Sequence[Move],
    direction: Direction,
) -> list[Outcome]:
    """Rename those folders that can go as a whole; how the moves of their photos went by that."""
    settled: list[Outcome] = []
    for start, goal in act.pairs(direction):
        inside = [move for move in moves if ends(move, direction)[0].startswith(f"{start}/")]
        if _is_renamed(root, start, goal):
            pass  # before a crash
        elif not _goes_whole(root, connection, start, goal, inside, direction):
            continue
        elif not _rename(root / start, root / goal):
            continue
        settled += [_arrived(root, move, direction) for move in inside]
    return settled


def _is_renamed(root: Path, start: str, goal: str) -> bool:
    """Whether a folder has its new name, and only that.

    Looked up among its neighbours: some systems find a folder whichever way its name is
    capitalised.
    """
    return not _stands(root, start) and _stands(root, goal) and is_plain_folder(root / goal)


def _stands(root: Path, folder: str) -> bool:
    try:
        return name_of(folder) in os.listdir(root / folder_of(folder))
    except OSError:
        return False


def _goes_whole(
    root: Path,
    connection: sqlite3.Connection,
    start: str,
    goal: str,
    inside: Sequence[Move],
    direction: Direction,
) -> bool:
    """Whether all photos known in a folder are to go, and nothing is in the way."""
    if not is_plain_folder(root / start) or _stands(root, goal):
        return False
    if any(moving.goes_through_link(root, end) for end in (start, folder_of(goal)) if end):
        return False
    for source, target in (ends(move, direction) for move in inside):
        if target != goal + source[len(start) :]:
            return False
    front = encoded(f"{start}/")
    rows = connection.execute(
        f"SELECT id FROM file WHERE place={PRESENT} AND substr(path, 1, ?)=?", (len(front), front)
    )
    return {file_id for (file_id,) in rows} <= {move.file_id for move in inside}


def _rename(start: Path, goal: Path) -> bool:
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        moving.patiently(lambda: os.rename(start, goal))
    except OSError:
        return False  # the photos go one by one, and each tells why if it cannot
    for parent in {start.parent, goal.parent}:
        moving.sync_folder(parent)
    reached("folder renamed")
    return True


def _arrived(root: Path, move: Move, direction: Direction) -> Outcome:
    goal = ends(move, direction)[1]
    if moving.is_plain_file(root / goal):
        return Outcome(move=move, arrived=goal, reason=None)
    return Outcome(move=move, arrived=None, reason=NO_LONGER_THERE)


def make_cleared(root: Path, act: StoredAct) -> None:
    """Make the folders again that the step took away."""
    for folder in act.clears:
        with contextlib.suppress(OSError):  # each photo then tells why it could not be moved there
            (root / folder).mkdir(parents=True, exist_ok=True)


def clear_emptied(root: Path, act: StoredAct, direction: Direction) -> None:
    """Take away the folders that the step has emptied, those below them too."""
    emptied = [start for start, _ in act.pairs(direction)]
    if direction == "forward":
        emptied += act.clears
    for folder in emptied:
        if not moving.goes_through_link(root, folder):
            _remove_empty(root / folder)


def _remove_empty(folder: Path) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # it is gone, or may not be read: then it stays
    for entry in entries:
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            _remove_empty(Path(entry.path))
    with contextlib.suppress(OSError):  # something else lies in it: it stays
        left = os.listdir(folder)
        if all(name in DEBRIS for name in left):
            for name in left:
                os.unlink(folder / name)
        folder.rmdir()


def is_done(root: Path, act: StoredAct, creates: Iterable[str]) -> bool:
    """Whether a step that moved no photo did what it was to do."""
    goals = [*creates, *(after for _, after in act.renames)]
    if goals:
        return any(_stands(root, folder) for folder in goals)
    if act.clears:
        return not all(_stands(root, folder) for folder in act.clears)
    return act.order_before != act.order_after


def settle_act(connection: sqlite3.Connection, act: StoredAct, direction: Direction) -> None:
    """Bring the catalogue's other knowledge of classes up to what was done."""
    order = act.order_after if direction == "forward" else act.order_before
    if order is None:
        connection.execute("DELETE FROM setting WHERE key=?", (ORDER,))
    else:
        save_setting(connection, ORDER, order)
    for start, goal in act.pairs(direction):
        _rename_removed(connection, start, goal)
        # What the catalogue knows of a renamed folder is by its old name.
        connection.execute(
            "UPDATE folder SET check_at=0 WHERE path=? OR substr(path, 1, ?)=?",
            (encoded(goal), len(encoded(goal)) + 1, encoded(f"{goal}/")),
        )


def _rename_removed(connection: sqlite3.Connection, start: str, goal: str) -> None:
    """Let restoring a removed photo lead to its class by the class's new name."""
    front, class_name = encoded(f"{start}/"), encoded(name_of(goal))
    rows = connection.execute(
        f"SELECT id, was FROM file WHERE place={REMOVED} AND substr(was, 1, ?)=?",
        (len(front), front),
    ).fetchall()
    connection.executemany(
        "UPDATE file SET was=?, class=? WHERE id=?",
        [(encoded(f"{goal}/") + was[len(front) :], class_name, file_id) for file_id, was in rows],
    )


def load_order(connection: sqlite3.Connection) -> list[str]:
    """The classes in the order chosen for the digit keys; empty where none was chosen."""
    value = load_setting(connection, ORDER)
    return [] if value is None else [str(name) for name in json.loads(value)]


def told(act: StoredAct, moved: int) -> str:
    """The step in words."""
    return f"{act.words} ({photos(moved)})" if moved else act.words
