import numpy as np

from core.images.groups import Pairs
from core.images.growing import grown


def finish(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def suggested(first, second, alike=None):
    alike = np.linspace(0.9, 0.7, len(first)) if alike is None else alike
    return Pairs(np.array(first), np.array(second), np.array(alike, dtype=np.float32))


def grow(count, pairs, same, *, sure=None):
    sure = np.zeros(len(pairs), dtype=bool) if sure is None else np.array(sure)
    asked = []

    def ask(some):
        asked.extend(some)
        return [same(one, other) for one, other in some]

    return finish(grown(count, pairs, sure, ask)).all(), asked


def test_a_photo_and_its_copies_are_one_group_without_asking_about_every_pair():
    first, second = zip(*[(a, b) for a in range(6) for b in range(a + 1, 6)], strict=True)

    found, asked = grow(8, suggested(first, second), lambda *_: True)

    assert found == [[0, 1, 2, 3, 4, 5]]
    assert len(asked) == len(set(asked)) < len(first)


def test_a_chain_of_small_steps_is_not_one_group():
    """Frames of a film: each is like the next two, the last is nothing like the first."""
    first, second = zip(*[(a, a + step) for step in (1, 2) for a in range(38)], strict=True)

    found, _ = grow(40, suggested(first, second), lambda one, other: abs(one - other) <= 2)

    assert max(map(len, found)) <= 5
    for group in found:
        middle = [one for one in group if all(abs(one - other) <= 2 for other in group)]
        assert middle


def test_a_copy_that_only_some_of_a_group_are_like_still_joins_if_most_are():
    unlike = {(0, 4)}
    pairs = suggested([0, 0, 0, 1, 2, 0], [1, 2, 3, 4, 4, 4])

    found, _ = grow(5, pairs, lambda *pair: pair not in unlike)

    assert found == [[0, 1, 2, 3, 4]]


def test_sure_pairs_are_not_asked_about():
    found, asked = grow(3, suggested([0, 1], [1, 2]), lambda *_: False, sure=[True, False])

    assert found == [[0, 1]]
    assert (0, 1) not in asked


def test_a_photo_unlike_its_best_suggestions_is_left_alone():
    pairs = suggested([0] * 30, list(range(1, 31)))

    found, asked = grow(31, pairs, lambda *_: False)

    assert found == []
    assert len(asked) == 30  # each of the others has tries left

    _, asked = grow(31, suggested([0, 1, 2] * 30, [3, 3, 3] * 30), lambda *_: False)
    assert len(asked) == 3
