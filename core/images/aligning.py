"""Whether two small pictures show the same photo: one cropped, turned, framed, mirrored, resized.

Features and hashes only suggest a pair. Here one picture is laid over the other: a coarse search
over sizes, small turns, both mirrorings and all shifts (correlation of masked pictures by way of
the Fourier transform, after Padfield 2012), then an affine fit in a few Gauss-Newton steps that
care neither for brightness nor for contrast. What decides is how well the details agree place by
place: two muffins on white overlap well, and yet no crumb of one lies where the other has one.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Spectrum = NDArray[np.complexfloating[Any, Any]]

SIDE = 64  # longest side of a small picture
# Pixels a side of the coarse search. Twice as many find 2 % more pairs at 2.6 times the cost.
COARSE = SIDE // 4
LEAST_SIDE = 8

# Half a step apart, the coarse search still finds what the fit can mend.
SIZES = (0.72, 0.8, 0.89, 1.0, 1.12, 1.25, 1.39)
TURNS = (-10.0, 0.0, 10.0)  # degrees

LEAST_OVERLAP = 0.3  # of the smaller picture's frame
# Measured on transformed copies of 1,000 photos: pairs of one photo reach 0.74 and better here,
# half of the look-alikes that features suggest do not.
LEAST_COARSE = 0.65
CERTAIN = 0.95  # from here on nothing else need be tried
HOPELESS = 0.4  # upright and below this, a picture reaches no 0.65 by being turned by 10 degrees
CLEARLY_WORSE = 0.2  # than the other side, mirrored or not: it will not come to be the better one

COARSE_STEPS, FINE_STEPS = 6, 8
PAIRS_AT_ONCE = 48

BLOCK = 8  # pixels a side of the places that are compared
FULL_BLOCK = 0.6  # share of a block that both pictures must cover
FAINT = 4.0  # standard deviation, of 255 greys, below which a block has no detail
MOST_DETAIL = 20.0  # more than this counts no more
# With detail; less proves nothing: one drawn circle can be laid over any other. Drawn circles have
# detail in at most 20 of 64 blocks, photos in 20 and more. What has less is left to the hashes.
LEAST_BLOCKS = 20

# The spread of the finest detail against that of the whole. A few pixels enlarged, such as a
# handwritten figure of 8 by 8, have at most 0.16 and can be laid over any other of their kind;
# photos have 0.27 and more.
LEAST_FINENESS = 0.2

# The fit may not bend one picture into another.
MOST_STRETCH = 1.25  # longer axis against shorter
SMALLEST, LARGEST = 0.5, 2.0  # one against the other

# Pairs of one photo reach 0.85 and better, framed ones being the lowest; of 800 look-alikes that
# features suggested, the best reached 0.72.
SAME = 0.8


class Small(NamedTuple):
    """A photo in grey, its longest side ``SIDE`` pixels."""

    grey: "NDArray[np.uint8]"  # (height, width)


def small(picture: Image.Image) -> Small:
    """The small picture of an upright photo."""
    width, height = picture.size
    scale = SIDE / max(width, height)
    size = (max(LEAST_SIDE, round(width * scale)), max(LEAST_SIDE, round(height * scale)))
    grey = picture.convert("L").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Small(np.asarray(grey, dtype=np.uint8))


def agreement(pairs: Sequence[tuple[Small, Small]]) -> "Floats":
    """How well the details of each pair agree once laid over each other, (P,) 0 to 1.

    ``SAME`` and more is one photo. 0 where nothing fits, or where there is no detail to go by.
    """
    found = np.zeros(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        part = pairs[start : start + PAIRS_AT_ONCE]
        found[start : start + len(part)] = _agreement(part)
    return found


def _agreement(pairs: Sequence[tuple[Small, Small]]) -> "Floats":
    fine = _Laid(
        *_framed([pair[0] for pair in pairs]),
        *_framed([pair[1] for pair in pairs]),
    )
    coarse = _Laid(
        *_reduced(fine.one, fine.one_mask),
        *_reduced(fine.two, fine.two_mask),
    )
    scores, fit, mirrored = _best_fits(coarse)
    for stack in (fine.two, fine.two_mask, coarse.two, coarse.two_mask):
        stack[mirrored] = stack[mirrored][:, :, ::-1]
    found = np.zeros(len(pairs), dtype=np.float32)
    fine_enough = np.array([is_fine(one) and is_fine(two) for one, two in pairs], dtype=bool)
    likely = np.flatnonzero((scores >= LEAST_COARSE) & fine_enough)
    if len(likely):
        fine, coarse = fine.only(likely), coarse.only(likely)
        likely_fit = _refined(coarse, fit[likely], steps=COARSE_STEPS)
        likely_fit[:, :, 2] *= SIDE / COARSE
        likely_fit = np.nan_to_num(_refined(fine, likely_fit, steps=FINE_STEPS))
        scored = _detail_agreement(fine, likely_fit)
        found[likely] = np.where(_is_plausible(likely_fit), scored, 0)
    return found


def is_fine(picture: Small) -> bool:
    """Whether a picture has detail as small as its pixels."""
    grey = picture.grey.astype(np.float32)
    beside = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    edges = 4 * grey[1:-1, 1:-1] - beside
    return bool(edges.std() >= LEAST_FINENESS * grey.std())


class _Laid(NamedTuple):
    """Pictures of pairs in square frames, (P, S, S), and where the pictures are: 1 or 0."""

    one: "Floats"
    one_mask: "Floats"
    two: "Floats"
    two_mask: "Floats"

    def only(self, places: "NDArray[np.int64]") -> "_Laid":
        return _Laid(*(stack[places] for stack in self))


def _framed(pictures: Sequence[Small]) -> "tuple[Floats, Floats]":
    """Pictures in the middle of square frames, (P, SIDE, SIDE), and where they are: 1 or 0."""
    framed = np.zeros((len(pictures), SIDE, SIDE), dtype=np.float32)
    mask = np.zeros_like(framed)
    for at, (grey,) in enumerate(pictures):
        height, width = grey.shape
        top, left = (SIDE - height) // 2, (SIDE - width) // 2
        framed[at, top : top + height, left : left + width] = grey
        mask[at, top : top + height, left : left + width] = 1
    return framed, mask


def _reduced(framed: "Floats", mask: "Floats") -> "tuple[Floats, Floats]":
    times = SIDE // COARSE
    shape = (-1, COARSE, times, COARSE, times)
    total = framed.reshape(shape).sum(axis=(2, 4))
    covered = mask.reshape(shape).sum(axis=(2, 4))
    return total / np.maximum(covered, 1), (2 * covered >= times**2).astype(np.float32)


class _Spectra:
    """Fourier transforms of pictures (P, H, S, S), of their squares and of where they are.

    The H pictures of a pair are one picture seen through several maps; their mean is taken off.
    """

    def __init__(self, pictures: "Floats", masks: "Floats") -> None:
        whole = (1, 2, 3)
        covered = np.maximum(masks.sum(axis=whole, keepdims=True), 1)
        even = (pictures - (pictures * masks).sum(axis=whole, keepdims=True) / covered) * masks
        self.covered = masks.sum(axis=(2, 3), keepdims=True)  # pixels
        self.picture, self.square, self.mask = (
            np.fft.rfft2(x, (2 * COARSE, 2 * COARSE)) for x in (even, even * even, masks)
        )


def _best_fits(coarse: _Laid) -> "tuple[Floats, Floats, NDArray[np.bool_]]":
    """Of each pair the best correlation (P,), its map (P, 2, 3), and whether of the mirror image.

    Upright ones of all sizes come first: where none fits at all, or only one of the two sides does,
    most of the turned ones need not be tried. Pairs are fitted together: one by one, two threads
    spend their time waiting for each other between the calls.
    """
    upright, turned = _turns()
    count = len(coarse.one)
    scores = np.full((2, count), -1, dtype=np.float32)  # of the picture, and of its mirror image
    fits = np.zeros((2, count, 2, 3), dtype=np.float32)

    def fit(side: int, places: "NDArray[np.int64]", maps: "Floats") -> None:
        if not len(places):
            return
        found, their_fits = _coarse_fits(coarse.only(places), maps, mirrored=side == 1)
        better = found > scores[side, places]
        scores[side, places[better]] = found[better]
        fits[side, places[better]] = their_fits[better]

    fit(0, np.arange(count), upright)
    fit(1, np.flatnonzero(scores[0] < CERTAIN), upright)
    best = scores.max(axis=0)
    for side in (0, 1):
        worth = (best >= HOPELESS) & (best < CERTAIN) & (scores[side] >= best - CLEARLY_WORSE)
        fit(side, np.flatnonzero(worth), turned)
    mirrored = scores[1] > scores[0]
    side = mirrored.astype(np.int64)
    return scores.max(axis=0), fits[side, np.arange(count)], mirrored


def _coarse_fits(laid: _Laid, maps: "Floats", *, mirrored: bool) -> "tuple[Floats, Floats]":
    """Of each pair the best of some maps (H, 2, 3) and shifts: its correlation, and the map."""
    pairs, tried = len(laid.one), len(maps)
    shape = (pairs, tried, COARSE, COARSE)
    step = -1 if mirrored else 1
    values, _, _, covered = _sampled(
        np.broadcast_to(laid.two[:, None, :, ::step], shape).reshape(-1, COARSE, COARSE),
        np.broadcast_to(laid.two_mask[:, None, :, ::step], shape).reshape(-1, COARSE, COARSE),
        np.tile(maps, (pairs, 1, 1)),
    )
    template = _Spectra(laid.one[:, None], laid.one_mask[:, None])
    moved = _Spectra(values.reshape(shape), covered.reshape(shape))

    def shifted(first: "Spectrum", second: "Spectrum") -> "NDArray[Any]":
        return np.fft.irfft2(first * second.conj(), (2 * COARSE, 2 * COARSE))

    overlap = np.maximum(shifted(template.mask, moved.mask), 1)
    one, two = shifted(template.picture, moved.mask), shifted(template.mask, moved.picture)
    spread = (shifted(template.square, moved.mask) - one * one / overlap) * (
        shifted(template.mask, moved.square) - two * two / overlap
    )
    alike = shifted(template.picture, moved.picture) - one * two / overlap
    score = alike / np.sqrt(np.maximum(spread, 1))
    smaller = np.minimum(template.covered, moved.covered)
    score[overlap < np.maximum(LEAST_OVERLAP * template.covered, 0.35 * smaller)] = -1
    flat = score.reshape(pairs, -1)
    best = flat.argmax(axis=1)
    which, place = np.divmod(best, (2 * COARSE) ** 2)
    down, right = np.divmod(place, 2 * COARSE)
    shift = np.stack([right, down], axis=1).astype(np.float32)
    shift[shift >= COARSE] -= 2 * COARSE
    fits = maps[which].copy()
    fits[:, :, 2] = -(fits[:, :, :2] @ shift[:, :, None])[:, :, 0]
    return flat[np.arange(pairs), best].astype(np.float32), fits


@cache
def _turns() -> "tuple[Floats, Floats]":
    """Maps from a template to pictures of all sizes, (H, 2, 3): upright ones and turned ones."""
    maps = np.zeros((len(SIZES) * len(TURNS), 2, 3), dtype=np.float32)
    for at, (size, degrees) in enumerate((s, t) for s in SIZES for t in TURNS):
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        maps[at, :, :2] = np.array([[cos, -sin], [sin, cos]]) / size
    is_upright = np.array([degrees == 0 for _ in SIZES for degrees in TURNS])
    return maps[is_upright], maps[~is_upright]


@cache
def _grid(side: int) -> "Floats":
    """Places in a frame counted from its middle: (3, side * side) of x, y and 1."""
    middle = (side - 1) / 2
    y, x = np.mgrid[:side, :side]
    return np.stack([x.ravel() - middle, y.ravel() - middle, np.ones(side * side)]).astype("f4")


def _sampled(
    pictures: "Floats", masks: "Floats", maps: "Floats"
) -> "tuple[Floats, Floats, Floats, Floats]":
    """Pictures as seen through maps: values, slopes across and down, and 1 where there is one.

    All are (P, side * side).
    """
    count, side, _ = pictures.shape
    middle = (side - 1) / 2
    x, y = np.moveaxis(maps @ _grid(side) + np.float32(middle), 1, 0)
    column, row = np.floor(x), np.floor(y)
    inside = (column >= 0) & (row >= 0) & (column < side - 1) & (row < side - 1)
    across, down = x - column, y - row
    at = np.where(inside, row * side + column, 0).astype(np.int64)
    at += (np.arange(count) * side * side)[:, None]
    flat, covered = pictures.reshape(-1), masks.reshape(-1) > 0
    corners = (at, at + 1, at + side, at + side + 1)
    a, b, c, d = (flat[corner] for corner in corners)
    for corner in corners:
        inside &= covered[corner]
    upper, lower = a + (b - a) * across, c + (d - c) * across
    slope_across = (b - a) * (1 - down) + (d - c) * down
    return (
        (upper + (lower - upper) * down) * inside,
        slope_across * inside,
        (lower - upper) * inside,
        inside.astype(np.float32),
    )


def _refined(laid: _Laid, fit: "Floats", *, steps: int) -> "Floats":
    """Maps (P, 2, 3) improved step by step; what fits badly in places counts less."""
    count, side, _ = laid.one.shape
    x, y, _ = _grid(side) * np.float32(2 / side)  # about -1 to 1, so that all unknowns weigh alike
    flat, mask = laid.one.reshape(count, -1), laid.one_mask.reshape(count, -1)
    for _ in range(steps):
        values, across, down, covered = _sampled(laid.two, laid.two_mask, fit)
        both = covered * mask
        wanted, _ = _even(flat, both)
        seen, spread = _even(values, both)
        off = wanted - seen
        weight = both / (1 + (off / 0.6) ** 2)
        across, down = across / spread, down / spread
        slopes = np.stack(
            [
                across * x,
                across * y,
                across,
                down * x,
                down * y,
                down,
                np.ones_like(x) * both,
                seen,
            ],
            axis=1,
        )  # (P, 8, side * side)
        weighted = slopes * weight[:, None]
        # In double precision: beside sums over bright pixels the ridge is nothing in single, and
        # pictures that meet in a few pixels then have no solution.
        normal = (weighted @ slopes.transpose(0, 2, 1)).astype(np.float64) + 1e-2 * np.eye(8)
        solved = np.linalg.solve(normal, weighted @ off[:, :, None])[:, :6, 0]
        change = solved.astype(np.float32).reshape(count, 2, 3)
        change[:, :, :2] = np.clip(change[:, :, :2] * (2 / side), -0.1, 0.1)
        change[:, :, 2] = np.clip(change[:, :, 2], -2, 2)
        fit = fit + change
    return fit


def _even(values: "Floats", weight: "Floats") -> "tuple[Floats, Floats]":
    """Values with a mean of 0 and a spread of 1 where the weight is, and what the spread was."""
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1)
    level = (values * weight).sum(axis=1, keepdims=True) / total
    even = (values - level) * weight
    spread = np.sqrt((even * even).sum(axis=1, keepdims=True) / total) + np.float32(1e-3)
    return even / spread, spread


def _is_plausible(fit: "Floats") -> "NDArray[np.bool_]":
    """Whether maps only resize and turn, without bending a picture out of shape."""
    sizes = np.linalg.svd(fit[:, :, :2], compute_uv=False)  # (P, 2), larger first
    longer, shorter = sizes[:, 0], np.maximum(sizes[:, 1], 1e-6)
    plausible: NDArray[np.bool_] = (
        (longer / shorter <= MOST_STRETCH) & (shorter >= SMALLEST) & (longer <= LARGEST)
    )
    return plausible


def _detail_agreement(laid: _Laid, fit: "Floats") -> "Floats":
    """Correlation within blocks of the overlap, its mean weighted by how much detail there is."""
    count = len(laid.one)
    values, _, _, covered = _sampled(laid.two, laid.two_mask, fit)
    both = _blocks(covered * laid.one_mask.reshape(count, -1))
    first, second = _blocks(laid.one.reshape(count, -1)), _blocks(values)
    total = np.maximum(both.sum(axis=2), 1)
    first = (first - ((first * both).sum(axis=2) / total)[..., None]) * both
    second = (second - ((second * both).sum(axis=2) / total)[..., None]) * both
    one_power, two_power = (first * first).sum(axis=2), (second * second).sum(axis=2)
    alike = (first * second).sum(axis=2) / np.sqrt(one_power * two_power + 1e-6)
    detail = np.sqrt(np.maximum(one_power, two_power) / total)
    counts = (detail >= FAINT) & (both.sum(axis=2) >= FULL_BLOCK * BLOCK**2)
    weight = np.minimum(detail, MOST_DETAIL) * counts
    found = (np.maximum(alike, 0) * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-6)
    return np.where(counts.sum(axis=1) >= LEAST_BLOCKS, found, 0).astype(np.float32)


def _blocks(flat: "Floats") -> "Floats":
    """(P, SIDE * SIDE) as (P, blocks, pixels of a block)."""
    rows = SIDE // BLOCK
    cut = flat.reshape(-1, rows, BLOCK, rows, BLOCK).transpose(0, 1, 3, 2, 4)
    return cut.reshape(len(flat), rows * rows, BLOCK * BLOCK)
