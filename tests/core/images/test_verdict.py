import csv
import gzip
import json

import numpy as np
import pytest
from PIL import Image

from core.images.files import is_ignored
from core.images.verdict import judge

# The filter that keeps these from users is lost where pytest puts back its own.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")

KINDS = {
    "truncated": "truncated",
    "corrupt": "corrupt",
    "empty": "empty",
    "not an image": "not_an_image",
    "unsupported": "unsupported",
    "too small": "too_small",
    "too large": "too_large",
    "odd aspect": "odd_shape",
    "blank": "blank",
    "hostile": "too_large",
}


def rows(test_data):
    with open(test_data / "bad_files" / "MANIFEST.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_odd_file_gets_the_verdict_of_the_manifest(test_data):
    mismatches = []
    listed = rows(test_data)
    for row in listed:
        path = test_data / "bad_files" / row["file"]
        expected = row["expected_verdict"]
        verdict = None if is_ignored(path.name) else judge(path)
        outcome = "ignore" if not verdict else "accept" if verdict.kind == "good" else "reject"
        if outcome not in expected:
            mismatches.append((row["file"], expected, verdict))
        elif outcome == "reject" and " or " not in expected:
            said = expected.removeprefix("reject: ").split(" (")[0]
            if KINDS[said] != verdict.kind:
                mismatches.append((row["file"], expected, verdict))

    assert len(listed) == 160
    assert mismatches == []


def test_no_photo_of_the_real_sets_is_refused_but_one_that_is_too_small(test_data):
    refused = {}
    for name in ("bears", "cats_dogs", "imagenette", "stamps", "chihuahua_muffin"):
        for path in sorted((test_data / name).glob("*/*")):
            verdict = judge(path)
            if verdict.kind != "good":
                refused[path.name] = verdict.kind

    assert refused == {"eggplant.png": "too_small"}  # 70 by 29


@pytest.fixture
def photo(save_image):
    return save_image


def test_a_good_photo_has_no_reason_and_its_upright_size(tmp_path, photo):
    path = photo(tmp_path / "cat.png", size=(64, 48))

    verdict = judge(path)

    assert (verdict.kind, verdict.reason) == ("good", None)
    assert (verdict.width, verdict.height, verdict.format) == (64, 48, "PNG")


def test_the_size_of_a_photo_stored_turned_is_told_upright(tmp_path, photo):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(photo(tmp_path / "a.png", size=(800, 600))).save(tmp_path / "b.jpg", exif=exif)

    verdict = judge(tmp_path / "b.jpg")

    assert (verdict.width, verdict.height) == (600, 800)


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.98])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "gif", "bmp", "jp2"])
def test_a_download_cut_short_is_told_from_damage(tmp_path, photo, suffix, share):
    image = Image.open(photo(tmp_path / "a.png", size=(300, 200)))
    image.save(tmp_path / f"cat.{suffix}")
    body = (tmp_path / f"cat.{suffix}").read_bytes()
    (tmp_path / f"cat.{suffix}").write_bytes(body[: max(12, int(len(body) * share))])

    verdict = judge(tmp_path / f"cat.{suffix}")

    assert verdict.kind == "truncated", verdict
    assert "cut short" in verdict.reason


def test_a_large_jpeg_read_at_a_fraction_of_its_size_is_still_seen_cut_short(tmp_path, photo):
    Image.open(photo(tmp_path / "a.png", size=(1600, 1200))).save(tmp_path / "cat.jpg")
    body = (tmp_path / "cat.jpg").read_bytes()
    (tmp_path / "cat.jpg").write_bytes(body[:-600])

    assert judge(tmp_path / "cat.jpg").kind == "truncated"


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (12, 200, 99)])
@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp"])
def test_one_flat_colour_is_blank(tmp_path, colour, suffix):
    Image.new("RGB", (400, 300), colour).save(tmp_path / f"flat.{suffix}")

    assert judge(tmp_path / f"flat.{suffix}").kind == "blank"


def test_a_flat_colour_with_a_trace_of_noise_is_blank(tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(100, 103, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "flat.jpg", quality=90)

    assert judge(tmp_path / "flat.jpg").kind == "blank"


def test_a_photo_of_a_bare_wall_is_not_blank(tmp_path):
    random = np.random.default_rng(0)
    light = np.linspace(225, 243, 400)[None, :, None] + random.normal(0, 1.5, (300, 400, 3))
    Image.fromarray(light.astype(np.uint8)).save(tmp_path / "wall.jpg", quality=90)

    assert judge(tmp_path / "wall.jpg").kind == "good"


def test_a_fine_pattern_is_not_blank_though_it_is_flat_when_reduced(tmp_path):
    checks = np.indices((640, 640)).sum(axis=0) % 2 * 80 + 80
    Image.fromarray(checks.astype(np.uint8)).save(tmp_path / "checks.jpg", quality=95)

    assert judge(tmp_path / "checks.jpg").kind == "good"


def test_what_shows_nothing_on_white_is_blank(tmp_path):
    Image.new("RGBA", (100, 100), (200, 10, 10, 0)).save(tmp_path / "clear.png")

    assert judge(tmp_path / "clear.png").kind == "blank"


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        ((31, 100), "too_small"),
        ((32, 100), "good"),
        ((640, 32), "good"),
        ((641, 32), "odd_shape"),
        ((40, 801), "odd_shape"),
        ((1, 1), "too_small"),
    ],
)
def test_size_and_shape_are_refused_at_their_limits(tmp_path, photo, size, kind):
    assert judge(photo(tmp_path / "a.png", size=size)).kind == kind


def test_limits_can_be_chosen(tmp_path, photo):
    path = photo(tmp_path / "a.png", size=(100, 50))

    assert judge(path, min_side=51).kind == "too_small"
    assert judge(path, max_ratio=1.9).kind == "odd_shape"
    assert judge(path, max_pixels=4999).kind == "too_large"
    assert judge(path, min_side=50, max_ratio=2, max_pixels=5000).kind == "good"


def test_a_limit_that_makes_no_sense_is_our_mistake(tmp_path):
    with pytest.raises(ValueError, match="min_side"):
        judge(tmp_path / "a.png", min_side=0)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", "empty", "empty"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not_an_image", "web page"),
        (b"\xef\xbb\xbf\r\n<HTML><svg></svg></HTML>", "not_an_image", "web page"),
        (json.dumps({"error": "gone"}).encode(), "not_an_image", "web server"),
        (b"just words", "not_an_image", "text"),
        ("слова".encode(), "not_an_image", "text"),
        (b"%PDF-1.7\n", "not_an_image", "PDF"),
        (b"PK\x03\x04rest", "not_an_image", "ZIP"),
        (gzip.compress(b"x", mtime=0), "not_an_image", "gzip"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "not_an_image", "video"),
        (bytes(range(255, 0, -1)) * 20, "not_an_image", "not a picture"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported", "SVG"),
        (b'<?xml version="1.0"?>\n<!-- a > b -->\n<svg:svg />', "unsupported", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "unsupported", "PostScript"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "unsupported", "raw file"),
        (bytes(5000), "corrupt", "damaged"),
        (b"\xff\xd8\xff\xe0", "truncated", "cut short"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(200, 255)), "corrupt", "damaged"),
    ],
)
def test_what_is_no_photo_is_named(tmp_path, body, kind, words):
    (tmp_path / "photo.jpg").write_bytes(body)

    verdict = judge(tmp_path / "photo.jpg")

    assert verdict.kind == kind, verdict
    assert words in verdict.reason


def test_a_drawing_that_runs_a_program_is_not_run(tmp_path):
    marker = tmp_path / "was_run"
    (tmp_path / "a.eps").write_text(
        f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n({marker}) (w) file closefile\n"
    )

    assert judge(tmp_path / "a.eps").kind == "unsupported"
    assert not marker.exists()


def test_a_file_that_is_gone_is_not_held_against_its_content(tmp_path):
    verdict = judge(tmp_path / "gone.jpg")

    assert verdict.kind == "corrupt"
    assert not verdict.lasting
