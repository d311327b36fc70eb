"""The recipe in Chromium from first to last step, with the real network on real photos."""

import re
import shutil
from pathlib import Path

import pytest

from core import runs
from core.dataset import Dataset
from core.networks.export import prepared

MILLISECONDS = 300_000  # for one step; the seventh goes through 800 photos with all layers learning
CLASSES = ("black", "grizzly", "teddy")
EACH = 20


@pytest.fixture
def sixty_bears(test_data: Path, tmp_path: Path) -> Path:
    """The first twenty photos of each kind."""
    if not prepared("lite0"):
        pytest.fail("the network is not prepared: python -m core.networks.export lite0")
    root = tmp_path / "sixty bears"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for photo in sorted((test_data / "bears" / name).iterdir())[:EACH]:
            shutil.copyfile(photo, root / name / photo.name)
    return root


def test_sixty_bears_walk_through_the_recipe(app, page, sixty_bears):
    page.goto(app.address(sixty_bears, "train"))
    page.locator(".st-key-train_mode").get_by_text("Recipe", exact=True).click()

    for step in range(1, 9):
        button = page.locator(f".st-key-recipe_do_{step} button:visible:not([disabled])")
        button.click(timeout=MILLISECONDS)
        done = page.locator(f".st-key-recipe_step_{step} [aria-label*='check_circle']")
        done.wait_for(timeout=MILLISECONDS)

    last = page.locator(".st-key-recipe_step_8")
    last.get_by_text("neither had seen").first.wait_for()
    home = Dataset.open(sixty_bears).home
    deep = [one for one in runs.list_runs(home) if one.mode == "deep"]  # newest first
    whole, with_changes, last_layer = deep
    assert [one.settings["deep"]["freeze_to"] for one in (last_layer, with_changes)] == [99, 99]
    assert whole.settings["deep"]["freeze_to"] == 0
    assert whole.settings["deep"]["start_from"] == with_changes.id
    lowest, middle, highest = whole.settings["deep"]["lrs"]
    assert highest == pytest.approx(10 * middle) == pytest.approx(100 * lowest)
    assert whole.answers[whole.kept]["wrong"] <= whole.answers["quick"]["wrong"] <= 4  # of 12
    page.locator(".st-key-recipe_to_results button:visible").click()
    page.wait_for_url(re.compile("/results"))
