"""The Review page in Chromium: from marks to a new order, and the ways to and from it."""

import re

import pytest

from core import runs
from core.dataset import Dataset
from tests.trained_sets import train_on_made_features


@pytest.fixture
def trained(photo_set):
    """Three classes of 12; photos 0 and 6 of each look like one of the next class."""
    root = photo_set({"cat": 12, "dog": 12, "fox": 12})
    train_on_made_features(root)
    return root


def tiles(page):
    return page.locator(".grid").get_by_role("option")


def open_review(app, page, root, **asked):
    page.goto(app.address(root, "review", **asked))
    tiles(page).first.wait_for()
    return page


def all_saved(page) -> None:
    page.locator('.gallery[data-unsaved="0"]').wait_for()


def captions(page) -> list[str]:
    return [text.replace("\n", " ") for text in tiles(page).all_inner_texts()]


def key_of(page, text: str) -> str:
    """The digit of the class that the model names in a caption."""
    names = ["cat", "dog", "fox"]
    return str(names.index(re.search(r"Model says (\w+)", text)[1]) + 1)


def test_photos_come_worst_first_with_what_the_label_and_the_model_say(app, page, trained):
    open_review(app, page, trained)

    assert tiles(page).count() == 6
    assert re.match(r"Labelled \w+ Model says \w+ .*% sure", captions(page)[0])
    page.get_by_text("6 photos · 0 marked").wait_for()


def test_pictures_really_load(app, page, trained):
    open_review(app, page, trained)

    page.wait_for_function(
        "() => { const host = document.querySelector('[data-testid=stBidiComponentIsolated]');"
        "const images = [...host.shadowRoot.querySelectorAll('.tile img')];"
        "return images.length && images.every(one => one.complete && one.naturalWidth > 0); }"
    )


def test_train_again_learns_from_the_marks_and_puts_the_list_in_a_new_order(app, page, trained):
    dataset = Dataset.open(trained)
    before = runs.latest_run(dataset.home).id
    open_review(app, page, trained)
    tiles(page).first.click()
    page.keyboard.press(key_of(page, captions(page)[0]))
    page.keyboard.press(key_of(page, captions(page)[1]))
    all_saved(page)
    page.get_by_text("6 photos · 2 marked").wait_for()

    page.get_by_role("button", name="Train again").click()

    page.get_by_text("Trained again, new order").wait_for()
    page.get_by_text("4 photos · 0 marked").wait_for()
    tiles(page).nth(4).wait_for(state="detached")
    assert tiles(page).count() == 4
    assert runs.latest_run(dataset.home).id != before


def test_marks_go_on_while_the_model_trains(app, page, trained):
    dataset = Dataset.open(trained)
    open_review(app, page, trained)
    tiles(page).first.click()

    page.get_by_role("button", name="Train again").click()
    tiles(page).nth(1).click()
    page.keyboard.press("x")
    page.get_by_text("Trained again, new order").wait_for()
    all_saved(page)

    assert dataset.removed_count() == 1


def test_a_cell_of_the_matrix_shows_only_its_photos(app, page, trained):
    open_review(app, page, trained, given="0", predicted="1")

    page.get_by_text("2 photos · 0 marked").wait_for()
    assert tiles(page).count() == 2
    assert all("Labelled cat Model says dog" in text for text in captions(page))


def test_another_list_begins_at_its_first_photo(app, page, trained):
    open_review(app, page, trained)

    page.get_by_text("All", exact=True).click()

    page.get_by_text("36 photos · 0 marked").wait_for()
    tiles(page).nth(35).wait_for()
    assert tiles(page).count() == 36


def test_undo_in_the_sidebar_reaches_the_gallery(app, page, trained):
    open_review(app, page, trained)
    tiles(page).first.click()
    page.keyboard.press("x")

    # The sidebar offers it once the marks have come to rest, without a reload.
    page.get_by_test_id("stSidebar").get_by_role("button", name="Undo").click()

    page.locator('.tile[data-state="removed"]').wait_for(state="detached")
    assert Dataset.open(trained).removed_count() == 0


def test_a_mark_moves_nothing_above_the_photos(app, page, trained):
    open_review(app, page, trained)
    page.get_by_text("6 photos · 0 marked").wait_for()
    tiles(page).first.click()
    page.evaluate(
        """() => {
          const host = document.querySelector('[data-testid=stBidiComponentIsolated]');
          const look = () => {
            window.tops.add(Math.round(host.getBoundingClientRect().top + window.scrollY));
            requestAnimationFrame(look);
          };
          window.tops = new Set();
          look();
        }"""
    )

    page.keyboard.press("x")
    all_saved(page)
    page.get_by_text("6 photos · 1 marked").wait_for()

    assert len(page.evaluate("[...window.tops]")) == 1


def test_every_button_is_in_sight_on_a_narrow_screen(app, new_page, trained):
    page = open_review(app, new_page(viewport={"width": 420, "height": 900}), trained)

    for button in page.get_by_role("toolbar").get_by_role("button").all():
        box = button.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= 420, button.inner_text()
    page.get_by_role("toolbar").get_by_role("button", name="Keys").click()
    page.get_by_role("dialog", name="Keys").wait_for()
