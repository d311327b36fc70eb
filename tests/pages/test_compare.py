"""The Compare page, without a browser."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core import runs
from core.dataset import Dataset
from core.review.listing import listed
from core.train.quick import train_quick
from tests.trained_sets import finish

ROOT = Path(__file__).resolve().parents[2]


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.subheader, *page.info])


def relabel_the_worst(dataset: Dataset) -> None:
    run = runs.latest_run(dataset.home)
    predictions = runs.load_predictions(dataset.home, run.id)
    at = int(listed(predictions, "wrong")[0])
    dataset.relabel([int(predictions.file_id[at])], run.classes[predictions.predicted[at]])


def test_before_any_run_the_page_leads_to_train(open_page, photo_set):
    page = open_page("compare", photo_set({"cat": 2, "dog": 2}))

    assert "Nothing to compare yet" in words(page)
    assert page.button(key="compare_to_train")


def test_after_one_run_the_page_leads_to_review(open_page, trained):
    page = open_page("compare", trained)

    assert "One training so far" in words(page)
    assert page.button(key="compare_to_review")


def test_after_a_correction_old_and_corrected_labels_are_told_apart(open_page, trained):
    dataset = Dataset.open(trained)
    relabel_the_worst(dataset)
    finish(train_quick(dataset))

    page = open_page("compare", trained)

    assert "| the labels as they were before | 4 wrong |" in words(page)
    assert "| the corrected labels | 3 wrong | 3 wrong |" in words(page)
    assert "1 label was changed" in words(page)
    assert not page.exception


def test_before_is_the_run_made_before_the_corrections(open_page, trained):
    dataset = Dataset.open(trained)
    first = runs.latest_run(dataset.home).id
    relabel_the_worst(dataset)
    finish(train_quick(dataset))
    finish(train_quick(dataset))

    page = open_page("compare", trained)

    assert page.selectbox(key="compare_before").value == first
    assert page.selectbox(key="compare_after").value == runs.latest_run(dataset.home).id


def test_two_runs_without_a_correction_are_neither_better_nor_worse(open_page, trained):
    finish(train_quick(Dataset.open(trained)))

    page = open_page("compare", trained)

    assert "neither better nor worse" in words(page)
    assert "No label of these photos was changed" in words(page)
