"""The Compare page in Chromium."""

import shutil

from core.dataset import Dataset
from core.train.quick import train_quick
from tests.trained_sets import finish, make_features, train_on_made_features


def test_mended_photos_are_shown_and_can_be_seen_large(app, page, photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    dataset = Dataset.open(root)
    # Other features stand for a model that has become better.
    shutil.rmtree(dataset.home / "features")
    make_features(dataset, mistaken_every=100)
    finish(train_quick(dataset))

    page.goto(app.address(root, "compare"))
    page.get_by_role("heading", name="Mended: wrong before, right now").wait_for()
    mended = page.get_by_role("listbox", name="Mended: wrong before, right now")
    tile = mended.get_by_role("option").first
    tile.click()
    page.keyboard.press("x")
    page.keyboard.press("Enter")

    page.get_by_role("dialog", name="Large view").wait_for()
    assert "Before:" in tile.get_attribute("aria-label")
    assert dataset.removed_count() == 0  # these photos are shown, not marked
