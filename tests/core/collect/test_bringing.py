import errno

import pytest

from core.collect.bringing import Coming, bring
from core.dataset import Dataset
from core.dataset.sources import Source
from core.errors import DatasetError
from tests.trained_sets import finish


@pytest.fixture
def dataset(tmp_path):
    return Dataset.create(tmp_path / "photos")


def coming(number, *, class_name="cat", write=None):
    return Coming(
        name=f"{number}.jpg",
        class_name=class_name,
        source=Source(via="set", query="A set", title=f"{number}", at=1.0),
        write=write or (lambda path: path.write_bytes(b"photo %d" % number)),
    )


def full_disk(path):
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_and_leaves_nothing_half_written(dataset, monkeypatch):
    monkeypatch.setattr("core.collect.bringing.MOST_AT_ONCE", 2)
    files = [coming(1), coming(2), coming(3, write=full_disk)]

    with pytest.raises(DatasetError, match="is full. What has arrived is kept"):
        finish(bring(dataset, files, collection="c1", message=""))

    assert dataset.counts() == {"cat": 2}
    assert not list((dataset.root / ".winnow").glob("arriving/*"))
    files[2] = coming(3)
    assert finish(bring(dataset, files, collection="c1", message="")).photos == 1
    assert len(dataset.history()) == 1


def test_after_another_step_a_collection_goes_on_in_a_step_of_its_own(dataset):
    finish(bring(dataset, [coming(1)], collection="c1", message=""))
    dataset.remove([dataset.rows()[0].id])

    finish(bring(dataset, [coming(2)], collection="c1", message=""))

    assert [step.kind for step in dataset.history()] == ["collect", "remove", "collect"]


def test_the_same_name_in_one_class_replaces_nothing(dataset):
    finish(bring(dataset, [coming(1)], collection="c1", message=""))
    other = coming(2, write=lambda path: path.write_bytes(b"other"))
    renamed = Coming(name="1.jpg", class_name="cat", source=other.source, write=other.write)

    finish(bring(dataset, [renamed], collection="c2", message=""))

    held = sorted(dataset.path_of(row).read_bytes() for row in dataset.rows())
    assert held == [b"other", b"photo 1"]


def test_a_class_that_is_there_in_other_capitals_gets_the_photos(tmp_path):
    dataset = Dataset.create(tmp_path / "pets", ["Cat"])

    finish(bring(dataset, [coming(1)], collection="c1", message=""))

    assert dataset.counts() == {"Cat": 1}


def test_a_class_name_no_folder_can_have_is_refused_with_a_sentence(dataset):
    with pytest.raises(DatasetError, match="A class cannot be called"):
        finish(bring(dataset, [coming(1, class_name="a/b")], collection="c1", message=""))

    assert dataset.rows() == []
