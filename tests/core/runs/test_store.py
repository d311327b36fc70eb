import json

import numpy as np
import pytest

from core.errors import RunError
from core.runs import (
    Predictions,
    Run,
    latest_run,
    list_runs,
    load_curve,
    load_predictions,
    load_run,
    load_tensors,
    new_run_id,
    save_run,
)

HOSTILE = ("<img src=x onerror=alert(1)>", "caf\udce9", "two\nlines", "‮rtl")


def a_run(run_id="20261122-081530-123456", **changes):
    figures = {
        "id": run_id,
        "mode": "quick",
        "backbone": "lite0",
        "classes": HOSTILE,
        "images": 3,
        "judged": 2,
        "wrong": 1,
        "error_rate": 0.5,
        "loss": 0.7,
        "seconds": {"fit": 0.25},
        "l2": 1.5,
        "folds": 5,
        "created": 1795335330.0,
        "step": None,
        "settings": {"engine": "onnxruntime"},
        "warnings": ("One photo could not be read: caf\udce9.jpg.",),
    }
    return Run(**(figures | changes))


def some_predictions():
    return Predictions(
        file_id=np.array([5, 9, 2**40], dtype=np.int64),
        content=("a" * 32, "b" * 32, "a" * 32),
        given=np.array([0, 3, 1], dtype=np.int16),
        fold=np.array([0, 4, -1], dtype=np.int8),
        probs=np.array(
            [[0.5, 0.25, 0.125, 0.125], [1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]], dtype=np.float32
        ),
    )


def save(home, run):
    tensors = {"weight": np.arange(8, dtype=np.float32).reshape(4, 2).T}
    save_run(home, run, some_predictions(), tensors, [{"phase": "fit", "step": np.int64(1)}])


def test_a_run_comes_back_as_it_was_saved_with_any_class_names(tmp_path):
    run = a_run()

    save(tmp_path, run)

    assert load_run(tmp_path, run.id) == run
    assert load_curve(tmp_path, run.id) == [{"phase": "fit", "step": 1}]
    tensors = load_tensors(tmp_path, run.id)
    assert tensors["weight"].tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]
    wanted, found = some_predictions(), load_predictions(tmp_path, run.id)
    assert found.content == wanted.content
    for name in ("file_id", "given", "fold", "probs"):
        kept, saved = getattr(found, name), getattr(wanted, name)
        assert kept.dtype == saved.dtype
        assert np.array_equal(kept, saved)


def test_nothing_in_a_run_is_a_pickle(tmp_path):
    save(tmp_path, a_run())

    names = {path.name for path in (tmp_path / "runs" / a_run().id).iterdir()}

    assert names == {"run.json", "metrics.jsonl", "model.safetensors", "predictions.parquet"}
    json.loads((tmp_path / "runs" / a_run().id / "run.json").read_bytes())


def test_loss_is_minus_the_log_of_the_given_class_and_finite_where_that_is_zero():
    loss = some_predictions().loss

    assert loss[0] == pytest.approx(np.log(2))
    assert 80 < loss[1] < 100
    assert some_predictions().predicted.tolist() == [0, 0, 3]
    assert some_predictions().judged.tolist() == [True, True, False]


def test_runs_are_listed_newest_first(tmp_path):
    early, late = a_run("20261122-081530-000001"), a_run("20261122-081531-000000")

    save(tmp_path, late)
    save(tmp_path, early)

    assert [run.id for run in list_runs(tmp_path)] == [late.id, early.id]
    assert latest_run(tmp_path) == late


def test_ids_sort_by_time():
    ids = [new_run_id(now) for now in (0.0, 0.25, 1.0, 1795335330.999999)]

    assert ids == sorted(ids)
    assert ids[1] == "19700101-000000-250000"


def test_no_runs_is_no_error(tmp_path):
    assert list_runs(tmp_path) == []
    assert latest_run(tmp_path) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', "\x00\x01"])
def test_a_damaged_run_is_passed_over_in_the_list_and_named_when_asked_for(tmp_path, damage):
    good, bad = a_run(), a_run("20261122-081531-000000")
    save(tmp_path, good)
    save(tmp_path, bad)
    (tmp_path / "runs" / bad.id / "run.json").write_text(damage)

    assert list_runs(tmp_path) == [good]
    assert latest_run(tmp_path) == good
    with pytest.raises(RunError, match=f"run {bad.id} is damaged"):
        load_run(tmp_path, bad.id)


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("predictions.parquet", load_predictions),
        ("model.safetensors", load_tensors),
        ("metrics.jsonl", load_curve),
    ],
)
def test_a_file_cut_short_is_named(tmp_path, name, load):
    save(tmp_path, a_run())
    path = tmp_path / "runs" / a_run().id / name
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(RunError, match=name):
        load(tmp_path, a_run().id)


def test_a_run_without_its_model_is_passed_over(tmp_path):
    save(tmp_path, a_run())
    (tmp_path / "runs" / a_run().id / "model.safetensors").unlink()

    assert list_runs(tmp_path) == []


@pytest.mark.parametrize("run_id", ["../../etc", "", "20261122-081530-999999"])
def test_a_run_that_is_not_there_is_a_sentence(tmp_path, run_id):
    with pytest.raises(RunError, match="There is no run"):
        load_run(tmp_path, run_id)


def test_a_run_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    save(tmp_path, a_run())

    with pytest.raises(RunError, match="could not be kept"):
        save(tmp_path, a_run())  # the id is taken

    assert [path.name for path in (tmp_path / "runs").iterdir()] == [a_run().id]
