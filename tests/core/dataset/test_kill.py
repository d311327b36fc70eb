"""No photo is lost or doubled when a process dies at the worst moment."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dataset import Dataset, history, outside
from core.dataset.arrivals import set_aside, staging
from core.dataset.deleting import DELETED
from core.dataset.fetched import known
from core.dataset.sources import sources_of
from core.errors import DatasetError

COLLECTION = "c0ffee"
ROOT = Path(__file__).parents[3]
KILLS = 200
COLLECT_KILLS = 60
SIGKILL = 9

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither fork nor SIGKILL")


class Nursery:
    """Runs workers that die; see ``kill_worker``."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors
        with errors.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("kill_worker.py")],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )

    def run(self, root: Path, *workers: dict) -> list[int]:
        """Run workers at once; the signal that ended each, or 0 for one that came to its end."""
        told = [{"root": os.fsencode(root).hex(), **worker} for worker in workers]
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        ends = json.loads(self._process.stdout.readline())
        assert all(end in (0, SIGKILL) for end in ends), self._errors.read_text()
        return ends

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def nursery(tmp_path_factory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery") / "errors.txt")
    yield nursery
    nursery.close()


def check_sound(root: Path, photos: set[str], tree, catalogued, run) -> Dataset:
    """Open a data set after a crash: every photo once, and the catalogue knows where."""
    dataset = Dataset.open(root)
    found = tree(root)
    assert sorted(found.values()) == sorted(photos)
    assert catalogued(dataset) == found.keys()
    looked = run(dataset.reconcile())
    assert (looked.added, looked.moved, looked.changed, looked.gone) == (0, 0, 0, 0)
    return dataset


@pytest.mark.timeout(300)
def test_no_photo_is_lost_or_doubled_by_200_kills_of_two_processes(
    make_set, nursery, tmp_path, tree, catalogued, run
):
    dataset = make_set({"cat": 8, "dog": 8, "bird": 4, "": 4})
    root, photos = dataset.root, set(tree(dataset.root).values())
    log = tmp_path / "points.txt"
    dice = random.Random(2)
    kills = rounds = 0

    while kills < KILLS:
        at_a_point = {"kill_at": dice.randint(1, 25), "log": str(log)}
        at_any_time = {"killed_after": dice.uniform(0.0, 0.06)}
        workers = [
            {"seed": 2 * rounds, "steps": 20, **at_a_point},
            {"seed": 2 * rounds + 1, "steps": 20, **dice.choice([at_a_point, at_any_time])},
        ]
        kills += nursery.run(root, *workers).count(SIGKILL)
        rounds += 1
        check_sound(root, photos, tree, catalogued, run)

    points = set(log.read_text().split())
    assert points == {"intended", "reserved", "renamed", "moved", "settled"}


POINTS = ["intended"] + ["reserved", "renamed"] * 2 + ["moved", "settled"]


@pytest.mark.parametrize("kill_at", range(1, len(POINTS) + 1))
@pytest.mark.parametrize("op", ["relabel", "new", "remove", "restore", "undo", "redo"])
def test_a_step_killed_at_any_point_is_finished_on_opening(
    op, kill_at, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, set(tree(dataset.root).values())
    ids = [row.id for row in dataset.rows(class_name="cat")[:2]]
    if op in ("restore", "undo", "redo"):
        dataset.remove(ids)
    if op == "redo":
        dataset.undo()

    ends = nursery.run(root, {"op": op, "ids": ids, "kill_at": kill_at})

    assert ends == [SIGKILL]
    dataset = check_sound(root, photos, tree, catalogued, run)
    assert places(dataset, ids) == AFTER[op]
    assert run(dataset.refresh()).photos == len(dataset.rows())


@pytest.mark.parametrize("kill_at", range(1, 12))
def test_a_move_to_another_file_system_killed_at_any_point_is_finished_on_opening(
    kill_at, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, set(tree(dataset.root).values())
    ids = [row.id for row in dataset.rows(class_name="cat")[:2]]
    worker = {"op": "relabel", "ids": ids, "other_device": True}

    died = nursery.run(root, {**worker, "kill_at": kill_at})
    mended = nursery.run(root, {**worker, "ids": []})  # as on the same two file systems

    assert (died, mended) == ([SIGKILL], [0])
    dataset = check_sound(root, photos, tree, catalogued, run)
    assert places(dataset, ids) == ["dog", "dog"]
    assert not list(root.rglob("*.part"))


ARRIVING = {"cat-1", "bird-2", "dog-3-aside"}
COLLECT_POINTS = ["intended"] + ["reserved", "renamed"] * 3 + ["moved", "settled"]


def stage_files(dataset: Dataset) -> None:
    for name in ARRIVING:
        (staging(dataset, COLLECTION) / name).write_text(f"arriving {name}")


@pytest.mark.parametrize("joins", [False, True])
@pytest.mark.parametrize("kill_at", range(1, len(COLLECT_POINTS) + 1))
def test_photos_taken_in_by_a_process_killed_at_any_point_are_there_once_on_opening(
    kill_at, joins, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, step = dataset.root, None
    if joins:
        (staging(dataset, COLLECTION) / "cat-0").write_text("arriving cat-0")
        nursery.run(root, {"op": "collect", "joining": None})
        step = dataset.next_undo().id
    photos = set(tree(root).values())
    stage_files(dataset)

    ends = nursery.run(root, {"op": "collect", "joining": step, "kill_at": kill_at})

    assert ends == [SIGKILL]
    everything = photos | {f"arriving {name}" for name in ARRIVING}
    dataset = check_sound(root, everything, tree, catalogued, run)
    assert not list(staging(dataset, COLLECTION).iterdir())
    assert dataset.counts() == {"bird": 1, "cat": 4 + joins, "dog": 3}
    assert [row.class_name for row in set_aside(dataset)] == ["dog"]
    ids = [row.id for row in dataset.rows()] + [row.id for row in set_aside(dataset)]
    assert len(sources_of(dataset, ids)) == 3 + joins
    assert known(dataset, "bird", ["http://x/bird-2"]) == {"http://x/bird-2"}
    (collected,) = dataset.history()
    assert (collected.kind, len(collected.changes)) == ("collect", 2 + joins)
    with pytest.raises(DatasetError, match="Nothing left to redo"):
        dataset.redo()
    undone = dataset.undo()
    assert (undone.id, len(undone.changes), undone.skipped) == (collected.id, 2 + joins, ())
    assert "bird" not in dataset.classes()


def test_photos_staged_by_a_process_killed_before_it_wrote_them_down_are_left_to_their_owner(
    make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, set(tree(dataset.root).values())
    stage_files(dataset)

    dataset = check_sound(root, photos, tree, catalogued, run)
    left = {path.name for path in staging(dataset, COLLECTION).iterdir()}
    nursery.run(root, {"op": "collect", "joining": None})

    assert left == ARRIVING
    assert dataset.counts() == {"bird": 1, "cat": 4, "dog": 3}


@pytest.mark.parametrize("op", ["undo", "redo"])
@pytest.mark.parametrize("kill_at", range(1, len(POINTS) + 1))
def test_a_collection_undone_or_redone_by_a_process_killed_at_any_point_is_finished_on_opening(
    op, kill_at, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    stage_files(dataset)
    nursery.run(dataset.root, {"op": "collect", "joining": None})
    photos = set(tree(dataset.root).values())
    if op == "redo":
        dataset.undo()

    ends = nursery.run(dataset.root, {"op": op, "ids": [], "kill_at": kill_at})

    assert ends == [SIGKILL]
    dataset = check_sound(dataset.root, photos, tree, catalogued, run)
    counts = {"undo": {"cat": 3, "dog": 3}, "redo": {"bird": 1, "cat": 4, "dog": 3}}
    assert dataset.counts() == counts[op]
    assert len(set_aside(dataset)) == 1


@pytest.mark.parametrize("kill_at", range(1, 2 + 4 * 3 + 2))
def test_photos_taken_in_from_another_file_system_survive_a_kill_at_any_point(
    kill_at, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, set(tree(dataset.root).values())
    stage_files(dataset)
    worker = {"op": "collect", "joining": None, "other_device": True}

    died = nursery.run(root, {**worker, "kill_at": kill_at})
    mended = nursery.run(root, {**worker, "op": "relabel", "ids": []})

    assert (died, mended) == ([SIGKILL], [0])
    everything = photos | {f"arriving {name}" for name in ARRIVING}
    dataset = check_sound(root, everything, tree, catalogued, run)
    assert dataset.counts() == {"bird": 1, "cat": 4, "dog": 3}
    assert not list(root.rglob("*.part")) and len(set_aside(dataset)) == 1


@pytest.mark.timeout(300)
def test_no_photo_is_lost_or_doubled_by_kills_of_two_processes_that_take_in_photos(
    make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, set(tree(dataset.root).values())
    dice = random.Random(3)
    kills = rounds = 0

    while kills < COLLECT_KILLS:
        for collection, class_name in (("a1", "cat"), ("b2", "bird")):
            for number in range(dice.randint(1, 6)):
                tail = dice.choice(["", "", "-aside"])
                name = f"{class_name}-{rounds}-{number}{tail}"
                (staging(dataset, collection) / name).write_text(f"arriving {name}")
                photos.add(f"arriving {name}")
        deaths = [{"kill_at": dice.randint(1, 16)}, {"killed_after": dice.uniform(0.0, 0.05)}]
        workers = [
            {"op": "collect", "collection": collection, **dice.choice(deaths)}
            for collection in ("a1", "b2")
        ]
        kills += nursery.run(root, *workers).count(SIGKILL)
        rounds += 1
        left = [
            path.read_text()
            for collection in ("a1", "b2")
            for path in staging(dataset, collection).iterdir()
        ]
        assert len(left) == len(set(left))
        dataset = check_sound(root, photos - set(left), tree, catalogued, run)
        (sources,) = dataset.connection().execute("SELECT count(*) FROM source").fetchone()
        assert sources == len(photos) - len(left) - 6

    assert all(one.kind == "collect" for one in dataset.history(limit=500))


EMPTY_POINTS = ["intended", "deleted", "deleted", "all deleted", "settled"]


@pytest.mark.parametrize("kill_at", range(1, len(EMPTY_POINTS) + 1))
def test_deleting_for_good_killed_at_any_point_is_finished_on_opening(
    kill_at, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, tree(dataset.root)
    ids = {row.path: row.id for row in dataset.rows()}
    dataset.relabel([ids["dog/0.jpg"], ids["cat/0.jpg"]], "bird", new=True)
    dataset.remove([ids["cat/0.jpg"], ids["cat/1.jpg"]])
    dataset.remove([ids["cat/2.jpg"]])
    doomed = [ids["cat/0.jpg"], ids["cat/1.jpg"]]

    ends = nursery.run(root, {"op": "empty", "ids": doomed, "kill_at": kill_at})

    assert ends == [SIGKILL]
    left = set(photos.values()) - {"cat/0.jpg", "cat/1.jpg"}
    dataset = check_sound(root, left, tree, catalogued, run)
    assert outside.news(dataset) == []
    newest, *_ = history.page(dataset)
    assert newest.words.startswith("Deleted 2 photos for good")
    assert dataset.undo().words == "Removed 1 photo from cat"
    relabelled = dataset.undo()  # the step whose photos are all gone was passed over
    assert [change.file_id for change in relabelled.changes] == [ids["dog/0.jpg"]]
    assert [skipped.reason for skipped in relabelled.skipped] == [DELETED]
    assert dataset.counts() == {"cat": 1, "dog": 3}


@pytest.mark.parametrize("kill_at", range(1, 14))
def test_going_back_over_several_steps_killed_at_any_point_stops_after_a_whole_step(
    kill_at, make_set, nursery, tree, catalogued, run
):
    dataset = make_set({"cat": 3, "dog": 3})
    root, photos = dataset.root, set(tree(dataset.root).values())
    ids = [row.id for row in dataset.rows(class_name="cat")[:2]]
    states = [places(dataset, ids)]
    for step in (dataset.relabel, lambda ids, _: dataset.remove(ids)):
        step(ids, "dog")
        states.append(places(dataset, ids))

    ends = nursery.run(root, {"op": "back", "ids": [], "kill_at": kill_at})

    assert ends == [SIGKILL]
    dataset = check_sound(root, photos, tree, catalogued, run)
    standing = sum(not step.undone for step in dataset.history())
    assert places(dataset, ids) == states[standing]
    run(history.undo_back_to(dataset, 0))
    assert places(dataset, ids) == states[0]


AFTER = {
    "relabel": ["dog", "dog"],
    "new": ["bird", "bird"],
    "remove": ["removed", "removed"],
    "restore": ["cat", "cat"],
    "undo": ["cat", "cat"],
    "redo": ["removed", "removed"],
}


def places(dataset: Dataset, ids: list[int]) -> list[str]:
    """Where some photos are now: their class, or among the removed ones."""
    rows = dataset.get(ids)
    removed = {row.id for row in dataset.removed_rows()}
    return ["removed" if one in removed else rows[one].class_name for one in ids]
