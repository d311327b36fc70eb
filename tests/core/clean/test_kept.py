from core.clean.kept import checked, rejected
from core.clean.sweep import check
from core.dataset import Dataset


def finished(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def opened(root):
    dataset = Dataset.open(root)
    finished(dataset.reconcile())
    return dataset


def test_nothing_is_known_before_the_first_check(photo_set):
    now = checked(opened(photo_set({"cat": 2})))

    assert (now.photos, now.judged, now.rejected, now.complete) == (2, 0, 0, False)


def test_what_a_check_found_is_known_without_another(photo_set):
    root = photo_set({"cat": 2})
    (root / "cat" / "page.jpg").write_text("<html>")
    (root / "cat" / "empty.jpg").write_bytes(b"")
    dataset = opened(root)
    result = finished(check(dataset))

    now = checked(dataset)

    assert (now.photos, now.judged, now.rejected, now.complete) == (4, 4, 2, True)
    assert sorted(rejected(dataset), key=lambda one: one.file) == list(result.rejected)


def test_a_file_that_changed_is_not_known_any_more(photo_set):
    root = photo_set({"cat": 2})
    finished(check(opened(root)))
    (root / "cat" / "0000.png").write_bytes(b"other")

    now = checked(opened(root))

    assert (now.photos, now.judged) == (2, 1)


def test_removed_photos_do_not_count(photo_set):
    root = photo_set({"cat": 2})
    (root / "cat" / "empty.jpg").write_bytes(b"")
    dataset = opened(root)
    result = finished(check(dataset))

    dataset.remove([row.file_id for row in result.rejected])

    now = checked(dataset)
    assert (now.photos, now.judged, now.rejected) == (2, 2, 0)
    assert rejected(dataset) == []
