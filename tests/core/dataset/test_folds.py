from collections import Counter

import pytest

from core.dataset import Dataset
from core.dataset.alike import save_groups
from core.dataset.folds import folds


def contents(count, *, start=0):
    return [f"{(number * 2654435761) % 2**128:032x}" for number in range(start, start + count)]


def test_each_class_is_spread_evenly_and_so_is_the_whole(make_set):
    dataset = make_set({"cat": 1})
    some = contents(23)
    classes = ["cat"] * 13 + ["dog"] * 10

    dealt = folds(dataset, some, classes)

    for name, counts in (("cat", [3, 3, 3, 2, 2]), ("dog", [2, 2, 2, 2, 2])):
        inside = Counter(dealt[c] for c, k in zip(some, classes, strict=True) if k == name)
        assert sorted(inside.values(), reverse=True) == counts
    assert max(Counter(dealt.values()).values()) == 5


def test_a_fold_is_kept_when_photos_are_added_relabelled_and_opened_again(make_set):
    dataset = make_set({"cat": 1})
    some = contents(20)
    before = folds(dataset, some, ["cat"] * 20)

    more = some + contents(10, start=20)
    after = folds(Dataset.open(dataset.root), more, ["dog"] * 5 + ["cat"] * 25)

    assert {content: after[content] for content in some} == before
    assert sorted(Counter(after.values()).values()) == [6, 6, 6, 6, 6]


def test_the_same_photos_in_any_order_get_the_same_folds(make_set):
    some = contents(17)
    first = folds(make_set({"cat": 1}, name="a"), some, ["cat"] * 17)

    second = folds(make_set({"cat": 1}, name="b"), some[::-1], ["cat"] * 17)

    assert second == first


def test_a_class_smaller_than_the_folds_has_each_photo_in_one_of_its_own(make_set):
    some = contents(3)

    dealt = folds(make_set({"cat": 1}), some, ["cat"] * 3)

    assert len(set(dealt.values())) == 3


def test_one_content_twice_gets_one_fold(make_set):
    (content,) = contents(1)

    assert folds(make_set({"cat": 1}), [content, content], ["dog", "cat"]) == {content: 0}


def test_another_number_of_folds_is_dealt_apart(make_set):
    dataset = make_set({"cat": 1})
    some = contents(12)
    five = folds(dataset, some, ["cat"] * 12)

    three = folds(dataset, some, ["cat"] * 12, count=3)

    assert sorted(Counter(three.values()).values()) == [4, 4, 4]
    assert folds(dataset, some, ["cat"] * 12) == five


def test_lists_of_unequal_length_are_a_mistake(make_set):
    with pytest.raises(ValueError, match="shorter"):
        folds(make_set({"cat": 1}), contents(2), ["cat"])


def test_copies_and_shots_of_one_scene_share_a_fold(make_set):
    dataset = make_set({"cat": 1})
    some = contents(40)
    groups = {"near": [some[0:3], some[3:5]], "scene": [[*some[3:5], *some[5:9]]]}
    save_groups(dataset, groups, compared=some)

    dealt = folds(dataset, some, ["cat"] * 25 + ["dog"] * 15)

    assert len({dealt[content] for content in some[0:3]}) == 1
    assert len({dealt[content] for content in some[3:9]}) == 1
    sizes = Counter(dealt.values()).values()
    assert len(sizes) == 5 and max(sizes) - min(sizes) <= 2


def test_copies_found_later_come_to_the_fold_of_most_and_nothing_else_moves(make_set):
    dataset = make_set({"cat": 1})
    some = contents(30)
    before = folds(dataset, some, ["cat"] * 30)
    in_one = [content for content in some if before[content] == 2][:2]
    elsewhere = next(content for content in some if before[content] == 4)
    new = contents(1, start=100)

    save_groups(dataset, {"near": [[*in_one, elsewhere, *new]]}, compared=some)
    after = folds(dataset, some + new, ["cat"] * 31)

    assert {content for content in some if after[content] != before[content]} == {elsewhere}
    assert after[elsewhere] == after[new[0]] == 2
    assert folds(Dataset.open(dataset.root), some, ["cat"] * 30) == {
        content: after[content] for content in some
    }


def test_a_copy_that_is_not_among_the_photos_moves_nobody(make_set):
    dataset = make_set({"cat": 1})
    some = contents(12)
    before = folds(dataset, some, ["cat"] * 12)
    save_groups(dataset, {"near": [some[:2]]}, compared=some)

    after = folds(dataset, some[1:], ["cat"] * 11)

    assert all(after[content] == before[content] for content in some[1:])


def test_a_scene_that_is_most_of_a_class_is_spread_but_its_copies_are_not(make_set):
    dataset = make_set({"cat": 1})
    some = contents(20)
    save_groups(dataset, {"near": [some[0:2]], "scene": [some[0:8]]}, compared=some)

    dealt = folds(dataset, some, ["cat"] * 10 + ["dog"] * 10)

    assert dealt[some[0]] == dealt[some[1]]
    assert len({dealt[content] for content in some[:10]}) == 5
