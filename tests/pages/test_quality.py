"""The findings on the Check page, clicked through without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.clean.findings import rankings
from core.clean.scores import said_fine, say_fine
from core.clean.sweep import check
from core.dataset import Dataset
from core.dataset.recent import remember
from tests.conftest import make_photo
from tests.trained_sets import finish

ROOT = Path(__file__).resolve().parents[2]


def check_page(root: Path) -> AppTest:
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60)
    page.query_params["set"] = remember(root)
    return page.run().switch_page(str(ROOT / "pages/check.py")).run()


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.info, *page.success])


def pills(page: AppTest) -> list[str]:
    return list(page.button_group(key="quality_finding").options)


def choose(page: AppTest, finding: str) -> AppTest:
    return page.button_group(key="quality_finding").set_value(finding).run()


def line(page: AppTest, finding: str):
    (slider,) = [one for one in page.slider if one.key.startswith(f"quality_line_{finding}_")]
    return slider


@pytest.fixture
def some_grey(photo_set) -> Dataset:
    """Eight photos of colour, and three grey ones."""
    root = photo_set({"cat": 4, "dog": 4})
    for number in range(3):
        make_photo(seed=50 + number).convert("L").save(root / "cat" / f"grey {number}.png")
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    return dataset


def test_each_finding_says_how_many_photos_it_names_and_what_it_means(some_grey):
    page = choose(check_page(some_grey.root), "grey")

    assert "No colour (3)" in pills(page)
    assert "Dark (0)" in pills(page)
    assert "Greyscale, in a set where most photos have colour." in words(page)
    assert "**3** found · 8 kept" in words(page)
    assert not page.exception


def test_the_finding_stays_chosen_when_a_browser_tells_it_by_words_of_before(some_grey):
    page = choose(check_page(some_grey.root), "grey")
    photo = next(row for row in some_grey.rows() if "grey" in row.path)
    say_fine(some_grey, [photo.content], "grey")

    # What Streamlit makes of "No colour (3)", once that is called otherwise.
    page.button_group(key="quality_finding").set_value(None)
    page.run()

    assert "No colour (2)" in pills(page)
    assert page.session_state["quality_finding"] == "grey"
    assert "**2** found · 8 kept · 1 said to be fine" in words(page)


def test_a_finding_that_names_most_of_the_set_says_so(some_grey):
    page = choose(check_page(some_grey.root), "grey")
    assert "more than half" not in words(page)

    line(page, "grey").set_value(1.0).run()

    assert "names more than half of the photos (11 of 11)" in words(page)


def test_moving_the_line_changes_who_is_found_and_is_remembered(some_grey):
    page = choose(check_page(some_grey.root), "grey")

    line(page, "grey").set_value(0.0).run()
    assert "**0** found · 11 kept" in words(page)
    assert page.button(key="quality_remove_all").disabled

    again = choose(check_page(some_grey.root), "grey")
    assert line(again, "grey").value == 0.0
    assert "No colour (0)" in pills(again)


def test_all_found_are_removed_after_a_question_and_come_back_with_one_undo(some_grey):
    page = choose(check_page(some_grey.root), "grey")

    page.button(key="quality_remove_all").click().run()
    assert "removes **3 photos**" in words(page)
    assert len(some_grey.rows()) == 11
    page.button(key="quality_remove_confirm").click().run()

    assert sorted(row.path for row in some_grey.rows() if "grey" in row.path) == []
    assert page.button(key="undo").click().run() and len(some_grey.rows()) == 11
    assert not page.exception


def test_cancelling_removes_nothing(some_grey):
    page = choose(check_page(some_grey.root), "grey")
    page.button(key="quality_remove_all").click().run()

    page.button(key="quality_remove_cancel").click().run()

    assert len(some_grey.rows()) == 11


def test_what_looks_fine_is_named_no_more_in_a_new_visit_too(some_grey):
    page = choose(check_page(some_grey.root), "grey")

    page.button(key="quality_all_fine").click().run()

    assert "**0** found · 8 kept · 3 said to be fine" in words(page)
    again = choose(check_page(some_grey.root), "grey")
    assert "No colour (0)" in pills(again)
    again.button(key="quality_forget_fine").click().run()
    assert "**3** found" in words(again)


def test_a_key_in_the_gallery_says_that_one_photo_looks_fine(some_grey):
    page = choose(check_page(some_grey.root), "grey")
    row = some_grey.find("cat/grey 1.png")
    mark = {"number": 1, "op": "keep", "ids": [row.id], "class_name": None, "shown_in": {}}

    page.session_state[f"quality_{some_grey.token}_grey"] = {
        "edits": {"client": "c", "log": [mark], "earlier": [], "attempt": 1}
    }
    page.run()

    assert said_fine(some_grey, "grey") == {row.content}
    assert "**2** found" in words(page)


def test_a_finding_needs_a_comparison_first_and_offers_it(photo_set):
    root = photo_set({"cat": 9, "dog": 3})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))

    page = choose(check_page(root), "odd_one")

    assert page.button(key="quality_compare").label.startswith("Compare 9 photos")
    assert "Unlike its class" in pills(page)


def test_a_data_set_checked_before_there_were_scores_is_asked_to_be_checked_again(some_grey):
    with some_grey.writing() as connection:
        connection.execute("DELETE FROM quality")

    page = check_page(some_grey.root)

    assert page.button(key="check").label == "Check the new photos"
    assert not page.exception


def test_removed_photos_leave_the_counts(some_grey):
    say_fine(some_grey, [], "grey")
    some_grey.remove([some_grey.find("cat/grey 0.png").id])

    assert rankings(some_grey)["grey"].found(0.2) == 2
    assert "No colour (2)" in pills(choose(check_page(some_grey.root), "grey"))
