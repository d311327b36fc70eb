import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.dataset.places import token_of
from core.dataset.recent import forget, recent, remember, root_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_DATA_DIR", str(tmp_path / "user"))
    return tmp_path / "user"


def test_the_last_opened_data_set_comes_first_and_once(tmp_path):
    for name in ("a", "b", "a"):
        remember(tmp_path / name)

    assert [one.root.name for one in recent()] == ["a", "b"]


def test_a_token_leads_to_its_folder_until_it_is_forgotten(tmp_path):
    token = remember(tmp_path / "a")

    assert token == token_of(tmp_path / "a")
    assert len(token) == 16
    assert root_of(token) == tmp_path / "a"
    forget(token)
    assert root_of(token) is None
    assert root_of("../../etc") is None


def test_names_that_are_not_utf_8_come_back_as_they_were(tmp_path):
    root = tmp_path / "set \udcff\n<b>"

    token = remember(root)

    assert root_of(token) == root


def test_a_damaged_list_is_started_anew(tmp_path, user):
    remember(tmp_path / "a")
    (user / "recent.json").write_text('[{"root": 3')

    assert recent() == []
    remember(tmp_path / "b")
    assert [one.root.name for one in recent()] == ["b"]


def test_processes_that_open_data_sets_at_once_lose_none(tmp_path):
    code = (
        "import sys; from pathlib import Path; from core.dataset.recent import remember\n"
        "for name in sys.argv[2:]: remember(Path(sys.argv[1]) / name)"
    )
    names = [[f"{process}-{number}" for number in range(10)] for process in range(4)]

    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), *some], cwd=ROOT, env=os.environ
        )
        for some in names
    ]

    assert [process.wait(timeout=60) for process in started] == [0] * 4
    assert {one.root.name for one in recent()} == {name for some in names for name in some}
