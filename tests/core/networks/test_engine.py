import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.errors import NetworkError
from core.images.decode import open_rgb
from core.jobs.progress import Progress
from core.networks import export
from core.networks.backbones import BACKBONES, bundled, weights_file
from core.networks.engine import Engine, to_batch_item

BUNDLED = [one.name for one in bundled()]
ROOT = Path(__file__).parents[3]

# ImageNet's numbers of classes that stand in the test pictures.
KNOWN_CLASSES = {
    "tench": 0,
    "english_springer": 217,
    "chain_saw": 491,
    "church": 497,
    "garbage_truck": 569,
    "golf_ball": 574,
    "parachute": 701,
}


@pytest.fixture(scope="module")
def engine():
    return Engine.load("lite0")


def made_batch(count, size=224, seed=0):
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 7, 7, 3), dtype=np.uint8)
    return coarse.repeat(size // 7 + 1, 1).repeat(size // 7 + 1, 2)[:, :size, :size]


def python(code, **environment):
    """Run code in a fresh process, from the project's folder."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def cosines(some, others):
    some, others = (np.asarray(x, np.float64) for x in (some, others))
    return (some * others).sum(1) / np.linalg.norm(some, axis=1) / np.linalg.norm(others, axis=1)


@pytest.mark.parametrize("name", BUNDLED)
def test_the_mean_of_the_feature_map_is_the_features(name):
    loaded = Engine.load(name)
    batch = made_batch(3, BACKBONES[name].size)

    maps = loaded.feature_maps(batch)
    features = loaded.features(batch)

    assert features.shape == (3, BACKBONES[name].dimensions)
    assert features.dtype == np.float32
    assert maps.shape[:2] == features.shape
    assert np.allclose(maps.mean((2, 3)), features, atol=1e-5)


def test_each_photo_gets_its_own_features_whatever_the_batch(engine):
    batch = made_batch(7)

    together = engine.features(batch)
    alone = np.concatenate([engine.features(batch[i : i + 1]) for i in range(7)])

    assert np.allclose(together, alone, atol=1e-5)
    assert engine.features(batch[:0]).shape == (0, 1280)


def test_several_threads_may_use_one_engine(engine):
    batches = [made_batch(3, seed=seed) for seed in range(8)]
    expected = [engine.features(batch) for batch in batches]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(engine.features, batches))

    assert np.allclose(got, expected, atol=1e-5)


def test_photos_are_recognised(engine, test_data):
    """The weights, loaded by position, are in their places: the network still knows its classes."""
    import torch

    stored = torch.load(weights_file(engine.backbone), map_location="cpu", weights_only=True)
    weight, bias = (tensor.numpy() for tensor in list(stored.values())[-2:])
    photos, wanted = [], []
    for class_name, number in KNOWN_CLASSES.items():
        for path in sorted((test_data / "imagenette" / class_name).iterdir())[:8]:
            photos.append(to_batch_item(open_rgb(path, at_least=224), 224))
            wanted.append(number)

    scores = engine.features(np.stack(photos)) @ weight.T + bias
    five_best = scores.argsort(1)[:, -5:]

    assert (five_best == np.array(wanted)[:, None]).any(1).mean() > 0.85


def test_using_a_network_never_imports_pytorch(engine):
    answer = python(
        "import sys, numpy as np\n"
        "import core.networks.embed, core.networks.features, core.review.heat_map\n"
        "from core.networks.engine import Engine\n"
        "engine = Engine.load('lite0')\n"
        "engine.features(np.zeros((1, 224, 224, 3), np.uint8))\n"
        "heavy = {'torch', 'timm', 'torchvision', 'sklearn', 'onnx', 'streamlit'}\n"
        "print(engine.kind, sorted(heavy & sys.modules.keys()))"
    )

    assert answer.stdout.strip() == "onnxruntime []", answer.stderr


def test_where_export_fails_pytorch_takes_over_with_the_same_numbers(engine, tmp_path):
    batch = made_batch(3)
    np.save(tmp_path / "batch.npy", batch)
    answer = python(
        "import sys, numpy as np\n"
        "from core.networks import export\n"
        "def fail(*_): raise RuntimeError('no exporter here')\n"
        "export._export = fail\n"
        "assert export.main(['lite0']) == 1\n"
        "from core.networks.engine import Engine\n"
        "engine = Engine.load('lite0')\n"
        f"batch = np.load({str(tmp_path / 'batch.npy')!r})\n"
        f"np.save({str(tmp_path / 'got.npy')!r}, engine.features(batch))\n"
        "print(engine.kind)",
        WINNOW_CACHE_DIR=str(tmp_path / "cache"),
    )

    assert answer.stdout.strip() == "pytorch", answer.stderr
    assert "no exporter here" in answer.stderr
    assert cosines(np.load(tmp_path / "got.npy"), engine.features(batch)).min() > 0.9999


def test_a_failed_export_is_tried_again_a_day_later(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path))
    lite0 = BACKBONES["lite0"]
    never = export.failed_lately(lite0)
    reason = export.refusal_file(lite0)
    reason.write_text("The disk was full.")
    lately = export.failed_lately(lite0)
    os.utime(reason, (0, time.time() - 25 * 3600))

    assert (never, lately, export.failed_lately(lite0)) == (False, True, False)


def test_a_damaged_export_is_prepared_again(engine, tmp_path, monkeypatch):
    good = export.exported_file(engine.backbone)
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path))
    damaged = export.exported_file(engine.backbone)
    damaged.write_bytes(b"not a network")

    def prepare_quickly(backbone):
        yield Progress(phase="prepare", done=0, total=0, message="Preparing.")
        shutil.copy(good, damaged)

    monkeypatch.setattr("core.networks.engine._prepare_elsewhere", prepare_quickly)

    loading = list(Engine.loading("lite0"))

    assert len(loading) == 1
    assert damaged.read_bytes() == good.read_bytes()
    assert Engine.load("lite0").kind == "onnxruntime"


# Exports by copying, but not before both processes have begun.
PREPARER = """
import shutil, sys, time
from pathlib import Path
from core.networks import export

def copy(backbone, target):
    deadline = time.monotonic() + 60
    while len(list(folder.glob("ready-*"))) < 2:
        assert time.monotonic() < deadline
    with (folder / "exports").open("a") as log:
        log.write("exported\\n")
    shutil.copy(good, target)

good, folder, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
export._export = copy
(folder / f"ready-{name}").touch()
sys.exit(export.main(["lite0"]))
"""


def test_of_two_processes_that_prepare_at_once_one_works(engine, tmp_path):
    good = str(export.exported_file(engine.backbone))
    environment = os.environ | {"WINNOW_CACHE_DIR": str(tmp_path / "cache")}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARER, good, str(tmp_path), name],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    said = [process.communicate(timeout=120)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert (tmp_path / "exports").read_text() == "exported\n"
    assert all("ready" in words for words in said)


def test_an_export_that_differs_from_pytorch_is_never_kept(engine, tmp_path):
    batch = made_batch(2)
    right = [engine.features(batch), engine.feature_maps(batch)]
    good = export.exported_file(engine.backbone)

    export._check(good, batch, right)
    with pytest.raises(NetworkError, match="differs"):
        export._check(good, batch, [right[0] + 0.01, right[1]])
    with pytest.raises(NetworkError, match="differs"):
        export._check(good, batch, [right[0] * np.nan, right[1]])


def test_a_network_that_is_downloaded_is_exported_like_the_others(tmp_path, monkeypatch):
    """A transformer; the others are convolutions, as are those that come along."""
    name = "dino"
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(NetworkError, match="not on this computer yet"):
        Engine.load(name)
    monkeypatch.setenv("WINNOW_RANDOM_WEIGHTS", "1")

    loaded = Engine.load(name)

    batch = made_batch(3)
    assert loaded.kind == "onnxruntime"
    assert np.allclose(loaded.feature_maps(batch).mean((2, 3)), loaded.features(batch), atol=1e-4)
    assert loaded.features(batch).shape == (3, BACKBONES[name].dimensions)
