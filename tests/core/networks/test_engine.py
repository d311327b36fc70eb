import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.images.decode import open_rgb
from core.jobs.progress import Progress
from core.networks import export
from core.networks.backbones import BACKBONES, weights_file
from core.networks.engine import Engine, to_batch_item

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


@pytest.mark.parametrize("name", BACKBONES)
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


def test_two_processes_that_prepare_at_once_leave_one_good_file(tmp_path):
    command = [sys.executable, "-m", "core.networks.export", "lite0"]
    environment = os.environ | {"WINNOW_CACHE_DIR": str(tmp_path)}
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Preparing" in words for words in said) == 1
    names = [file.suffix for file in (tmp_path / "networks").iterdir()]
    assert sorted(names) == [".lock", ".onnx"]
