"""Real photos brought in: names as in Imagenette, odd and broken files, true near copies."""

import csv
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from core.clean.sweep import check
from core.collect.imports.arranging import Plan
from core.collect.imports.arrived import arrived_with
from core.collect.imports.bundles import walk
from core.collect.imports.importing import import_job
from core.collect.imports.layouts import recognise
from core.dataset import Dataset
from core.dataset.verdicts import load_verdicts

HERE = "c0ffee"


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset.create(tmp_path / "target")


def finished(task):
    try:
        while True:
            next(task)
    except StopIteration as end:
        return end.value


def bring(dataset, kind: str, path: Path, plan: Plan):
    source = {"kind": kind, "path": str(path)}
    return finished(import_job(str(dataset.root), HERE, source, asdict(plan)))


def test_a_flat_copy_with_names_as_in_imagenette_is_sorted_by_its_names(
    dataset, test_data, tmp_path
):
    flat = tmp_path / "flat.zip"
    expected = {}
    with zipfile.ZipFile(flat, "w") as archive:
        for folder in sorted((test_data / "imagenette").iterdir()):
            photos = sorted(folder.iterdir())[:8] if folder.is_dir() else []
            for number, photo in enumerate(photos):
                archive.write(photo, f"imagenette/n0_{folder.name}_{number * 37}.JPEG")
                expected[f"n0_{folder.name}"] = number + 1
    with zipfile.ZipFile(flat) as archive:
        found = recognise(archive.namelist())
    assert found.layout == "flat"

    plan = Plan(layout="flat", prefix=found.prefix, pattern=found.patterns[0].pattern)
    bring(dataset, "zip", flat, plan)

    assert len(expected) == 10
    assert dataset.counts() == expected
    assert arrived_with(dataset, HERE).doubtful == ()


def test_odd_and_broken_files_are_all_kept_and_judged_as_a_check_judges(dataset, test_data):
    folder = test_data / "bad_files"
    names, _ = walk(folder)
    photos = [name for name in names if not name.endswith(".csv")]

    result = bring(dataset, "folder", folder, Plan(layout="classes"))

    assert result["left_out"] == []
    assert len(dataset.rows()) == len(photos) > 100
    on_arrival = {row: (one.kind, one.reason) for row, one in load_verdicts(dataset).items()}
    assert len(on_arrival) == len(photos)
    with dataset.writing() as connection:
        connection.execute("DELETE FROM verdict")
    finished(check(dataset))
    afterwards = {row: (one.kind, one.reason) for row, one in load_verdicts(dataset).items()}
    assert on_arrival == afterwards
    assert len(arrived_with(dataset, HERE).unreadable) > 20


def test_the_true_near_copies_among_real_photos_are_counted(dataset, test_data, tmp_path):
    with (test_data / "chihuahua_muffin/near_duplicates.csv").open(newline="") as file:
        pairs = [row[:2] for row in csv.reader(file)][1:]
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in {name for pair in pairs for name in pair}:
        photo = next((test_data / "chihuahua_muffin").rglob(Path(name).name))
        shutil.copy(photo, mine / photo.name)

    bring(dataset, "folder", mine, Plan(layout="unsorted"))

    copies = arrived_with(dataset, HERE).copies
    rows = dataset.get(one for copy in copies for one in (copy.id, copy.resembles))
    found = {
        frozenset(Path(rows[one].path).name for one in (copy.id, copy.resembles)) for copy in copies
    }
    true = {frozenset(Path(name).name for name in pair) for pair in pairs}
    assert len(found & true) >= 0.8 * len(true)
    assert len(found - true) <= 2
