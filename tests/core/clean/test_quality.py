import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from core.clean.findings import BY_NAME
from core.clean.quality import look
from tests.conftest import make_photo

SHARP = BY_NAME["blurry"].threshold


def scores(picture, tmp_path, name="a.png", **options):
    picture.save(tmp_path / name, **options)
    verdict, found = look(tmp_path / name)
    assert verdict.kind == "good", verdict.reason
    return found


def photo(size=(400, 300)):
    """Shapes with hard edges in front of smooth colours, with some grain."""
    picture = make_photo(size=size)
    draw = ImageDraw.Draw(picture)
    for number in range(8):
        x, y = 40 * number + 20, 35 * (number * 3 % 8) + 20
        draw.ellipse((x, y, x + 50, y + 40), fill=(30 * number, 255 - 30 * number, 90))
    return picture


def drawing():
    picture = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(picture).line((40, 50, 250, 220), fill="black", width=6)
    ImageDraw.Draw(picture).rectangle((80, 150, 180, 260), outline="black", width=5)
    return picture


def cut_out():
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((90, 90, 210, 210), fill=(180, 90, 30, 255))
    return picture


def sky():
    levels = np.linspace(150, 200, 300, dtype=np.float32)[:, None].repeat(400, axis=1)
    noise = np.random.default_rng(1).integers(-3, 4, levels.shape)
    return Image.fromarray(np.clip(levels + noise, 0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("picture", [photo, drawing, cut_out, sky])
def test_plain_sharp_pictures_are_not_called_blurry(picture, tmp_path):
    assert scores(picture(), tmp_path)["sharp"] > SHARP + 0.1


@pytest.mark.parametrize("picture", [photo, drawing])
def test_the_same_pictures_out_of_focus_are_blurry(picture, tmp_path):
    soft = picture().filter(ImageFilter.GaussianBlur(5))

    assert scores(soft, tmp_path)["sharp"] < SHARP


def test_more_blur_never_scores_sharper(tmp_path):
    blurred = [photo().filter(ImageFilter.GaussianBlur(radius)) for radius in (0, 2, 4, 6, 8)]

    found = [scores(one, tmp_path)["sharp"] for one in blurred]

    assert found == sorted(found, reverse=True)


def test_a_soft_background_does_not_make_a_sharp_subject_blurry(tmp_path):
    picture = photo().filter(ImageFilter.GaussianBlur(8))
    picture.paste(photo().crop((100, 60, 300, 240)), (100, 60))

    assert scores(picture, tmp_path)["sharp"] > SHARP


def test_dark_bright_grey_and_empty_pictures_score_low_where_they_should(tmp_path):
    usual = scores(photo(), tmp_path)
    dark = scores(photo().point(lambda level: level // 5), tmp_path)
    light = scores(photo().point(lambda level: 245 + level // 26), tmp_path)
    grey = scores(photo().convert("L"), tmp_path)
    empty = scores(drawing(), tmp_path)

    assert dark["bright"] < BY_NAME["dark"].threshold < usual["bright"]
    assert light["shaded"] < BY_NAME["overexposed"].threshold < usual["shaded"]
    assert grey["coloured"] < BY_NAME["grey"].threshold < usual["coloured"]
    assert empty["detail"] < BY_NAME["empty"].threshold < usual["detail"]
    assert empty["colours"] < BY_NAME["few_colours"].threshold < usual["colours"]


def test_shape_and_size_are_those_of_the_upright_whole_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    found = scores(photo((1024, 256)), tmp_path, "a.jpg", exif=exif)

    assert found["shape"] == 0.25
    assert 2 ** (16 * found["size"]) == pytest.approx(512)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA", "I;16"])
def test_every_mode_can_be_measured(mode, tmp_path):
    picture = photo()
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    found = scores(picture if mode == "I;16" else picture.convert(mode), tmp_path, "a.tif")

    assert all(0 <= value <= 1 for value in found.values())
    assert found["sharp"] > SHARP


@pytest.mark.parametrize("size", [(32, 32), (33, 600), (9000, 460)])
def test_small_and_long_pictures_are_measured_too(size, tmp_path):
    found = scores(make_photo(size=size), tmp_path)

    assert all(0 <= value <= 1 for value in found.values())


def test_a_file_that_cannot_be_used_has_no_scores(tmp_path):
    (tmp_path / "page.jpg").write_text("<html>")

    verdict, found = look(tmp_path / "page.jpg")

    assert verdict.kind == "not_an_image"
    assert found is None


def test_reduced_decoding_changes_little(tmp_path):
    whole = scores(photo((1600, 1200)), tmp_path, "a.png")
    reduced = scores(photo((1600, 1200)), tmp_path, "a.jpg", quality=95)

    for name in ("bright", "shaded", "detail", "coloured", "shape", "size"):
        assert reduced[name] == pytest.approx(whole[name], abs=0.04), name
