import os
import subprocess
import sys

import psutil
import pytest
from PIL import Image

from core.errors import ImageError
from core.images import helpers, shrinking
from core.images.identity import content_hash
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.images.shrinking import thumbnail_apart
from core.images.thumbnails import thumbnail

pytestmark = pytest.mark.timeout(120)

# Put on the module path of the processes: some names stand for what real hostile files do.
HOSTILE = """
import os, time
import core.images.thumbnails as module
really = module.thumbnail
def thumbnail(source, content, folder, *, side):
    if source.name.startswith("crash"):
        os.kill(os.getpid(), 9)
    if source.name.startswith("stall"):
        time.sleep(10_000)
    if source.name.startswith("eat"):
        bytearray(64 * 2**30)
    return really(source, content, folder, side=side)
module.thumbnail = thumbnail
"""


@pytest.fixture(autouse=True)
def processes_of_its_own(tmp_path, monkeypatch):
    """Have the processes die of some names, and end them with the test."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(helpers.ROOT), str(folder)]))
    monkeypatch.setattr(shrinking, "_fatal", {})
    shrinking._pool.cache_clear()
    yield
    shrinking._pool().close()
    shrinking._pool.cache_clear()


def made(path, tmp_path, **options):
    return thumbnail_apart(path, content_hash(path), tmp_path / "thumbs", **options)


def test_a_copy_made_apart_is_the_one_made_here(tmp_path, save_image):
    photo = save_image(tmp_path / "a.png", size=(900, 500))

    apart = made(photo, tmp_path)

    here = thumbnail(photo, content_hash(photo), tmp_path / "here")
    assert apart.read_bytes() == here.read_bytes()


def test_a_larger_copy_is_made_where_it_is_asked_for(tmp_path, save_image):
    photo = save_image(tmp_path / "a.png", size=(900, 500))

    with Image.open(made(photo, tmp_path, side=700)) as picture:
        assert picture.size == (700, 389)


def test_why_a_file_has_no_copy_is_told_as_it_would_be_here(tmp_path):
    page = tmp_path / "page.jpg"
    page.write_text("<html>")

    with pytest.raises(ImageError, match="not a picture"):
        made(page, tmp_path)


def test_a_file_that_crashes_the_decoder_leaves_this_process_and_the_next_file_alone(
    tmp_path, save_image
):
    bad, good = save_image(tmp_path / "crash.png", seed=1), save_image(tmp_path / "b.png", seed=2)

    with pytest.raises(ImageError, match=CRASHES):
        made(bad, tmp_path)

    assert made(good, tmp_path).exists()


def test_a_file_that_crashed_is_not_tried_again(tmp_path, save_image):
    bad = save_image(tmp_path / "crash.png")
    with pytest.raises(ImageError):
        made(bad, tmp_path)
    before = {child.pid for child in psutil.Process().children()}

    with pytest.raises(ImageError, match=CRASHES):
        made(bad, tmp_path)

    assert {child.pid for child in psutil.Process().children()} == before


def test_a_file_that_takes_for_ever_is_given_up(tmp_path, save_image, monkeypatch):
    monkeypatch.setattr(shrinking, "SECONDS_PER_FILE", 0.5)

    with pytest.raises(ImageError, match=TAKES_TOO_LONG) as refused:
        made(save_image(tmp_path / "stall.png"), tmp_path)

    assert not refused.value.lasting


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_file_that_wants_all_memory_gets_none_of_this_processs(tmp_path, save_image):
    with pytest.raises(ImageError):
        made(save_image(tmp_path / "eat.png"), tmp_path)

    assert made(save_image(tmp_path / "b.png", seed=2), tmp_path).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux holds to the limit exactly")
def test_more_memory_than_the_limit_is_a_memory_error():
    program = (
        "from core.images.limits import limit_memory\n"
        "assert limit_memory(200 * 2**20)\n"
        "bytearray(100 * 2**20)\n"
        "try:\n    bytearray(300 * 2**20)\n"
        "except MemoryError:\n    print('refused')\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=helpers.ROOT
    )

    assert said.stdout == "refused\n", said.stderr
