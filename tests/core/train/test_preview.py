import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from core.errors import ImageError, TrainingError
from core.images.decode import open_rgb
from core.networks.preprocessing import to_batch_item
from core.train import preview, preview_process
from core.train.augment import augment
from core.train.augment_choices import PRESETS, AugmentChoices

ROOT = Path(__file__).resolve().parents[3]
SIDE = PRESETS["side"].choices


@pytest.fixture(autouse=True, scope="module")
def no_process_stays():
    yield
    preview.close()


@pytest.fixture
def photo(tmp_path, save_image):
    return save_image(tmp_path / "1.png", size=(640, 480), seed=3)


def as_array(webp):
    image = Image.open(io.BytesIO(webp))
    assert image.format == "WEBP"
    return np.asarray(image.convert("RGB")).astype(int)


def helpers():
    """The processes of this program that show photos."""
    return [
        one
        for one in psutil.Process().children()
        if one.status() != psutil.STATUS_ZOMBIE and preview.PROCESS in " ".join(one.cmdline())
    ]


def test_a_photo_is_shown_as_the_network_sees_it(photo):
    expected = to_batch_item(open_rgb(photo, at_least=96), 96).astype(int)

    found = as_array(preview.picture(photo, "a", size=96))

    assert found.shape == (96, 96, 3)
    assert np.abs(found - expected).mean() < 6  # what WebP loses of the grain


def test_a_changed_photo_is_what_training_makes_of_this_seed(photo):
    square = torch.from_numpy(to_batch_item(open_rgb(photo, at_least=96), 96).copy())
    expected = augment(square.permute(2, 0, 1)[None], [5], SIDE)[0].permute(1, 2, 0).numpy()

    found = as_array(preview.picture(photo, "a", size=96, seed=5, choices=SIDE))

    assert np.abs(found - expected.astype(int)).mean() < 6
    assert preview.picture(photo, "a", size=96, seed=5, choices=SIDE) == preview.picture(
        photo, "a", size=96, seed=5, choices=SIDE
    )


def test_one_colour_alone_is_shown_in_grey(tmp_path):
    photo = tmp_path / "red.png"
    Image.new("RGB", (64, 64), (200, 100, 0)).save(photo)

    greys = [
        as_array(preview.picture(photo, "red", size=64, channel=one)).mean((0, 1))
        for one in preview.CHANNELS
    ]

    assert np.allclose(greys, [[200] * 3, [100] * 3, [0] * 3], atol=3)


def test_the_numbers_told_are_those_of_the_pixels_where_much_goes_on(tmp_path):
    square = np.full((96, 96, 3), 128, np.uint8)
    square[60:66, 42:48] = np.arange(108).reshape(6, 6, 3) * 2
    Image.fromarray(square).save(tmp_path / "1.png")

    found = preview.pixels(tmp_path / "1.png", "numbers", size=96)

    assert (found.width, found.height, found.size) == (96, 96, 96)
    assert (found.left, found.top) == (42, 60)
    assert np.array_equal(found.few, square[60:66, 42:48])


def test_the_numbers_of_a_turned_large_jpeg_are_of_the_whole_photo_upright(tmp_path, save_image):
    photo = save_image(tmp_path / "1.jpg", size=(1200, 900))
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo) as image:
        image.save(photo, exif=exif)

    found = preview.pixels(photo, "turned", size=64)

    assert (found.width, found.height) == (900, 1200)


@pytest.mark.parametrize("size", [32, 33, 1024])
def test_every_size_that_training_takes_has_pixels_to_tell(photo, size):
    found = preview.pixels(photo, "a", size=size)

    assert 0 <= found.left <= size - 6 and 0 <= found.top <= size - 6
    assert len(found.few) == 6 and all(len(row) == 6 for row in found.few)


def test_a_damaged_photo_is_told_in_a_sentence_and_the_next_is_shown(tmp_path, photo):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no picture")

    with pytest.raises(ImageError, match=r"\.$"):
        preview.picture(broken, "broken", size=64)
    with pytest.raises(ImageError):
        preview.picture(tmp_path / "gone.jpg", "gone", size=64)
    assert preview.picture(photo, "a", size=64)


def test_choices_from_elsewhere_that_make_no_sense_are_refused():
    with pytest.raises(TrainingError):
        AugmentChoices(rotate=1000)


def test_one_process_answers_all_and_is_started_anew_when_it_is_gone(photo):
    preview.picture(photo, "a", size=64)
    (first,) = helpers()
    preview.picture(photo, "a", size=64, seed=1, choices=SIDE)
    assert [one.pid for one in helpers()] == [first.pid]

    first.kill()
    first.wait(10)

    assert preview.picture(photo, "a", size=64)
    assert len(helpers()) == 1 and helpers()[0].pid != first.pid


def test_closing_ends_the_process_and_one_that_does_not_start_is_told_in_a_sentence(
    photo, monkeypatch
):
    preview.picture(photo, "a", size=64)
    preview.close()
    preview.close()
    assert not helpers()
    monkeypatch.setattr(preview, "PROCESS", "core.train.no_such_module")

    with pytest.raises(TrainingError, match="does not start"):
        preview.picture(photo, "a", size=64)
    preview.close()


def start(code, **options):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        **options,
    )


def test_the_process_ends_with_the_program_that_asks_which_holds_no_pytorch(photo):
    program = start(
        "import sys, psutil\n"
        "from pathlib import Path\n"
        "from core.train import preview\n"
        f"preview.picture(Path({str(photo)!r}), 'a', size=64)\n"
        "print('torch' in sys.modules)\n"
        "print(psutil.Process().children()[0].pid, flush=True)\n"
        "sys.stdin.read()"
    )
    assert program.stdout.readline().strip() == b"False"
    helper = psutil.Process(int(program.stdout.readline()))

    program.kill()
    program.wait(10)

    helper.wait(20)


def test_the_process_ends_after_a_while_without_a_question(photo):
    began = time.monotonic()
    program = start(
        "from core.train import preview_process as one\n"
        "one.IDLE_SECONDS = 0.5\n"
        "one.serve(one.answer_all)"
    )
    asked = {"ask": "pixels", "file": str(photo), "content": "a", "size": 64, "seconds": 20}
    program.stdin.write(json.dumps(asked).encode() + b"\n")
    program.stdin.flush()
    assert json.loads(program.stdout.readline()) == {"ready": True}
    assert json.loads(program.stdout.readline())["problem"] is None

    assert program.wait(30) == 0  # although nobody closed its questions
    assert time.monotonic() - began > 0.5


def test_decoded_photos_are_kept_up_to_a_number(photo, monkeypatch):
    photos = preview_process.Photos()
    monkeypatch.setattr(preview_process, "MOST_KEPT", 2)
    first = photos.seen(photo, "a", 32)
    assert photos.seen(photo, "a", 32) is first
    photos.seen(photo, "b", 32)
    photos.seen(photo, "c", 32)

    assert photos.seen(photo, "a", 32) is not first
