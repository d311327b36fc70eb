"""What is chosen and shown on augmentation; pictures themselves are fetched by nobody here."""

import html
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from core.dataset import Dataset
from core.dataset.recent import remember
from core.train import preview
from core.train.augment_choices import PRESETS, choices_of
from tests.trained_sets import finish

PAGE = Path(__file__).parent / "augmentation_page.py"


@pytest.fixture
def opened(photo_set):
    """The page on a set of 10 photos, run once."""

    def run(counts=None, **asked):
        root = photo_set({"cat": 6, "do<b>g": 4} if counts is None else counts)
        finish(Dataset.open(root).reconcile())
        page = AppTest.from_file(str(PAGE), default_timeout=60)
        page.query_params["set"] = remember(root)
        for key, value in asked.items():
            page.query_params[key] = value
        return page.run()

    return run


@pytest.fixture(autouse=True, scope="module")
def no_process_stays():
    yield
    preview.close()


def chosen(page):
    return json.loads(page.text[0].value)


def pictures(page, at):
    """Content and question of each picture in the block of HTML of this number."""
    blocks = page.get("html")
    found = re.findall(r'src="([^"]+)"', blocks[at].proto.body)
    addresses = [urlsplit(html.unescape(url)) for url in found]
    return [
        (one.path.rsplit("/", 1)[1], {k: v[0] for k, v in parse_qs(one.query).items()})
        for one in addresses
    ]


def test_from_the_side_is_chosen_at_first_and_a_sentence_says_when_to_take_it(opened):
    page = opened()

    assert not page.exception
    assert chosen(page) == "side"
    assert page.caption[0].value == PRESETS["side"].sentence


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_chosen(opened, name):
    page = opened()

    page.radio(key="augment_preset").set_value(name).run()

    assert chosen(page) == name and page.caption[0].value == PRESETS[name].sentence
    assert not page.exception


def test_the_sliders_start_from_the_preset_and_are_it_until_one_is_moved(opened):
    page = opened()
    page.radio(key="augment_preset").set_value("above").run()
    page.toggle(key="augment_own").set_value(True).run()
    assert chosen(page) == "above"

    page.slider(key="augment_rotate").set_value(25.0).run()
    page.checkbox(key="augment_flip_vertical").set_value(False).run()

    own = choices_of(chosen(page))
    assert (own.rotate, own.flip_vertical, own.quarter_turns, own.warp) == (25, False, True, 0.2)
    assert not page.exception


def test_another_preset_sets_the_sliders_anew(opened):
    page = opened()
    page.toggle(key="augment_own").set_value(True).run()
    page.slider(key="augment_crop").set_value(40.0).run()

    page.radio(key="augment_preset").set_value("count").run()

    assert chosen(page) == "count"
    assert page.slider(key="augment_crop").value == 100


@pytest.mark.parametrize(
    "augment",
    ["count", {"rotate": 90, "zoom": 3, "flip": True, "p_affine": 1, "crop": 0.05}, {"warp": 0.07}],
)
def test_the_settings_of_a_run_are_shown_and_come_back_as_they_were(opened, augment):
    page = opened(shown=json.dumps(augment))

    assert not page.exception
    assert choices_of(chosen(page)) == choices_of(augment)
    assert page.toggle(key="augment_own").value == (not isinstance(augment, str))


def test_own_choices_that_may_change_a_count_say_so(opened):
    page = opened()
    page.radio(key="augment_preset").set_value("count").run()
    page.toggle(key="augment_own").set_value(True).run()
    assert not any("not for counting" in one.value for one in page.caption)

    page.slider(key="augment_zoom").set_value(1.2).run()

    assert any("not for counting" in one.value for one in page.caption)


def test_nothing_can_be_chosen_while_it_is_said_so(opened):
    page = opened(disabled="yes")

    assert page.radio(key="augment_preset").disabled and page.toggle(key="augment_own").disabled


def test_one_photo_is_shown_as_it_is_and_eight_ways(opened):
    found = pictures(opened(), 0)

    assert len({content for content, _ in found}) == 1
    assert "change" not in found[0][1]
    assert [asked["seed"] for _, asked in found[1:]] == [str(seed) for seed in range(8)]
    assert {asked["change"] for _, asked in found[1:]} == {
        json.dumps(PRESETS["side"].choices.to_json(), separators=(",", ":"))
    }


def test_another_photo_and_other_changes_can_be_asked_for(opened):
    page = opened()
    before = pictures(page, 0)

    page.button(key="augment_photo_next").click().run()
    other_photo = pictures(page, 0)
    page.button(key="augment_draw_next").click().run()
    other_changes = pictures(page, 0)

    assert before[0][0] != other_photo[0][0] == other_changes[0][0]
    assert [asked["seed"] for _, asked in other_changes[1:]] == [str(at) for at in range(8, 16)]


def test_without_changes_there_is_only_the_photo_as_it_is(opened):
    page = opened()

    page.radio(key="augment_preset").set_value("none").run()

    assert len(pictures(page, 0)) == 1
    assert any("as it is" in one.value for one in page.caption)


def test_a_batch_is_shown_with_its_classes_and_its_size_in_numbers(opened):
    page = opened()

    found, words = pictures(page, 1), page.get("html")[1].proto.body

    assert len(found) == 10 and {asked["size"] for _, asked in found} == {"96"}
    assert words.count("<figcaption") == 10 and "do&lt;b&gt;g" in words and "do<b>g" not in words
    said = next(one.value for one in page.caption if "A batch is" in one.value)
    assert "64 photos of 96 × 96" in said and "1,769,472 numbers" in said and "10 of them" in said


def test_the_numbers_of_a_photo_are_folded_away_and_come_when_asked_for(opened):
    page = opened()
    assert len(page.get("html")) == 2

    page.session_state["augment_numbers_open"] = True
    page.run()

    assert not page.exception
    assert any("**64 pixels** wide and **48** high" in one.value for one in page.markdown)
    channels = [asked.get("channel") for _, asked in pictures(page, 2)]
    assert channels == [None, "red", "green", "blue"]
    assert page.get("html")[3].proto.body.count("rgb(") == 36


def test_a_set_without_photos_says_when_there_will_be_something_to_see(opened):
    page = opened({"cat": 0})

    assert not page.exception and not page.get("html")
    assert sum("Once there are photos" in one.value for one in page.caption) == 2
