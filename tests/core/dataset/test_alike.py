from core.dataset.alike import (
    compared_contents,
    kept_together,
    load_groups,
    not_compared,
    save_groups,
)


def test_groups_are_kept_by_kind_in_place_of_the_last_ones(make_set):
    dataset = make_set({"cat": 1})
    save_groups(dataset, {"near": [["x", "y"]], "scene": [["z", "x"]]}, compared=["x", "y", "z"])
    save_groups(dataset, {"near": [["b", "a"], ["c", "d"]]}, compared=["a", "b", "c", "d"])

    assert load_groups(dataset, "near") == [["a", "b"], ["c", "d"]]
    assert load_groups(dataset, "scene") == []
    assert compared_contents(dataset) == {"a", "b", "c", "d"}


def test_photos_that_came_since_are_not_compared(make_set):
    dataset = make_set({"cat": 3})
    contents = [row.content for row in dataset.rows()]

    save_groups(dataset, {}, compared=contents[:2])

    assert not_compared(dataset) == 1


def test_groups_of_any_kind_that_share_a_photo_stay_together(make_set):
    dataset = make_set({"cat": 1})
    groups = {"near": [["d", "e"], ["x", "y"]], "scene": [["c", "d"], ["f", "g"], ["a", "y"]]}

    save_groups(dataset, groups, compared=[])

    assert kept_together(dataset) == {
        "c": "c", "d": "c", "e": "c", "f": "f", "g": "f", "a": "a", "x": "a", "y": "a"
    }  # fmt: skip
