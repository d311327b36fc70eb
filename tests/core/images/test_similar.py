import csv
import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from core.images.similar import HASH_BYTES, MOST_BITS, NearIndex, are_near, near_hash
from tests.conftest import make_photo


def saved_again(image, *, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def cropped(image, share):
    width, height = image.size
    dx, dy = round(width * share / 2), round(height * share / 2)
    return image.crop((dx, dy, width - dx, height - dy))


COPIES = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "larger": lambda image: image.resize((image.width * 2, image.height * 2)),
    "squeezed to a square": lambda image: image.resize((224, 224)),
    "saved badly": lambda image: saved_again(image, quality=30),
    "smaller and saved badly": lambda image: saved_again(image.resize((130, 130)), quality=50),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "cropped by 2 %": lambda image: cropped(image, 0.02),
}


def test_a_hash_is_of_the_picture_whatever_file_it_is_in(tmp_path):
    image = make_photo(size=(300, 200), seed=1)
    image.save(tmp_path / "a.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.png", exif=turned)

    assert len(near_hash(image)) == HASH_BYTES
    assert near_hash(tmp_path / "a.png") == near_hash(image)
    assert near_hash(tmp_path / "b.png") == near_hash(image)


def test_the_nearest_of_several_copies_is_named_with_its_distance():
    image = make_photo(size=(300, 200), seed=1)
    index = NearIndex([("other", near_hash(make_photo(size=(300, 200), seed=2)))])
    index.add("bad copy", near_hash(saved_again(image.resize((90, 60)), quality=20)))
    index.add("copy", near_hash(image))

    assert index.nearest(near_hash(image)) == ("copy", 0)
    assert "copy" in index and len(index) == 3


def test_nothing_is_near_in_an_empty_index():
    assert NearIndex().nearest(near_hash(make_photo())) is None


def test_outlines_alike_in_other_colours_are_no_copies():
    def disc(colour):
        at = np.hypot(*np.mgrid[-1:1:128j, -1:1:128j]) < 0.6
        return Image.fromarray(np.where(at[..., None], colour, (250, 250, 250)).astype(np.uint8))

    red, blue = near_hash(disc((200, 40, 40))), near_hash(disc((40, 60, 210)))

    assert not are_near(red, blue)
    assert NearIndex([("red", red)]).nearest(blue) is None


def test_the_index_grows_past_its_first_room():
    value = near_hash(make_photo(seed=1))
    dice = np.random.default_rng(0)
    index = NearIndex((str(n), dice.bytes(HASH_BYTES)) for n in range(3000))
    index.add("it", value)

    assert index.nearest(value) == ("it", 0)


def test_something_else_than_a_hash_is_refused():
    with pytest.raises(ValueError, match="224"):
        NearIndex().nearest(b"short")


def test_the_known_pairs_among_real_photos_are_found_and_no_others(test_data):
    """Muffins alone on white look alike to a hash: the two nearest differ in 66 bits."""
    folder = test_data / "chihuahua_muffin"
    with open(folder / "near_duplicates.csv", encoding="utf-8") as file:
        known = {frozenset((row["file_a"], row["file_b"])) for row in csv.DictReader(file)}
    files = sorted(folder.rglob("*.jpg"))
    hashes = {file.relative_to(folder).as_posix(): near_hash(file) for file in files}

    found = set()
    index = NearIndex()
    for name, value in hashes.items():
        if nearest := index.nearest(value):
            found.add(frozenset((name, nearest[0])))
        index.add(name, value)

    assert found == known


def test_different_photos_of_five_sets_are_not_taken_for_copies(test_data):
    """What is found was looked at: three files stand there twice, a photo in two qualities, and a
    placeholder with the word "Adopted" in both classes."""
    copies = {
        frozenset(pair)
        for pair in (
            ("black_169.jpg", "grizzly_122.jpg"),
            ("grizzly_092.jpg", "grizzly_185.jpg"),
            ("teddy_072.jpg", "teddy_151.jpg"),
            ("cat_08456.jpg", "dog_08736.jpg"),
            ("cat_04852.jpg", "cat_06442.jpg"),
        )
    }
    found = set()
    for name in ("bears", "cats_kittens", "cats_dogs", "imagenette", "stamps"):
        index = NearIndex()
        for file in sorted((test_data / name).rglob("*.*")):
            if file.suffix not in (".jpg", ".png"):
                continue
            value = near_hash(file)
            if nearest := index.nearest(value):
                found.add(frozenset((file.name, nearest[0])))
            index.add(file.name, value)

    assert found == copies


@pytest.mark.parametrize("change", COPIES)
def test_a_changed_copy_of_a_real_photo_is_near_it(test_data, change):
    files = sorted((test_data / "chihuahua_muffin").rglob("*.jpg"))[::10]
    missed = []
    for file in files:
        image = Image.open(file).convert("RGB")
        if not are_near(near_hash(file), near_hash(COPIES[change](image))):
            missed.append(file.name)

    assert MOST_BITS == 44
    assert missed == []
