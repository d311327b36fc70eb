import pytest

from core.errors import RunError
from core.runs.notes import Note, note_of, write_note
from core.runs.removed import (
    delete_removed_runs,
    remove_run,
    removed_bytes,
    removed_runs,
    restore_run,
    unreadable_runs,
)
from core.runs.store import list_runs, load_curve, load_run
from tests.made_runs import small_run


def test_a_removed_run_is_in_no_list_and_comes_back_as_it_was(tmp_path):
    run, other = small_run(tmp_path, 1), small_run(tmp_path, 2)
    write_note(tmp_path, run.id, Note(name="mine"))

    remove_run(tmp_path, run.id)

    assert list_runs(tmp_path) == [other]
    assert [(one.id, one.run, one.note.name) for one in removed_runs(tmp_path)] == [
        (run.id, run, "mine")
    ]
    restore_run(tmp_path, run.id)
    assert list_runs(tmp_path) == [other, run]
    assert load_run(tmp_path, run.id) == run
    assert load_curve(tmp_path, run.id) == []
    assert note_of(tmp_path, run).name == "mine"
    assert removed_runs(tmp_path) == []


def test_a_run_removed_twice_is_a_sentence(tmp_path):
    run = small_run(tmp_path, 1)
    remove_run(tmp_path, run.id)

    with pytest.raises(RunError, match="There is no run"):
        remove_run(tmp_path, run.id)


@pytest.mark.parametrize("run_id", ["../../x", "", "20261122-081530-000009"])
def test_what_was_not_removed_cannot_come_back(tmp_path, run_id):
    small_run(tmp_path, 1)

    with pytest.raises(RunError, match="not among the deleted ones"):
        restore_run(tmp_path, run_id)


def test_a_run_whose_place_is_taken_stays_where_it_is(tmp_path):
    run = small_run(tmp_path, 1)
    remove_run(tmp_path, run.id)
    small_run(tmp_path, 1)

    with pytest.raises(RunError, match="could not be brought back"):
        restore_run(tmp_path, run.id)

    assert len(removed_runs(tmp_path)) == 1


def test_only_those_asked_for_are_deleted_for_good(tmp_path):
    first, second = small_run(tmp_path, 1), small_run(tmp_path, 2)
    for run in (first, second):
        remove_run(tmp_path, run.id)
    there = removed_bytes(tmp_path)

    assert delete_removed_runs(tmp_path, [first.id, "../.."]) == []

    assert [one.id for one in removed_runs(tmp_path)] == [second.id]
    assert 0 < removed_bytes(tmp_path) < there


def test_a_damaged_run_is_named_and_can_be_removed_and_restored(tmp_path):
    run = small_run(tmp_path, 1)
    (tmp_path / "runs" / run.id / "model.safetensors").unlink()

    assert unreadable_runs(tmp_path) == [run.id]
    remove_run(tmp_path, run.id)
    assert removed_runs(tmp_path)[0].run is None
    restore_run(tmp_path, run.id)
    assert unreadable_runs(tmp_path) == [run.id]
