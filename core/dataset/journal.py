"""Every arrival, move, relabel and removal: written down, done, marked done; undone and redone.

A step's moves are first written to the catalogue in one transaction (the intention), then the
files are moved one by one, then one transaction brings the catalogue up to the tree and marks the
step done. Whoever takes the lock next finishes what a crash left between the two: a file that lies
at its source is moved, one that lies at its target is taken note of, and a reservation still
empty is removed.
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from core.dataset import deleting, moving
from core.dataset.carrying import (
    NO_LONGER_THERE,
    Carrier,
    FreeNames,
    Move,
    Outcome,
    ends,
    touched,
    with_goal,
)
from core.dataset.catalogue import GONE, Catalogue
from core.dataset.checkpoints import reached
from core.dataset.class_acts import (
    ClassAct,
    StoredAct,
    clear_emptied,
    is_done,
    load_act,
    make_cleared,
    rename_folders,
    save_act,
    settle_act,
)
from core.dataset.folder_times import FolderTimes
from core.dataset.intended import (
    Wish,
    load_creates,
    load_moves,
    next_place,
    save_creates,
    save_moves,
)
from core.dataset.names import decoded, encoded
from core.dataset.settling import Settling, finish_step
from core.dataset.steps import Direction, Edit, Kind, Step, last_done, last_undone, load_step
from core.dataset.watching import counted
from core.errors import DatasetError
from core.images.identity import content_hash

MOVED_SINCE = "This file has been moved since."
CHANGED_SINCE = "This file has been changed since."
NOTHING_MOVED = "Nothing was moved."
LEFT_NOW = (
    "This step is written down, and Winnow finishes it by itself as soon as there is room on the "
    "disk: do not repeat it."
)
LEFT_BEFORE = (
    "The step before this one is written down but not finished; Winnow finishes it by itself as "
    "soon as there is room on the disk: do not repeat it."
)
NOTHING_TO_CHANGE = "There was nothing to change."

Again = Literal["undo", "redo"]


class Journal:
    """The journal of one data set. Its callers hold the data set's lock."""

    def __init__(self, root: Path, catalogue: Catalogue) -> None:
        self._root = root
        self._catalogue = catalogue

    def perform(
        self,
        kind: Kind,
        wishes: Sequence[Wish],
        *,
        unsorted: str,
        edit: Edit | None = None,
        creates: Sequence[str] = (),
        act: ClassAct | None = None,
    ) -> Step:
        """Move files as one step.

        Args:
            kind: What the user did.
            wishes: The files, each once.
            unsorted: The folder of photos without a class.
            edit: The gallery edit this carries out; it counts as seen from now on.
            creates: Class folders that are made for this step, as paths.
            act: What it does to the classes themselves; with one, no file need be moved.
        """
        if not wishes and act is None:
            return self.nothing(kind, edit)
        with self._catalogue.writing() as connection:
            step_id = _begin(connection, kind, edit)
            if act is not None:
                save_act(connection, step_id, act)
            moves = self.intend(connection, step_id, wishes, creates=creates)
            acknowledge(connection, edit)
        reached("intended")
        return self._run(step_id, "forward", moves, unsorted=unsorted)

    def begin_collecting(self, connection: sqlite3.Connection, *, joining: int | None) -> int:
        """The step that photos arrive with: the last one, if that is the one to join, or a new one.

        Call it in the transaction that intends their moves.
        """
        (kind,) = connection.execute(
            "SELECT kind FROM step WHERE id=?", (last_done(connection),)
        ).fetchone() or (None,)
        if joining is None or kind != "collect" or last_done(connection) != joining:
            return _begin(connection, "collect", None)
        connection.execute("UPDATE step SET doing='forward' WHERE id=?", (joining,))
        return joining

    def intend(
        self,
        connection: sqlite3.Connection,
        step_id: int,
        wishes: Sequence[Wish],
        *,
        creates: Sequence[str] | None = None,
    ) -> list[Move]:
        """Write down what a step is to move, after what it holds already."""
        names = self._names(load_act(connection, step_id))
        first = next_place(connection, step_id)
        moves = [self._planned(seq, wish, names) for seq, wish in enumerate(wishes, first)]
        save_moves(connection, step_id, moves, wishes)
        if creates:
            save_creates(connection, step_id, creates)
        return moves

    def carry_out(
        self,
        step_id: int,
        direction: Direction,
        moves: Sequence[Move],
        *,
        unsorted: str,
        resuming: bool = False,
    ) -> list[Outcome]:
        """Move the files of a step whose intention is on disk, and bring the catalogue up to it."""
        connection = self._catalogue.connection()
        creates, act = load_creates(connection, step_id), load_act(connection, step_id)
        carrier = Carrier(self._root, self._catalogue, step_id, direction)
        folders = set() if act is None else act.folders()
        times = FolderTimes(self._root, touched(moves, creates) | folders)
        carrier.make_classes(creates)
        outcomes = []
        if act is not None:
            if direction == "backward":
                make_cleared(self._root, act)
            outcomes = rename_folders(self._root, connection, act, moves, direction)
        gone_along = {outcome.move.seq for outcome in outcomes}
        left = [move for move in moves if move.seq not in gone_along]
        outcomes += [
            carrier.carry(move, resuming=resuming) for move in counted(left, part=0, parts=2)
        ]
        moved_nothing = bool(moves) and not any(outcome.arrived for outcome in outcomes)
        if direction == "backward" or moved_nothing:
            carrier.unmake_classes(creates)
        if act is not None:
            clear_emptied(self._root, act, direction)
        times.sync()
        reached("moved")
        done = act is not None and not moves and is_done(self._root, act, creates)
        try:
            self._settle(step_id, direction, outcomes, times, unsorted=unsorted, act=act, done=done)
        except DatasetError as error:
            raise DatasetError(f"{LEFT_BEFORE if resuming else LEFT_NOW} {error}") from error
        reached("settled")
        return outcomes

    def nothing(self, kind: Kind, edit: Edit | None = None) -> Step:
        """The step of an action that has nothing to change."""
        if edit is not None:
            with self._catalogue.writing() as connection:
                acknowledge(connection, edit)
        return Step(
            id=0,
            time=time.time(),
            kind=kind,
            words=NOTHING_TO_CHANGE,
            changes=(),
            skipped=(),
            undone=False,
            client=None if edit is None else edit.client,
        )

    def undo(self, *, unsorted: str, edit: Edit | None = None) -> Step:
        """Take back the last step.

        Raises:
            DatasetError: If there is none.
        """
        step_id = last_done(self._catalogue.connection())
        if step_id is None:
            raise DatasetError("Nothing left to undo.")
        return self._again(step_id, "backward", unsorted=unsorted, edit=edit)

    def redo(self, *, unsorted: str) -> Step:
        """Do again the step that was taken back last.

        Raises:
            DatasetError: If there is none.
        """
        step_id = last_undone(self._catalogue.connection())
        if step_id is None:
            raise DatasetError("Nothing left to redo.")
        return self._again(step_id, "forward", unsorted=unsorted)

    def delete(self, step_id: int, *, is_last: bool) -> None:
        """Delete removed photos for good whose intention is on disk; see ``deleting``."""
        deleting.carry_out(self._root, self._catalogue, step_id, is_last=is_last)

    def needs_recovery(self) -> bool:
        """Whether a step stands between its intention and its end: at work, or left by a crash."""
        found = self._catalogue.connection().execute(
            "SELECT 1 FROM step WHERE doing IS NOT NULL LIMIT 1"
        )
        return found.fetchone() is not None

    def recover(self, *, unsorted: str) -> dict[Again, Step]:
        """Finish the steps that a crash or a full disk left halfway.

        Returns:
            The undo and the redo among them: whoever asks for one again means that one.
        """
        connection = self._catalogue.connection()
        left = connection.execute(
            "SELECT id, doing, undone, kind FROM step WHERE doing IS NOT NULL ORDER BY id"
        ).fetchall()
        finished: dict[Again, Step] = {}
        for step_id, direction, undone, kind in left:
            if kind == "empty":
                self.delete(step_id, is_last=True)
                continue
            moves = load_moves(self._catalogue.connection(), step_id, direction)
            step = self._run(step_id, direction, moves, unsorted=unsorted, resuming=True)
            if direction == "backward":
                finished["undo"] = step
            elif undone:
                finished["redo"] = step
        return finished

    def _names(self, act: StoredAct | None) -> FreeNames:
        """Photos of a renamed class keep their names: their folder is to be as new as its name."""
        taken_as_wanted = act is not None and bool(act.renames)
        return FreeNames(self._root, taken_as_wanted=taken_as_wanted)

    def _planned(self, seq: int, wish: Wish, names: FreeNames) -> Move:
        try:
            found = os.lstat(self._root / wish.before)
            size, mtime_ns = found.st_size, found.st_mtime_ns
        except OSError:
            size, mtime_ns = 0, 0
        return Move(
            seq=seq,
            file_id=wish.file_id,
            before=wish.before,
            after=names.claim(wish.after),
            carried=0,
            content=wish.content,
            size=size,
            mtime_ns=mtime_ns,
        )

    def _again(
        self, step_id: int, direction: Direction, *, unsorted: str, edit: Edit | None = None
    ) -> Step:
        """Run a known step backward, or forward once more."""
        names = self._names(load_act(self._catalogue.connection(), step_id))
        goal = "before" if direction == "backward" else "after"
        planned, moves = [], []
        for move in load_moves(self._catalogue.connection(), step_id, direction):
            reason = self._changed_since(move, direction)
            if reason is None:
                move = with_goal(move, direction, names.claim(ends(move, direction)[1]))
                moves.append(move)
            planned.append((encoded(ends(move, direction)[1]), reason, step_id, move.seq))
        with self._catalogue.writing() as connection:
            connection.execute(
                "UPDATE move SET skipped=NULL WHERE step=? AND carried<>0", (step_id,)
            )
            connection.executemany(
                f"UPDATE move SET {goal}=?, skipped=? WHERE step=? AND seq=?", planned
            )
            connection.execute("UPDATE step SET doing=? WHERE id=?", (direction, step_id))
            acknowledge(connection, edit)
        reached("intended")
        about = {row[3] for row in planned}
        return self._run(step_id, direction, moves, unsorted=unsorted, about=about)

    def _changed_since(self, move: Move, direction: Direction) -> str | None:
        """Why a file must be left alone by undo or redo, if it must."""
        path = ends(move, direction)[0]
        row = (
            self._catalogue.connection()
            .execute("SELECT path FROM file WHERE id=? AND place<>?", (move.file_id, GONE))
            .fetchone()
        )
        if row is None:
            deleted = deleting.was_deleted(self._catalogue.connection(), move.file_id)
            return deleting.DELETED if deleted else NO_LONGER_THERE
        if decoded(row[0]) != path:
            return MOVED_SINCE
        try:
            found = os.lstat(self._root / path)
            if (found.st_size, found.st_mtime_ns) == (move.size, move.mtime_ns):
                return None
            if not moving.is_plain_file(self._root / path):
                return CHANGED_SINCE
            same = content_hash(self._root / path) == move.content
        except FileNotFoundError:
            return NO_LONGER_THERE
        except OSError as error:
            return moving.why_not(error)
        return None if same else CHANGED_SINCE

    def _run(
        self,
        step_id: int,
        direction: Direction,
        moves: Sequence[Move],
        *,
        unsorted: str,
        about: set[int] | None = None,
        resuming: bool = False,
    ) -> Step:
        """Carry a step out and tell it."""
        self.carry_out(step_id, direction, moves, unsorted=unsorted, resuming=resuming)
        if about is None:
            about = {move.seq for move in moves}
        step = load_step(self._catalogue.connection(), step_id, direction=direction, only=about)
        return step if step.words else replace(step, id=0, words=NOTHING_MOVED)

    def _settle(
        self,
        step_id: int,
        direction: Direction,
        outcomes: Sequence[Outcome],
        times: FolderTimes,
        *,
        unsorted: str,
        act: StoredAct | None,
        done: bool,
    ) -> None:
        """Bring the catalogue up to what was moved, and mark the step done, in one transaction."""
        with self._catalogue.writing() as connection:
            version = self._catalogue.bump()
            folders = times.save(connection)
            settling = Settling(
                self._root,
                connection,
                step_id,
                direction,
                folders=folders,
                unsorted=unsorted,
                version=version,
            )
            for outcome in counted(outcomes, part=1, parts=2):
                settling.note(outcome)
            times.forget_missing(connection)
            if act is not None and (done or any(outcome.arrived for outcome in outcomes)):
                settle_act(connection, act, direction)
            finish_step(connection, step_id, direction, act=act, done=done)


def _begin(connection: sqlite3.Connection, kind: Kind, edit: Edit | None) -> int:
    cursor = connection.execute(
        "INSERT INTO step(time, kind, words, client, number, doing) "
        "VALUES(?, ?, '', ?, ?, 'forward')",
        (time.time(), kind, edit and edit.client, edit and edit.number),
    )
    return int(cursor.lastrowid or 0)


def acknowledge(connection: sqlite3.Connection, edit: Edit | None) -> None:
    """Count a gallery edit as seen, in the transaction that carries it out."""
    if edit is not None:
        connection.execute(
            "INSERT INTO client VALUES(?, ?, ?) ON CONFLICT(id) DO UPDATE "
            "SET number=max(number, excluded.number), at=excluded.at",
            (edit.client, edit.number, time.time()),
        )
