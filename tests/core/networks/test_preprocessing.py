import numpy as np
from PIL import Image

from core.networks.preprocessing import crop_of, to_batch_item


def test_the_crop_is_in_the_middle_halfway_between_the_square_and_the_whole():
    assert crop_of(400, 100) == (100, 0, 300, 100)
    assert crop_of(100, 400) == (0, 100, 100, 300)
    assert crop_of(64, 64) == (0, 0, 64, 64)


def test_a_batch_item_holds_the_middle_of_a_photo_upright():
    photo = Image.new("RGB", (400, 100), "black")
    photo.paste((255, 0, 0), (100, 0, 300, 50))  # the upper half of what is seen
    photo.paste((0, 0, 255), (320, 0, 400, 100))  # outside it

    item = to_batch_item(photo, 224)

    assert item.shape == (224, 224, 3)
    assert item.dtype == np.uint8
    assert tuple(item[50, 112]) == (255, 0, 0)
    assert item[150:, :, 0].max() == 0
    assert item[:, :, 2].max() == 0


def test_extreme_proportions_and_single_pixels_work():
    for size in ((1, 1), (2000, 3), (3, 2000)):
        assert to_batch_item(Image.new("RGB", size, "white"), 224).min() == 255
