import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.dataset import Dataset

ROOT = Path(__file__).parents[3]


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(2):
            (root / name / f"{number}.jpg").write_text(f"{name} {number}")
    (root / "outside.jpg").write_text("no class")
    return root


@pytest.fixture
def winnow(photos):
    """Run a command on the photos: its exit code, its JSON, what it said to people."""

    def run(command, *words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "core", command, photos, *words, "--json"],
            cwd=ROOT,
            capture_output=True,
            env=os.environ,
        )
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout.splitlines()[-1]) if code == 0 else done.stderr.decode()

    return run


def test_scan_counts_classes_unsorted_and_removed(winnow):
    answer = winnow("scan")

    assert answer["images"] == 5
    assert answer["classes"] == {"cat": 2, "dog": 2}
    assert (answer["unsorted"], answer["removed"]) == (1, 0)


def test_relabel_remove_undo_redo_and_history_tell_what_changed(winnow, photos):
    relabelled = winnow("relabel", "dog", "cat/0.jpg")
    removed = winnow("remove", "cat/1.jpg", str(photos / "outside.jpg"))
    undone = winnow("undo")
    redone = winnow("redo")
    history = winnow("history")

    assert relabelled["changed"] == [
        {"file": "cat/0.jpg", "from": "cat", "to": "dog", "now": "dog/0 (2).jpg"}
    ]
    assert removed["changed"] == redone["changed"]
    assert [(c["file"], c["from"], c["to"]) for c in removed["changed"]] == [
        ("cat/1.jpg", "cat", None),
        ("outside.jpg", "unsorted", None),
    ]
    assert [(c["now"], c["from"], c["to"]) for c in undone["changed"]] == [
        ("cat/1.jpg", None, "cat"),
        ("outside.jpg", None, "unsorted"),
    ]
    assert [step["kind"] for step in history["steps"]] == ["remove", "relabel"]
    assert not any(step["undone"] for step in history["steps"])


def test_photos_that_arrived_are_in_history_and_can_be_undone_and_redone(
    winnow, photos, collect_photos
):
    winnow("scan")
    collect_photos(Dataset.open(photos), {"cat": 1, "owl": 1})

    history = winnow("history")
    undone = winnow("undo")
    left = winnow("scan")["classes"]
    redone = winnow("redo")

    (step,) = history["steps"]
    assert (step["kind"], step["words"]) == ("collect", "Collected 2 photos: cat 1, owl 1")
    assert step["changed"] == redone["changed"]
    assert [(c["now"], c["from"], c["to"]) for c in redone["changed"]] == [
        ("cat/cat_0000.png", None, "cat"),
        ("owl/owl_0000.png", None, "owl"),
    ]
    assert [(c["file"], c["from"], c["to"]) for c in undone["changed"]] == [
        ("cat/cat_0000.png", "cat", None),
        ("owl/owl_0000.png", "owl", None),
    ]
    assert left == {"cat": 2, "dog": 2}


def test_what_the_user_can_mend_is_one_sentence_and_exit_code_1(winnow):
    assert winnow("relabel", "bird", "cat/0.jpg", code=1).count("\n") == 1
    assert "outside" in winnow("remove", "../x.jpg", code=1)
    assert winnow("undo", code=1).strip() == "Nothing left to undo."
    assert winnow("relabel", "bird", "cat/0.jpg", "--new")["changed"][0]["to"] == "bird"


def test_wrong_usage_is_exit_code_2(winnow):
    assert "usage" in winnow("relabel", code=2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has any bytes in names")
def test_a_name_that_is_not_utf_8_goes_in_and_comes_out(winnow, photos):
    name = b"\xff<b>\n.jpg"
    Path(os.fsdecode(os.fsencode(photos / "cat") + b"/" + name)).write_text("photo")

    answer = winnow("relabel", "dog", b"cat/" + name)

    assert answer["changed"][0]["now"].encode("utf-8", "surrogateescape") == b"dog/" + name


def test_an_undo_that_can_move_nothing_says_so_and_why(winnow, photos):
    winnow("relabel", "dog", "cat/0.jpg")
    (photos / "dog/0 (2).jpg").write_text("other by now")

    said = winnow("undo", code=1)

    assert "Nothing could be undone (Relabelled 1 photo: cat to dog)." in said
    assert "dog/0 (2).jpg: This file has been changed since." in said


@pytest.mark.parametrize("limit", ["0", "-1", "99999999999999999999", "many"])
def test_a_history_of_an_odd_length_is_wrong_usage(limit, winnow):
    assert "--limit" in winnow("history", f"--limit={limit}", code=2)


def test_an_empty_folder_name_is_wrong_usage(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "core", "scan", ""],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 2
    assert b"no folder was named" in done.stderr
    assert not (tmp_path / ".winnow").exists()
