"""The Results page, clicked through without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.dataset import Dataset
from tests.trained_sets import finish, train_on_made_features

ROOT = Path(__file__).resolve().parents[2]


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.subheader, *page.caption])


def test_without_a_run_the_page_leads_to_train(open_page, photo_set):
    root = photo_set({"cat": 2, "dog": 2})
    finish(Dataset.open(root).reconcile())

    page = open_page("results", root)

    assert "no results yet" in page.info[0].value
    assert page.button(key="results_to_train").label == "Go to Train"


def test_the_error_is_said_in_words_and_in_numbers(open_page, trained):
    page = open_page("results", trained)

    assert "Wrong on 4 of 24 photos it had not seen, 16.7 %." in words(page)
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Wrong"] == "16.7 %"
    assert shown["Photos judged"] == "24"
    assert not page.exception


def test_each_class_has_its_line(open_page, trained):
    page = open_page("results", trained)

    table = page.dataframe[0].value
    assert table["Class"].tolist() == ["cat", "dog"]
    assert table["Wrong"].tolist() == [2, 2]
    assert table["Error"].tolist() == pytest.approx([100 / 6, 100 / 6])
    assert table["Most often taken for"].tolist() == ["dog", "cat"]


def test_pairs_say_the_label_and_what_it_is_taken_for(open_page, trained):
    page = open_page("results", trained)

    assert page.button(key="results_pair_0_1").label == "cat taken for dog · 2 photos"


def test_only_a_few_pairs_stand_beside_the_matrix(open_page, photo_set):
    root = photo_set({f"class {at}": 12 for at in range(7)})
    train_on_made_features(root)

    page = open_page("results", root)

    assert [one.label for one in page.expander] == ["2 more pairs"]
    assert [one.label for one in page.expander[0].button] == [
        "class 5 taken for class 6 · 2 photos",
        "class 6 taken for class 0 · 2 photos",
    ]


def test_photos_say_how_sure_the_model_was(open_page, trained):
    page = open_page("results", trained)

    page.button(key="results_pair_0_1").click().run()

    drawn = "".join(element.proto.body for element in page.get("html"))
    assert "sure</figcaption>" in drawn and "loss" not in drawn


def test_a_confused_pair_shows_its_photos(open_page, trained):
    page = open_page("results", trained)

    page.button(key="results_pair_0_1").click().run()

    assert "cat, taken for dog" in [heading.value for heading in page.subheader]
    assert "2 photos" in words(page)


def test_the_chosen_pair_is_what_review_lists(open_page, trained):
    page = open_page("results", trained)
    page.button(key="results_pair_1_0").click().run()

    page.button(key="results_review").click().run()

    assert page.title[0].value == "Review"
    assert page.selectbox(key="review_given").value == 1  # dog
    assert page.selectbox(key="review_predicted").value == 0  # cat


def test_photos_that_left_since_are_not_shown(open_page, trained):
    dataset = Dataset.open(trained)
    dataset.remove([dataset.find("cat/0000.png").id])

    page = open_page("results", trained)
    page.button(key="results_pair_0_1").click().run()

    assert "1 photo labelled" in words(page)
    assert "1 photo has changed" in words(page)


def test_new_photos_and_relabels_are_counted_as_changes(open_page, trained, save_image):
    dataset = Dataset.open(trained)
    dataset.relabel([dataset.find("cat/0001.png").id], "dog")
    save_image(trained / "dog" / "new.png", seed=500)

    page = open_page("results", trained)

    assert "2 photos have changed" in words(page)
    assert "1 relabelled, 1 new" in words(page)


def test_a_damaged_run_is_explained(open_page, trained):
    home = Dataset.open(trained).home
    next(home.glob("runs/*/predictions.parquet")).write_bytes(b"no table")

    page = open_page("results", trained)

    assert "damaged" in page.error[0].value
    assert page.button(key="results_to_train").label == "Go to Train"
