import threading

import pytest
from PIL import Image

from core.errors import ImageError
from core.images.identity import content_hash
from core.images.thumbnails import large_view, thumbnail

CONTENT = "ab" * 16


def test_the_longest_side_is_256_and_the_shape_is_kept(tmp_path, save_image):
    source = save_image(tmp_path / "a.png", size=(1000, 500))

    path = thumbnail(source, content_hash(source), tmp_path / "thumbs")

    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (256, 128))


def test_it_lies_in_one_of_256_folders_under_its_content(tmp_path, save_image):
    path = thumbnail(save_image(tmp_path / "a.png"), CONTENT, tmp_path / "thumbs")

    assert path == tmp_path / "thumbs" / "ab" / f"{CONTENT}.webp"


def test_a_small_photo_is_not_blown_up(tmp_path, save_image):
    path = thumbnail(save_image(tmp_path / "a.png", size=(50, 40)), CONTENT, tmp_path / "thumbs")

    with Image.open(path) as image:
        assert image.size == (50, 40)


@pytest.mark.parametrize("size", [(5000, 300), (300, 5000), (4000, 3), (513, 511)])
def test_a_reduced_jpeg_still_fills_the_side(tmp_path, save_image, size):
    Image.open(save_image(tmp_path / "a.png", size=size)).save(tmp_path / "a.jpg")

    with Image.open(thumbnail(tmp_path / "a.jpg", CONTENT, tmp_path / "thumbs")) as image:
        assert max(image.size) == 256
        assert min(image.size) >= 1


def test_a_photo_stored_turned_is_upright_and_says_nothing_more(tmp_path, save_image):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    Image.open(save_image(tmp_path / "a.png", size=(600, 300))).save(tmp_path / "a.jpg", exif=exif)

    with Image.open(thumbnail(tmp_path / "a.jpg", CONTENT, tmp_path / "thumbs")) as image:
        assert image.size == (128, 256)
        assert not dict(image.getexif())


def test_transparent_parts_stay_transparent(tmp_path):
    image = Image.new("RGBA", (400, 400), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 200, 400))
    image.save(tmp_path / "stamp.png")

    with Image.open(thumbnail(tmp_path / "stamp.png", CONTENT, tmp_path / "thumbs")) as small:
        assert small.mode == "RGBA"
        assert small.getpixel((10, 128))[3] == 0
        assert small.getpixel((240, 128))[3] == 255


def test_it_is_made_once(tmp_path, save_image):
    source = save_image(tmp_path / "a.png")
    first = thumbnail(source, CONTENT, tmp_path / "thumbs").stat().st_mtime_ns
    source.unlink()

    assert thumbnail(source, CONTENT, tmp_path / "thumbs").stat().st_mtime_ns == first


def test_the_large_view_lies_apart(tmp_path, save_image):
    source = save_image(tmp_path / "a.png", size=(2000, 1000))

    path = large_view(source, CONTENT, tmp_path / "thumbs")

    assert path == tmp_path / "thumbs" / "large" / "ab" / f"{CONTENT}.webp"
    with Image.open(path) as image:
        assert image.size == (1600, 800)


def test_an_unreadable_file_has_none_and_says_why(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0\0")

    with pytest.raises(ImageError, match="cut short"):
        thumbnail(tmp_path / "a.jpg", CONTENT, tmp_path / "thumbs")

    assert not list((tmp_path / "thumbs").rglob("*.*"))


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, save_image):
    source = save_image(tmp_path / "a.png")
    (tmp_path / "thumbs").write_text("a file where the folder should be")

    with pytest.raises(ImageError, match="cannot be written"):
        thumbnail(source, CONTENT, tmp_path / "thumbs")


def test_many_at_once_leave_one_whole_file_and_no_rest(tmp_path, save_image):
    source = save_image(tmp_path / "a.png", size=(600, 400))
    failures = []

    def make():
        try:
            with Image.open(thumbnail(source, CONTENT, tmp_path / "thumbs")) as image:
                image.load()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [path.name for path in (tmp_path / "thumbs").rglob("*.*")] == [f"{CONTENT}.webp"]
