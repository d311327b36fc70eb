"""No photo is lost or doubled when a process dies while it changes classes."""

import os
import random

import pytest

from core.dataset.classes import class_order
from tests.core.dataset.kill_worker import CLASS_ACTS
from tests.core.dataset.test_kill import SIGKILL, check_sound, nursery

__all__ = ["nursery"]

KILLS = 120
POINTS_AT_MOST = 16

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither fork nor SIGKILL")

AFTER = {
    "add_class": {"cat": 3, "dog": 3, "kitten": 0},
    "rename_class": {"dog": 3, "kitten": 3},
    "merge_class": {"dog": 6},
    "split_class": {"cat": 1, "dog": 3, "kitten": 2},
    "delete_class": {"dog": 3},
    "order_classes": {"cat": 3, "dog": 3},
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("way", ["done", "undone", "redone"])
@pytest.mark.parametrize("op", CLASS_ACTS)
def test_an_act_killed_at_any_point_is_finished_on_opening(
    op, way, make_set, nursery, tree, catalogued, run
):
    for kill_at in range(1, POINTS_AT_MOST):
        dataset = make_set({"cat": 3, "dog": 3}, name=f"photos {kill_at}")
        root, photos = dataset.root, set(tree(dataset.root).values())
        before = (dataset.counts(), class_order(dataset))
        ids = [row.id for row in dataset.rows(class_name="cat")[:2]]
        if way != "done":
            CLASS_ACTS[op](dataset, ids)
        if way == "redone":
            dataset.undo()
        worker = {"op": {"done": op, "undone": "undo", "redone": "redo"}[way], "ids": ids}

        (end,) = nursery.run(root, {**worker, "kill_at": kill_at})

        dataset = check_sound(root, photos, tree, catalogued, run)
        if way == "undone":
            assert (dataset.counts(), class_order(dataset)) == before
            assert dataset.next_undo() is None
        else:
            assert dataset.counts() == AFTER[op]
            assert dataset.next_undo().kind == op
            dataset.undo()
            assert (dataset.counts(), class_order(dataset)) == before
        if end == 0:
            break
    assert end == 0 and kill_at > 3  # every point was tried


@pytest.mark.timeout(300)
def test_no_photo_is_lost_or_doubled_by_kills_of_two_processes_that_change_classes(
    make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 8, "dog": 8, "bird": 4, "": 4})
    root, photos = dataset.root, set(tree(dataset.root).values())
    dice = random.Random(5)
    kills = rounds = 0

    while kills < KILLS:
        workers = [
            {
                "seed": 2 * rounds + which,
                "steps": 12,
                "classes": True,
                "kill_at": dice.randint(1, 30),
            }
            for which in (0, 1)
        ]
        kills += nursery.run(root, *workers).count(SIGKILL)
        rounds += 1
        dataset = check_sound(root, photos, tree, catalogued, run)
        assert sorted(class_order(dataset)) == dataset.classes()
