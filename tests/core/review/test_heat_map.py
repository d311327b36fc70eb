import time

import numpy as np
import pytest
from PIL import Image

from core.dataset import Dataset
from core.errors import DatasetError, RunError
from core.networks.engine import Engine, to_batch_item
from core.networks.preprocessing import crop_of
from core.review.heat_map import class_activation, heat_map_file, overlay
from core.runs import Predictions, Run, new_run_id, save_run

SIDE = 224
CORNERS = {"top left": (0, 0), "top right": (0, 1), "bottom left": (1, 0), "bottom right": (1, 1)}


@pytest.fixture(scope="module")
def engine():
    return Engine.load("lite0")


@pytest.fixture
def corners(tmp_path, engine):
    """A data set of spots in a corner and of pictures without one, and a run on it.

    Photos are dealt to two folds; the head of each fold comes from the other one's photos.
    """
    root = tmp_path / "corners"
    for number in range(48):
        row, column = list(CORNERS.values())[number % 4]
        save(root / "spot" / f"{number:02}.png", picture(number, at=(row, column)))
        save(root / "plain" / f"{number:02}.png", picture(100 + number))
    dataset = Dataset.open(root)
    for _ in dataset.reconcile():
        pass
    return dataset, saved_run(dataset, engine)


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def picture(seed, *, at=None):
    """Grey noise; with a bright spot in one corner's quarter if ``at`` names it (row, column)."""
    random = np.random.default_rng(seed)
    pixels = random.normal(90, 12, (SIDE, SIDE, 3))
    if at is not None:
        y, x = np.mgrid[:SIDE, :SIDE]
        middle = SIDE / 4 + np.array(at) * SIDE / 2
        inside = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 < 32**2
        pixels[inside] = (250, 210, 40)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def saved_run(dataset, engine, *, fold_weight=None):
    rows = dataset.rows()
    classes = ("plain", "spot")
    given = np.array([classes.index(row.class_name) for row in rows], np.int16)
    fold = (np.arange(len(rows)) // 4 % 2).astype(np.int8)
    if fold_weight is None:
        items = [to_batch_item(Image.open(dataset.path_of(row)), SIDE) for row in rows]
        features = engine.features(np.stack(items))
        fold_weight = np.stack([head(features[fold != f], given[fold != f]) for f in (0, 1)])
    run = Run(
        id=new_run_id(),
        mode="quick",
        backbone="lite0",
        classes=classes,
        images=len(rows),
        judged=len(rows),
        wrong=0,
        error_rate=0.0,
        loss=0.1,
        seconds={},
        l2=1.0,
        folds=2,
        created=time.time(),
        step=None,
    )
    predictions = Predictions(
        file_id=np.array([row.id for row in rows]),
        content=tuple(row.content for row in rows),
        given=given,
        fold=fold,
        probs=np.full((len(rows), 2), 0.5, np.float32),
    )
    tensors = {
        "weight": fold_weight.mean(0),
        "bias": np.zeros(2, np.float32),
        "fold_weight": fold_weight,
        "fold_bias": np.zeros((2, 2), np.float32),
    }
    save_run(dataset.home, run, predictions, tensors, [])
    return run


def head(features, given):
    """Ridge regression on the classes: (2, D) weights, as good as a trained head here."""
    centred = features - features.mean(0)
    wanted = np.where(given == 1, 1.0, -1.0)
    inverse = np.linalg.inv(centred @ centred.T + 0.1 * np.eye(len(centred)))
    weight = centred.T @ (inverse @ wanted)
    return np.stack([-weight, weight]).astype(np.float32)


def test_a_bright_object_in_a_corner_lights_up_that_corner(corners, engine):
    dataset, run = corners
    right = 0
    for row in dataset.rows(class_name="spot"):
        heat = class_activation(dataset, run, row.id, 1, engine=engine)
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() == 1
        # Whole cells belong to a quarter; the middle row and column of 7 to none.
        quarters = {
            name: heat[y * 4 : y * 4 + 3, x * 4 : x * 4 + 3].sum()
            for name, (y, x) in CORNERS.items()
        }
        wanted = list(CORNERS)[int(row.path.split("/")[1][:2]) % 4]
        right += max(quarters, key=quarters.__getitem__) == wanted

    assert right == 48


def test_the_map_comes_from_the_head_that_did_not_see_the_photo(corners, engine):
    dataset, _ = corners
    random = np.random.default_rng(0)
    heads = random.normal(size=(2, 2, 1280)).astype(np.float32)
    run = saved_run(dataset, engine, fold_weight=heads)
    rows = dataset.rows()

    for row, fold in ((rows[0], 0), (rows[4], 1)):
        item = to_batch_item(Image.open(dataset.path_of(row)), SIDE)
        plain, mirrored = engine.feature_maps(np.stack([item, item[:, ::-1]]))
        maps = (plain + mirrored[:, :, ::-1]) / 2
        evidence = np.einsum("d,dhw->hw", heads[fold, 1] - heads[fold].mean(0), maps)
        expected = np.maximum(evidence, 0) / evidence.max()
        got = class_activation(dataset, run, row.id, 1, engine=engine)
        assert np.allclose(got, expected, atol=1e-4)


def test_a_class_that_nothing_speaks_for_gives_an_empty_map(corners, engine):
    dataset, _ = corners
    heads = np.zeros((2, 2, 1280), np.float32)
    heads[:, 0] = 1  # features are never negative
    run = saved_run(dataset, engine, fold_weight=heads)
    photo = dataset.rows()[0]

    assert class_activation(dataset, run, photo.id, 1, engine=engine).max() == 0
    assert class_activation(dataset, run, photo.id, 0, engine=engine).max() == 1


def test_the_overlay_covers_what_the_network_saw_and_greys_the_rest(tmp_path):
    photo = Image.new("RGB", (400, 100), (100, 150, 200))
    left, _, right, _ = (round(edge) for edge in crop_of(400, 100))
    heat = np.zeros((7, 7), np.float32)
    heat[:, 6] = 1

    drawn = np.asarray(overlay(photo, heat)).astype(int)

    assert drawn.shape == (100, 400, 3)
    for unseen in (drawn[:, :left], drawn[:, right:]):
        assert (unseen == unseen[..., :1]).all()  # grey
        assert 0 < unseen.max() < 100
    assert drawn[50, right - 5].sum() > 100 + 150 + 200 > drawn[50, left + 5].sum() + 100


def test_the_picture_is_small_and_made_once(corners):
    dataset, run = corners
    wide = picture(7, at=(0, 0)).resize((1600, 800))
    save(dataset.root / "spot" / "wide.png", wide)
    for _ in dataset.reconcile():
        pass
    photo = dataset.find("spot/wide.png")

    first = heat_map_file(dataset, run.id, photo.id, 1)
    made_at = first.stat().st_mtime_ns
    again = heat_map_file(dataset, run.id, photo.id, 1)

    assert first.is_relative_to(dataset.home / "heat" / run.id)
    assert (again, again.stat().st_mtime_ns) == (first, made_at)
    with Image.open(first) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (512, 256))
    assert [file.suffix for file in first.parent.iterdir()] == [".webp"]


def test_a_rewritten_photo_gets_a_map_of_its_own(corners):
    dataset, run = corners
    photo = dataset.find("spot/00.png")
    before = heat_map_file(dataset, run.id, photo.id, 1)
    picture(9, at=(1, 1)).resize((300, 300)).save(dataset.path_of(photo))
    for _ in dataset.reconcile():
        pass

    after = heat_map_file(dataset, run.id, photo.id, 1)

    assert after != before
    assert after.read_bytes() != before.read_bytes()


def test_what_is_not_there_is_explained(corners):
    dataset, run = corners
    photo = dataset.rows()[0]

    with pytest.raises(RunError, match="class"):
        heat_map_file(dataset, run.id, photo.id, 2)
    with pytest.raises(DatasetError, match="not in the data set"):
        heat_map_file(dataset, run.id, 10**9, 1)
    for run_id in ("../../x", "", "20200101-000000-000000"):
        with pytest.raises(RunError):
            heat_map_file(dataset, run_id, photo.id, 1)
