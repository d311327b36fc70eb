import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from core.dataset import Dataset
from core.dataset.alike import compared_contents, load_groups, not_compared
from core.networks import closer_look
from core.networks.alike import bring_up_to_date, find_alike
from core.networks.features import FeatureStore
from tests.core.images.test_aligning import scene
from tests.trained_sets import finish


def keep_features(dataset, looks_like):
    """Features for all photos: those of one name in ``looks_like`` are alike, all others apart."""
    store = FeatureStore(dataset.home, "lite0")
    rows = [row for row in dataset.rows() if store.missing([row.content])]
    made = np.empty((len(rows), 2, store.dimensions), dtype=np.float16)
    for at, row in enumerate(rows):
        name, shift = looks_like(row.path)
        middle = np.random.default_rng(name).normal(size=store.dimensions)
        apart = np.random.default_rng(1000 + at).normal(size=store.dimensions)
        made[at] = middle + shift * apart
    store.add([row.content for row in rows], made)


def seed_and_distance(path):
    """Photos are named like "3_flip.png": the seed, and what was done."""
    return int(path.split("/")[-1].split("_")[0]), 0.4


@pytest.fixture
def photos(tmp_path):
    """Twenty photos of which some have copies, in two classes."""
    root = tmp_path / "photos"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
    for seed in range(20):
        scene(seed).save(root / ("cat", "dog")[seed % 2] / f"{seed}_.png")
    ImageOps.mirror(scene(3)).save(root / "cat" / "3_flip.png")
    scene(3).crop((30, 30, 280, 210)).save(root / "dog" / "3_crop.png")
    scene(5).save(root / "dog" / "5_same.bmp")
    ImageEnhance.Brightness(scene(5)).enhance(0.7).save(root / "dog" / "5_dark.jpg")
    shutil.copy(root / "cat" / "8_.png", root / "dog" / "8_copy.png")
    (root / "dog" / "99_broken.jpg").write_bytes(b"no picture")
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return dataset


def names(dataset, groups):
    files = {}
    for row in dataset.rows():
        files.setdefault(row.content, []).append(row.path)
    return sorted(sorted(file for content in group for file in files[content]) for group in groups)


def test_copies_are_grouped_however_they_were_changed(photos):
    keep_features(photos, seed_and_distance)

    found = finish(find_alike(photos))

    assert names(photos, found.near) == [
        ["cat/3_flip.png", "dog/3_.png", "dog/3_crop.png"],
        ["dog/5_.png", "dog/5_dark.jpg", "dog/5_same.bmp"],
    ]
    assert names(photos, found.exact) == [["dog/5_.png", "dog/5_same.bmp"]]


def test_groups_are_kept_with_what_was_compared(photos):
    keep_features(photos, seed_and_distance)
    number = len({row.content for row in photos.rows()})

    assert (len(compared_contents(photos)), not_compared(photos)) == (0, number)

    found = finish(find_alike(photos))

    assert sorted(load_groups(photos, "near")) == sorted(sorted(one) for one in found.near)
    assert len(compared_contents(photos)) == found.compared == number
    assert not_compared(photos) == 0


def test_photos_whose_features_are_alike_are_no_copies_if_the_pictures_are_not(photos):
    keep_features(photos, lambda path: (0, 0.4))

    found = finish(find_alike(photos))

    for group in names(photos, found.near):
        assert len({file.split("/")[1].split("_")[0] for file in group}) == 1


def test_a_search_that_was_stopped_goes_on_with_what_it_had(photos):
    keep_features(photos, seed_and_distance)
    for stop_after in range(1, 4):
        task = find_alike(photos)
        for _ in range(stop_after):
            next(task)
        task.close()

        assert compared_contents(photos) == set()

    assert len(finish(find_alike(photos)).near) == 2


def test_the_second_time_only_new_photos_are_hashed(photos, monkeypatch):
    keep_features(photos, seed_and_distance)
    finish(find_alike(photos))
    scene(40).save(photos.root / "cat" / "40_.png")
    finish(photos.reconcile())
    keep_features(photos, seed_and_distance)
    hashed = []
    real = closer_look._seen
    monkeypatch.setattr(
        "core.networks.closer_look._seen",
        lambda path, content: hashed.append(path.name) or real(path, content),
    )

    finish(find_alike(photos))

    assert set(hashed) == {"40_.png"}


def test_equal_pictures_without_detail_are_found_by_their_pixels(photos):
    Image.new("RGB", (80, 80), "white").save(photos.root / "cat" / "90_.png")
    Image.new("RGB", (80, 80), "white").save(photos.root / "cat" / "90_same.bmp")
    Image.new("RGB", (80, 80), "black").save(photos.root / "cat" / "90_other.png")
    finish(photos.reconcile())
    keep_features(photos, lambda path: (seed_and_distance(path)[0], 0.05))

    found = finish(find_alike(photos))

    assert ["cat/90_.png", "cat/90_same.bmp"] in names(photos, found.near)
    assert ["cat/90_.png", "cat/90_same.bmp"] in names(photos, found.exact)


def test_an_empty_set_has_no_groups(tmp_path):
    dataset = Dataset.create(tmp_path / "empty", ["cat"])

    assert finish(find_alike(dataset)).near == ()


def test_new_photos_join_the_groups_there_are_without_comparing_all_again(photos, monkeypatch):
    keep_features(photos, seed_and_distance)
    finish(find_alike(photos))
    Image.open(photos.root / "dog" / "5_.png").rotate(10).save(photos.root / "cat" / "5_turned.png")
    scene(7).resize((150, 110)).save(photos.root / "cat" / "7_half.png")
    finish(photos.reconcile())
    keep_features(photos, seed_and_distance)
    asked = []
    real = closer_look.agreement
    monkeypatch.setattr(closer_look, "agreement", lambda pairs: asked.extend(pairs) or real(pairs))

    assert finish(bring_up_to_date(photos, photos.rows(), backbone="lite0"))

    assert names(photos, load_groups(photos, "near")) == [
        ["cat/3_flip.png", "dog/3_.png", "dog/3_crop.png"],
        ["cat/5_turned.png", "dog/5_.png", "dog/5_dark.jpg", "dog/5_same.bmp"],
        ["cat/7_half.png", "dog/7_.png"],
    ]
    assert names(photos, load_groups(photos, "exact")) == [["dog/5_.png", "dog/5_same.bmp"]]
    assert len(asked) < 8
    assert not finish(bring_up_to_date(photos, photos.rows(), backbone="lite0"))


def test_a_photo_that_was_away_while_groups_were_made_is_compared_when_it_is_back(photos):
    keep_features(photos, seed_and_distance)
    flip = next(row.id for row in photos.rows() if row.path == "cat/3_flip.png")
    photos.remove([flip])
    finish(find_alike(photos))
    photos.restore([flip])

    assert finish(bring_up_to_date(photos, photos.rows(), backbone="lite0"))

    assert ["cat/3_flip.png", "dog/3_.png", "dog/3_crop.png"] in names(
        photos, load_groups(photos, "near")
    )
