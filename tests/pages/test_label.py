"""The Label page, driven by what its gallery sends and by its buttons, without a browser."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from core.dataset import Dataset, watching
from core.dataset.classes import class_order
from core.networks.features import FeatureStore
from tests.trained_sets import finish, train_on_made_features


@pytest.fixture
def half_sorted(photo_set) -> Path:
    """Two classes of 12 with a trained run, and 20 unsorted photos that look like either."""
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root, mistaken_every=100)
    add_unsorted(root, 20)
    return root


def add_unsorted(root: Path, number: int, *, kinds: int = 2) -> None:
    """Unsorted photos with made features: every second looks like a dog."""
    from tests.conftest import make_photo

    (root / "unsorted").mkdir(exist_ok=True)
    for at in range(number):
        make_photo(seed=5000 + at).save(root / "unsorted" / f"new_{at:03}.png")
    dataset = Dataset.open(root)
    finish(dataset.refresh())
    rows = dataset.rows(class_name=None)
    features = np.empty((len(rows), 2, 1280), np.float16)
    for at, row in enumerate(rows):
        noise = np.random.default_rng(zlib.crc32(row.content.encode()))
        features[at] = noise.normal(0, 0.05, 1280)
        features[at, :, at % kinds] += 3
    FeatureStore(dataset.home, "lite0").add([row.content for row in rows], features)


def listed(page: AppTest) -> list[int]:
    return page.session_state["label_list"].ids


def words(page: AppTest) -> str:
    said = [*page.markdown, *page.success, *page.caption, *page.info]
    return "\n".join(element.value for element in said)


def send(page: AppTest, *log: dict, client: str = "a tab") -> AppTest:
    page.session_state["label_gallery"] = {"edits": {"client": client, "log": list(log)}}
    return page.run()


def edit(number: int, ids: list[int], to: str, shown_in: str = "unsorted", **more) -> dict:
    return {
        "number": number,
        "op": "relabel",
        "ids": ids,
        "class_name": to,
        "shown_in": {str(one): shown_in for one in ids},
        **more,
    }


def test_it_begins_with_the_unsorted_photos(open_page, half_sorted):
    page = open_page("label", half_sorted)

    assert not page.exception
    assert "**20 photos**" in words(page)
    assert len(listed(page)) == 20


def test_marks_are_on_disk_and_the_list_stands_still_until_asked(open_page, half_sorted):
    page = open_page("label", half_sorted)
    ids = listed(page)

    send(page, edit(1, ids[:3], "cat"), edit(2, ids[3:4], "dog"))

    dataset = Dataset.open(half_sorted)
    assert dataset.counts() == {"cat": 15, "dog": 13}
    assert listed(page) == ids
    assert "**4** marked" in words(page)
    page.button(key="label_anew").click().run()
    assert listed(page) == ids[4:]


def test_a_selection_can_go_to_a_class_that_is_made_for_it(open_page, half_sorted):
    page = open_page("label", half_sorted)
    ids = listed(page)

    send(page, edit(1, ids[:2], "kitten", new=True))

    dataset = Dataset.open(half_sorted)
    assert dataset.counts()["kitten"] == 2
    assert class_order(dataset) == ["cat", "dog", "kitten"]
    dataset.undo()
    assert "kitten" not in dataset.classes()


def test_a_refused_name_is_told_and_moves_nothing(open_page, half_sorted):
    page = open_page("label", half_sorted)

    send(page, edit(1, listed(page)[:2], "a/b", new=True))

    answer = page.session_state["label_gallery:answers"]["a tab"]
    assert "slashes" in answer.refused[1][1]
    assert Dataset.open(half_sorted).unsorted_count() == 20


def test_the_address_keeps_the_filter(open_page, half_sorted):
    page = open_page("label", half_sorted, photos="=cat", words="0003", order="newest")

    assert page.selectbox(key="label_place").value == ("class", "cat")
    assert len(listed(page)) == 1
    page.text_input(key="label_words").set_value("000").run()
    assert len(listed(page)) == 10
    assert page.query_params["words"] == "000"
    again = open_page("label", half_sorted, photos="=no such class")
    assert again.selectbox(key="label_place").value == ("all", None)


def test_suggestions_are_shown_first_and_accepted_as_one_step(open_page, half_sorted):
    page = open_page("label", half_sorted, view="sure", least="70")
    ids = listed(page)

    assert len(ids) == 20
    page.button(key="label_accept").click().run()

    dataset = Dataset.open(half_sorted)
    assert dataset.counts() == {"cat": 22, "dog": 22}
    assert len(dataset.history()) == 1
    dataset.undo()
    assert dataset.unsorted_count() == 20


def test_without_suggestions_sure_enough_the_page_says_so(open_page, half_sorted):
    page = open_page("label", half_sorted, view="sure")

    assert listed(page) == []
    assert "this sure of no other photo" in words(page)


def test_a_photo_marked_otherwise_is_left_so_when_all_others_are_accepted(open_page, half_sorted):
    page = open_page("label", half_sorted, view="sure", least="70")
    ids = listed(page)
    dataset = Dataset.open(half_sorted)
    dataset.relabel(ids[:1], "other", new=True)

    page.button(key="label_accept").click().run()

    assert dataset.get(ids[:1])[ids[0]].class_name == "other"
    assert dataset.unsorted_count() == 0


def test_groups_hold_what_looks_alike(open_page, half_sorted):
    page = open_page("label", half_sorted, view="groups")

    groups = page.session_state["label_list"].groups
    dataset = Dataset.open(half_sorted)
    kinds = [{dataset.get([one])[one].path[-5] in "02468" for one in group} for group in groups]
    assert sorted(one for group in groups for one in group) == sorted(
        row.id for row in dataset.rows(class_name=None)
    )
    assert all(len(kind) == 1 for kind in kinds)


def test_all_photos_of_a_filter_move_as_one_step(open_page, half_sorted):
    page = open_page("label", half_sorted, words="new_00")

    page.selectbox(key="label_all_to").select("dog").run()
    page.button(key="label_move_all").click().run()

    dataset = Dataset.open(half_sorted)
    assert dataset.counts()["dog"] == 22
    assert len(dataset.history()) == 1


def test_photos_are_listed_by_a_range_of_what_the_model_is_sure_of(open_page, half_sorted):
    page = open_page("label", half_sorted, photos="=cat", run="")
    sure = sorted(page.session_state["label_list"].ids)
    assert len(sure) == 12

    page.slider(key="label_sure").set_range(0, 40).run()

    assert not page.exception
    assert page.query_params["most"] == "40"
    assert "least" not in page.query_params
    assert listed(page) == []  # of two classes the likelier one has half at least
    page.slider(key="label_sure").set_range(40, 100).run()
    assert page.query_params["least"] == "40"
    assert "most" not in page.query_params
    assert sorted(page.session_state["label_list"].ids) == sure


def test_a_range_from_the_address_is_put_in_order(open_page, half_sorted):
    page = open_page("label", half_sorted, least="90", most="60")
    assert tuple(page.slider(key="label_sure").value) == (60, 60)


def open_classes(page: AppTest) -> AppTest:
    page.session_state["label_classes"] = True
    return page.run()


def test_classes_are_added_renamed_merged_and_deleted(open_page, half_sorted):
    dataset = Dataset.open(half_sorted)
    page = open_classes(open_page("label", half_sorted))

    page.text_input(key="label_new_name").input("bird")
    page.button("FormSubmitter:label_new_class-Add").click().run()
    assert class_order(dataset) == ["cat", "dog", "bird"]

    page.selectbox(key="label_class").select("cat").run()
    page.text_input(key="label_rename_to").input("kitten")
    page.button("FormSubmitter:label_rename-Rename").click().run()
    assert class_order(dataset) == ["kitten", "dog", "bird"]
    assert page.selectbox(key="label_class").value == "kitten"

    page.selectbox(key="label_merge_into").select("dog").run()
    page.button(key="label_merge").click().run()
    assert dataset.counts() == {"bird": 0, "dog": 24}

    page.selectbox(key="label_class").select("bird").run()
    page.button(key="label_delete").click().run()
    assert dataset.classes() == ["dog"]
    assert not page.exception
    for _ in range(4):
        dataset.undo()
    assert dataset.counts() == {"cat": 12, "dog": 12}


def test_a_step_that_takes_long_shows_how_far_it_is(open_page, half_sorted, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_WORDS", 0.0)
    drawn = []
    monkeypatch.setattr(
        DeltaGenerator, "progress", lambda self, share, text: drawn.append((share, text))
    )
    page = open_classes(open_page("label", half_sorted))
    page.selectbox(key="label_merge_into").select("dog").run()

    page.button(key="label_merge").click().run()

    assert not page.exception
    assert Dataset.open(half_sorted).classes() == ["dog"]
    assert drawn[0] == (0.0, "Moving photos: 0 %")
    assert len(drawn) == 24  # 12 photos moved, then taken note of
    page.button(key="undo").click().run()
    assert len(drawn) == 48
    assert Dataset.open(half_sorted).counts() == {"cat": 12, "dog": 12}


def test_a_click_meanwhile_waits_for_the_step(open_page, half_sorted, monkeypatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_WORDS", 0.0)

    def interrupted(*_arguments):
        raise RerunException(RerunData())

    monkeypatch.setattr(DeltaGenerator, "progress", interrupted)
    page = open_classes(open_page("label", half_sorted))
    page.selectbox(key="label_merge_into").select("dog").run()

    page.button(key="label_merge").click().run()

    assert not page.exception
    dataset = Dataset.open(half_sorted)
    assert dataset.counts() == {"dog": 24}
    assert dataset.next_undo().words.startswith("Merged class cat into dog")


def test_a_refused_class_name_is_told_in_a_sentence(open_page, half_sorted):
    page = open_classes(open_page("label", half_sorted))

    page.text_input(key="label_new_name").input("CAT")
    page.button("FormSubmitter:label_new_class-Add").click().run()

    assert "There is a class called cat already" in page.error[0].value
    assert Dataset.open(half_sorted).classes() == ["cat", "dog"]


def test_hostile_names_take_no_effect(open_page, photo_set):
    root = photo_set({"![x](http://e/x.png)": 2, "<b>*bold*</b>": 2, "unsorted": 2})
    finish(Dataset.open(root).reconcile())

    page = open_classes(open_page("label", root))

    assert not page.exception
    assert "![x]" not in words(page)
