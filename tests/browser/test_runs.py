"""The Runs page in Chromium: curves over one another, another run in use, delete and undo."""

import json
import re

from playwright.sync_api import expect

from core import runs
from core.dataset import Dataset
from core.runs.in_use import run_in_use
from tests.made_runs import deep_run
from tests.trained_sets import train_on_made_features


def do(page, run, action: str) -> None:
    """Choose an action from a run's menu."""
    page.locator(f".st-key-runs_do_{run.id} button").click()
    page.get_by_text(action, exact=True).click()


def test_runs_are_compared_used_exported_deleted_and_had_back(app, page, photo_set, settled):
    root = photo_set({"cat": 30, "dog": 30})
    quick = train_on_made_features(root, mistaken_every=8)
    dataset = Dataset.open(root)
    deep = deep_run(dataset, quick, mended=1)
    page.goto(app.address(root, "runs"))

    for run in (quick, deep):
        page.locator(f".st-key-runs_pick_{run.id} label").click()
        settled(page)
    page.get_by_role("heading", name="2 runs over one another").wait_for()
    chart = page.locator('[data-testid="stVegaLiteChart"] svg')
    chart.wait_for()
    expect(chart.get_by_text("Share of the training (%)")).to_have_count(1)
    expect(chart.locator(".role-legend-label text")).to_have_count(2)
    page.locator(".st-key-runs_figure button", has_text="Error").click()
    chart.get_by_text("Wrong (%)").wait_for()

    do(page, quick, "Use this one")
    card = page.locator(f".st-key-runs_card_{quick.id}")
    card.get_by_text("In use").wait_for()
    assert run_in_use(dataset) == quick

    page.locator(f".st-key-runs_pick_{deep.id} label").click()
    page.get_by_role("heading", name="2 runs over one another").wait_for(state="hidden")
    settled(page)
    with page.expect_download() as started:
        page.locator(f".st-key-runs_export_{quick.id} button:visible").click()
    told = json.loads(started.value.path().read_text())
    assert (told["run"], told["mode"], told["backbone"]) == (quick.id, "quick", "lite0")

    do(page, deep, "Delete")
    undo = page.locator(".st-key-runs_undo_delete button")
    undo.wait_for()
    assert runs.list_runs(dataset.home) == [quick]
    undo.click()
    page.locator(f".st-key-runs_pick_{deep.id}").wait_for()
    assert runs.list_runs(dataset.home) == [deep, quick]


def test_a_name_is_written_in_a_dialog_and_shown_everywhere(app, page, photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    run = train_on_made_features(root)
    page.goto(app.address(root, "runs"))

    do(page, run, "Name and note")
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("<img src=x> first")
    name.press("Tab")
    page.locator(".st-key-runs_note_save button").click()

    page.get_by_role("dialog").wait_for(state="hidden")
    page.get_by_role("heading", name=re.compile("<img src=x> first")).wait_for()
    assert page.locator(f".st-key-runs_pick_{run.id}").inner_text().strip() == "<img src=x> first"


def test_the_page_fits_a_phone(app, new_page, photo_set, settled):
    root = photo_set({"cat": 12, "dog": 12})
    quick = train_on_made_features(root)
    deep_run(Dataset.open(root), quick)
    page = new_page(viewport={"width": 420, "height": 900})

    page.goto(app.address(root, "runs"))
    page.locator('[data-testid="stVegaLiteChart"] svg').wait_for()
    settled(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 420
