import json

import pytest

from core.__main__ import main
from core.dataset import Dataset
from tests.core.images.test_aligning import scene
from tests.core.networks.test_alike import keep_features, seed_and_distance
from tests.trained_sets import finish


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "photos"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
    for seed in range(12):
        scene(seed).save(root / ("cat", "dog")[seed % 2] / f"{seed}_.png")
    (root / "cat" / "3_too.png").write_bytes((root / "dog" / "3_.png").read_bytes())
    scene(3).rotate(10).save(root / "dog" / "3_turned.png")
    (root / "dog" / "6_too.png").write_bytes((root / "cat" / "6_.png").read_bytes())
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    keep_features(dataset, seed_and_distance)
    return root


def test_duplicates_lists_groups_and_a_near_one_with_its_exact_copies(root, capsys):
    assert main(["duplicates", str(root), "--json"]) == 0

    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["exact"] == [["cat/3_too.png", "dog/3_.png"], ["cat/6_.png", "dog/6_too.png"]]
    assert found["near"] == [["cat/3_too.png", "dog/3_.png", "dog/3_turned.png"]]
    assert found["scenes"] == []
    assert found["compared"] == 13


def test_duplicates_tells_people_the_files(root, capsys):
    assert main(["duplicates", str(root)]) == 0

    said = capsys.readouterr().out
    assert "Exact copies: 2" in said
    assert "cat/3_too.png, dog/3_.png, dog/3_turned.png" in said
