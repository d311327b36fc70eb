import json

import pytest

from core.errors import RunError
from core.runs.exported import settings_as_json
from core.runs.notes import LONGEST_NAME, NOTE_FILE, Note, note_of, write_note
from core.runs.store import list_runs, load_run
from tests.made_runs import small_run

HOSTILE = "<b>caf\udce9</b> 🌾 ‮rtl"


def test_a_note_comes_back_as_it_was_written_and_the_run_is_as_it_was(tmp_path):
    run = small_run(tmp_path, 1)
    before = (tmp_path / "runs" / run.id / "run.json").read_bytes()

    write_note(tmp_path, run.id, Note(name=HOSTILE, text="two\nlines"))

    assert note_of(tmp_path, run) == Note(name=HOSTILE, text="two\nlines")
    assert (tmp_path / "runs" / run.id / "run.json").read_bytes() == before
    assert list_runs(tmp_path) == [run]


def test_a_name_is_one_line_of_bounded_length(tmp_path):
    run = small_run(tmp_path, 1)

    kept = write_note(tmp_path, run.id, Note(name=f" many\n words\t{'x' * 200}", text="  "))

    assert kept.name.startswith("many words x")
    assert len(kept.name) == LONGEST_NAME
    assert kept.text == ""
    assert note_of(tmp_path, run) == kept


def test_a_run_nobody_wrote_about_has_an_empty_note(tmp_path):
    assert note_of(tmp_path, small_run(tmp_path, 1)).is_empty


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"name": "x"}'])
def test_a_damaged_note_is_an_empty_one(tmp_path, damage):
    run = small_run(tmp_path, 1)
    (tmp_path / "runs" / run.id / NOTE_FILE).write_text(damage)

    assert note_of(tmp_path, run).is_empty


def test_a_run_that_is_gone_takes_no_note(tmp_path):
    with pytest.raises(RunError, match="There is no run"):
        write_note(tmp_path, "20261122-081530-000009", Note(name="x"))


def test_writing_leaves_no_other_file_behind(tmp_path):
    run = small_run(tmp_path, 1)

    write_note(tmp_path, run.id, Note(name="one"))
    write_note(tmp_path, run.id, Note(name="two"))

    names = {path.name for path in (tmp_path / "runs" / run.id).iterdir()}
    assert NOTE_FILE in names and len(names) == 5


def test_settings_leave_as_plain_json_without_numbers_of_photos(tmp_path):
    settings = {"deep": {"epochs": 6}, "left_out": [3, 4]}
    classes = ("caf\udce9", "dog")
    run = small_run(tmp_path, 1, settings=settings, classes=classes)

    text = settings_as_json(load_run(tmp_path, run.id), Note(name=HOSTILE))

    told = json.loads(text)
    assert text.isascii()
    assert told["settings"] == {"deep": {"epochs": 6}}
    assert told["name"] == HOSTILE
    assert told["classes"] == ["caf\udce9", "dog"]
    assert told["results"]["wrong"] == 1
