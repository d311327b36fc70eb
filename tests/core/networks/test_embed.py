import numpy as np
import pytest
from PIL import Image

from core.dataset import Dataset
from core.networks.embed import embed
from core.networks.features import FeatureStore


def finished(task):
    """The reports of long work, and its result."""
    reports = []
    while True:
        try:
            reports.append(next(task))
        except StopIteration as end:
            return reports, end.value


@pytest.fixture
def dataset(photo_set):
    opened = Dataset.open(photo_set({"cat": 5, "dog": 4}))
    finished(opened.reconcile())
    return opened


def test_every_photo_gets_features_and_its_mirror_image_too(dataset):
    rows = dataset.rows()
    mirrored = dataset.root / "dog" / "mirrored.png"
    Image.open(dataset.path_of(rows[0])).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored)
    finished(dataset.reconcile())

    reports, result = finished(embed(dataset, "lite0", dataset.rows()))

    store = FeatureStore(dataset.home, "lite0")
    plain, flipped = store.get([rows[0].content, dataset.find("dog/mirrored.png").content])
    assert (result.embedded, result.kept, result.unreadable) == (10, 0, ())
    assert result.engine == "onnxruntime"
    assert reports[-1].phase == "embed"
    assert (reports[-1].done, reports[-1].total) == (10, 10)
    assert "a second" in reports[-1].message
    assert np.allclose(plain, flipped[::-1], atol=0.02)
    assert not np.allclose(plain[0], plain[1], atol=0.02)


def test_only_new_photos_are_embedded_again(dataset, save_image):
    finished(embed(dataset, "lite0", dataset.rows()))
    save_image(dataset.root / "cat" / "new.png", seed=99)
    finished(dataset.reconcile())

    _, second = finished(embed(dataset, "lite0", dataset.rows()))
    reports, third = finished(embed(dataset, "lite0", dataset.rows()))

    assert (second.embedded, second.kept) == (1, 9)
    assert (third.embedded, third.kept, third.engine, reports) == (0, 10, None, [])


def test_a_content_that_stands_twice_is_embedded_once(dataset, save_image):
    save_image(dataset.root / "dog" / "twin.png", seed=0)  # as cat/0000.png
    finished(dataset.reconcile())

    _, result = finished(embed(dataset, "lite0", dataset.rows()))

    assert result.embedded == 9


def test_files_that_cannot_be_read_are_results(dataset):
    (dataset.root / "cat" / "page.jpg").write_bytes(b"<html>not a photo</html>")
    finished(dataset.reconcile())
    rows = dataset.rows()
    gone, rewritten = dataset.find("cat/0001.png"), dataset.find("dog/0002.png")
    dataset.path_of(gone).unlink()
    Image.new("RGB", (50, 50), "red").save(dataset.path_of(rewritten))

    unhashed = rows[0]._replace(id=10_000, content="")  # the catalogue could not read it either

    reports, result = finished(embed(dataset, "lite0", [*rows, unhashed]))

    reasons = dict(result.unreadable)
    assert set(reasons) == {dataset.find("cat/page.jpg").id, gone.id, rewritten.id, 10_000}
    assert "changed" in reasons[rewritten.id]
    assert all(reason.endswith(".") for reason in reasons.values())
    assert result.gone == {gone.id, rewritten.id}
    assert result.embedded == 7
    assert reports[-1].done == reports[-1].total == 10


def test_leaving_early_keeps_what_was_finished(dataset, monkeypatch):
    monkeypatch.setattr("core.networks.embed.SECONDS_BETWEEN_REPORTS", 0.0)
    task = embed(dataset, "lite0", dataset.rows())
    while next(task).done < 2:
        pass
    task.close()

    missing = FeatureStore(dataset.home, "lite0").missing([row.content for row in dataset.rows()])
    _, result = finished(embed(dataset, "lite0", dataset.rows()))

    assert len(missing) <= 7
    assert (result.embedded, result.kept) == (len(missing), 9 - len(missing))


def test_no_photos_are_no_work(dataset):
    assert finished(embed(dataset, "lite0", []))[1].embedded == 0


def test_a_photo_moved_in_winnow_while_others_are_embedded_is_found(dataset):
    rows = dataset.rows()
    task = embed(dataset, "lite0", rows)
    dataset.relabel([row.id for row in rows if row.class_name == "cat"], "dog")

    reports, result = finished(task)

    assert (result.embedded, result.unreadable) == (9, ())
    assert (reports[-1].done, reports[-1].total) == (9, 9)
    assert [report.done for report in reports] == sorted(report.done for report in reports)


def test_a_lost_copy_does_not_lose_the_photo(dataset, save_image):
    save_image(dataset.root / "dog" / "twin.png", seed=0)  # as cat/0000.png
    finished(dataset.reconcile())
    (dataset.root / "cat" / "0000.png").unlink()

    _, result = finished(embed(dataset, "lite0", dataset.rows()))

    assert (result.embedded, result.unreadable) == (9, ())


def test_other_bytes_of_the_same_length_are_not_taken_for_the_photo(dataset):
    row = dataset.find("cat/0001.png")
    path = dataset.path_of(row)
    path.write_bytes(path.read_bytes() + b"rest")
    finished(dataset.reconcile())
    row = dataset.find("cat/0001.png")
    path.write_bytes(path.read_bytes()[:-4] + b"else")

    _, result = finished(embed(dataset, "lite0", dataset.rows()))

    assert [file_id for file_id, _ in result.unreadable] == [row.id]
    assert "changed" in result.unreadable[0][1]
    assert FeatureStore(dataset.home, "lite0").missing([row.content]) == [row.content]


def test_numbers_that_are_not_finite_are_never_kept(dataset, monkeypatch):
    made = np.full((2, 1280), 1e6, np.float32)  # more than float16 holds
    monkeypatch.setattr("core.networks.engine.Engine.features_on_this_thread", lambda *_: made)

    _, result = finished(embed(dataset, "lite0", dataset.rows()))

    assert (result.embedded, len(result.unreadable), result.gone) == (0, 9, frozenset())
