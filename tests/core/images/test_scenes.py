import numpy as np

from core.images.groups import alike_pairs, prepared
from core.images.scenes import SUGGESTED, scenes


def finish(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def around(middle, count, alike, random):
    """Photos whose cosine to each other is about so much, below the one of copies."""
    apart = random.normal(size=(count, len(middle)))
    return np.sqrt(alike) * middle + np.sqrt(1 - alike) * apart


def made(*sizes, alone=200, alike=0.62, seed=0):
    """Photos in so many clusters, then photos that stand alone."""
    random = np.random.default_rng(seed)
    parts = [around(random.normal(size=400), size, alike, random) for size in sizes]
    return prepared(np.concatenate([*parts, random.normal(size=(alone, 400))]).astype(np.float16))


def found(ready, copies=()):
    pairs = finish(alike_pairs(ready, least=SUGGESTED, most_each=12))
    return scenes(ready, pairs, copies)


def test_shots_of_one_scene_stand_together():
    assert found(made(7, 4)) == [[0, 1, 2, 3, 4, 5, 6], [7, 8, 9, 10]]


def test_two_photos_must_be_more_alike_than_seven():
    assert found(made(2, alike=0.6)) == []
    assert found(made(2, alike=0.8)) == [[0, 1]]


def test_a_kind_of_photo_that_many_share_is_no_scene():
    assert found(made(150)) == []


def test_photos_that_have_neighbours_as_near_elsewhere_are_no_scene():
    random = np.random.default_rng(1)
    kind = random.normal(size=400)
    toys = around(kind, 60, 0.66, random)
    ready = prepared(np.concatenate([toys, random.normal(size=(200, 400))]).astype(np.float16))

    assert all(len(scene) > 20 for scene in found(ready))


def test_copies_stand_in_a_scene_as_a_whole_and_are_none_by_themselves():
    ready = made(5, alike=0.75)

    assert found(ready, copies=[[0, 1, 2], [3, 204]]) == [[0, 1, 2, 3, 4, 204]]
    assert found(ready, copies=[[0, 1, 2, 3, 4]]) == []
