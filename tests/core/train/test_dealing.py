import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.train.dealing import folds_for_run


def deal(rows, kept_folds):
    contents = [content for content, _ in rows]
    labels = np.array([label for _, label in rows])
    return folds_for_run(contents, labels, kept_folds, count=5).tolist()


def kept(contents, folds):
    """Folds of a data set: kept("ab", "03") has content a in fold 0 and b in fold 3."""
    return {content: int(fold) for content, fold in zip(contents, folds, strict=True)}


def test_folds_of_the_data_set_are_kept_where_they_serve():
    fold = deal([("a", 0), ("b", 0), ("c", 1), ("d", 1)], kept("abcd", "0312"))

    assert fold == [0, 3, 1, 2]


def test_a_class_of_one_photo_is_trained_on_and_not_judged():
    assert deal([("a", 0), ("b", 0), ("c", 1)], kept("abc", "012")) == [0, 1, -1]


def test_copies_of_one_photo_are_one_photo():
    fold = deal([("a", 0), ("b", 0), ("c", 1), ("c", 1)], kept("abc", "012"))

    assert fold == [0, 1, -1, -1]


def test_a_class_gathered_in_one_fold_is_dealt_anew():
    fold = deal([("a", 0), ("b", 0), ("c", 1), ("d", 1), ("e", 1)], kept("abcde", "01444"))

    assert fold == [0, 1, 4, 0, 1]


def test_a_photo_in_two_classes_has_one_fold():
    fold = deal([("a", 0), ("b", 0), ("a", 1), ("c", 1)], kept("abc", "210"))

    assert fold == [2, 1, 2, 0]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), min_size=1, max_size=24),
    st.lists(st.integers(0, 4), min_size=8, max_size=8),
)
def test_every_head_sees_every_class_and_no_head_a_photo_it_judges(rows, numbers):
    fold = deal(rows, dict(zip("abcdefgh", numbers, strict=True)))

    of_content = {}
    for (content, _), number in zip(rows, fold, strict=True):
        assert of_content.setdefault(content, number) == number
    for label in {label for _, label in rows}:
        own = [number for (_, one), number in zip(rows, fold, strict=True) if one == label]
        assert all(any(number != held for number in own) for held in range(5))
