import pytest

from core.clean.kept import checked, kinds_of_rejected, rejected, rejected_ids
from core.clean.sweep import check
from core.dataset import Dataset
from tests.trained_sets import finish


@pytest.fixture
def swept(photo_set) -> Dataset:
    """Ten photos, three of them broken in two ways; one more that came after the check."""
    root = photo_set({"cat": 4, "dog": 3})
    (root / "cat" / "b.jpg").write_text("<html>")
    (root / "cat" / "a.jpg").write_text("<html> other")
    (root / "dog" / "c.jpg").touch()
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    return dataset


def test_verdicts_are_counted(swept):
    found = checked(swept)

    assert (found.photos, found.judged, found.rejected) == (10, 10, 3)
    assert found.complete and not found.suspicious


def test_nothing_is_known_before_the_first_check(photo_set):
    dataset = Dataset.open(photo_set({"cat": 2}))
    finish(dataset.reconcile())

    found = checked(dataset)

    assert (found.photos, found.judged, found.rejected, found.complete) == (2, 0, 0, False)
    assert rejected(dataset) == []


def test_what_is_listed_is_what_the_check_found(swept):
    result = finish(check(swept))

    listed = sorted((one.file, one.kind, one.reason) for one in rejected(swept))

    assert listed == [(one.file, one.kind, one.reason) for one in result.rejected]


def test_a_new_photo_is_not_judged_yet(swept, save_image):
    save_image(swept.root / "dog" / "new.png", seed=50)
    finish(swept.refresh())

    found = checked(swept)

    assert (found.photos, found.judged) == (11, 10)
    assert not found.complete


def test_a_verdict_falls_with_the_content_it_was_about(swept, save_image):
    save_image(swept.root / "cat" / "0000.png", size=(90, 90), seed=51)
    finish(swept.reconcile())

    assert checked(swept).judged == 9


def test_removed_files_no_longer_count(swept):
    swept.remove(rejected_ids(swept, ["empty"]))

    assert checked(swept).rejected == 2
    assert list(kinds_of_rejected(swept)) == ["not_an_image"]


def test_rejected_files_are_listed_by_kind_and_path_and_page_by_page(swept):
    kinds = list(kinds_of_rejected(swept))

    files = [one.file for one in rejected(swept, kinds)]

    assert files == ["dog/c.jpg", "cat/a.jpg", "cat/b.jpg"]
    assert [one.file for one in rejected(swept, kinds, skip=1, limit=1)] == ["cat/a.jpg"]
    assert rejected(swept, []) == []
    assert len(rejected_ids(swept, kinds)) == 3


def test_an_empty_data_set_is_neither_complete_nor_suspicious(tmp_path):
    found = checked(Dataset.create(tmp_path / "empty", ["cat"]))

    assert not found.complete and not found.suspicious
