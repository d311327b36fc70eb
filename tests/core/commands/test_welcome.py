import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core import runs
from core.clean.kept import checked
from core.commands import welcome
from core.dataset import Dataset
from core.dataset.planted import found
from core.dataset.recent import forget, recent, remember
from core.networks.export import prepared

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A user who never started Winnow."""
    monkeypatch.setenv("WINNOW_DATA_DIR", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.fixture
def unmade(monkeypatch):
    """Making the sample takes seconds: here it is only noted down."""
    made = []

    def make(root):
        made.append(root)
        root.mkdir(parents=True)

    monkeypatch.setattr(welcome, "_make", make)
    return made


def test_the_first_start_opens_with_the_circles(user, unmade):
    token = welcome.greet()

    assert unmade == [user / "samples" / "circles"]
    assert [one.token for one in recent()] == [token]


def test_later_starts_open_with_what_was_open_last(user, unmade, tmp_path):
    welcome.greet()
    (tmp_path / "mine").mkdir()
    mine = remember(tmp_path / "mine")

    assert welcome.greet() == mine
    assert len(unmade) == 1


def test_a_data_set_that_is_gone_is_not_opened(user, unmade, tmp_path):
    sample = welcome.greet()
    (tmp_path / "mine").mkdir()
    remember(tmp_path / "mine")
    (tmp_path / "mine").rmdir()

    assert welcome.greet() == sample


def test_who_got_rid_of_the_sample_is_not_given_it_again(user, unmade):
    token = welcome.greet()
    forget(token)
    shutil.rmtree(user / "samples")

    assert welcome.greet() is None
    assert len(unmade) == 1


def test_who_has_photos_open_is_not_given_a_sample(user, unmade, tmp_path):
    (tmp_path / "mine").mkdir()
    mine = remember(tmp_path / "mine")

    assert welcome.greet() == mine
    assert unmade == []


def test_without_a_sample_the_app_still_starts(user, capsys):
    (user / "samples").mkdir(parents=True)
    (user / "samples" / "circles").write_text("in the way")

    assert welcome._greeted() is None
    assert "There is no sample to begin with" in capsys.readouterr().err


def test_start_py_gets_its_answer_and_a_sample_ready_to_review(user):
    if not prepared("lite0"):
        pytest.skip("needs the exported networks: python -m core.networks.export")

    ended = subprocess.run(
        [sys.executable, "-m", "core.commands.welcome"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        timeout=300,
    )

    assert ended.returncode == 0, ended.stderr.decode()
    answer = json.loads(ended.stdout.decode().splitlines()[-1])
    (one,) = recent()
    dataset = Dataset.open(one.root)
    run = runs.latest_run(dataset.home)
    assert answer == {"data": str(user), "token": one.token}
    assert checked(dataset).complete
    assert run is not None and run.judged == 500 and run.error_rate < 0.25
    assert found(dataset) == (0, 14)
