import shutil

import pytest

from core.dataset import Dataset, copying
from core.dataset.arrivals import take_in
from core.dataset.copying import copy_dataset
from core.dataset.sources import sources_of
from core.errors import DatasetError


def test_a_copy_has_the_photos_and_folders_and_no_history(make_set, run, tree, tmp_path):
    dataset = make_set({"cat": 2, "cat/winter": 1, "empty": 0, "": 1})
    (dataset.root / "cat/link.jpg").symlink_to(dataset.root / "cat/0.jpg")
    dataset.remove([dataset.find("cat/1.jpg").id])

    run(copy_dataset(dataset.root, tmp_path / "copy"))

    assert tree(tmp_path / "copy") == {
        "0.jpg": "0.jpg",
        "cat/0.jpg": "cat/0.jpg",
        "cat/winter/0.jpg": "cat/winter/0.jpg",
    }
    assert (tmp_path / "copy/empty").is_dir()
    assert not (tmp_path / "copy/.winnow").exists()


def test_a_copy_that_was_stopped_is_continued(make_set, run, tree, tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "REPORT_SECONDS", 0.0)
    dataset = make_set({"cat": 3})
    task = copy_dataset(dataset.root, tmp_path / "copy")
    assert next(task).done == 1
    task.close()
    copied = []
    copy2 = shutil.copy2
    monkeypatch.setattr(
        shutil, "copy2", lambda source, target, **more: copied.append(copy2(source, target, **more))
    )

    run(copy_dataset(dataset.root, tmp_path / "copy"))

    assert len(copied) == 2
    assert tree(tmp_path / "copy") == tree(dataset.root)
    assert not (tmp_path / "copy" / copying.UNFINISHED).exists()


def test_a_copy_goes_neither_inside_its_source_nor_over_something_else(make_set, run, tmp_path):
    root = make_set({"cat": 1}).root
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file.txt").write_text("taken")

    for target, said in (
        (root / "copy", "inside"),
        (root, "inside"),
        (tmp_path, "inside"),
        (tmp_path / "taken", "exists already"),
        (tmp_path / "taken/file.txt", "exists already"),
    ):
        with pytest.raises(DatasetError, match=said):
            run(copy_dataset(root, target))
    with pytest.raises(DatasetError, match="no folder"):
        run(copy_dataset(tmp_path / "nowhere", tmp_path / "copy"))


def test_a_full_disk_is_a_sentence(make_set, run, tmp_path, monkeypatch):
    def full(source, target, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)

    with pytest.raises(DatasetError, match="No space left"):
        run(copy_dataset(make_set({"cat": 1}).root, tmp_path / "copy"))


def test_photos_in_a_copy_keep_where_they_came_from(make_set, stage, run, tmp_path):
    dataset = make_set({"cat": 2})
    about = {"author": "Zoë", "licence": "CC BY 4.0"}
    taken = take_in(dataset, stage(dataset, "dog", 2, **about), collection="c0ffee")
    dataset.relabel(taken.ids[:1], "cat")
    dataset.remove(taken.ids[1:])

    run(copy_dataset(dataset.root, tmp_path / "copy"))

    copy = Dataset.open(tmp_path / "copy")
    (source,) = sources_of(copy, [row.id for row in copy.rows()]).values()
    assert source == sources_of(dataset, taken.ids)[taken.ids[0]]
    assert copy.history() == [] and copy.removed_count() == 0
    assert run(copy.reconcile()).added == 0


def test_copying_a_folder_never_opened_writes_nothing_into_it(run, tmp_path):
    folder = tmp_path / "only read"
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / "0.jpg").write_text("a photo")

    run(copy_dataset(folder, tmp_path / "copy"))

    assert [path.name for path in folder.iterdir()] == ["cat"]
