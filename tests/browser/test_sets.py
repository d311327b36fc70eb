"""Drawn pictures end to end in Chromium: chosen, seen before, drawn, and on Home."""

import re
import time

import pytest

from core.dataset import Dataset

CARDS = 6


@pytest.fixture
def start(tmp_path):
    """A data set to draw into."""
    root = tmp_path / "counted"
    Dataset.create(root)
    return root


def open_way(page, app, root, way):
    page.goto(app.address(root, "collect"))
    page.get_by_role("radio", name=way, exact=True).click()


def type_number(page, label, number):
    box = page.get_by_role("spinbutton", name=label)
    box.fill(str(number))
    box.press("Enter")


def test_circles_are_chosen_previewed_drawn_and_lie_on_home(app, page, settled, start):
    open_way(page, app, start, "Drawn by Winnow")
    page.get_by_text("5 circles", exact=True).wait_for()

    type_number(page, "Fewest circles", 2)
    type_number(page, "Most circles", 4)
    page.get_by_text("3 classes, 300 pictures").wait_for()
    type_number(page, "Pictures of each class", 10)
    page.get_by_role("button", name="Draw 30 pictures").wait_for()
    settled(page)
    captions = page.get_by_text(re.compile(r"^\d+ circles?$"))
    assert captions.all_inner_texts() == ["2 circles", "3 circles", "4 circles"]
    shown = page.locator('[data-testid="stImage"] img, [data-testid="stImageContainer"] img')
    assert shown.evaluate_all("all => all.every(one => one.naturalWidth > 0)")

    page.get_by_role("button", name="Draw 30 pictures").click()
    page.get_by_text("30 photos came").wait_for()

    page.get_by_role("button", name="Draw 30 pictures").wait_for()  # the choices are kept
    dataset = Dataset.open(start)
    assert dataset.counts() == {"2": 10, "3": 10, "4": 10}
    page.get_by_role("link", name="Home").click()
    page.get_by_role("heading", name="counted").wait_for()
    page.get_by_text("30 photos in 3 classes").first.wait_for()
    page.get_by_alt_text("A photo of 3").first.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('img[alt^=\"A photo of\"]')]"
        ".some(image => image.complete && image.naturalWidth > 0)"
    )


def test_a_range_that_does_not_fit_is_said_while_it_is_chosen(app, page, start):
    open_way(page, app, start, "Drawn by Winnow")

    type_number(page, "Fewest circles", 90)
    type_number(page, "Most circles", 100)
    page.get_by_role("combobox", name="Size").click()
    page.get_by_role("option", name="96 × 96 pixels").click()

    page.get_by_text("100 circles do not fit on 96 pixels").wait_for()
    assert page.get_by_role("button", name=re.compile("^Draw ")).count() == 0


def test_the_sets_are_cards_that_fit_a_phone(app, new_page, start, settled):
    page = new_page(viewport={"width": 420, "height": 900})
    open_way(page, app, start, "Ready-made sets")

    buttons = page.get_by_role("button", name=re.compile("^Get "))
    deadline = time.monotonic() + 30
    while buttons.count() < CARDS and time.monotonic() < deadline:
        settled(page)
    assert buttons.count() == CARDS
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("CC BY-SA 4.0").wait_for()
