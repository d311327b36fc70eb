"""Label in Chromium: whole sets sorted with the keyboard, and every key found again on disk."""

import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from core import runs
from core.dataset import Dataset
from core.dataset.classes import class_order
from core.label.grouping import grouped
from core.networks.features import FeatureStore
from tests.conftest import make_photo
from tests.trained_sets import finish, train_on_made_features

SECONDS_TO_SETTLE = 30
KINDS = ("bird", "cat", "dog")
UNSORTED = 60


@pytest.fixture
def animals(photo_set) -> Path:
    """Three classes of ten with a trained run, and 60 unsorted photos whose names say the class."""
    root = photo_set(dict.fromkeys(KINDS, 10))
    train_on_made_features(root, mistaken_every=100)
    (root / "unsorted").mkdir()
    for at in range(UNSORTED):
        path = root / "unsorted" / f"{KINDS[at % 3]} {at:03}.png"
        make_photo(seed=5000 + at).save(path)
    dataset = Dataset.open(root)
    finish(dataset.refresh())
    rows = dataset.rows(class_name=None)
    features = np.empty((len(rows), 2, 1280), np.float16)
    for at, row in enumerate(rows):
        noise = np.random.default_rng(zlib.crc32(row.content.encode()))
        features[at] = noise.normal(0, 0.05, 1280)
        features[at, :, KINDS.index(truth(row.path))] += 3
    FeatureStore(dataset.home, "lite0").add([row.content for row in rows], features)
    dataset.set_setting("live_training", "no")
    return root


def truth(path: str) -> str:
    return path.rpartition("/")[2].split()[0]


def tiles(page):
    return page.locator(".grid").get_by_role("option")


def ids(page) -> list[int]:
    return page.eval_on_selector_all(".tile", "tiles => tiles.map(t => Number(t.dataset.id))")


def begin(page, app, root: Path, **asked: str):
    page.goto(app.address(root, "label", **asked))
    tiles(page).first.wait_for()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    return page


def all_saved(page) -> None:
    page.locator('.gallery[data-unsaved="0"]:not([data-turning])').wait_for()


def until(condition, what: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_sixty_photos_are_sorted_by_keys_alone_in_groups_and_one_by_one(app, page, animals):
    dataset = Dataset.open(animals)
    unsorted = dataset.rows(class_name=None)
    right = {row.id: truth(row.path) for row in unsorted}
    groups = grouped(dataset, "lite0", unsorted)
    begin(page, app, animals, view="groups")
    assert sorted(ids(page)) == sorted(groups[0])
    key_of = {name: str(at + 1) for at, name in enumerate(class_order(dataset))}
    half = len(groups) // 2
    log = []  # (key, photos it is meant for), typed without waiting for anything

    for group in groups[:half]:
        (kind,) = {right[one] for one in group}
        log.append((key_of[kind], group))
        page.keyboard.press(key_of[kind])
    page.keyboard.press("Enter")  # the large view: one photo at a time from here
    for group in groups[half:]:
        for one in group:
            log.append((key_of[right[one]], [one]))
            page.keyboard.press(key_of[right[one]])
    all_saved(page)

    until(lambda: dataset.unsorted_count() == 0, "some photos are still unsorted")
    assert sum(len(some) for _, some in log) == UNSORTED
    rows = dataset.get(right)
    assert {one: rows[one].class_name for one in right} == right
    # Each key did one step, in its turn. Which of a group's photos came first is not promised: a
    # gallery that is made anew groups those that are left anew.
    class_of = {key: name for name, key in key_of.items()}
    steps = dataset.history(limit=200)[::-1]
    assert [(step.changes[0].target, len(step.changes)) for step in steps] == [
        (class_of[key], len(some)) for key, some in log
    ]
    done = [change.file_id for step in steps for change in step.changes]
    assert sorted(done) == sorted(right)


def test_photos_taken_out_of_a_groups_selection_are_left_for_the_next_key(app, page, animals):
    dataset = Dataset.open(animals)
    begin(page, app, animals, view="groups")
    group = ids(page)

    page.keyboard.press("Space")  # takes the first photo out
    page.keyboard.press("1")
    all_saved(page)
    assert ids(page) == group
    page.keyboard.press("3")
    all_saved(page)

    until(lambda: ids(page) != group, "the next group does not come")
    rows = dataset.get(group)
    assert rows[group[0]].class_name == "dog"
    assert {rows[one].class_name for one in group[1:]} == {"bird"}


def test_u_takes_back_a_group_after_the_next_one_has_come(app, page, animals):
    dataset = Dataset.open(animals)
    begin(page, app, animals, view="groups")
    first = ids(page)
    page.keyboard.press("1")
    until(lambda: ids(page) != first, "the next group does not come")

    page.keyboard.press("u")
    all_saved(page)

    until(lambda: dataset.unsorted_count() == UNSORTED, "the group is not unsorted again")
    page.keyboard.press("[")
    until(lambda: ids(page) == first, "the group before does not come")


def test_a_class_is_made_for_selected_photos_by_its_name(app, page, animals):
    dataset = Dataset.open(animals)
    begin(page, app, animals)
    chosen = ids(page)[:2]

    tiles(page).first.click()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("k")
    page.keyboard.type("itten")
    page.keyboard.press("Enter")
    all_saved(page)

    assert {row.id for row in dataset.rows(class_name="kitten")} == set(chosen)
    page.locator('.bar button[data-class="kitten"] kbd').get_by_text("4").wait_for()


def test_a_reload_keeps_the_filter_and_the_page_of_groups(app, page, animals):
    begin(page, app, animals, view="grid", photos="unsorted", words="cat")
    assert len(ids(page)) == 20

    page.reload()
    tiles(page).first.wait_for()

    assert len(ids(page)) == 20
    assert "words=cat" in page.url


def test_two_tabs_on_one_data_set_lose_nothing(app, new_page, animals):
    dataset = Dataset.open(animals)
    one, other = begin(new_page(), app, animals), begin(new_page(), app, animals)
    photos = ids(one)

    tiles(one).first.click()
    for _ in range(10):
        one.keyboard.press("1")
    all_saved(one)
    tiles(other).first.click()
    for _ in range(20):
        other.keyboard.press("2")
    all_saved(other)

    rows = dataset.get(photos[:20])
    assert [rows[photo].class_name for photo in photos[:20]] == ["bird"] * 10 + ["cat"] * 10
    first = tiles(other).first.get_attribute("aria-label")
    assert "not changed, now: bird" in first and "in the meantime" in first


def test_classes_are_renamed_and_merged_and_the_merge_is_undone(app, page, animals):
    dataset = Dataset.open(animals)
    begin(page, app, animals)

    page.locator(".st-key-label_classes summary").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("sparrow")
    page.keyboard.press("Enter")
    until(lambda: dataset.counts().get("sparrow") == 10, "the class is not renamed")
    page.get_by_role("button", name="Merge").click()
    page.locator(".st-key-label_merge button").click()
    until(lambda: "sparrow" not in dataset.classes(), "the classes are not merged")
    assert dataset.counts() == {"cat": 20, "dog": 10}
    page.get_by_role("button", name="Undo", exact=True).last.wait_for()
    page.locator('[data-testid="stSidebar"]').get_by_role("button", name="Undo").click()

    until(lambda: dataset.counts().get("sparrow") == 10, "the merge is not undone")
    assert dataset.counts() == {"cat": 10, "dog": 10, "sparrow": 10}


def test_the_model_learns_after_a_pause_and_nothing_moves(app, page, animals):
    dataset = Dataset.open(animals)
    dataset.set_setting("live_training", "yes")
    before = runs.latest_run(dataset.home).id
    begin(page, app, animals, order="unsure")
    order = ids(page)
    told = tiles(page).nth(50).inner_text()
    tiles(page).nth(30).click()
    key = {name: str(at + 1) for at, name in enumerate(KINDS)}
    rows = dataset.get(order)
    for photo in order[30:36]:
        page.keyboard.press(key[truth(rows[photo].path)])
    all_saved(page)
    place = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop")

    until(lambda: runs.latest_run(dataset.home).id != before, "nothing was learnt")
    until(lambda: tiles(page).nth(50).inner_text() != told, "suggestions do not follow")

    assert ids(page) == order
    focused = page.locator(".grid").evaluate(
        "grid => [...grid.children].indexOf(grid.getRootNode().activeElement)"
    )
    assert focused == 36
    after = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop")
    assert after == place
