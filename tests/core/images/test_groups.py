import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from core.images import groups
from core.images.groups import Pairs, alike_pairs, hash_pairs, merged, prepared, surely_same
from core.images.similar import near_hash
from tests.conftest import make_photo
from tests.core.images.test_aligning import scene


def finish(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def features(count, *, copies=(), size=320, closeness=0.9, seed=0):
    """Features that have nothing to do with each other, but for pairs of copies."""
    random = np.random.default_rng(seed)
    made = random.normal(size=(count, size))
    for one, other in copies:
        apart = random.normal(size=size)
        made[other] = closeness * made[one] + np.sqrt(1 - closeness**2) * apart
    return (made + 3).astype(np.float16)


def suggested(first, second, alike=None):
    alike = np.linspace(0.9, 0.7, len(first)) if alike is None else alike
    return Pairs(np.array(first), np.array(second), np.array(alike, dtype=np.float32))


def test_copies_among_many_photos_are_suggested_and_hardly_anything_else():
    copies = [(number, 2000 + number) for number in range(40)]
    ready = prepared(features(3000, copies=copies, closeness=0.8))

    pairs = finish(alike_pairs(ready))

    assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == set(copies)
    assert (np.diff(pairs.alike) <= 0).all() and pairs.alike.min() >= groups.LEAST_ALIKE


def test_pairs_are_found_across_blocks(monkeypatch):
    monkeypatch.setattr(groups, "ROWS_AT_ONCE", 70)
    monkeypatch.setattr(groups, "COLUMNS_AT_ONCE", 100)
    copies = [(0, 489), (69, 70), (99, 100), (200, 201), (333, 480)]
    ready = prepared(features(490, copies=copies, closeness=0.95))

    pairs = finish(alike_pairs(ready))

    assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == set(copies)


def test_thousands_of_copies_of_one_photo_suggest_few_pairs_each():
    ready = prepared(np.ones((3000, 64)) + features(3000, size=64) / 500)

    pairs = finish(alike_pairs(ready, least=-1.0, most_each=4))

    _, numbers = np.unique(pairs.first, return_counts=True)
    assert 0 < len(pairs) <= 8 * 3000
    assert numbers.max() <= 3000


def test_hashes_suggest_pairs_that_features_do_not():
    photos = [make_photo(size=(120, 90), seed=seed) for seed in range(20)]
    hashes = [near_hash(photo) for photo in photos]
    hashes[13] = near_hash(photos[4].resize((60, 45)))
    hashes[5] = None  # cannot be read

    pairs = finish(hash_pairs(hashes, prepared(features(20))))

    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(4, 13)]


def test_no_photos_suggest_nothing():
    ready = prepared(np.zeros((0, 16), dtype=np.float16))

    assert len(finish(alike_pairs(ready))) == len(finish(hash_pairs([], ready))) == 0


def test_a_pair_that_two_ways_suggest_stands_once_at_its_place():
    both = merged(
        suggested([0, 1], [2, 3], [0.9, 0.7]), suggested([1, 4], [3, 5], [0.7, 0.8]), count=6
    )

    assert both.first.tolist() == [0, 4, 1]
    assert both.alike == pytest.approx([0.9, 0.8, 0.7])


def test_a_copy_mirrored_resaved_or_darker_is_sure_and_another_photo_is_not(monkeypatch):
    # Noise is harder to mirror than photos, most of which are within the usual limit.
    monkeypatch.setattr(groups, "SURE_BITS", 24)
    photo = scene(1)
    changed = [
        photo,
        ImageOps.mirror(photo),
        photo.resize((150, 100), Image.Resampling.LANCZOS),
        ImageEnhance.Brightness(photo).enhance(0.97),
        scene(2),
        ImageOps.flip(photo),
    ]
    hashes = [near_hash(one) for one in changed] + [None]

    sure = surely_same(hashes, suggested([0] * 6, [1, 2, 3, 4, 5, 6], [0.9] * 6))

    assert sure.tolist() == [True, True, True, False, False, False]


def test_hashes_alone_make_nothing_sure_where_features_speak_against_it():
    hashes = [near_hash(make_photo(seed=1))] * 2

    assert not surely_same(hashes, suggested([0], [1], [0.3])).any()
