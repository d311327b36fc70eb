"""Rows that are alike come together, quickly, and always in the same groups."""

import time

import numpy as np
import pytest

from core.label.clusters import MOST_IN_A_GROUP, clusters


def made(
    count: int, kinds: int, *, noise: float = 0.5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows around a few centres, and which centre each is from."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(kinds, 1280)).astype(np.float32)
    kind = random.integers(0, kinds, count)
    return centres[kind] + noise * random.normal(size=(count, 1280)).astype(np.float32), kind


def grouped(rows: np.ndarray, **options) -> list[np.ndarray]:
    return clusters(lambda places: rows[places], len(rows), **options)


@pytest.mark.parametrize(("count", "kinds"), [(1, 1), (60, 3), (500, 9), (3000, 40)])
def test_every_row_is_in_one_group_with_rows_of_its_kind(count, kinds):
    rows, kind = made(count, kinds)

    groups = grouped(rows)

    assert sorted(np.concatenate(groups).tolist()) == list(range(count))
    right = sum(np.bincount(kind[group]).max() for group in groups)
    assert right >= 0.98 * count
    assert max(map(len, groups)) <= MOST_IN_A_GROUP


def test_the_same_rows_give_the_same_groups():
    rows, _ = made(400, 7)

    first, second = grouped(rows), grouped(rows)

    assert [one.tolist() for one in first] == [one.tolist() for one in second]


def test_nothing_gives_no_group():
    assert grouped(np.zeros((0, 1280), np.float32)) == []


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_rows_that_are_all_the_same_do_no_harm(value):
    groups = grouped(np.full((300, 1280), value, np.float32))

    assert sorted(np.concatenate(groups).tolist()) == list(range(300))


def test_the_most_uniform_groups_come_first_and_single_rows_last():
    tight, _ = made(60, 3, noise=0.05)
    loose, _ = made(60, 3, noise=1.5, seed=1)
    odd = 10 * np.eye(2, 1280, dtype=np.float32)[::-1]

    groups = grouped(np.concatenate([loose, tight, odd]), groups=8)

    sizes = [len(group) for group in groups]
    assert all(size > 1 for size in sizes[: len(sizes) - sizes.count(1)])
    assert 60 <= min(groups[0]) and max(groups[0]) < 120


def test_ten_thousand_rows_take_seconds():
    rows, _ = made(10_000, 200)

    began = time.process_time()
    grouped(rows)

    assert time.process_time() - began < 20  # of all cores; about two where nothing else runs
