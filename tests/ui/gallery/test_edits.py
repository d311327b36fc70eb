"""How marks from a browser become journal steps."""

import pytest

from core.dataset import Dataset
from core.errors import DatasetError
from tests.trained_sets import finish
from ui.gallery.edits import is_settled, settle


@pytest.fixture
def dataset(photo_set):
    dataset = Dataset.open(photo_set({"cat": 3, "dog": 3}))
    finish(dataset.reconcile())
    return dataset


def log(*edits: dict, client: str = "tab", earlier: tuple = ()) -> dict:
    return {"client": client, "log": list(edits), "earlier": list(earlier)}


def remove(number: int, file_id: int, shown_in: str = "cat") -> dict:
    return {
        "number": number,
        "op": "remove",
        "ids": [file_id],
        "class_name": None,
        "shown_in": {str(file_id): shown_in},
    }


def undo(number: int, **what: int) -> dict:
    return {"number": number, "op": "undo", "ids": [], "class_name": None, "shown_in": {}, **what}


def cats(dataset: Dataset) -> list[int]:
    return [row.id for row in dataset.rows(class_name="cat")]


def test_each_number_is_answered_with_the_step_it_became(dataset):
    first, second, _ = cats(dataset)

    settled = settle(dataset, log(remove(1, first), remove(2, second)), {})

    newest, before = dataset.history(limit=2)
    assert settled.answers["tab"].made == {1: before.id, 2: newest.id}
    assert settled.answers["tab"].acknowledged == 2
    assert settled.problem is None


def test_a_log_that_has_grown_adds_only_what_is_new(dataset):
    first, second, _ = cats(dataset)
    once = settle(dataset, log(remove(1, first)), {})

    again = settle(dataset, log(remove(1, first), remove(2, second)), once.answers)

    assert again.applied == 1
    assert dataset.removed_count() == 2


def test_what_an_earlier_visit_left_behind_comes_first_and_under_its_own_name(dataset):
    first, second, _ = cats(dataset)
    left = {"client": "earlier tab", "log": [remove(1, first)]}

    settled = settle(dataset, log(remove(1, second), earlier=(left,)), {})

    assert list(settled.answers) == ["earlier tab", "tab"]
    assert [change.file_id for step in dataset.history() for change in step.changes] == [
        second,
        first,
    ]


def test_after_a_restart_an_undo_still_finds_the_step_of_an_earlier_number(dataset):
    first = cats(dataset)[0]
    settle(dataset, log(remove(1, first)), {})

    settled = settle(dataset, log(remove(1, first), undo(2, of=1)), {})

    assert dataset.removed_count() == 0
    assert settled.answers["tab"].refused == {}


def test_an_undo_of_a_mark_that_was_refused_is_refused_too(dataset):
    first = cats(dataset)[0]

    settled = settle(dataset, log(remove(1, first, shown_in="dog"), undo(2, of=1)), {})

    assert sorted(settled.answers["tab"].refused) == [1, 2]
    assert len(dataset.rows()) == 6


def test_an_undo_leaves_alone_what_somebody_else_did_since(dataset):
    first, second, _ = cats(dataset)
    once = settle(dataset, log(remove(1, first)), {})
    dataset.relabel([second], "dog")

    settled = settle(dataset, log(undo(2, of=1)), once.answers)

    assert 2 in settled.answers["tab"].refused
    assert dataset.removed_count() == 1


def test_what_cannot_be_written_now_is_not_acknowledged_and_says_why(dataset, monkeypatch):
    first = cats(dataset)[0]

    def busy(client, edits):
        raise DatasetError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(dataset, "apply_edits", busy)
        stuck = settle(dataset, log(remove(1, first)), {})
    later = settle(dataset, log(remove(1, first)), stuck.answers)

    assert stuck.problem == "The disk is full."
    assert stuck.answers["tab"].acknowledged == 0
    assert later.problem is None
    assert dataset.removed_count() == 1


def test_only_what_was_answered_is_settled(dataset):
    first = cats(dataset)[0]
    value = log(remove(1, first))

    assert not is_settled(value, {})
    assert is_settled(value, settle(dataset, value, {}).answers)
    assert is_settled(None, {})
