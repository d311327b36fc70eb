import numpy as np
import pytest

from core.collect.circles import FEW, MANY, SIDE, draw_circles, place_circles


def test_circles_touch_neither_each_other_nor_the_border():
    for seed in range(20):
        placed = place_circles(5, FEW, np.random.default_rng(seed))

        for at, (x, y, radius) in enumerate(placed):
            assert radius <= min(x, y, SIDE - x, SIDE - y)
            for other_x, other_y, other_radius in placed[:at]:
                apart = np.hypot(x - other_x, y - other_y) - radius - other_radius
                assert apart >= FEW.gap - 1e-6


@pytest.mark.parametrize(("count", "style"), [(1, FEW), (5, FEW), (45, MANY), (50, MANY)])
def test_a_picture_shows_as_many_circles_as_asked_for(count, style):
    for seed in range(5):
        picture = draw_circles(count, style, np.random.default_rng(seed))

        assert blobs(picture) == count


def test_edges_are_smooth():
    picture = draw_circles(1, FEW, np.random.default_rng(0))

    shades = np.unique(np.asarray(picture).reshape(-1, 3), axis=0)
    assert len(shades) > 10


def test_the_same_seed_draws_the_same_picture():
    first, second, other = (
        draw_circles(3, FEW, np.random.default_rng(seed)).tobytes() for seed in (4, 4, 5)
    )

    assert first == second
    assert first != other


def blobs(picture):
    """How many separate patches differ from the paper, counted by flooding each."""
    pixels = np.asarray(picture, dtype=int)
    ink = np.abs(pixels - pixels[0, 0]).max(axis=2) > 20
    found = 0
    while ink.any():
        found += 1
        waiting = [tuple(np.argwhere(ink)[0])]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < SIDE and 0 <= x < SIDE and ink[y, x]:
                ink[y, x] = False
                waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return found
