import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from core.errors import ImageError
from core.images.decode import open_rgb, open_upright

# The filter that keeps these from users is lost where pytest puts back its own.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")

ROOT = Path(__file__).parents[3]
RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def half_and_half() -> Image.Image:
    """80 by 40: red above, green below, so that every turn can be told."""
    image = Image.new("RGB", (80, 40), RED)
    image.paste(GREEN, (0, 20, 80, 40))
    return image


def is_close(pixel, colour):
    return all(abs(a - b) <= 40 for a, b in zip(pixel, colour, strict=True))


# Where the red half ends up: (x, y) of a pixel inside it, on the upright picture.
@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (80, 40), (40, 5)),
        (2, (80, 40), (40, 5)),
        (3, (80, 40), (40, 35)),
        (4, (80, 40), (40, 35)),
        (5, (40, 80), (5, 40)),
        (6, (40, 80), (35, 40)),
        (7, (40, 80), (35, 40)),
        (8, (40, 80), (5, 40)),
        (0, (80, 40), (40, 5)),
        (99, (80, 40), (40, 5)),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_photo_stored_turned_comes_out_upright(tmp_path, orientation, size, red_at, suffix):
    path = tmp_path / f"photo.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    half_and_half().save(path, exif=exif)

    image = open_rgb(path)

    assert image.size == size
    assert is_close(image.getpixel(red_at), RED)


def test_an_orientation_written_as_xmp_counts(tmp_path):
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    half_and_half().save(tmp_path / "photo.webp", xmp=xmp)

    assert open_rgb(tmp_path / "photo.webp").size == (40, 80)


def test_sixteen_bit_grey_keeps_its_tones(tmp_path):
    ramp = np.linspace(0, 65535, 100 * 50).reshape(50, 100).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")

    tones = np.asarray(open_rgb(tmp_path / "ramp.png"))[..., 0]

    assert np.array_equal(tones, ramp >> 8)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_that_fills_only_some_of_its_bits_is_not_black(tmp_path, bits):
    ramp = np.linspace(0, 2**bits - 1, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "ramp.tif")

    tones = np.asarray(open_rgb(tmp_path / "ramp.tif"))[..., 0]

    assert (tones.min(), tones.max()) == (0, 255)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 7.0), (0.0, 255.0), (0.0, 65535.0)])
def test_floating_point_grey_keeps_its_tones(tmp_path, low, high):
    ramp = np.linspace(low, high, 64 * 64, dtype=np.float32).reshape(64, 64)
    Image.fromarray(ramp).save(tmp_path / "ramp.tif")

    tones = np.asarray(open_rgb(tmp_path / "ramp.tif"))[..., 0].astype(int)

    assert (tones.min(), tones.max()) == (0, 255)
    assert (np.diff(tones.ravel()) >= 0).all()


def test_numbers_that_are_none_do_not_spoil_a_floating_point_picture(tmp_path):
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[0, :3] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "odd.tif")

    assert open_rgb(tmp_path / "odd.tif").getpixel((63, 63)) == WHITE


def test_thirty_two_bit_numbers_are_scaled(tmp_path):
    values = np.linspace(-1000, 10**6, 64 * 64).reshape(64, 64).astype(np.int32)
    Image.fromarray(values).save(tmp_path / "wide.tif")

    tones = np.asarray(open_rgb(tmp_path / "wide.tif"))[..., 0]

    assert tones.min() == 0
    assert tones.max() > 127


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_lie_on_white(tmp_path, mode):
    if mode == "P":
        image = Image.new("P", (40, 40), 1)
        image.putpalette([255, 0, 0, 0, 0, 255])
        image.paste(0, (0, 0, 20, 40))
        image.info["transparency"] = 0
    else:
        image = Image.new("RGBA", (40, 40), (0, 0, 255, 255))
        image.paste((255, 0, 0, 0), (0, 0, 20, 40))
        image = image.convert(mode)
    image.save(tmp_path / "cut.png")

    flat = open_rgb(tmp_path / "cut.png")
    kept = open_upright(tmp_path / "cut.png")

    assert flat.mode == "RGB"
    assert flat.getpixel((5, 5)) == WHITE
    assert flat.getpixel((35, 5)) != WHITE
    assert kept.mode == "RGBA"
    assert kept.getpixel((5, 5))[3] == 0
    assert kept.getpixel((35, 5))[3] == 255


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "HSV"])
def test_every_colour_mode_becomes_rgb(tmp_path, mode):
    image = half_and_half()
    image = Image.new("LAB", (80, 40), (200, 128, 128)) if mode == "LAB" else image.convert(mode)
    suffix = "png" if mode in ("1", "L", "P") else "tif"
    image.convert("RGB" if mode == "HSV" else mode).save(tmp_path / f"photo.{suffix}")

    opened = open_rgb(tmp_path / f"photo.{suffix}")

    assert (opened.mode, opened.size) == ("RGB", (80, 40))


def test_the_colours_of_a_cmyk_jpeg_are_not_inverted(tmp_path):
    half_and_half().convert("CMYK").save(tmp_path / "print.jpg", quality=95)

    assert is_close(open_rgb(tmp_path / "print.jpg").getpixel((40, 5)), RED)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_the_photo(tmp_path, suffix):
    first, second = half_and_half(), Image.new("RGB", (80, 40), (0, 0, 255))
    first.save(tmp_path / f"many.{suffix}", save_all=True, append_images=[second], duration=50)

    assert is_close(open_rgb(tmp_path / f"many.{suffix}").getpixel((40, 5)), RED)


@pytest.mark.parametrize("suffix", ["heic", "avif", "jp2", "bmp", "ppm", "ico", "qoi"])
def test_less_common_formats_open_too(tmp_path, suffix):
    pillow_heif.register_heif_opener()  # for saving
    Image.new("RGB", (64, 64), RED).save(tmp_path / f"photo.{suffix}")

    assert is_close(open_rgb(tmp_path / f"photo.{suffix}").getpixel((9, 9)), RED)


def test_the_content_decides_and_not_the_extension(tmp_path):
    half_and_half().save(tmp_path / "really.png")
    (tmp_path / "really.png").rename(tmp_path / "photo.jpg")

    assert open_rgb(tmp_path / "photo.jpg").size == (80, 40)


@pytest.mark.parametrize(("at_least", "size"), [(None, (800, 400)), (50, (100, 50))])
def test_a_jpeg_is_reduced_while_decoding_only_when_asked(tmp_path, at_least, size):
    half_and_half().resize((800, 400)).save(tmp_path / "photo.jpg")

    assert open_rgb(tmp_path / "photo.jpg", at_least=at_least).size == size


@pytest.mark.parametrize("side", range(30, 90, 7))
def test_a_reduced_jpeg_is_never_smaller_than_asked(tmp_path, side):
    half_and_half().resize((333, 171)).save(tmp_path / "photo.jpg")

    assert min(open_rgb(tmp_path / "photo.jpg", at_least=side).size) >= side


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path):
    Image.new("1", (12_000, 10_001)).save(tmp_path / "bomb.png")

    with pytest.raises(ImageError, match="12000 by 10001") as caught:
        open_rgb(tmp_path / "bomb.png")

    assert caught.value.kind == "too_large"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.timeout(20)
def test_a_pipe_named_like_a_photo_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "photo.jpg")

    with pytest.raises(ImageError):
        open_rgb(tmp_path / "photo.jpg")


@pytest.mark.parametrize("name", ["missing.jpg", "folder.jpg", "nul\0.jpg"])
def test_what_is_no_file_is_an_image_error(tmp_path, name):
    (tmp_path / "folder.jpg").mkdir()

    with pytest.raises(ImageError):
        open_rgb(tmp_path / name)


def test_a_missing_file_is_not_held_against_its_content(tmp_path):
    with pytest.raises(ImageError) as caught:
        open_rgb(tmp_path / "missing.jpg")

    assert not caught.value.lasting


def test_any_cut_or_flip_ends_in_a_picture_or_an_image_error(tmp_path):
    pillow_heif.register_heif_opener()  # for saving
    random = np.random.default_rng(0)
    path = tmp_path / "broken"
    for suffix in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF", "ICO", "PPM"):
        whole = io.BytesIO()
        noise = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(whole, suffix)
        for _ in range(40):
            body = bytearray(whole.getvalue()[: random.integers(1, len(whole.getvalue()))])
            for position in random.integers(0, len(body), 5):
                body[position] ^= 1 << int(random.integers(8))
            path.write_bytes(body)

            try:
                assert open_rgb(path).mode == "RGB"
            except ImageError as error:
                assert str(error).endswith(".")


def test_nothing_about_odd_files_reaches_the_terminal(test_data):
    code = (
        "import sys; from pathlib import Path; from core.images.verdict import judge\n"
        "for path in sorted(Path(sys.argv[1]).rglob('*')):\n"
        "    path.is_file() and judge(path)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(test_data / "bad_files")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert (done.stdout, done.stderr) == ("", "")
