import pytest

from core.dataset import classes, watching
from core.dataset.watching import counted, watched


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_WORDS", 0.0)


def test_a_step_tells_how_far_it_is(make_set):
    dataset = make_set({"cat": 3, "dog": 2})
    told = []

    with watched(told.append):
        classes.merge_classes(dataset, ["cat"], "dog")

    assert told == sorted(told)
    assert told[0] == 0.0
    assert any(share >= 0.5 for share in told)  # the catalogue's half, too
    assert all(share < 1 for share in told)


def test_nobody_is_told_afterwards(make_set):
    dataset = make_set({"cat": 3, "dog": 2})
    told = []
    with watched(told.append):
        pass

    classes.delete_class(dataset, "cat")

    assert told == []


def test_words_are_few(monkeypatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_WORDS", 3600.0)
    told = []
    with watched(told.append):
        assert list(counted(range(1000), part=0, parts=1)) == list(range(1000))
    assert told == []
