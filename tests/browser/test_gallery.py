"""The gallery in Chromium, with real keys: each mark arrives on disk, once, whatever happens."""

import re
import time

import pytest

from core.dataset import Dataset
from tests.trained_sets import train_on_made_features

SECONDS_TO_SETTLE = 20


@pytest.fixture
def trained(photo_set):
    """Two classes of 40; every second photo looks like one of the other class: 40 mistakes."""
    root = photo_set({"cat": 40, "dog": 40})
    train_on_made_features(root, mistaken_every=2)
    return root


@pytest.fixture
def review(app, page, trained):
    """The Review page with its first photo in focus."""
    page.goto(app.address(trained, "review"))
    return focus_first(page)


def focus_first(page):
    tiles(page).first.wait_for()
    tiles(page).first.click()
    return page


def tiles(page):
    return page.locator(".grid").get_by_role("option")


def label(page, index: int) -> str:
    return tiles(page).nth(index).get_attribute("aria-label")


def all_saved(page) -> None:
    page.locator('.gallery[data-unsaved="0"]').wait_for()


def ids(page) -> list[int]:
    return page.eval_on_selector_all(".tile", "tiles => tiles.map(t => Number(t.dataset.id))")


def focused(page) -> int:
    """Index of the tile that has the focus, -1 if none has."""
    return page.locator(".grid").evaluate(
        "grid => [...grid.children].indexOf(grid.getRootNode().activeElement)"
    )


def place(dataset: Dataset, file_id: int) -> str | None:
    """The class a photo stands in on disk; None if it is not in a class folder."""
    row = dataset.get([file_id]).get(file_id)
    if row is None:
        return None
    assert (dataset.root / row.path).is_file()
    return row.class_name


def until(condition, what: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_thirty_keys_pressed_fast_all_arrive_on_disk(review, trained):
    dataset = Dataset.open(trained)
    before = {file_id: place(dataset, file_id) for file_id in ids(review)}
    other = {"cat": "2", "dog": "1"}

    for file_id in ids(review)[:30]:
        review.keyboard.press(other[before[file_id]])
    all_saved(review)

    now = {file_id: place(dataset, file_id) for file_id in ids(review)}
    moved = [file_id for file_id in before if now[file_id] != before[file_id]]
    assert moved == ids(review)[:30]
    assert None not in now.values()
    assert len(dataset.history(limit=100)) == 30


def test_a_mark_shows_at_once_and_the_focus_goes_to_the_next_photo(review):
    review.keyboard.press("x")

    assert label(review, 0).endswith("removed")
    assert focused(review) == 1


def test_tiles_stay_where_they_are_after_a_mark_and_after_a_reload(review):
    order = ids(review)

    review.keyboard.press("x")
    review.keyboard.press("2")
    all_saved(review)
    marked = [label(review, 0), label(review, 1)]
    review.reload()
    focus_first(review)

    assert ids(review) == order
    assert [label(review, 0), label(review, 1)] == marked


def test_u_takes_back_the_last_mark_and_goes_back_to_its_photo(review, trained):
    dataset = Dataset.open(trained)
    first = ids(review)[0]
    was = place(dataset, first)

    review.keyboard.press("x")
    review.keyboard.press("u")
    all_saved(review)

    assert place(dataset, first) == was
    assert "removed" not in label(review, 0)
    assert focused(review) == 0


def test_u_still_knows_the_last_mark_after_a_reload(review, trained):
    dataset = Dataset.open(trained)
    first = ids(review)[0]
    was = place(dataset, first)
    review.keyboard.press("x")
    all_saved(review)
    review.reload()
    focus_first(review)

    review.keyboard.press("u")
    all_saved(review)

    assert place(dataset, first) == was


def test_marks_on_the_way_survive_a_reload(app, page, trained):
    cut = {"off": False}

    def pass_on(socket):
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if cut["off"] else server.send(message))

    page.route_web_socket(re.compile("/_stcore/stream"), pass_on)
    page.goto(app.address(trained, "review"))
    focus_first(page)
    cut["off"] = True
    page.keyboard.press("x")
    page.keyboard.press("x")
    page.locator('.gallery[data-unsaved="2"]').wait_for()
    dataset = Dataset.open(trained)
    assert dataset.removed_count() == 0

    cut["off"] = False
    page.reload()
    tiles(page).first.wait_for()

    until(lambda: dataset.removed_count() == 2, "The two marks did not arrive.")
    all_saved(page)
    assert len(dataset.history(limit=10)) == 2


def test_marks_made_while_the_server_is_down_are_applied_once(own_app, page, trained):
    dataset = Dataset.open(trained)
    page.goto(own_app.address(trained, "review"))
    review = focus_first(page)
    review.keyboard.press("x")
    all_saved(review)

    own_app.kill()
    try:
        review.keyboard.press("x")
        review.keyboard.press("x")
        assert label(review, 2).endswith("removed")
    finally:
        own_app.start()

    until(lambda: dataset.removed_count() == 3, "The marks did not arrive after the restart.")
    all_saved(review)
    assert len(dataset.history(limit=10)) == 3


def test_a_mark_is_not_left_behind_when_another_page_is_opened_at_once(review, trained):
    dataset = Dataset.open(trained)
    elsewhere = review.get_by_test_id("stSidebar").get_by_role("link", name="Results")
    elsewhere.wait_for()

    review.keyboard.press("x")
    elsewhere.click()

    until(lambda: dataset.removed_count() == 1, "The mark stayed behind.")


def test_a_photo_moved_by_somebody_else_is_left_alone_and_says_so(review, trained):
    dataset = Dataset.open(trained)
    first = ids(review)[0]
    other = "dog" if place(dataset, first) == "cat" else "cat"
    dataset.relabel([first], other)

    review.keyboard.press("x")
    all_saved(review)

    assert place(dataset, first) == other
    assert tiles(review).nth(0).get_attribute("data-state") == "refused"
    assert tiles(review).nth(0).locator(".refusal").inner_text()


def test_arrows_move_by_where_tiles_stand(review):
    columns = review.locator(".grid").evaluate(
        "grid => getComputedStyle(grid).gridTemplateColumns.split(' ').length"
    )
    visited = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "End", "Home"):
        review.keyboard.press(key)
        visited.append(focused(review))

    assert visited == [1, 1 + columns, columns, 0, len(ids(review)) - 1, 0]


def test_a_range_and_single_photos_are_marked_together_as_one_step(review, trained):
    review.keyboard.press("Shift+ArrowRight")
    review.keyboard.press("Shift+ArrowRight")
    tiles(review).nth(4).click(modifiers=["Control"])
    selected = review.locator('.tile[aria-selected="true"]')
    assert selected.count() == 4

    review.keyboard.press("Delete")
    all_saved(review)

    dataset = Dataset.open(trained)
    assert dataset.removed_count() == 4
    assert len(dataset.history(limit=10)) == 1
    assert selected.count() == 0


def test_space_gathers_photos_while_the_arrows_move_on(review):
    review.keyboard.press("Escape")
    for key in ("Space", "ArrowRight", "ArrowRight", "Space", "ArrowRight"):
        review.keyboard.press(key)

    chosen = [
        at for at in range(6) if tiles(review).nth(at).get_attribute("aria-selected") == "true"
    ]
    assert chosen == [0, 2]


def test_the_key_of_its_own_class_keeps_a_photo_and_changes_nothing(review, trained):
    dataset = Dataset.open(trained)
    own = {"cat": "1", "dog": "2"}[place(dataset, ids(review)[0])]

    review.keyboard.press(own)

    assert label(review, 0).endswith("kept")
    assert focused(review) == 1
    assert dataset.history(limit=10) == []


def test_a_class_is_found_by_typing_its_name(app, page, photo_set):
    names = {f"class {number:02}": 3 for number in range(11)} | {"zebra": 3}
    root = photo_set(names)
    train_on_made_features(root, mistaken_every=2)
    page.goto(app.address(root, "review"))
    focus_first(page)
    first = ids(page)[0]

    page.keyboard.type("zeb")
    page.keyboard.press("Enter")
    all_saved(page)

    assert place(Dataset.open(root), first) == "zebra"
    assert label(page, 0).endswith("now: zebra")
    assert focused(page) == 1


def test_one_key_takes_the_class_that_the_model_names(review, trained):
    dataset = Dataset.open(trained)
    first, second = ids(review)[:2]
    other = {"cat": "dog", "dog": "cat"}
    wanted = [other[place(dataset, first)], other[place(dataset, second)]]

    review.keyboard.press("Shift+ArrowRight")
    review.keyboard.press("=")
    all_saved(review)

    assert [place(dataset, first), place(dataset, second)] == wanted


def test_streamlits_own_keys_do_not_answer_inside_the_gallery(review):
    review.keyboard.press("c")
    review.get_by_role("combobox", name="Class to move to").wait_for()
    review.keyboard.press("Escape")

    assert review.get_by_text("Clear caches").count() == 0
    assert focused(review) == 0


def test_the_large_view_moves_on_marks_and_closes(review):
    review.keyboard.press("Enter")
    large = review.get_by_role("dialog", name="Large view")
    large.get_by_text("1 of").wait_for()
    review.keyboard.press("ArrowRight")
    large.get_by_text("2 of").wait_for()
    review.keyboard.press("x")
    large.get_by_text("3 of").wait_for()
    all_saved(review)
    review.keyboard.press("Escape")

    large.wait_for(state="hidden")
    assert label(review, 1).endswith("removed")
    assert focused(review) == 2


def test_a_heat_map_that_cannot_be_drawn_is_said_in_a_sentence(review):
    review.route(re.compile("/heat/"), lambda route: route.abort())

    review.keyboard.press("Enter")

    review.get_by_text("This heat map could not be drawn.").first.wait_for()


def test_space_hides_the_heat_maps_of_the_large_view_and_brings_them_back(review):
    review.keyboard.press("Enter")
    large = review.get_by_role("dialog", name="Large view")
    large.locator("figcaption").nth(1).wait_for()

    review.keyboard.press("Space")
    large.locator("figcaption").nth(1).wait_for(state="detached")

    review.keyboard.press("Space")
    large.locator("figcaption").nth(1).wait_for()


def test_the_large_view_explains_heat_maps_and_asks_for_none_of_a_removed_photo(review):
    review.keyboard.press("Enter")
    large = review.get_by_role("dialog", name="Large view")
    large.get_by_text("Bright: speaks for this class.").wait_for()
    review.keyboard.press("x")
    large.get_by_text("2 of").wait_for()
    review.keyboard.press("ArrowLeft")

    large.get_by_text("Removed photos have no heat maps.").wait_for()
    assert large.locator("figure").count() == 1
    all_saved(review)

    review.keyboard.press("u")
    large.get_by_text("Bright: speaks for this class.").wait_for()
    assert large.locator("figure").count() == 3


def test_the_hint_names_the_digits_that_there_are(review):
    review.get_by_text("Press 1 or 2 to move the outlined photo to that class.").wait_for()


def test_question_mark_shows_the_keys(review):
    review.keyboard.press("?")

    review.get_by_role("dialog", name="Keys").get_by_text("undo the last mark").wait_for()


def test_people_without_a_keyboard_click(review, trained):
    tiles(review).nth(2).click()
    review.get_by_role("toolbar").get_by_role("button", name="Remove").click()
    all_saved(review)

    assert label(review, 2).endswith("removed")
    assert Dataset.open(trained).removed_count() == 1


def test_a_phone_shows_two_photos_in_a_row(app, new_page, trained):
    phone = new_page(viewport={"width": 420, "height": 800}, has_touch=True)
    phone.goto(app.address(trained, "review"))
    tiles(phone).first.wait_for()

    left, right, below = (tiles(phone).nth(at).bounding_box() for at in range(3))

    assert left["y"] == right["y"] < below["y"]
    tiles(phone).first.tap()
    assert tiles(phone).first.get_attribute("aria-selected") == "true"


def test_every_photo_has_a_name_that_holds_its_caption(review):
    first = tiles(review).first
    caption = first.locator(".line").all_inner_texts()

    assert first.locator("img").get_attribute("alt")
    assert all(line in label(review, 0) for line in caption)


def test_hostile_class_names_are_text_and_fetch_nothing(app, page, photo_set):
    image = '<img src=x onerror="window.hit=1">'
    beacon = "![x](http:⁄⁄beacon.invalid⁄x.png)"
    root = photo_set({image: 6, beacon: 6, "\u202egnp.evil": 6})
    train_on_made_features(root, mistaken_every=2)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app.address(root, "review"))
    focus_first(page)

    page.keyboard.press("1")
    page.keyboard.press("2")
    all_saved(page)
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Large view").wait_for()

    assert page.evaluate("window.hit") is None
    assert all(
        url.startswith((app.url, app.url.replace("http", "ws"), "data:", "blob:")) for url in asked
    )
    assert image in page.locator(".bar").inner_text()


def test_keys_mean_the_photos_when_nothing_holds_the_keyboard(review, trained):
    marked = ids(review)[1]
    review.keyboard.press("ArrowRight")
    review.evaluate("document.activeElement.blur()")
    assert review.evaluate("document.activeElement === document.body")

    review.keyboard.press("x")

    all_saved(review)
    assert place(Dataset.open(trained), marked) is None
    assert focused(review) == 2
