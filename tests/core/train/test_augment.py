import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy import ndimage
from torchvision.transforms.v2 import functional

from core.train.augment import augment, change_for
from core.train.augment_choices import PRESETS, AugmentChoices

BY_PRESET = pytest.mark.parametrize("name", PRESETS)
CHANGING = pytest.mark.parametrize("name", [name for name in PRESETS if name != "none"])


@pytest.fixture
def photos():
    """Smooth made-up photos with an edge, (6,3,64,64)."""
    random = np.random.default_rng(5)
    coarse = torch.from_numpy(random.integers(0, 256, (6, 3, 8, 8)).astype(np.float32))
    large = torch.nn.functional.interpolate(coarse, 64, mode="bicubic").clamp(0, 255)
    large[:, :, 20:40, 10:30] = 240
    return large.to(torch.uint8)


def seed_where(wanted, choices):
    return next(seed for seed in range(1000) if wanted(change_for(seed, choices)))


@BY_PRESET
def test_the_same_seed_gives_the_same_picture_whatever_was_drawn_before(photos, name):
    seeds = [3, 1, 4, 1, 5, 9]
    first = augment(photos, seeds, PRESETS[name].choices)
    torch.manual_seed(77)
    np.random.default_rng().random()

    assert torch.equal(augment(photos, seeds, PRESETS[name].choices), first)


@BY_PRESET
def test_a_photo_s_change_hangs_on_its_own_seed_and_not_on_the_photos_beside_it(photos, name):
    choices = PRESETS[name].choices
    seeds = [10, 11, 12, 13, 14, 15]
    together = augment(photos, seeds, choices)
    order = [4, 0, 5, 2, 1, 3]

    alone = torch.cat([augment(photos[at : at + 1], [seeds[at]], choices) for at in range(6)])
    turned_round = augment(photos[order], [seeds[at] for at in order], choices)

    assert torch.equal(alone, together)
    assert torch.equal(turned_round, together[order])


@BY_PRESET
def test_many_threads_do_as_one_does(photos, name):
    choices = PRESETS[name].choices
    expected = [augment(photos, range(start, start + 6), choices) for start in range(40)]

    with ThreadPoolExecutor(8) as threads:
        found = list(
            threads.map(lambda start: augment(photos, range(start, start + 6), choices), range(40))
        )

    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@CHANGING
def test_different_seeds_give_different_pictures_of_the_same_shape(photos, name):
    one = photos[:1].expand(6, -1, -1, -1)
    before = one.clone()

    changed = augment(one, range(6), PRESETS[name].choices)

    assert changed.shape == (6, 3, 64, 64) and changed.dtype == torch.uint8
    assert len({picture.numpy().tobytes() for picture in changed}) >= 5
    assert torch.equal(one, before)


def test_without_changes_the_photos_themselves_come_back(photos):
    assert augment(photos, range(6), PRESETS["none"].choices) is photos
    assert augment(photos, range(6), AugmentChoices(rotate=10, p_affine=0)) is photos


@pytest.mark.parametrize("size", [1, 2, 31, 65])
@BY_PRESET
def test_every_size_will_do(name, size):
    photos = torch.full((2, 3, size, size), 200, dtype=torch.uint8)

    assert augment(photos, [0, 1], PRESETS[name].choices).shape == photos.shape


def test_no_photos_are_no_photos(photos):
    assert augment(photos[:0], [], PRESETS["side"].choices).shape == (0, 3, 64, 64)


@pytest.mark.parametrize(
    "wrong", [torch.zeros(2, 3, 8, 9, dtype=torch.uint8), torch.zeros(2, 3, 8, 8)]
)
def test_what_is_no_photo_is_refused(wrong):
    with pytest.raises(ValueError, match="uint8"):
        augment(wrong, [0, 1], PRESETS["side"].choices)


def test_seeds_are_as_many_as_photos(photos):
    with pytest.raises(ValueError, match="as many seeds"):
        augment(photos, [1, 2], PRESETS["side"].choices)


# Each change by itself, against Transforms v2.


def test_flips_and_quarter_turns_are_those_of_transforms_v2(photos):
    choices = AugmentChoices(flip=True, flip_vertical=True, quarter_turns=True)
    seen = set()
    for seed in range(64):
        change = change_for(seed, choices)
        seen.add(change[:3])
        expected = photos[:1]
        if change.flip:
            expected = functional.horizontal_flip(expected)
        if change.flip_vertical:
            expected = functional.vertical_flip(expected)
        expected = functional.rotate(expected, 90 * change.quarter_turns)

        assert torch.equal(augment(photos[:1], [seed], choices), expected)
    assert len(seen) == 16


def test_a_turn_is_that_of_transforms_v2_wherever_that_has_pixels(photos):
    choices = AugmentChoices(rotate=30, p_affine=1)
    for seed in range(8):
        homography = change_for(seed, choices).homography
        angle = math.degrees(math.atan2(homography[1, 0], homography[0, 0]))
        assert abs(angle) <= 30
        bilinear = functional.InterpolationMode.BILINEAR
        expected = functional.rotate(photos[:1], angle, interpolation=bilinear)[0].int()

        found = augment(photos[:1], [seed], choices)[0].int()

        inside = disc(64, 0.9)
        assert (found - expected)[:, inside].abs().max() <= 1


def test_a_warp_is_that_of_transforms_v2_wherever_that_has_pixels(photos):
    choices = AugmentChoices(warp=0.3, p_affine=1)
    size = photos.shape[-1]
    inside = disc(size, 0.6)
    for seed in range(8):
        h = change_for(seed, choices).homography
        ends = [(0, 0), (size, 0), (size, size), (0, size)]
        starts = [place(h, x, y, size) for x, y in ends]
        bilinear = functional.InterpolationMode.BILINEAR
        # Coefficients, because points are rounded to whole pixels.
        expected = functional.perspective(
            photos[:1], None, None, interpolation=bilinear, coefficients=solved(ends, starts)
        )[0].int()

        found = augment(photos[:1], [seed], choices)[0].int()

        assert (found - expected)[:, inside].abs().max() <= 1


def test_an_enlargement_shows_a_part_of_the_picture_at_most_so_many_times_as_large(photos):
    choices = AugmentChoices(zoom=1.5, p_affine=1)
    factors = []
    for seed in range(200):
        h = change_for(seed, choices).homography
        factors.append(1 / h[0, 0])
        assert h[0, 0] == h[1, 1]
        for corner in ((-1, -1), (1, 1)):
            x, y, _ = h @ (*corner, 1)
            assert -1 - 1e-9 <= x <= 1 + 1e-9 and -1 - 1e-9 <= y <= 1 + 1e-9
    assert 1 <= min(factors) < 1.05 and 1.45 < max(factors) <= 1.5


def test_a_crop_keeps_at_least_the_share_of_the_area_and_stays_in_the_picture():
    choices = AugmentChoices(crop=0.25)
    areas, aspects = [], []
    for seed in range(500):
        h = change_for(seed, choices).homography
        width, height = h[0, 0], h[1, 1]
        assert width <= 1 and height <= 1
        assert abs(h[0, 2]) <= 1 - width + 1e-9 and abs(h[1, 2]) <= 1 - height + 1e-9
        areas.append(width * height)
        aspects.append(width / height)
    assert 0.25 <= min(areas) < 0.27 and 0.95 < max(areas) <= 1
    assert min(aspects) >= 3 / 4 - 1e-9 and max(aspects) <= 4 / 3 + 1e-9


def test_lighting_leaves_order_and_half_bright_under_contrast():
    choices = AugmentChoices(lighting=0.2, p_lighting=1)
    middles = []
    for seed in range(200):
        table = change_for(seed, choices).table
        assert (np.diff(table) > 0).all() and 0 <= table.min() and table.max() <= 255
        middles.append(table[128] / 255)
    # Half bright becomes 0.4 to 0.6, contrast moves that by at most a little.
    assert 0.36 < min(middles) < 0.43 and 0.57 < max(middles) < 0.64


def test_how_likely_a_change_is_is_obeyed():
    choices = AugmentChoices(rotate=10, lighting=0.2, p_affine=0.75, p_lighting=0.5)
    changes = [change_for(seed, choices) for seed in range(2000)]

    assert sum(one.homography is not None for one in changes) / 2000 == pytest.approx(
        0.75, abs=0.03
    )
    # Brightness or contrast: 1 - 0.5 * 0.5.
    assert sum(one.table is not None for one in changes) / 2000 == pytest.approx(0.75, abs=0.03)


def test_one_choice_altered_leaves_the_others_as_they_were():
    before = [change_for(seed, AugmentChoices(flip=True, rotate=5)) for seed in range(20)]
    after = [
        change_for(seed, AugmentChoices(flip=True, rotate=5, lighting=0.3, quarter_turns=True))
        for seed in range(20)
    ]

    for one, other in zip(before, after, strict=True):
        assert one.flip == other.flip
        assert np.array_equal(one.homography, other.homography)


def test_the_edges_are_mirrored_and_not_filled():
    white = torch.full((1, 3, 64, 64), 255, dtype=torch.uint8)
    choices = AugmentChoices(rotate=45, warp=0.5, p_affine=1)

    for seed in range(20):
        assert augment(white, [seed], choices).min() == 255


# Counting: what the preset is for.


def circles(count, *, size=96, seed=0):
    """Black discs on white that do not touch each other nor the edge, (1,3,S,S)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    picture = np.full((size, size), 255, np.uint8)
    centres = []
    while len(centres) < count:
        at = random.uniform(5, size - 6, 2)
        if all(math.dist(at, other) > 11 for other in centres):
            centres.append(at)
            picture[(y - at[0]) ** 2 + (x - at[1]) ** 2 <= 16] = 0
    return torch.from_numpy(picture).expand(1, 3, size, size).contiguous()


def blobs(photo):
    """How many dark things there are, and how many pixels each has."""
    dark = photo[0].numpy() < 128
    labels, count = ndimage.label(dark)
    return count, sorted(np.bincount(labels.ravel())[1:].tolist())


@pytest.mark.parametrize("count", [1, 5, 20])
def test_nothing_that_changes_a_count_keeps_every_circle_whole_and_in_the_picture(count):
    photo = circles(count, seed=count)
    before = blobs(photo[0])
    assert before[0] == count

    for seed in range(100):
        assert blobs(augment(photo, [seed], PRESETS["count"].choices)[0]) == before


def test_a_crop_does_lose_circles():
    photo = circles(20)

    counts = [blobs(augment(photo, [seed], PRESETS["crop"].choices)[0])[0] for seed in range(20)]

    assert min(counts) < 15


def disc(size, share):
    """The pixels within a share of the way from the middle to the edge (S,S)."""
    at = (np.arange(size) * 2 + 1) / size - 1
    return torch.from_numpy(at[:, None] ** 2 + at[None] ** 2 <= share**2)


def place(homography, x, y, size):
    """Where in the old picture a place of the new one lies, both in pixels from the corner."""
    u, v, depth = homography @ (2 * x / size - 1, 2 * y / size - 1, 1)
    return (u / depth + 1) * size / 2, (v / depth + 1) * size / 2


def solved(ends, starts):
    """The eight coefficients that Transforms v2 takes."""
    rows, results = [], []
    for (x, y), (u, v) in zip(ends, starts, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        results += [u, v]
    return np.linalg.solve(np.array(rows, float), np.array(results, float)).tolist()
