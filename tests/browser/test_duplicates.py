"""The Duplicates page in Chromium: search, review, keep the best, undo."""

import pytest

from core import jobs
from core.dataset import Dataset
from tests.core.images.test_aligning import scene
from tests.core.networks.test_alike import keep_features, seed_and_distance
from tests.trained_sets import finish


@pytest.fixture
def pets(tmp_path):
    """Twelve photos; one stands in both classes, two have changed copies in their own."""
    root = tmp_path / "pets"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
    for seed in range(12):
        scene(seed).save(root / ("cat", "dog")[seed % 2] / f"{seed}_.png")
    (root / "cat" / "3_<b>too.png").write_bytes((root / "dog" / "3_.png").read_bytes())
    scene(4).resize((150, 110)).save(root / "cat" / "4_half.png")
    scene(5).rotate(8).save(root / "dog" / "5_turned.png")
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    keep_features(dataset, seed_and_distance)
    return root


def test_copies_are_found_reviewed_removed_and_brought_back(app, page, pets):
    page.goto(app.address(pets, "duplicates"))
    page.get_by_role("button", name="Find duplicates").click()
    page.get_by_text("one of the labels is wrong").wait_for()
    page.get_by_text("3_<b>too.png").wait_for()

    page.get_by_text("Within a class (2)").click()
    page.get_by_role("button", name="Keep the largest of all 2").click()
    page.get_by_role("button", name="Move 2 files to removed").wait_for()
    page.get_by_text("✕ goes").nth(1).wait_for()
    assert (pets / "cat" / "4_half.png").exists()

    page.get_by_role("button", name="Move 2 files to removed").click()
    page.get_by_text("Within a class (0)").wait_for()
    assert not (pets / "cat" / "4_half.png").exists()
    assert (pets / "cat" / "4_.png").exists() and (pets / "dog" / "3_.png").exists()

    page.get_by_role("button", name="Undo", exact=False).first.click()
    page.get_by_text("Within a class (2)").wait_for()
    assert (pets / "cat" / "4_half.png").exists()


def test_a_search_that_goes_on_can_be_stopped(app, page, pets):
    page.goto(app.address(pets, "duplicates"))
    page.get_by_role("button", name="Find duplicates").wait_for()
    jobs.start(
        pets / ".winnow",
        "duplicates",
        "tests.core.jobs.targets:until",
        {"flag": str(pets.parent / "never")},
    )
    page.reload()

    page.get_by_role("button", name="Stop", exact=True).click()

    page.get_by_text("Stopped. What was finished is kept.").wait_for()
