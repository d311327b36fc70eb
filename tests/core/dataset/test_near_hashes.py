import pytest

from core.dataset import Dataset
from core.dataset.near_hashes import hash_photos, load_near_hashes, save_near_hashes
from core.images.look import look
from core.images.looking import Lookers

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def lookers():
    lookers = Lookers(processes=1)
    yield lookers
    lookers.close()


@pytest.fixture
def dataset(photo_set, run):
    dataset = Dataset.open(photo_set({"cat": 4, "dog": 2}))
    (dataset.root / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    run(dataset.reconcile())
    return dataset


def hashing(dataset, lookers):
    return hash_photos(dataset, lookers, phase="collect", message="Looking")


def test_photos_that_are_there_are_hashed_once(dataset, lookers, run):
    assert run(hashing(dataset, lookers)) == 7

    hashes = load_near_hashes(dataset)
    good = [row for row in dataset.rows() if not row.path.endswith("broken.jpg")]
    assert hashes == {row.content: look(dataset.path_of(row)).near for row in good}
    assert run(hashing(dataset, lookers)) == 0


def test_stopping_keeps_the_hashes_that_were_made(dataset, lookers, run):
    task = hashing(dataset, lookers)
    while next(task).done < 3:
        pass
    task.close()

    assert 3 <= 7 - run(hashing(dataset, lookers)) <= 7
    assert len(load_near_hashes(dataset)) == 6


def test_a_removed_photo_s_hash_is_not_among_those_of_the_present(dataset, run):
    cat, other = dataset.rows(class_name="cat")[1:3]
    save_near_hashes(dataset, [(cat.content, b"one"), (other.content, b"two")])

    dataset.remove([cat.id])

    assert load_near_hashes(dataset) == {other.content: b"two"}
