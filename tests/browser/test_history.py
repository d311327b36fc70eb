"""The History page in Chromium, and what is done by hand while the app is open."""

import re
import shutil

import pytest

from core.dataset import Dataset, history
from core.dataset.sources import Source, save_source, sources_of
from tests.trained_sets import finish

COUNTS = {"cat": 5, "dog": 3}


@pytest.fixture
def pets(photo_set) -> Dataset:
    dataset = Dataset.open(photo_set(COUNTS, name="pets"))
    finish(dataset.reconcile())
    return dataset


@pytest.fixture
def worked_on(pets) -> Dataset:
    """Steps 1 relabel, 2 remove, 3 remove."""
    cats = [row.id for row in pets.rows(class_name="cat")]
    pets.relabel(cats[:1], "dog")
    pets.remove(cats[1:2])
    pets.remove(cats[2:3])
    return pets


def loaded_pictures(page, count: int) -> None:
    """Wait until so many pictures have come and hold something."""
    page.wait_for_function(
        "wanted => [...document.querySelectorAll('img')]"
        ".filter(one => one.complete && one.naturalWidth > 10).length >= wanted",
        arg=count,
    )


def test_steps_show_their_photos_and_the_full_time_on_hover(app, page, worked_on):
    page.goto(app.address(worked_on.root, "history"))

    page.get_by_text("Relabelled 1 photo: cat to dog").wait_for()
    loaded_pictures(page, 3)
    times = page.locator("time")
    assert times.count() == 3
    assert re.search(r"\d{4}, \d\d:\d\d:\d\d$", times.first.get_attribute("title"))


def test_several_steps_are_undone_with_one_click_and_redone(app, page, worked_on, settled):
    before = sorted(row.path for row in worked_on.rows())
    page.goto(app.address(worked_on.root, "history"))
    page.get_by_role("button", name="Undo everything").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("This takes back 3 steps").wait_for()

    dialog.get_by_role("button", name="Undo 3 steps").click()

    page.get_by_text("3 steps are taken back.").wait_for()
    dialog.wait_for(state="hidden")
    assert worked_on.counts() == COUNTS
    page.get_by_role("button", name="Redo all 3").click()
    page.get_by_text("3 steps are done again.").wait_for()
    settled(page)
    assert sorted(row.path for row in worked_on.rows()) == before


def test_an_answer_of_no_changes_nothing(app, page, worked_on):
    page.goto(app.address(worked_on.root, "history"))
    page.get_by_role("button", name="Undo back to here").last.click()
    page.get_by_role("dialog").get_by_text("This takes back 2 steps").wait_for()

    page.keyboard.press("Escape")

    page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_role("button", name="Undo back to here").first.click()
    page.get_by_role("dialog").get_by_text("This takes back 1 step").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    assert worked_on.removed_count() == 2


def test_removed_photos_are_deleted_for_good_only_after_a_yes(app, page, worked_on):
    page.goto(app.address(worked_on.root, "history", show="removed"))
    loaded_pictures(page, 2)
    page.get_by_role("button", name="Empty removed").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile("This deletes 2 photos from this computer and frees")).wait_for()
    assert worked_on.removed_count() == 2

    dialog.get_by_role("button", name="Delete 2 photos for good").click()

    page.get_by_text(re.compile("2 photos deleted for good; .* are free again")).wait_for()
    page.get_by_text("No removed photos.").wait_for()
    assert not list((worked_on.root / ".winnow").glob("removed/*"))
    page.get_by_text("Steps", exact=True).click()
    page.get_by_text(re.compile("Deleted 2 photos for good")).wait_for()
    page.get_by_text("Its photos were deleted for good").first.wait_for()
    page.get_by_role("button", name="Undo", exact=True).last.click()
    page.get_by_text(re.compile("is taken back")).wait_for()
    assert worked_on.counts() == {"cat": 3, "dog": 3}


def test_a_version_is_named_and_compared_with_now(app, page, pets, settled):
    page.goto(app.address(pets.root, "history", show="versions"))
    page.get_by_label("Name of this version").fill("before cleaning")
    page.get_by_role("button", name="Name this version").click()
    page.get_by_text("holds where 8 photos are now").wait_for()
    cats = [row.id for row in pets.rows(class_name="cat")]
    pets.relabel(cats[:2], "dog")
    pets.remove(cats[2:3])

    page.reload()

    page.get_by_text("Moved to another class (2)").wait_for()
    tiles = page.get_by_role("listbox", name="Moved to another class").get_by_role("option")
    tiles.first.wait_for()
    assert tiles.count() == 2
    page.get_by_text("Gone (1)").click()
    page.get_by_text("Can be restored").wait_for()
    gone = page.get_by_role("listbox", name="Gone").locator("img").first
    gone.scroll_into_view_if_needed()
    assert gone.evaluate("one => one.decode().then(() => one.naturalWidth)") > 10


def test_two_tabs_see_each_other_s_steps_before_they_undo(app, page, new_page, pets):
    cats = [row.id for row in pets.rows(class_name="cat")]
    pets.remove(cats[:1])
    other = new_page()
    for tab in (page, other):
        tab.goto(app.address(pets.root, "history"))
        tab.get_by_role("button", name="Undo", exact=True).last.wait_for()
    pets.relabel(cats[1:2], "dog")

    page.get_by_role("button", name="Undo", exact=True).last.click()
    page.get_by_text("Something else was done meanwhile").wait_for()
    assert pets.removed_count() == 1

    page.get_by_role("button", name="Undo", exact=True).last.click()
    page.get_by_text("is taken back").wait_for()
    other.get_by_role("button", name="Undo", exact=True).last.click()
    other.get_by_text("is taken back").wait_for()
    assert pets.counts() == COUNTS


def test_edits_by_hand_are_noticed_explained_and_lose_nothing(app, page, pets, settled):
    rows = {row.path: row for row in pets.rows()}
    moved, deleted = rows["cat/0001.png"], rows["cat/0002.png"]
    with pets.writing() as connection:
        save_source(connection, moved.id, Source(via="bing", url="http://x/1.png", at=1.0))
    pets.relabel([rows["cat/0000.png"].id], "dog")
    page.goto(app.address(pets.root, "check"))
    page.get_by_role("button", name="Check the photos").wait_for()
    settled(page)

    (pets.root / "cat/0001.png").rename(pets.root / "dog/by hand.png")
    (pets.root / "cat/0002.png").unlink()
    page.get_by_role("link", name="History").click()

    page.get_by_text("1 photo moved: cat to dog; 1 photo deleted (cat/0002.png)").first.wait_for()
    (pets.root / "cat").rename(pets.root / "kitten")
    page.get_by_role("link", name="Home").click()
    page.get_by_text("class folder cat renamed to kitten (2 photos)").first.wait_for()
    page.get_by_role("button", name="OK").click()
    page.locator(".st-key-outside_news").wait_for(state="hidden")

    assert pets.counts() == {"dog": 5, "kitten": 2}
    assert pets.find("dog/by hand.png").id == moved.id
    assert sources_of(pets, [moved.id])[moved.id].url == "http://x/1.png"
    page.get_by_role("link", name="History").click()
    page.get_by_text("Outside Winnow:").first.wait_for()
    assert page.get_by_text("Outside Winnow:").count() == 2, "the list still tells of both"
    page.get_by_role("button", name="Undo", exact=True).last.click()
    page.get_by_text("is taken back").wait_for()
    assert pets.counts() == {"cat": 1, "dog": 4, "kitten": 2}
    assert deleted.id not in pets.get([deleted.id])


def test_a_photo_taken_to_the_bin_by_hand_and_brought_back_keeps_what_is_known(
    app, page, pets, tmp_path, settled
):
    row = pets.find("cat/0001.png")
    page.goto(app.address(pets.root))
    settled(page)
    shutil.move(pets.root / row.path, tmp_path / "bin.png")
    page.get_by_role("link", name="Check").click()
    page.get_by_text("1 photo deleted (cat/0001.png)").wait_for()

    shutil.move(tmp_path / "bin.png", pets.root / row.path)
    page.get_by_role("link", name="Home").click()

    page.get_by_text("1 photo came back (cat/0001.png)").wait_for()
    assert pets.find(row.path).id == row.id


def test_names_that_try_to_be_code_are_shown_as_they_are(app, page, photo_set):
    evil = '<img src=x onerror="document.title=1">![](http:x) *b*'
    dataset = Dataset.open(photo_set({"cat": 2, "dog": 1}))
    finish(dataset.reconcile())
    dataset.relabel([dataset.rows()[0].id], evil.replace("/", ""), new=True)
    dataset.remove([dataset.rows()[0].id])

    for show in ("steps", "removed", "versions"):
        page.goto(app.address(dataset.root, "history", show=show))
        page.get_by_role("heading", name="History").wait_for()
        if show != "versions":
            page.get_by_text("onerror").first.wait_for()

    assert page.title() != "1"
    assert history.count(dataset) == 2


def test_history_fits_a_narrow_dark_screen(app, new_page, worked_on):
    page = new_page(viewport={"width": 420, "height": 900}, color_scheme="dark")

    for show, words in (
        ("steps", "Relabelled 1 photo"),
        ("removed", "Removed by hand"),
        ("versions", "Name this version"),
    ):
        page.goto(app.address(worked_on.root, "history", show=show))
        page.get_by_text(words).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_thousands_of_steps_are_shown_a_page_at_a_time(app, page, pets, settled):
    with pets.writing() as connection:
        connection.executemany(
            "INSERT INTO step(time, kind, words) VALUES(?, 'relabel', ?)",
            [(float(number), f"Step number {number}") for number in range(5_000)],
        )

    page.goto(app.address(pets.root, "history"))

    page.get_by_text("Step number 4980", exact=True).wait_for()
    page.get_by_role("button", name="Undo back to here").nth(18).wait_for()
    settled(page)
    assert page.get_by_role("button", name="Undo back to here").count() == 19
    page.get_by_role("button", name="250").click()
    page.get_by_text("Step number 0", exact=True).wait_for()
