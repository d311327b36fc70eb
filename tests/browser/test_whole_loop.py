"""The whole loop in Chromium on real photos: open, check, train, review, mend, train, compare.

Nothing is slowed down for it. After each step the files on disk are where they should be.
"""

import re
import time
from pathlib import Path

import pytest

from core import jobs, runs
from core.dataset import Dataset
from core.networks.export import prepared

SECONDS = 120_000  # at most, for what waits for a network; in milliseconds
CLASSES = {"cats": 280, "dogs": 279}

# Keeps every state that the page shows of the progress bar and of the loss chart, as it shows it.
WATCH = """() => {
  window.seen = {progress: [], chart: []};
  const look = () => {
    const say = (list, text) => { if (text && list.at(-1) !== text) list.push(text); };
    for (const bar of document.querySelectorAll('[role=progressbar]'))
      say(window.seen.progress, bar.getAttribute('aria-valuenow'));
    for (const point of document.querySelectorAll("[class*='st-key-train_live_'][class*='_said']"))
      say(window.seen.chart, point.innerText);
  };
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, attributes: true, characterData: true});
}"""


@pytest.fixture
def photos(copied) -> Path:
    if not prepared("lite0"):
        pytest.fail("the network is not prepared: python -m core.networks.export lite0")
    return copied("cats_dogs")


def names_on_disk(root: Path) -> dict[str, set[str]]:
    """File names by class folder, and those that were removed."""
    found = {name: {file.name for file in (root / name).iterdir()} for name in CLASSES}
    removed = root / ".winnow" / "removed"
    found["removed"] = {file.name for file in removed.rglob("*.jpg")} if removed.exists() else set()
    return found


def go(page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def tile(page, number: int):
    return page.get_by_role("option").nth(number)


def wait_until(true, what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def open_folder(page, app, root: Path) -> None:
    page.goto(app.url)
    page.get_by_role("tab", name="A folder").click()
    field = page.get_by_label("Folder", exact=True)
    field.fill(str(root))
    field.press("Enter")
    page.get_by_text("559 photos in 2 folders").wait_for()
    page.locator(".st-key-open_folder button").click()
    page.get_by_role("heading", name="cats_dogs").wait_for()


def check(page) -> None:
    go(page, "Check")
    page.locator(".st-key-check button").click()
    page.get_by_text("All fine: 559 photos checked").wait_for(timeout=SECONDS)


def train(page) -> dict[str, list[str]]:
    go(page, "Train")
    page.evaluate(WATCH)
    page.locator(".st-key-train_start button").click()
    page.get_by_role("heading", name=re.compile("Wrong on .* it had not seen")).wait_for(
        timeout=SECONDS
    )
    return page.evaluate("window.seen")


def look_at_results(page) -> None:
    page.locator(".st-key-train_to_results button").click()
    page.get_by_role("heading", name="Confusion matrix").wait_for()
    plot = page.locator(".st-key-results_matrix, .js-plotly-plot").first
    plot.wait_for()
    box = page.locator(".js-plotly-plot .xy .plot, .js-plotly-plot .nsewdrag").first.bounding_box()
    # The cell in the upper right: labelled cats, taken for dogs.
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    page.get_by_role("heading", name=re.compile("cats.*dogs")).wait_for()


def test_the_whole_loop_on_real_photos(own_app, page, photos):
    before = names_on_disk(photos)
    open_folder(page, own_app, photos)
    dataset = Dataset.open(photos)
    check(page)
    assert names_on_disk(photos) == before

    seen = train(page)
    assert len(set(seen["progress"])) >= 3, seen
    assert len({state for state in seen["chart"] if "held-out" in state}) >= 2, seen
    first = runs.latest_run(dataset.home)
    assert first is not None and first.images == 559
    assert names_on_disk(photos) == before

    look_at_results(page)
    page.locator(".st-key-results_review button").click()
    page.get_by_role("heading", name="Review", exact=True).wait_for()

    # Worst first: two photos labelled cats that the model takes for dogs get the other label.
    tile(page, 0).wait_for()
    shown = [int(tile(page, number).get_attribute("data-id")) for number in range(4)]
    names = {id_: Path(row.path).name for id_, row in dataset.get(shown).items()}
    tile(page, 0).focus()
    page.keyboard.press("2")
    page.keyboard.press("2")
    wait_until(
        lambda: {names[shown[0]], names[shown[1]]} <= names_on_disk(photos)["dogs"],
        "two relabelled photos are not on disk",
    )

    page.keyboard.press("x")
    wait_until(
        lambda: names_on_disk(photos)["removed"] == {names[shown[2]]}, "the removed photo is not"
    )

    # The server goes away in mid-review; a mark made meanwhile waits in the browser.
    own_app.kill()
    page.keyboard.press("2")
    own_app.start()
    wait_until(
        lambda: names[shown[3]] in names_on_disk(photos)["dogs"],
        "a mark made while the server was away is lost",
        seconds=60,
    )
    page.locator("[role=option][data-state=relabelled]:not(.pending)").nth(2).wait_for()
    kinds = [step.kind for step in dataset.history()]
    assert kinds == ["relabel", "remove", "relabel", "relabel"], "a mark was applied twice"

    page.keyboard.press("u")
    wait_until(lambda: names[shown[3]] in names_on_disk(photos)["cats"], "the undo is not on disk")
    assert names_on_disk(photos) == {
        "cats": before["cats"] - {names[id_] for id_ in shown[:3]},
        "dogs": before["dogs"] | {names[id_] for id_ in shown[:2]},
        "removed": {names[shown[2]]},
    }

    page.get_by_role("button", name="Train again").click()
    wait_until(
        lambda: runs.latest_run(dataset.home).id != first.id, "no second run", seconds=SECONDS
    )
    page.get_by_text("Trained again").wait_for()
    second = runs.latest_run(dataset.home)
    assert second.images == 558
    assert jobs.latest(dataset.home, "train").state == "done"

    go(page, "Compare")
    page.get_by_text(re.compile("2 .*labels")).first.wait_for()
    assert len(names_on_disk(photos)["cats"]) + len(names_on_disk(photos)["dogs"]) == 558
