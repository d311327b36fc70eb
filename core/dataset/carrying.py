"""Carrying out a step's moves: each file arrives under a free name, or is left alone and named."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from core.dataset import moving
from core.dataset.catalogue import Catalogue
from core.dataset.names import (
    canonical,
    encoded,
    folder_of,
    is_arriving,
    is_removed,
    name_of,
    with_suffix,
)
from core.dataset.steps import Direction

NO_LONGER_THERE = "This file is no longer there."
BEHIND_A_LINK = "A link to another place stands in its way."


@dataclass(frozen=True, kw_only=True)
class Move:
    """One file's part of a step, as the catalogue holds it."""

    seq: int
    file_id: int
    before: str
    after: str
    carried: int
    content: str
    size: int  # bytes
    mtime_ns: int

    @property
    def is_arrival(self) -> bool:
        """Whether the file is none of the data set's yet."""
        return is_arriving(self.before)

    @property
    def is_set_aside(self) -> bool:
        """Whether the file arrives among the removed ones."""
        return self.is_arrival and is_removed(self.after)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one move went."""

    move: Move
    arrived: str | None  # its path now; None if it was left alone
    reason: str | None


class FreeNames:
    """Finds names that no file has and that it has not given out before."""

    def __init__(self, root: Path, *, taken_as_wanted: bool = False) -> None:
        self._root = root
        self._taken_as_wanted = taken_as_wanted
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def claim(self, wanted: str) -> str:
        """The path wanted, or its first variant with a number that is free."""
        if self._taken_as_wanted:
            return wanted
        folder, name = folder_of(wanted), name_of(wanted)
        number = self._next.get(wanted, 1)
        while True:
            candidate = (
                f"{folder}/{with_suffix(name, number)}" if folder else (with_suffix(name, number))
            )
            number += 1
            taken = canonical(candidate) in self._given
            if not taken and not os.path.lexists(self._root / candidate):
                self._next[wanted] = number
                self._given.add(canonical(candidate))
                return candidate


class Carrier:
    """Moves the files of one step in one direction. Its callers hold the lock."""

    def __init__(
        self, root: Path, catalogue: Catalogue, step_id: int, direction: Direction
    ) -> None:
        self._root = root
        self._catalogue = catalogue
        self._step_id = step_id
        self._direction = direction
        self._names = FreeNames(root)

    def make_classes(self, names: Iterable[str]) -> None:
        """Make the class folders that the step needs, going forward."""
        if self._direction == "backward":
            return
        for name in names:
            try:
                (self._root / name).mkdir(exist_ok=True)
            except OSError:
                continue  # each file then tells why it could not be moved there

    def unmake_classes(self, names: Iterable[str]) -> None:
        """Take away the class folders that the step made, where nothing is in them."""
        for name in sorted(names, key=lambda name: -name.count("/")):  # the inner ones first
            try:
                (self._root / name).rmdir()
            except OSError:
                continue  # something is in it by now: it stays

    def carry(self, move: Move, *, resuming: bool) -> Outcome:
        """Move one file.

        Args:
            move: From where to where.
            resuming: Whether a crash may have cut this very move short.
        """
        try:
            return self._attempt(move, resuming=resuming)
        except OSError as error:
            return Outcome(move=move, arrived=None, reason=moving.why_not(error))

    def _attempt(self, move: Move, *, resuming: bool) -> Outcome:
        start, goal = ends(move, self._direction)
        if any(moving.goes_through_link(self._root, folder_of(end)) for end in (start, goal)):
            return Outcome(move=move, arrived=None, reason=BEHIND_A_LINK)
        source = self._root / start
        part = self._root / folder_of(goal) / f".winnow-{self._step_id}-{move.seq}.part"
        if resuming and moving.finish_interrupted(source, self._root / goal, part, size=move.size):
            return Outcome(move=move, arrived=goal, reason=None)
        if not moving.is_plain_file(source):
            return Outcome(move=move, arrived=None, reason=NO_LONGER_THERE)
        part.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                moving.move(source, self._root / goal, part)
                return Outcome(move=move, arrived=goal, reason=None)
            except FileExistsError:
                goal = self._names.claim(goal)
                self._plan_anew(move, goal)

    def _plan_anew(self, move: Move, goal: str) -> None:
        """Another program took the name after it was planned."""
        end = "before" if self._direction == "backward" else "after"
        with self._catalogue.writing() as connection:
            connection.execute(
                f"UPDATE move SET {end}=? WHERE step=? AND seq=?",
                (encoded(goal), self._step_id, move.seq),
            )


def touched(moves: Iterable[Move], creates: Iterable[str]) -> set[str]:
    """The folders of the data set whose names a step changes."""
    paths = (path for move in moves for path in (move.before, move.after))
    return {folder_of(path) for path in paths if not is_arriving(path)} | set(creates)


def ends(move: Move, direction: Direction) -> tuple[str, str]:
    """Where a run in this direction finds the file, and where it puts it."""
    if direction == "backward":
        return move.after, move.before
    return move.before, move.after


def with_goal(move: Move, direction: Direction, goal: str) -> Move:
    return replace(move, before=goal) if direction == "backward" else replace(move, after=goal)
