"""Which parts of a photo speak for a class, drawn over it.

For a linear head on the mean of the last feature map, Grad-CAM needs no backward pass: each cell
of the map is weighed by the class's weights (the class activation map of Zhou et al., 2016).
The head is the one that never saw the photo, so the map explains the judgement that is shown.
"""

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from core.dataset import Dataset, FileRow
from core.errors import DatasetError, RunError
from core.images.decode import open_rgb
from core.networks.engine import Engine, to_batch_item
from core.networks.preprocessing import crop_of
from core.runs import Run, load_predictions, load_run, load_tensors

LONGEST_SIDE = 512  # of the picture kept, in pixels
DECODED_SIDE = 400  # shortest side to decode: enough for the network and for the picture
HEAT_SHARE = 0.55  # of the colour in each pixel; the photo has the rest
UNSEEN_LIGHT = 0.35  # of the light that the part outside the crop keeps
WEBP_QUALITY = 82

# Matplotlib's magma at every eighth: from black over purple to pale yellow, evenly to the eye.
MAGMA = np.array(
    [
        (0, 0, 4),
        (28, 16, 68),
        (79, 18, 123),
        (129, 37, 129),
        (181, 54, 122),
        (229, 80, 100),
        (251, 135, 97),
        (254, 194, 135),
        (252, 253, 191),
    ],
    dtype=np.float32,
)


def class_activation(
    dataset: Dataset, run: Run, file_id: int, class_index: int, *, engine: Engine
) -> np.ndarray:
    """How much each cell of the photo's crop speaks for a class: (h, w) float32, 0 to 1.

    All zero if nothing in the photo speaks for it more than for the average class.
    """
    row = _row(dataset, file_id)
    weights = _weights(_heads(dataset.home, run.id), row.content, class_index)
    return _activation(_open(dataset, row), weights, engine)


def overlay(image: Image.Image, heat: np.ndarray) -> Image.Image:
    """The whole photo with the heat (h, w), 0 to 1, over the part of it the network saw.

    What it did not see, at the edges of a long photo, turns grey and dark, so that it does not
    stand out beside parts that were seen and said nothing.
    """
    photo = image.convert("RGB")
    left, top, right, bottom = (round(edge) for edge in crop_of(*photo.size))
    box = (left, top, right, bottom)
    smooth = Image.fromarray(np.asarray(heat, np.float32)).resize(
        (right - left, bottom - top), Image.Resampling.BILINEAR
    )
    seen = photo.crop(box)
    unseen = photo.convert("L").point(lambda value: value * UNSEEN_LIGHT).convert("RGB")
    unseen.paste(Image.blend(seen, _coloured(np.asarray(smooth)), HEAT_SHARE), box)
    return unseen


def heat_map_file(dataset: Dataset, run_id: str, file_id: int, class_index: int) -> Path:
    """A WebP of the photo under its heat map, made on the first call and kept after it."""
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", run_id):
        raise RunError("There is no such run. Train again, or choose another run.")
    row = _row(dataset, file_id)
    folder = dataset.home / "heat" / run_id
    # The content is in the name because a file can be rewritten and keeps its id.
    target = folder / f"{file_id}-{class_index}-{row.content}.webp"
    if not target.is_file():
        heads = _heads(dataset.home, run_id)
        weights = _weights(heads, row.content, class_index)
        photo = _open(dataset, row)
        heat = _activation(photo, weights, _engine(heads.backbone))
        photo.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        _save(overlay(photo, heat), target)
    return target


@dataclass(frozen=True, kw_only=True)
class _Heads:
    """What one run says about which head judged which photo. A run never changes once saved."""

    backbone: str
    weight: np.ndarray  # (K, D), trained on all photos
    fold_weight: np.ndarray  # (F, K, D), each trained on all folds but its own
    fold_of: Mapping[str, int]  # content -> the fold it was judged in


@lru_cache(maxsize=2)
def _heads(home: Path, run_id: str) -> _Heads:
    tensors = load_tensors(home, run_id)
    predictions = load_predictions(home, run_id)
    folds = zip(predictions.content, predictions.fold.tolist(), strict=True)
    return _Heads(
        backbone=load_run(home, run_id).backbone,
        weight=tensors["weight"],
        fold_weight=tensors["fold_weight"],
        fold_of={content: fold for content, fold in folds if fold >= 0},
    )


_engine_lock = threading.Lock()


def _engine(backbone: str) -> Engine:
    with _engine_lock:  # two requests at once must not load it twice
        return _loaded_engine(backbone)


@lru_cache(maxsize=1)
def _loaded_engine(backbone: str) -> Engine:
    return Engine.load(backbone)


def _row(dataset: Dataset, file_id: int) -> FileRow:
    row = dataset.get([file_id]).get(file_id)
    if row is None:
        raise DatasetError("This photo is not in the data set any more.")
    return row


def _open(dataset: Dataset, row: FileRow) -> Image.Image:
    found = dataset.find(row.path)  # refuses a folder that became a link to elsewhere
    return open_rgb(dataset.path_of(found), at_least=DECODED_SIDE)


def _weights(heads: _Heads, content: str, class_index: int) -> np.ndarray:
    """The class's weights (D,) against the other classes', in the head that did not see the photo.

    Adding the same to every class's weights changes no probability, so it must change no map:
    the mean over classes is taken off.
    """
    fold = heads.fold_of.get(content)
    weight = heads.weight if fold is None else heads.fold_weight[fold]
    if not 0 <= class_index < len(weight):
        raise RunError("This run does not know that class. Train again.")
    against_others: np.ndarray = weight[class_index] - weight.mean(axis=0)
    return against_others


def _activation(photo: Image.Image, weights: np.ndarray, engine: Engine) -> np.ndarray:
    item = to_batch_item(photo, engine.backbone.size)
    maps = engine.feature_maps(np.stack([item, item[:, ::-1]]))  # (2, D, h, w)
    # The photo was judged by itself and its mirror image; so is each of its cells.
    both = np.tensordot(weights, maps, axes=(0, 1))  # (2, h, w)
    evidence = np.maximum((both[0] + both[1, :, ::-1]) / 2, 0)
    highest = float(evidence.max())
    scaled: np.ndarray = (evidence / highest if highest > 0 else evidence).astype(np.float32)
    return scaled


def _coloured(heat: np.ndarray) -> Image.Image:
    steps = np.clip(heat, 0, 1) * (len(MAGMA) - 1)
    colours = [np.interp(steps, np.arange(len(MAGMA)), channel) for channel in MAGMA.T]
    return Image.fromarray(np.stack(colours, axis=-1).astype(np.uint8))


def _save(picture: Image.Image, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        picture.save(draft, "WEBP", quality=WEBP_QUALITY, method=2)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
