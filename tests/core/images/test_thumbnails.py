import threading

import pytest
from PIL import Image

from core.errors import ImageError
from core.images.identity import content_hash
from core.images.thumbnails import thumbnail


def small(source, folder):
    return thumbnail(source, content_hash(source), folder / "thumbs")


def test_the_longest_side_is_256_and_the_shape_is_kept(tmp_path, save_image):
    source = save_image(tmp_path / "a.png", size=(1000, 500))

    path = small(source, tmp_path)

    with Image.open(path) as image:
        assert (image.format, image.size) == ("WEBP", (256, 128))


def test_it_lies_in_one_of_256_folders_under_its_content(tmp_path, save_image):
    source = save_image(tmp_path / "a.png")
    content = content_hash(source)

    path = thumbnail(source, content, tmp_path / "thumbs")

    assert path == tmp_path / "thumbs" / content[:2] / f"{content}.webp"


def test_a_small_photo_is_not_blown_up(tmp_path, save_image):
    path = small(save_image(tmp_path / "a.png", size=(50, 40)), tmp_path)

    with Image.open(path) as image:
        assert image.size == (50, 40)


@pytest.mark.parametrize("size", [(5000, 300), (300, 5000), (4000, 3), (513, 511)])
def test_a_reduced_jpeg_still_fills_the_side(tmp_path, save_image, size):
    Image.open(save_image(tmp_path / "a.png", size=size)).save(tmp_path / "a.jpg")

    with Image.open(small(tmp_path / "a.jpg", tmp_path)) as image:
        assert max(image.size) == 256
        assert min(image.size) >= 1


def test_a_photo_stored_turned_is_upright_and_says_nothing_more(tmp_path, save_image):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    Image.open(save_image(tmp_path / "a.png", size=(600, 300))).save(tmp_path / "a.jpg", exif=exif)

    with Image.open(small(tmp_path / "a.jpg", tmp_path)) as image:
        assert image.size == (128, 256)
        assert not dict(image.getexif())


def test_transparent_parts_stay_transparent(tmp_path):
    image = Image.new("RGBA", (400, 400), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 200, 400))
    image.save(tmp_path / "stamp.png")

    with Image.open(small(tmp_path / "stamp.png", tmp_path)) as copy:
        assert copy.mode == "RGBA"
        assert copy.getpixel((10, 128))[3] == 0
        assert copy.getpixel((240, 128))[3] == 255


def test_it_is_made_once(tmp_path, save_image):
    source = save_image(tmp_path / "a.png")
    content = content_hash(source)
    first = thumbnail(source, content, tmp_path / "thumbs").stat().st_mtime_ns
    source.unlink()

    assert thumbnail(source, content, tmp_path / "thumbs").stat().st_mtime_ns == first


def test_an_unreadable_file_has_none_and_says_why(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0\0")

    with pytest.raises(ImageError, match="cut short"):
        small(tmp_path / "a.jpg", tmp_path)

    assert not list((tmp_path / "thumbs").rglob("*.*"))


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, save_image):
    source = save_image(tmp_path / "a.png")
    (tmp_path / "thumbs").write_text("a file where the folder should be")

    with pytest.raises(ImageError, match="cannot be written"):
        small(source, tmp_path)


def test_a_file_rewritten_since_has_no_copy_under_its_old_content(tmp_path, save_image):
    source = save_image(tmp_path / "a.png", seed=1)
    content = content_hash(source)
    save_image(source, seed=2)

    with pytest.raises(ImageError, match="has changed") as caught:
        thumbnail(source, content, tmp_path / "thumbs")

    assert not caught.value.lasting
    assert not list((tmp_path / "thumbs").rglob("*.*"))


def test_many_at_once_leave_one_whole_file_and_no_rest(tmp_path, save_image):
    source = save_image(tmp_path / "a.png", size=(600, 400))
    failures = []

    def make():
        try:
            with Image.open(small(source, tmp_path)) as image:
                image.load()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [path.name for path in (tmp_path / "thumbs").rglob("*.*")] == [
        f"{content_hash(source)}.webp"
    ]
