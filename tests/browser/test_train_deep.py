"""Deep training and the recipe in Chromium, on a stand-in job that takes seconds.

The recipe is also walked once with the real network on real photos.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import jobs, runs
from core.dataset import Dataset
from core.networks.export import prepared
from tests.browser.conftest import ROOT, App, free_port
from tests.trained_sets import train_on_made_features
from ui import training

MILLISECONDS = 60_000  # for a job from start to end
LOSS = "Loss chart of deep training"


class StandInApp(App):
    """The app, in which deep training is a stand-in."""

    script = ROOT / "tests" / "stand_in_app.py"


@pytest.fixture(scope="module")
def stand_in(user_data_of_its_own: Path, tmp_path_factory) -> Iterator[App]:
    """A server for the tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        one = StandInApp(free_port(), tmp_path_factory.mktemp("stand-in") / "server.log")
        one.start()
    yield one
    one.stop()
    jobs.stop_all([user_data_of_its_own], timeout_seconds=5)


@pytest.fixture
def known(photo_set) -> Iterator[Path]:
    """Photos with a quick run, on which four of them are mistaken."""
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    yield root
    jobs.stop_all([home_of(root)], timeout_seconds=5)


def home_of(root: Path) -> Path:
    return Dataset.open(root).home


def button(page, key: str):
    """A button by its key; one with a help text is there a second time, unseen.

    While the page is drawn anew, one that may not be pressed yet can stand there beside its heir.
    """
    return page.locator(f".st-key-{key} button:visible:not([disabled])")


def open_mode(page, address: str, mode: str) -> None:
    page.goto(address)
    page.locator(".st-key-train_mode").get_by_text(mode, exact=True).click()
    page.locator(f".st-key-{'deep_epochs' if mode == 'Deep' else 'recipe_step_1'}").wait_for()


def start_deep(page, *, epochs: int) -> None:
    field = page.get_by_label("Epochs", exact=True)
    field.fill(str(epochs))
    field.press("Enter")
    page.get_by_text(f"The plan: {epochs} epoch").wait_for()
    button(page, "deep_start").click()
    at_work(page)


def at_work(page) -> None:
    """Wait until there are figures of the first steps."""
    page.locator(".st-key-deep_figures").get_by_text(re.compile(r"\d+ of \d+")).wait_for(
        timeout=MILLISECONDS
    )
    page.locator(f"[aria-label^='{LOSS}']").first.wait_for()


def kept(page):
    return page.get_by_role("heading", name="Deep training is kept")


def figures(page) -> str:
    """Epoch, error, rate and time left; the rate changes with every step."""
    return page.locator(".st-key-deep_figures").inner_text()


def test_the_chart_follows_at_least_once_a_second_and_is_never_mounted_anew(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Deep")
    start_deep(page, epochs=40)
    page.locator(f"[aria-label^='{LOSS}']").evaluate(
        "chart => chart.querySelector('canvas, svg').dataset.mark = '1'"
    )

    seen = {}
    until = time.monotonic() + 5
    while time.monotonic() < until:
        seen.setdefault(figures(page), time.monotonic())
        page.wait_for_timeout(50)

    moments = sorted(seen.values())
    gaps = [later - earlier for earlier, later in zip(moments, moments[1:], strict=False)]
    assert len(gaps) >= 3 and sorted(gaps)[len(gaps) // 2] <= 1, gaps
    assert page.locator(f"[aria-label^='{LOSS}'] [data-mark='1']").count() == 1


def test_the_table_of_epochs_and_the_words_on_the_curves_come_while_it_runs(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Deep")
    start_deep(page, epochs=6)

    page.locator(".st-key-deep_live_epochs").get_by_role(
        "cell", name="2", exact=False
    ).first.wait_for()
    page.locator(".st-key-deep_live_said").get_by_text(re.compile("improving|Levelled")).wait_for()
    kept(page).wait_for(timeout=MILLISECONDS)
    page.get_by_role("cell", name="Quick", exact=True).wait_for()


def test_stop_says_stopping_at_once_and_resume_goes_on_where_it_was(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Deep")
    start_deep(page, epochs=8)
    page.locator(".st-key-deep_live_epochs").get_by_text("★").first.wait_for()

    button(page, "deep_job_stop").click()
    page.locator(".st-key-deep_job_stop").get_by_text("Stopping").or_(
        page.locator(".st-key-deep_resume")
    ).first.wait_for(timeout=2000)
    page.get_by_text(re.compile(r"It had finished \d of 8 epochs")).wait_for()
    finished = int(re.search(r"finished (\d) of 8", page.inner_text("body"))[1])
    button(page, "deep_resume").click()
    at_work(page)
    # The epochs from before the stop are still in the table.
    table = page.locator(".st-key-deep_live_epochs").get_by_role("cell")
    table.get_by_text(re.compile(f"^{finished + 1}")).first.wait_for()
    assert table.first.inner_text().startswith("1")
    kept(page).wait_for(timeout=MILLISECONDS)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
def test_a_killed_training_can_be_kept_as_far_as_it_came(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Deep")
    start_deep(page, epochs=30)
    page.locator(".st-key-deep_live_epochs").get_by_text("★").first.wait_for()

    os.kill(jobs.latest(home_of(known), training.KIND).pid, 9)

    page.get_by_text("ended without a word").wait_for()
    button(page, "deep_keep").click()
    kept(page).wait_for(timeout=MILLISECONDS)


def test_two_tabs_and_a_reload_in_mid_run_show_the_same_training(stand_in, new_page, known):
    first, second = new_page(), new_page()
    open_mode(first, stand_in.address(known, "train"), "Deep")
    start_deep(first, epochs=40)

    second.goto(stand_in.address(known, "train"))
    at_work(second)
    first.reload()
    at_work(first)

    for page in (first, second):
        assert " of 40" in figures(page)
    button(second, "deep_job_stop").click()
    for page in (first, second):
        button(page, "deep_resume").wait_for()


def test_a_click_on_the_curve_of_rates_fills_the_field(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Deep")
    button(page, "deep_find").click()
    plot = page.locator(".st-key-deep_rate_plot")
    plot.locator("canvas, svg").first.wait_for(timeout=MILLISECONDS)
    field = page.get_by_label("Learning rate", exact=True)
    assert field.input_value() == ""

    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = plot.bounding_box()
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])

    page.wait_for_function("field => field.value !== ''", arg=field.element_handle())
    clicked = float(field.input_value())
    assert 1e-4 < clicked < 0.1
    button(page, "deep_rate_valley").click()
    page.wait_for_function(
        "([field, old]) => field.value !== old", arg=[field.element_handle(), f"{clicked:.2g}"]
    )
    assert field.input_value() in button(page, "deep_rate_valley").inner_text()


def test_a_diverged_training_ends_in_a_sentence_and_a_working_page(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Deep")
    field = page.get_by_label("Learning rate", exact=True)
    field.fill("5")
    field.press("Enter")
    page.get_by_text("at a rate of up to 5").wait_for()

    button(page, "deep_start").click()

    page.get_by_text("training diverged at step 4").wait_for(timeout=MILLISECONDS)
    assert button(page, "deep_start").is_enabled()


def done(page, step: int):
    return page.locator(f".st-key-recipe_step_{step} [aria-label*='check_circle']")


def test_a_reload_in_the_middle_of_the_recipe_loses_nothing(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Recipe")
    for step in (1, 2):
        button(page, f"recipe_do_{step}").click()
        done(page, step).wait_for(timeout=MILLISECONDS)
    taken = page.locator(".st-key-recipe_step_2").get_by_text(re.compile("Taken")).inner_text()
    button(page, "recipe_do_3").click()
    page.locator(".st-key-recipe_job_stop").wait_for()

    page.reload()  # the page opens on the recipe, for its training goes on

    done(page, 2).wait_for()
    assert page.locator(".st-key-recipe_step_2").get_by_text(taken, exact=True).count() == 1
    done(page, 3).wait_for(timeout=MILLISECONDS)
    page.reload()
    page.locator(".st-key-train_mode").get_by_text("Recipe", exact=True).click()
    done(page, 3).wait_for()


def test_a_step_that_was_stopped_is_resumed_in_its_place(stand_in, page, known):
    open_mode(page, stand_in.address(known, "train"), "Recipe")
    for step in (1, 2):
        button(page, f"recipe_do_{step}").click()
        done(page, step).wait_for(timeout=MILLISECONDS)
    button(page, "recipe_do_3").click()
    page.locator(".st-key-recipe_live_3_epochs").get_by_text("★").first.wait_for()

    button(page, "recipe_job_stop").click()
    button(page, "recipe_resume").click()

    done(page, 3).wait_for(timeout=MILLISECONDS)


# Here, not in a file of its own: files of one test are begun last, and this one is long.
REAL_MILLISECONDS = 300_000  # a step; the seventh learns from 800 photos with all layers
CLASSES = ("black", "grizzly", "teddy")
EACH = 20


@pytest.fixture
def sixty_bears(test_data: Path, tmp_path: Path) -> Path:
    """The first twenty photos of each kind."""
    if not prepared("lite0"):
        pytest.fail("the network is not prepared: python -m core.networks.export lite0")
    root = tmp_path / "sixty bears"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        for photo in sorted((test_data / "bears" / name).iterdir())[:EACH]:
            shutil.copyfile(photo, root / name / photo.name)
    return root


def grows_in_place(page) -> None:
    """Look at the chart of a real training in its first and in its third epoch."""
    epochs = page.locator(".st-key-deep_figures")
    epochs.get_by_text("1 of 7").wait_for(timeout=REAL_MILLISECONDS)
    drawn = page.locator(f".st-key-recipe_step_8 [aria-label^='{LOSS}'] :is(canvas, svg)")
    drawn.evaluate("picture => { picture.dataset.mark = '1' }")
    before = drawn.screenshot()
    epochs.get_by_text("3 of 7").wait_for(timeout=REAL_MILLISECONDS)
    assert drawn.get_attribute("data-mark") == "1"
    assert drawn.screenshot() != before


def test_sixty_bears_walk_through_the_recipe(app, page, sixty_bears):
    page.goto(app.address(sixty_bears, "train"))
    page.locator(".st-key-train_mode").get_by_text("Recipe", exact=True).click()

    for step in range(1, 9):
        button = page.locator(f".st-key-recipe_do_{step} button:visible:not([disabled])")
        button.click(timeout=REAL_MILLISECONDS)
        if step == 8:
            grows_in_place(page)
        done = page.locator(f".st-key-recipe_step_{step} [aria-label*='check_circle']")
        done.wait_for(timeout=REAL_MILLISECONDS)

    last = page.locator(".st-key-recipe_step_8")
    last.get_by_text("neither had seen").first.wait_for()
    home = Dataset.open(sixty_bears).home
    deep = [one for one in runs.list_runs(home) if one.mode == "deep"]  # newest first
    whole, with_changes, last_layer = deep
    assert [one.settings["deep"]["freeze_to"] for one in (last_layer, with_changes)] == [99, 99]
    assert whole.settings["deep"]["freeze_to"] == 0
    assert whole.settings["deep"]["start_from"] == with_changes.id
    lowest, middle, highest = whole.settings["deep"]["lrs"]
    assert highest == pytest.approx(10 * middle) == pytest.approx(100 * lowest)
    assert whole.answers[whole.kept]["wrong"] <= whole.answers["quick"]["wrong"] <= 4  # of 12
    page.locator(".st-key-recipe_to_results button:visible").click()
    page.wait_for_url(re.compile("/results"))
