"""Changing photos a little each time they are learnt from.

What happens to a photo hangs on its own seed and on nothing else: not on the photos beside it, nor
on what was drawn before. So a training that was stopped goes on as if it had not been, and any
number of threads may work on it.

All geometry is one homography and so one resampling, with the picture mirrored at its edges, which
is what fastai does. ``torchvision.transforms.v2.functional.perspective`` samples in the same way
but can only fill what lies outside with a colour; a test holds that both agree inside. Whole flips
and quarter turns move pixels and change none. Brightness and contrast are one table of 256 values.
All but the resampling is NumPy, which leaves the other processors to other photos: PyTorch would
wake a team of threads for each addition.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.train.augment_choices import AugmentChoices

CROP_ASPECTS = (3 / 4, 4 / 3)  # width to height, as in ImageNet training
DRAWS = 22  # numbers that decide what happens to one photo
Floats = NDArray[np.float64]


class Change(NamedTuple):
    """What happens to one photo, in this order."""

    flip: bool
    flip_vertical: bool
    quarter_turns: int  # anticlockwise, 0 to 3
    # From a point of the new picture to the one of the old it shows, both from -1 to 1 across the
    # picture (3,3); None: the same.
    homography: Floats | None
    table: NDArray[np.float32] | None  # what becomes of each of the 256 values; None: the same


def augment(photos: Tensor, seeds: Sequence[int], choices: AugmentChoices) -> Tensor:
    """Change each photo by its seed.

    Args:
        photos: (N,3,S,S) uint8; left as it is.
        seeds: One for each, 0 or more.
        choices: How far.

    Returns:
        (N,3,S,S) uint8; ``photos`` itself where nothing changes.

    Raises:
        ValueError: If shapes, type or number of seeds are others.
    """
    if photos.ndim != 4 or photos.shape[2] != photos.shape[3] or photos.dtype != torch.uint8:
        raise ValueError(f"Photos are (N,3,S,S) uint8, not {tuple(photos.shape)} {photos.dtype}.")
    if len(seeds) != len(photos):
        raise ValueError(f"{len(photos)} photos need as many seeds, not {len(seeds)}.")
    if not choices.changes:
        return photos
    changed = torch.empty_like(photos, memory_format=torch.contiguous_format)
    given, made = photos.numpy(), changed.numpy()
    for at, seed in enumerate(seeds):
        _apply(change_for(seed, choices), given[at], made[at])
    return changed


def change_for(seed: int, choices: AugmentChoices) -> Change:
    """What happens to the photo of this seed.

    Everything is drawn, wanted or not, and in one order: so a choice that is altered leaves the
    others as they were, which a preview can show.
    """
    draw = _Draws(seed)
    flip, flip_vertical, turns = draw.one() < 0.5, draw.one() < 0.5, int(4 * draw.one())
    return Change(
        flip=choices.flip and flip,
        flip_vertical=choices.flip_vertical and flip_vertical,
        quarter_turns=turns if choices.quarter_turns else 0,
        homography=_homography(draw, choices),
        table=_table(draw, choices),
    )


class _Draws:
    """Numbers from 0 to below 1, in order."""

    def __init__(self, seed: int) -> None:
        self._numbers = iter(np.random.default_rng(seed).random(DRAWS).tolist())

    def one(self) -> float:
        return float(next(self._numbers))

    def between(self, least: float, most: float) -> float:
        return least + (most - least) * self.one()


def _homography(draw: _Draws, choices: AugmentChoices) -> Floats | None:
    """Crop, warp, turn and enlargement together (3,3)."""
    warp, rotation, zoom, crop = (
        _warp(draw, choices),
        _rotation(draw, choices),
        *_boxes(draw, choices),
    )
    parts = [part for part in (crop, warp, rotation, zoom) if part is not None]
    if not parts:
        return None
    whole = parts[0]
    for part in parts[1:]:
        whole = whole @ part
    return whole


def _warp(draw: _Draws, choices: AugmentChoices) -> Floats | None:
    """The picture as if seen from another side: fastai's ``symmetric_warp``."""
    happens = draw.one() < choices.p_affine
    right, left, down, up = (draw.between(-choices.warp, choices.warp) for _ in range(4))
    if not happens or choices.warp <= 0:
        return None
    corners = ((-1, -1), (-1, 1), (1, -1), (1, 1))
    targets = (
        (-1 - up, -1 - left),
        (-1 - down, 1 + left),
        (1 + up, -1 - right),
        (1 + down, 1 + right),
    )
    rows, results = [], []
    for (x, y), (u, v) in zip(corners, targets, strict=True):
        rows.append((x, y, 1, 0, 0, 0, -u * x, -u * y))
        rows.append((0, 0, 0, x, y, 1, -v * x, -v * y))
        results += [u, v]
    solved = np.linalg.solve(np.array(rows, float), np.array(results, float))
    return np.append(solved, 1.0).reshape(3, 3)


def _rotation(draw: _Draws, choices: AugmentChoices) -> Floats | None:
    happens = draw.one() < choices.p_affine
    angle = math.radians(draw.between(-choices.rotate, choices.rotate))
    if not happens or choices.rotate <= 0:
        return None
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], float)


def _boxes(draw: _Draws, choices: AugmentChoices) -> tuple[Floats | None, Floats | None]:
    """The enlargement, and the crop: both show a part of the picture."""
    happens = draw.one() < choices.p_affine
    side = 1 / draw.between(1.0, choices.zoom)
    across, down = draw.one(), draw.one()
    zoom = _box(side, side, across, down) if happens and choices.zoom > 1 else None
    area = draw.between(choices.crop, 1.0)
    aspect = math.exp(draw.between(*map(math.log, CROP_ASPECTS)))
    # Where a side would be longer than the picture it is the picture's, with the area kept.
    width = min(1.0, max(math.sqrt(area * aspect), area))
    height = min(1.0, area / width)
    across, down = draw.one(), draw.one()
    crop = _box(width, height, across, down) if choices.crop < 1 else None
    return zoom, crop


def _box(width: float, height: float, across: float, down: float) -> Floats:
    """A part of the picture, sides as shares of its; ``across`` and ``down``: where, 0 to 1."""
    left, top = (1 - width) * (2 * across - 1), (1 - height) * (2 * down - 1)
    return np.array([[width, 0, left], [0, height, top], [0, 0, 1]], float)


def _table(draw: _Draws, choices: AugmentChoices) -> NDArray[np.float32] | None:
    """Brightness and contrast on the log-odds of each value, as fastai does (256,).

    Half bright stays half bright under contrast, and nothing is ever cut off at black or white.
    """
    brightens, contrasts = draw.one() < choices.p_lighting, draw.one() < choices.p_lighting
    change = draw.between(0.5 * (1 - choices.lighting), 0.5 * (1 + choices.lighting))
    least = math.log(1 - choices.lighting)
    scale = math.exp(draw.between(least, -least))
    if choices.lighting <= 0 or not (brightens or contrasts):
        return None
    values = (np.arange(256) / 255).clip(1e-7, 1 - 1e-7)
    odds = np.log(values / (1 - values))
    if brightens:
        odds = odds + math.log(change / (1 - change))
    if contrasts:
        odds = odds * scale
    table: NDArray[np.float32] = (255 / (1 + np.exp(-odds))).astype(np.float32)
    return table


def _apply(change: Change, photo: NDArray[np.uint8], made: NDArray[np.uint8]) -> None:
    """Change one photo (3,S,S) into ``made`` (3,S,S)."""
    if change.flip:
        photo = photo[:, :, ::-1]
    if change.flip_vertical:
        photo = photo[:, ::-1]
    photo = np.rot90(photo, change.quarter_turns, axes=(1, 2))
    if change.homography is not None:
        made[:] = _resampled(photo, change.homography, change.table)
    elif change.table is not None:
        made[:] = np.rint(change.table).astype(np.uint8)[photo]
    else:
        made[:] = photo


def _resampled(
    photo: NDArray[np.uint8], homography: Floats, table: NDArray[np.float32] | None
) -> NDArray[np.uint8]:
    """The picture at the points that a homography leads to, mirrored at its edges (3,S,S)."""
    floats = photo.astype(np.float32) if table is None else table[photo]
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(floats)[None],
        torch.from_numpy(_grid(homography, photo.shape[1]))[None],
        mode="bilinear",
        padding_mode="reflection",
        align_corners=False,
    )
    rounded = sampled[0].numpy()
    rounded += 0.5  # then cut off: what is bilinear is never outside of 0 to 255
    return rounded.astype(np.uint8)


def _grid(homography: Floats, size: int) -> NDArray[np.float32]:
    """For each pixel of the new picture the point of the old, x and y from -1 to 1 (S,S,2)."""
    at = ((np.arange(size, dtype=np.float32) * 2 + 1) / size - 1).astype(np.float32)
    h = homography.astype(np.float32)
    x, y = at[None, :], at[:, None]
    grid = np.empty((size, size, 2), np.float32)
    np.add(h[0, 0] * x + h[0, 2], h[0, 1] * y, out=grid[..., 0])
    np.add(h[1, 0] * x + h[1, 2], h[1, 1] * y, out=grid[..., 1])
    if h[2, 0] or h[2, 1]:
        depth = (h[2, 0] * x + h[2, 2]) + h[2, 1] * y
        grid /= depth[..., None]
    return grid
