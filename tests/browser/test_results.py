"""The Results page in Chromium: the matrix can be clicked, and its photos can be opened."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from core.dataset import Dataset
from tests.trained_sets import train_on_made_features

COUNTS = {"cat": 12, "dog": 12, "fox": 12}


@pytest.fixture
def trained(photo_set):
    """Three classes of 12; photos 0 and 6 of each look like one of the next class."""
    root = photo_set(COUNTS)
    train_on_made_features(root)
    return root


def matrix(page):
    surface = page.locator(".js-plotly-plot .nsewdrag").first
    surface.wait_for()
    return surface


def click_cell(page, actual: int, predicted: int, count: int = 3) -> None:
    box = matrix(page).bounding_box()
    x = box["x"] + box["width"] * (predicted + 0.5) / count
    y = box["y"] + box["height"] * (actual + 0.5) / count
    page.mouse.move(x - 2, y - 2)  # Plotly selects what it hovers
    page.mouse.click(x, y)


def photos(page):
    return page.get_by_role("list", name="Photos").get_by_role("img")


def test_a_click_on_a_cell_shows_its_photos_and_leads_to_review(app, page, trained):
    page.goto(app.address(trained, "results"))

    click_cell(page, 1, 2)

    page.get_by_role("heading", name="dog, taken for fox").wait_for()
    photos(page).first.wait_for()
    assert {photos(page).nth(at).get_attribute("alt") for at in range(photos(page).count())} == {
        "0000.png",
        "0006.png",
    }
    page.locator(".st-key-results_review button").click()
    page.wait_for_url(re.compile("/review"))
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["given"] == ["1"]
    assert asked["predicted"] == ["2"]
    assert asked["set"] == [Dataset.open(trained).token]


def test_thumbnails_really_load(app, page, trained):
    page.goto(app.address(trained, "results"))

    click_cell(page, 0, 1)

    page.get_by_role("heading", name="cat, taken for dog").wait_for()
    photos(page).first.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=list] img')].every("
        "image => image.complete && image.naturalWidth > 0)"
    )


def test_a_click_on_the_diagonal_shows_what_was_recognised(app, page, trained):
    page.goto(app.address(trained, "results"))

    click_cell(page, 2, 2)

    page.get_by_role("heading", name="fox, recognised").wait_for()
    photos(page).first.wait_for()
    assert photos(page).count() == 10


def test_the_keyboard_opens_the_photos_of_a_confused_pair(app, page, trained):
    page.goto(app.address(trained, "results"))
    pair = page.locator(".st-key-results_pair_0_1 button:visible")
    pair.wait_for()

    pair.focus()
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="cat, taken for dog").wait_for()
    photos(page).first.wait_for()
    assert photos(page).count() == 2


def test_the_matrix_fits_a_phone(app, new_page, trained):
    page = new_page(viewport={"width": 420, "height": 900})
    page.goto(app.address(trained, "results"))

    box = matrix(page).bounding_box()

    assert box["width"] > 150
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_after_a_change_of_labels_the_page_offers_to_train_again(app, page, trained):
    dataset = Dataset.open(trained)
    dataset.relabel([dataset.find("cat/0000.png").id], "dog")

    page.goto(app.address(trained, "results"))

    page.get_by_text("1 photo has changed").wait_for()
    page.locator(".st-key-results_train_again button").click()
    page.wait_for_url(re.compile("/train"))
    page.get_by_role("heading", name=re.compile("it had not seen")).wait_for()
    page.goto(app.address(trained, "results"))
    matrix(page)
    assert page.get_by_text("changed since").count() == 0
