"""Findings in Chromium: the line moved by keyboard, photos marked with keys, all found removed."""

from pathlib import Path

import pytest

from core.clean.scores import said_fine
from core.clean.sweep import check
from core.dataset import Dataset
from tests.conftest import make_photo
from tests.trained_sets import finish


@pytest.fixture
def some_grey(photo_set) -> Dataset:
    """Eight photos of colour, and five grey ones."""
    root = photo_set({"cat": 4, "dog": 4}, name="pets")
    for number in range(5):
        make_photo(seed=50 + number).convert("L").save(root / "cat" / f"grey {number}.png")
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    return dataset


def grey_ones(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "cat").glob("grey*"))


def open_finding(page, app, dataset: Dataset) -> None:
    page.goto(app.address(dataset.root, "check"))
    page.get_by_role("radio", name="No colour").or_(
        page.get_by_role("button", name="No colour")
    ).first.click()
    page.get_by_role("listbox", name="No colour: found photos").wait_for()


def test_the_line_is_moved_photos_are_marked_and_the_rest_is_removed_in_one_step(
    app, page, settled, some_grey
):
    open_finding(page, app, some_grey)
    page.get_by_text("5 found · 8 kept").wait_for()

    line = page.get_by_role("slider", name="Line")
    line.focus()
    page.keyboard.press("Home")
    page.get_by_text("0 found · 13 kept").wait_for()
    assert page.get_by_role("button", name="Remove all 0 found").is_disabled()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    page.get_by_text("5 found · 8 kept").wait_for()
    settled(page)

    found = page.get_by_role("listbox", name="No colour: found photos")
    found.get_by_role("option").first.focus()
    page.keyboard.press(".")
    page.keyboard.press("x")
    page.get_by_text("3 found · 8 kept · 1 said to be fine").wait_for()
    assert len(said_fine(some_grey, "grey")) == 1
    assert len(grey_ones(some_grey.root)) == 4

    page.get_by_role("button", name="Remove all 3 found").click()
    page.get_by_text("not only those on screen").wait_for()
    page.get_by_role("button", name="Remove 3 photos").click()
    page.get_by_text("0 found · 8 kept · 1 said to be fine").wait_for()
    assert len(grey_ones(some_grey.root)) == 1

    some_grey.undo()
    assert len(grey_ones(some_grey.root)) == 4


def test_what_looks_fine_survives_a_restart_of_the_server(own_app, page, some_grey):
    open_finding(page, own_app, some_grey)
    page.get_by_role("button", name="The 5 shown look fine").click()
    page.get_by_text("0 found · 8 kept · 5 said to be fine").wait_for()

    own_app.restart()
    page.goto(own_app.address(some_grey.root, "check"))
    page.get_by_text("No colour (0)").wait_for()

    assert len(grey_ones(some_grey.root)) == 5


def test_the_findings_fit_a_narrow_dark_screen(app, new_page, some_grey):
    page = new_page(viewport={"width": 420, "height": 900}, color_scheme="dark")
    open_finding(page, app, some_grey)

    assert page.evaluate("document.documentElement.scrollWidth") <= 420
