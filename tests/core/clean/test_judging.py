import os
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from core.clean.judging import judge_all
from core.images import helpers
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.images.verdict import judge

pytestmark = pytest.mark.timeout(120)

# Put on the module path of the judging processes: some names stand for what real hostile files do.
HOSTILE = """
import os, time
import core.clean.quality as quality
really = quality.glance
def glance(path):
    if path.name.startswith("crash"):
        os.kill(os.getpid(), 9)
    if path.name.startswith("stall"):
        time.sleep(10_000)
    if path.name.startswith("slow"):
        time.sleep(0.02)
    return really(path)
quality.glance = glance
"""


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Have the processes die of files named crash…, and hang on files named stall…."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(helpers.ROOT), str(folder)]))
    monkeypatch.setattr(helpers, "FORKS", False)  # a fork would not see that path


@pytest.fixture
def photos(tmp_path, save_image):
    def make(*names):
        return [save_image(tmp_path / name, seed=number) for number, name in enumerate(names)]

    return make


def judged(files, **options):
    found = [each for batch in judge_all(files, **options) for each in batch]
    assert sorted(each.position for each in found) == list(range(len(files)))
    return {files[each.position].name: each.verdict for each in found}


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("forks", [True, False])
def test_every_file_is_judged_once_and_as_by_a_look_at_it_alone(
    photos, tmp_path, forks, monkeypatch
):
    monkeypatch.setattr(helpers, "FORKS", forks)
    files = photos(*(f"{number}.png" for number in range(100)))
    files[7].write_bytes(b"")
    files[50].write_bytes(files[50].read_bytes()[:300])

    found = judged(files, processes=2)

    assert found == {path.name: judge(path) for path in files}


def test_nothing_to_judge_starts_nothing():
    before = children()

    assert list(judge_all([])) == []
    assert children() == before


def test_no_process_is_left_over(photos):
    before = children()

    judged(photos("a.png", "b.png"))

    assert children() == before


@pytest.mark.parametrize("name", ["a\nb.png", 'q"uote.png', "emoji🦊.png", "bytes\udcff.png"])
def test_hostile_names_reach_the_processes_unharmed(photos, tmp_path, name):
    try:
        (tmp_path / name).write_bytes(b"")
    except (OSError, UnicodeError):
        pytest.skip("this file system refuses the name")
    (tmp_path / name).unlink()

    assert judged(photos("plain.png", "x.png"))["x.png"].kind == "good"
    (tmp_path / "x.png").rename(tmp_path / name)
    assert judged([tmp_path / name])[name].kind == "good"


def test_a_file_that_crashes_the_decoder_is_damaged_and_the_others_are_judged(hostile, photos):
    names = [f"{number:02}.png" for number in range(40)]
    names[3], names[4], names[39] = "crash_a.png", "crash_b.png", "crash_c.png"

    found = judged(photos(*names), processes=2)

    crashed = {name: verdict for name, verdict in found.items() if verdict.kind != "good"}
    assert sorted(crashed) == ["crash_a.png", "crash_b.png", "crash_c.png"]
    assert {verdict.reason for verdict in crashed.values()} == {CRASHES}
    assert all(verdict.kind == "corrupt" and verdict.lasting for verdict in crashed.values())


def test_a_file_that_takes_for_ever_is_given_up(hostile, photos):
    found = judged(photos("a.png", "stall.png", "b.png"), processes=1, seconds_per_file=0.5)

    assert found["a.png"].kind == found["b.png"].kind == "good"
    assert found["stall.png"].kind == "corrupt"
    assert found["stall.png"].reason == TAKES_TOO_LONG
    assert not found["stall.png"].lasting


def test_a_killed_process_costs_no_file_its_verdict(hostile, photos, tmp_path):
    files = photos(*(f"slow{number}.png" for number in range(80)))
    before = children()

    with closing(judge_all(files, processes=1)) as batches:
        found = next(batch for batch in batches if batch)  # until then it may still be starting
        (pid,) = children() - before
        psutil.Process(pid).kill()
        found += [each for batch in batches for each in batch]

    assert len({each.position for each in found}) == len(found) == 80
    assert {each.verdict.kind for each in found} == {"good"}


def test_waiting_for_a_slow_file_is_reported_meanwhile(hostile, photos):
    with closing(judge_all(photos("stall.png"), processes=1)) as batches:
        started = time.monotonic()
        waits = [next(batches) for _ in range(4)]

    assert waits == [[], [], [], []]
    assert time.monotonic() - started < 4


def test_stopping_does_not_wait_for_the_file_in_hand(hostile, photos):
    before = children()
    batches = judge_all(photos("stall.png", "a.png"), processes=2)
    next(batches)

    started = time.monotonic()
    batches.close()

    assert time.monotonic() - started < 2
    assert children() == before


def test_a_process_that_cannot_start_is_our_mistake_and_is_raised(photos, monkeypatch):
    monkeypatch.setattr(helpers, "FORKS", False)
    monkeypatch.setattr(helpers, "ROOT", Path("/nowhere"))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)

    with pytest.raises(RuntimeError, match="did not start"):
        judged(photos("a.png"))
