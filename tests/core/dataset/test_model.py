"""The data set against a simple model: 1,000 random acts of every kind, mixed, by people and tools.

After each of them the tree, the catalogue and the model must agree.
"""

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.dataset import Dataset, Step, history, versions
from core.dataset.arrivals import Arrival, Aside, staging, take_in
from core.dataset.classes import (
    add_class,
    delete_class,
    merge_classes,
    order_classes,
    rename_class,
    split_off,
)
from core.dataset.emptying import empty_removed, removed_total
from core.errors import DatasetError
from core.images.identity import content_hash
from tests.core.dataset.history_model import Model, Moved, Photo

CLASSES = ["cat", "dog", "bird"]
NAMES = [*CLASSES, "kitten", "owl"]  # that a class may come to have
UNSORTED = "unsorted"
COLLECTION = "c0ffee"
ASIDE = Aside(kind="duplicate", reason="The same photo is there already.")

numbers = st.integers(0, 99)
picks = st.lists(numbers, min_size=1, max_size=4)


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
        self.collected = None  # the step that more photos may join
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

    # What there is to choose from

    def some(self, picked: list[int], *, removed: bool = False) -> list[int]:
        ids = [one for one, photo in self.model.photos.items() if photo.is_removed == removed]
        return list({ids[number % len(ids)] for number in picked}) if ids else []

    def in_class(self, name: str) -> list[int]:
        photos = self.model.photos.items()
        return [one for one, photo in photos if photo.folder.rpartition("/")[2] == name]

    def goal(self, file_id: int, name: str) -> str:
        """The folder that a photo goes to when it is relabelled."""
        return name

    def class_folders(self) -> list[str]:
        """On disk, as anyone sees them."""
        return sorted(
            one.name
            for one in self.root.iterdir()
            if one.is_dir() and not one.name.startswith(".") and one.name != UNSORTED
        )

    def classes(self) -> list[str]:
        return sorted({folder.rpartition("/")[2] for folder in self.class_folders()})

    def paths(self) -> dict[int, str]:
        rows = self.dataset.connection().execute("SELECT id, path FROM file WHERE place<2")
        return {file_id: os.fsdecode(path) for file_id, path in rows}

    # Acts

    def did(self, step: Step, expected: dict[int, str], *, kind: str) -> None:
        """Check a new step against what was expected of it: where each photo goes."""
        assert {change.file_id for change in step.changes} == expected.keys()
        assert not step.skipped
        for change in step.changes:
            self.model.photos[change.file_id].path = change.now
            assert self.model.photos[change.file_id].folder == expected[change.file_id]
        if step.id:
            moved = [
                Moved(one.file_id, one.file, one.now, self.model.photos[one.file_id].text)
                for one in step.changes
            ]
            self.model.did(step.id, kind, moved)

    @rule(picked=picks, to=numbers)
    def relabel(self, picked, to):
        ids = self.some(picked)
        choice = [*self.classes(), UNSORTED]
        name = choice[to % len(choice)]
        goals = {one: self.goal(one, name) for one in ids}
        expected = {one: to for one, to in goals.items() if self.model.photos[one].folder != to}

        self.did(self.dataset.relabel(ids, name), expected, kind="relabel")

    @rule(picked=picks, name=st.sampled_from(NAMES))
    def relabel_to_a_new_class(self, picked, name):
        ids = self.some(picked)
        goals = {one: self.goal(one, name) for one in ids}
        expected = {one: to for one, to in goals.items() if self.model.photos[one].folder != to}

        self.did(self.dataset.relabel(ids, name, new=True), expected, kind="relabel")

    @rule(picked=picks)
    def remove(self, picked):
        ids = self.some(picked)

        self.did(self.dataset.remove(ids), dict.fromkeys(ids, ".winnow/removed"), kind="remove")

    @rule(picked=picks)
    def restore(self, picked):
        ids = self.some(picked, removed=True)
        was = {row.id: row.path.rpartition("/")[0] for row in self.dataset.removed_rows()}

        self.did(self.dataset.restore(ids), {one: was[one] for one in ids}, kind="restore")

    @rule(to=numbers, count=st.integers(1, 3), aside=st.booleans(), join=st.booleans())
    def collect(self, to, count, aside, join):
        choice = [*self.classes(), None]
        name = choice[to % len(choice)]
        arrivals = list(self.arrivals(name, count, aside=aside))
        joining = self.collected if join else None
        joins = joining is not None and self.model.done and self.model.done[-1].id == joining

        taken = take_in(self.dataset, arrivals, collection=COLLECTION, step=joining)

        assert not taken.skipped
        paths = self.paths()
        moved = []
        for file_id, (arrival, text) in zip(taken.ids, self.arriving, strict=True):
            self.model.photos[file_id] = Photo(paths[file_id], text)
            assert self.model.photos[file_id].is_removed == bool(arrival.aside)
            if not arrival.aside:
                after = paths[file_id]
                moved.append(Moved(file_id, f".winnow/removed/{after}", after, text))
        if moved and joins:
            assert taken.step == joining
            self.model.done[-1].moved += moved
        elif moved:
            self.model.did(taken.step, "collect", moved)
        self.collected = taken.step

    def arrivals(self, name: str | None, count: int, *, aside: bool) -> Iterator[Arrival]:
        self.arriving = []
        folder = staging(self.dataset, COLLECTION)
        for number in range(count):
            text = next(self.texts)
            staged = folder / str(number)
            staged.write_text(text)
            arrival = Arrival(
                staged=staged,
                name=f"{number}.jpg",
                class_name=name,
                content=content_hash(staged),
                aside=ASIDE if aside and number == 0 else None,
            )
            self.arriving.append((arrival, text))
            yield arrival

    # Back and forward

    @rule()
    def undo(self):
        if not self.model.done:
            with pytest.raises(DatasetError, match="Nothing left to undo"):
                self.dataset.undo()
            return
        expected = self.model.expect_undo()

        step = self.dataset.undo()

        assert step.id in (expected.step.id, 0)
        assert [one.file_id for one in step.changes] == [one.file_id for one in expected.there]
        assert len(step.skipped) == len(expected.left_alone)
        self.model.undid(expected, {one.file_id: one.now for one in step.changes})

    @rule()
    def redo(self):
        if not self.model.undone:
            with pytest.raises(DatasetError, match="Nothing left to redo"):
                self.dataset.redo()
            return
        expected = self.model.expect_redo()

        step = self.dataset.redo()

        assert [one.file_id for one in step.changes] == [one.file_id for one in expected.there]
        self.model.redid(expected, {one.file_id: one.now for one in step.changes})

    @precondition(lambda self: self.model.done)
    @rule(number=numbers)
    def undo_back_to_a_step(self, number):
        at = number % (len(self.model.done) + 1)
        step_id = self.model.done[at - 1].id if at else 0
        ahead = history.to_undo(self.dataset, step_id)
        assert ahead.steps == len(self.model.done) - at

        task = history.undo_back_to(self.dataset, step_id, newest=ahead.newest)
        photos = left_alone = 0
        for _ in range(ahead.steps):
            expected = self.model.expect_undo()
            next(task)
            self.model.undid(expected, self.paths())
            photos += len(expected.there)
            left_alone += len(expected.left_alone)
        result = run(task)

        assert (result.steps, result.photos, result.left_alone) == (ahead.steps, photos, left_alone)
        assert len(self.model.done) == at

    @precondition(lambda self: self.model.undone)
    @rule(number=numbers)
    def redo_up_to_a_step(self, number):
        at = number % len(self.model.undone)
        last = self.model.undone[at].id
        ahead = history.to_redo(self.dataset, last)
        assert ahead.steps == len(self.model.undone) - at

        task = history.redo_up_to(self.dataset, None if at == 0 else last)
        for _ in range(ahead.steps):
            expected = self.model.expect_redo()
            next(task)
            self.model.redid(expected, self.paths())

        assert run(task).steps == ahead.steps

    # For good, and by name

    @rule(picked=st.none() | picks)
    def empty_removed(self, picked):
        ids = None if picked is None else self.some(picked, removed=True)
        doomed = [
            one
            for one, photo in self.model.photos.items()
            if photo.is_removed and (ids is None or one in ids)
        ]
        size = sum(len(self.model.photos[one].text) for one in doomed)
        if ids is None:
            there = removed_total(self.dataset)
            assert (there.photos, there.bytes) == (len(doomed), size)

        emptied = run(empty_removed(self.dataset, ids))

        assert (emptied.photos, emptied.bytes, emptied.skipped) == (len(doomed), size, ())
        self.model.delete(doomed)

    @rule()
    def name_a_version(self):
        version = versions.name_version(self.dataset, f"version {len(self.model.versions)}")
        self.model.name_version(version.id)

        assert version.photos == len(self.model.versions[version.id])

    @precondition(lambda self: self.model.versions)
    @rule(number=numbers)
    def compare_with_a_version(self, number):
        version = list(self.model.versions)[number % len(self.model.versions)]

        found = versions.compare(self.dataset, version)

        assert self.model.difference(version) == {
            "moved": found.moves,
            "gone": found.gone,
            "came": found.came,
            "rewritten": found.rewritten,
        }
        assert found.after == sum(not photo.is_removed for photo in self.model.photos.values())

    # Classes

    def act(self, make, expected: dict[int, str], *, kind: str) -> None:
        """Change the classes, unless that is refused: then nothing may have changed."""
        before = self.classes()
        try:
            step = make()
        except DatasetError:
            assert self.classes() == before
            return
        self.did(step, expected, kind=kind)

    def all_to(self, names: list[str], goal: str) -> dict[int, str]:
        return {one: self.goal(one, goal) for name in names for one in self.in_class(name)}

    @rule(name=st.sampled_from(NAMES))
    def add_a_class(self, name):
        self.act(lambda: add_class(self.dataset, name), {}, kind="add_class")

    @rule(number=numbers, name=st.sampled_from(NAMES))
    def rename_a_class(self, number, name):
        old = self.classes()[number % len(self.classes())]
        expected = {} if old == name else self.renamed(old, name)

        self.act(lambda: rename_class(self.dataset, old, name), expected, kind="rename_class")

    def renamed(self, old: str, name: str) -> dict[int, str]:
        return {
            one: "/".join([*self.model.photos[one].folder.split("/")[:-1], name])
            for one in self.in_class(old)
        }

    @rule(first=numbers, second=numbers)
    def merge_two_classes(self, first, second):
        there = self.classes()
        names = [there[first % len(there)]]
        into = there[second % len(there)]
        expected = self.all_to([name for name in names if name != into], into)

        self.act(lambda: merge_classes(self.dataset, names, into), expected, kind="merge_class")

    @rule(number=numbers)
    def delete_a_class(self, number):
        there = self.classes()
        if len(there) < 2:
            return
        name = there[number % len(there)]
        expected = self.all_to([name], UNSORTED)

        self.act(lambda: delete_class(self.dataset, name), expected, kind="delete_class")

    @rule(picked=picks, name=st.sampled_from(NAMES))
    def split_off_a_class(self, picked, name):
        ids = self.some(picked)
        expected = {one: self.goal(one, name) for one in ids}

        self.act(lambda: split_off(self.dataset, ids, name), expected, kind="split_class")

    @rule(number=numbers)
    def order_the_classes(self, number):
        name = self.classes()[number % len(self.classes())]

        self.act(lambda: order_classes(self.dataset, [name]), {}, kind="order_classes")

    # By hand, in a file manager

    @rule(number=numbers, to=numbers)
    def move_by_hand(self, number, to):
        folders = self.class_folders()
        for file_id in self.some([number]):
            photo = self.model.photos[file_id]
            target = self.free(folders[to % len(folders)])
            os.rename(self.root / photo.path, self.root / target)
            photo.path = target
        run(self.dataset.reconcile())

    @rule(number=numbers, to=numbers)
    def take_a_removed_one_out_by_hand(self, number, to):
        folders = self.class_folders()
        for file_id in self.some([number], removed=True):
            photo = self.model.photos[file_id]
            target = self.free(folders[to % len(folders)])
            os.rename(self.root / photo.path, self.root / target)
            photo.path = target
        run(self.dataset.reconcile())

    @rule(number=numbers, name=st.sampled_from(NAMES))
    def rename_a_class_folder_by_hand(self, number, name):
        folder = self.class_folders()[number % len(self.class_folders())]
        target = "/".join([*folder.split("/")[:-1], name])
        if (self.root / target).exists():
            return
        os.rename(self.root / folder, self.root / target)
        for photo in self.model.photos.values():
            if photo.path.startswith(f"{folder}/"):
                photo.path = target + photo.path[len(folder) :]
        run(self.dataset.reconcile())

    @rule(number=numbers)
    def rewrite_by_hand(self, number):
        for file_id in self.some([number]):
            photo = self.model.photos[file_id]
            photo.text = next(self.texts) + " rewritten"
            (self.root / photo.path).write_text(photo.text)
        run(self.dataset.reconcile())

    @rule(number=numbers, removed=st.booleans())
    def delete_by_hand(self, number, removed):
        for file_id in self.some([number], removed=removed):
            (self.root / self.model.photos.pop(file_id).path).unlink()
        run(self.dataset.reconcile())

    @rule(to=numbers)
    def add_by_hand(self, to):
        folders = [*self.class_folders(), UNSORTED]
        photo = Photo(self.free(folders[to % len(folders)]), next(self.texts))
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

    # What must hold after each act

    @invariant()
    def tree_catalogue_and_model_agree(self):
        on_disk = {
            path.relative_to(self.root).as_posix(): path.read_text()
            for path in self.root.rglob("*.jpg")
        }
        modelled = self.model.photos
        assert on_disk == {photo.path: photo.text for photo in modelled.values()}
        assert self.paths() == {one: photo.path for one, photo in modelled.items()}
        present = {row.id for row in self.dataset.rows()}
        assert present == {one for one, photo in modelled.items() if not photo.is_removed}
        assert self.dataset.removed_count() == len(modelled) - len(present)
        assert sum(self.dataset.counts().values()) + self.dataset.unsorted_count() == len(present)
        assert self.dataset.classes() == self.classes()

    @invariant()
    def undo_and_redo_are_about_what_the_model_says(self):
        undo, redo = self.dataset.next_undo(), self.dataset.next_redo()
        assert (undo and undo.id) == (self.model.done[-1].id if self.model.done else None)
        assert (redo and redo.id) == (self.model.undone[-1].id if self.model.undone else None)

    @invariant()
    def a_look_at_the_folders_finds_nothing_new(self):
        looked = run(self.dataset.reconcile())
        assert (looked.added, looked.moved, looked.changed, looked.gone) == (0, 0, 0, 0)


class SplitMachine(DatasetMachine):
    """The same where the data set brings its own split."""

    folders = [f"{part}/{name}" for name in CLASSES for part in ("valid", "train")]

    def goal(self, file_id: int, name: str) -> str:
        part = self.model.photos[file_id].path.partition("/")[0]
        return name if name == UNSORTED else f"{'train' if part == UNSORTED else part}/{name}"

    def class_folders(self) -> list[str]:
        parts = [self.root / part for part in ("train", "valid")]
        return sorted(
            one.relative_to(self.root).as_posix()
            for part in parts
            if part.is_dir()
            for one in part.iterdir()
            if one.is_dir()
        )


OFTEN = settings(
    max_examples=25,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestDataset, TestSplit = DatasetMachine.TestCase, SplitMachine.TestCase
TestDataset.settings = TestSplit.settings = OFTEN
