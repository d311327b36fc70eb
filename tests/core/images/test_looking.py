import os
import threading
import time

import psutil
import pytest
from PIL import Image

from core.images import helpers, verdict
from core.images.look import look
from core.images.looking import CRASHES, TAKES_TOO_LONG, Closed, Lookers
from core.images.similar import near_hash

pytestmark = pytest.mark.timeout(120)

# Put on the module path of the looking processes: some names stand for what hostile files do.
HOSTILE = """
import os, time
import core.images.look as module
really = module.look
def look(path, *, min_side):
    if path.name.startswith("crash"):
        os.kill(os.getpid(), 9)
    if path.name.startswith("once") and not path.with_name("seen").exists():
        path.with_name("seen").touch()
        os.kill(os.getpid(), 9)
    if path.name.startswith("stall"):
        time.sleep(10_000)
    return really(path, min_side=min_side)
module.look = look
"""


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Have the processes die of files named crash…, and hang on files named stall…."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(helpers.ROOT), str(folder)]))


@pytest.fixture
def lookers():
    made = []

    def make(**options):
        made.append(Lookers(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_process_sees_what_a_look_in_this_one_sees(lookers, save_image, tmp_path):
    photo = save_image(tmp_path / "a.png", size=(80, 60))
    page = tmp_path / "b.jpg"
    page.write_text("<html><body>Not found</body></html>")
    looks = lookers(processes=1)

    assert looks.look(photo, min_side=64) == look(photo, min_side=64)
    assert looks.look(photo, min_side=64).verdict.kind == "too_small"
    assert looks.look(page) == look(page)
    assert looks.look(page).verdict.kind == "not_an_image"


def test_a_look_gives_the_hash_of_the_picture_small_ones_too(save_image, tmp_path):
    photo = save_image(tmp_path / "a.png", size=(300, 200))

    found = look(photo, min_side=250)

    assert found.verdict.kind == "too_small"
    assert found.near == near_hash(photo)


def test_a_look_decodes_a_file_once(save_image, tmp_path, monkeypatch):
    photo = save_image(tmp_path / "a.jpg", size=(300, 200))
    decoded = []
    really = verdict.decode
    monkeypatch.setattr(verdict, "decode", lambda *a, **k: decoded.append(a) or really(*a, **k))

    found = look(photo)

    assert found.near is not None and len(decoded) == 1


def test_one_colour_has_no_hash(tmp_path):
    Image.new("RGB", (100, 100), "navy").save(tmp_path / "a.png")

    assert look(tmp_path / "a.png").verdict.kind == "blank"
    assert look(tmp_path / "a.png").near is None


def test_a_file_that_is_not_there_is_a_verdict(tmp_path):
    found = look(tmp_path / "gone.jpg")

    assert (found.content, found.near, found.verdict.lasting) == ("", None, False)


def test_a_file_that_crashes_its_process_is_refused_and_the_next_is_looked_at(
    hostile, lookers, save_image, tmp_path
):
    looks = lookers(processes=1)

    crashed = looks.look(save_image(tmp_path / "crash.png"))
    after = looks.look(save_image(tmp_path / "fine.png"))

    assert crashed.verdict.reason == CRASHES
    assert after.verdict.kind == "good"


def test_a_process_killed_from_outside_is_no_fault_of_the_file(
    hostile, lookers, save_image, tmp_path
):
    assert lookers(processes=1).look(save_image(tmp_path / "once.png")).verdict.kind == "good"
    assert (tmp_path / "seen").exists()


def test_a_file_that_takes_too_long_is_given_up(hostile, lookers, save_image, tmp_path):
    found = lookers(processes=1, seconds_per_file=1.0).look(save_image(tmp_path / "stall.png"))

    assert (found.verdict.reason, found.verdict.lasting) == (TAKES_TOO_LONG, False)


def test_closing_ends_a_look_and_leaves_no_process(hostile, lookers, save_image, tmp_path):
    before = {child.pid for child in psutil.Process().children()}
    looks = lookers(processes=1)
    ended = []

    def look_at_it():
        try:
            looks.look(save_image(tmp_path / "stall.png"))
        except Closed:
            ended.append(True)

    thread = threading.Thread(target=look_at_it)
    thread.start()
    deadline = time.monotonic() + 30
    while not {child.pid for child in psutil.Process().children()} - before:
        assert time.monotonic() < deadline
    looks.close()
    thread.join(timeout=30)

    assert ended == [True]
    assert {child.pid for child in psutil.Process().children()} == before
    with pytest.raises(Closed):
        looks.look(tmp_path / "stall.png")
