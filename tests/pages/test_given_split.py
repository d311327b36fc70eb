"""A data set that brings its own split, through the pages."""

import pytest

from core.dataset import Dataset
from tests.trained_sets import finish, train_on_made_features


@pytest.fixture
def split(photo_set):
    """Of 30 photos of a class by path, train before valid, every sixth looks like the other."""
    return photo_set({"train/cat": 18, "train/dog": 18, "valid/cat": 12, "valid/dog": 12})


def words(page):
    return "\n".join(element.value for element in [*page.markdown, *page.subheader, *page.caption])


def test_home_says_that_the_folder_brings_its_own_split(open_page, split):
    page = open_page("home", split)

    assert (
        "This folder brings its own split: 36 photos in train and 24 in valid. Photos in valid "
        "are never trained on; the model is judged on them."
    ) in words(page)
    assert "60 photos in 2 classes" in words(page)
    assert not page.exception


def test_a_split_without_held_out_photos_promises_nothing(open_page, photo_set):
    page = open_page("home", photo_set({"train/cat": 2, "train/dog": 2}))

    assert "brings its own split: 4 photos in train." in words(page)
    assert "never trained on" not in words(page)


def test_an_ordinary_folder_hears_nothing_of_splits(open_page, trained):
    said = "".join(words(open_page(name, trained)) for name in ("home", "train", "results"))

    assert "split" not in said
    assert "never saw" not in said


def test_training_says_what_it_learns_from_and_what_it_was_judged_on(open_page, split):
    train_on_made_features(split)

    page = open_page("train", split)

    assert "Learns from **36 photos** in train, in **2 classes**." in words(page)
    assert "Kept back to judge the model: 24 photos in valid." in words(page)
    assert "Wrong on 4 of 24 photos in valid that it never saw, 16.7 %." in words(page)
    assert "In train it is wrong on 6 of 36 photos" in words(page)


def test_results_are_about_valid_and_can_be_about_train(open_page, split):
    train_on_made_features(split)

    page = open_page("results", split)
    assert page.metric[0].value == "16.7 %"
    assert page.dataframe[0].value["Photos"].tolist() == [12, 12]
    page.button(key="results_pair_0_1").click().run()
    assert "2 photos labelled **cat**." in words(page)
    (choice,) = page.segmented_control
    choice.set_value("train").run()

    assert page.dataframe[0].value["Photos"].tolist() == [18, 18]
    assert page.button(key="results_pair_0_1").label == "cat taken for dog · 3 photos"
    assert not page.exception


def test_review_lists_photos_of_every_part(open_page, split):
    train_on_made_features(split)

    page = open_page("review", split)

    assert "**10 photos**" in words(page)
    assert not page.exception


def test_compare_names_the_part_of_each_figure(open_page, split):
    train_on_made_features(split)
    train_on_made_features(split)

    page = open_page("compare", split)

    assert page.selectbox(key="compare_before").options[0].endswith("wrong on 4 of 24 in valid")
    assert "36 of these photos are in train" in words(page)


def test_folder_names_are_shown_as_they_are(open_page, photo_set):
    root = photo_set({"Train/cat": 2, "VALIDATION/cat": 1, "Test/dog": 1})
    finish(Dataset.open(root).reconcile())

    page = open_page("home", root)

    assert "1 photo in Test, 2 in Train and 1 in VALIDATION" in words(page)
