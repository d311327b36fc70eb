"""The data set against a simple model, with edits, undo, redo, hand edits and reopening mixed."""

import itertools
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.dataset import Dataset, Step
from core.errors import DatasetError

CLASSES = ["cat", "dog", "bird"]
REMOVED = "removed"
picks = st.lists(st.integers(0, 99), min_size=1, max_size=4)


@dataclass
class Photo:
    """Where the model has a photo, and what it holds."""

    path: str
    text: str

    @property
    def place(self) -> str:
        removed = self.path.startswith(".winnow/removed/")
        return REMOVED if removed else self.path.rpartition("/")[0]


@dataclass
class Moved:
    """One photo of a step: where undo must find it, or redo."""

    file_id: int
    before: str
    after: str
    text: str
    taken_back: bool = False


@dataclass
class Model:
    photos: dict[int, Photo] = field(default_factory=dict)
    done: list[list[Moved]] = field(default_factory=list)
    undone: list[list[Moved]] = field(default_factory=list)


def run(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


class DatasetMachine(RuleBasedStateMachine):
    folders = CLASSES

    @initialize()
    def start(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "photos"
        self.texts = (f"text {number}" for number in itertools.count())
        for name in self.folders:
            (self.root / name).mkdir(parents=True)
        for number in range(6):
            folder = self.root / self.folders[number % 2]
            (folder / f"{number // 2}.jpg").write_text(next(self.texts))
        self.dataset = Dataset.open(self.root)
        run(self.dataset.reconcile())
        self.model = Model(
            photos={
                row.id: Photo(row.path, self.dataset.path_of(row).read_text())
                for row in self.dataset.rows()
            }
        )

    def teardown(self):
        if hasattr(self, "folder"):
            del self.dataset
            self.folder.cleanup()

    def some(self, numbers: list[int], *, removed: bool = False) -> list[int]:
        ids = [
            file_id
            for file_id, photo in self.model.photos.items()
            if (photo.place == REMOVED) == removed
        ]
        return list({ids[number % len(ids)] for number in numbers}) if ids else []

    def goal(self, file_id: int, name: str) -> str:
        """The folder that a photo goes to when it is relabelled."""
        return name

    def did(self, step: Step, expected: dict[int, str]) -> None:
        """Check a new step against what was expected of it: where each photo goes."""
        assert {change.file_id for change in step.changes} == expected.keys()
        assert not step.skipped
        if not step.changes:
            return
        for change in step.changes:
            self.model.photos[change.file_id].path = change.now
            assert self.model.photos[change.file_id].place == expected[change.file_id]
        moved = [
            Moved(c.file_id, c.file, c.now, self.model.photos[c.file_id].text) for c in step.changes
        ]
        self.model.done.append(moved)
        self.model.undone.clear()

    @rule(numbers=picks, name=st.sampled_from([*CLASSES, "unsorted"]))
    def relabel(self, numbers, name):
        ids = self.some(numbers)
        goals = {one: self.goal(one, name) for one in ids}
        expected = {one: to for one, to in goals.items() if self.model.photos[one].place != to}

        self.did(self.dataset.relabel(ids, name), expected)

    @rule(numbers=picks)
    def remove(self, numbers):
        ids = self.some(numbers)

        self.did(self.dataset.remove(ids), dict.fromkeys(ids, REMOVED))

    @rule(numbers=picks)
    def restore(self, numbers):
        ids = self.some(numbers, removed=True)
        was = {row.id: row.path.rpartition("/")[0] for row in self.dataset.removed_rows()}

        self.did(self.dataset.restore(ids), {one: was[one] for one in ids})

    @rule()
    def undo(self):
        if not self.model.done:
            with pytest.raises(DatasetError, match="Nothing left to undo"):
                self.dataset.undo()
            return
        moved = self.model.done.pop()
        self.model.undone.append(moved)
        there = [one for one in moved if self.stands(one, one.after)]

        step = self.dataset.undo()

        assert [change.file_id for change in step.changes] == [one.file_id for one in there]
        left_alone = [one for one in moved if one not in there and not one.taken_back]
        assert len(step.skipped) == len(left_alone)
        for one, change in zip(there, step.changes, strict=True):
            one.before, one.taken_back = change.now, True
            self.model.photos[one.file_id].path = change.now

    @rule()
    def redo(self):
        if not self.model.undone:
            with pytest.raises(DatasetError, match="Nothing left to redo"):
                self.dataset.redo()
            return
        moved = self.model.undone.pop()
        self.model.done.append(moved)
        there = [one for one in moved if one.taken_back and self.stands(one, one.before)]

        step = self.dataset.redo()

        assert [change.file_id for change in step.changes] == [one.file_id for one in there]
        for one, change in zip(there, step.changes, strict=True):
            one.after, one.taken_back = change.now, False
            self.model.photos[one.file_id].path = change.now

    def stands(self, moved: Moved, path: str) -> bool:
        photo = self.model.photos.get(moved.file_id)
        return photo is not None and (photo.path, photo.text) == (path, moved.text)

    @rule(number=st.integers(0, 99), to=st.integers(0, 99))
    def move_by_hand(self, number, to):
        name = self.folders[to % len(self.folders)]
        for file_id in self.some([number]):
            photo = self.model.photos[file_id]
            target = self.free(name)
            os.rename(self.root / photo.path, self.root / target)
            photo.path = target
        run(self.dataset.reconcile())

    @rule(number=st.integers(0, 99))
    def rewrite_by_hand(self, number):
        for file_id in self.some([number]):
            photo = self.model.photos[file_id]
            photo.text = next(self.texts) + " rewritten"
            (self.root / photo.path).write_text(photo.text)
        run(self.dataset.reconcile())

    @rule(number=st.integers(0, 99))
    def delete_by_hand(self, number):
        for file_id in self.some([number]):
            (self.root / self.model.photos.pop(file_id).path).unlink()
        run(self.dataset.reconcile())

    @rule(to=st.integers(0, 99))
    def add_by_hand(self, to):
        name = [*self.folders, "unsorted"][to % (len(self.folders) + 1)]
        photo = Photo(self.free(name), next(self.texts))
        (self.root / photo.path).parent.mkdir(exist_ok=True)
        (self.root / photo.path).write_text(photo.text)
        run(self.dataset.reconcile())
        self.model.photos[self.dataset.find(photo.path).id] = photo

    def free(self, name: str) -> str:
        return next(
            path
            for path in (f"{name}/{number}.jpg" for number in itertools.count())
            if not (self.root / path).exists()
        )

    @rule()
    def reopen(self):
        self.dataset = Dataset.open(self.root)

    @invariant()
    def catalogue_and_tree_agree_with_the_model(self):
        present = {
            row.id: Photo(row.path, self.dataset.path_of(row).read_text())
            for row in self.dataset.rows()
        }
        modelled = self.model.photos
        assert present == {k: v for k, v in modelled.items() if v.place != REMOVED}
        removed = {row.id for row in self.dataset.removed_rows()}
        assert removed == {k for k, v in modelled.items() if v.place == REMOVED}
        assert self.dataset.removed_count() == len(removed)
        assert sum(self.dataset.counts().values()) + self.dataset.unsorted_count() == len(present)
        assert self.dataset.classes() == sorted(CLASSES)


class SplitMachine(DatasetMachine):
    """The same where the data set brings its own split."""

    folders = [f"{part}/{name}" for name in CLASSES for part in ("valid", "train")]

    def goal(self, file_id: int, name: str) -> str:
        part = self.model.photos[file_id].path.partition("/")[0]
        return name if name == "unsorted" else f"{'train' if part == 'unsorted' else part}/{name}"


OFTEN = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestDataset, TestSplit = DatasetMachine.TestCase, SplitMachine.TestCase
TestDataset.settings = TestSplit.settings = OFTEN
