"""How runs are told in words, which settings differ, and what their curves hold."""

import pytest

from core.runs.notes import Note
from tests.made_runs import DEEP_SETTINGS, small_run
from ui.runs import curves, setting_words, words

SCORES = {
    name: {"wrong": wrong, "judged": 100, "error_rate": wrong / 100, "loss": 0.5}
    for name, wrong in {"quick": 12, "deep": 9, "blend": 7, "deep_plain": 10}.items()
}


@pytest.fixture
def quick(tmp_path):
    return small_run(tmp_path, 1, images=500)


@pytest.fixture
def deep(tmp_path):
    def make(kept="blend", number=2, judged_folds=(0,), **settings):
        return small_run(
            tmp_path,
            number,
            mode="deep",
            kept=kept,
            answers=SCORES,
            judged=100,
            wrong=9,
            error_rate=0.09,
            judged_folds=judged_folds,
            images=500,
            settings={"deep": {**DEEP_SETTINGS, **settings}, "rate": 0.002},
        )

    return make


def test_a_deep_run_is_told_by_the_answers_that_it_shows(quick, deep):
    assert words.outcome(quick) == "Wrong on 1 of 2 photos it had not seen, 50.0 %."
    assert words.outcome(deep()) == "Wrong on 7 of 100 photos it had not seen, 7.0 %."
    assert words.outcome(deep("deep", 3)).startswith("Wrong on 9 of 100")
    assert words.outcome(deep("quick", 4)).startswith("Wrong on 9 of 100")  # deep's own
    assert words.figures_of(deep("deep", 5)) == "9.0 % (9 of 100)"


def test_it_stands_beside_quick_training_on_the_same_photos(quick, deep):
    assert words.beside_quick(quick) is None
    kept = words.beside_quick(deep())
    assert "quick training is wrong on 12, deep training on 9, and the mean of both on 7" in kept
    assert "the mean of both is kept" in kept and "flatters it a little" in kept
    assert words.beside_quick(deep("quick", 3)).startswith(
        "Deep training did not beat quick training:"
    )


def test_it_is_said_which_photos_a_figure_is_about(quick, deep):
    assert words.about(quick) is None
    assert "100 photos are one of 5 parts of the data set" in words.about(deep())
    assert "3 of 5 parts" in words.about(deep(number=3, judged_folds=(0, 1, 2)))
    assert "all that can be judged" in words.about(deep(number=4, judged_folds=(0, 1, 2, 3, 4)))


def test_a_run_is_called_by_its_name_or_by_its_time(quick):
    assert words.title(quick, Note(name="After <b>the</b> holidays")) == "After <b>the</b> holidays"
    assert words.title(quick, Note()) == words.made(quick)


def test_only_settings_that_differ_are_listed(quick, deep):
    first, second = deep(epochs=6), deep(number=3, epochs=12, lr=None)

    found = setting_words.differing([first, second])

    assert found == {"Epochs": ["6", "12"], "Learning rate": ["0.002", "By itself: 0.002"]}
    assert setting_words.differing([first, first]) == {}


def test_a_deep_and_a_quick_run_differ_in_kind_and_not_in_each_setting_of_one(quick, deep):
    assert setting_words.differing([quick, deep()]) == {"Training": ["Quick", "Deep"]}


def test_every_setting_of_deep_training_has_words(deep):
    assert set(setting_words.DEEP) | {"backbone"} == set(DEEP_SETTINGS)
    told = setting_words.told(deep(augment={"rotate": 3.0}, lrs=(0.001, 0.01), share=0.1))
    assert told["Changes to photos"] == "Own choices"
    assert told["Learning rates by stage"] == "0.001, 0.01"
    assert told["Share of photos trained on"] == "10 %"


def test_settings_of_a_later_winnow_are_passed_over(deep):
    assert "brand_new" not in setting_words.deep_settings(deep(brand_new=1))


def test_a_deep_curve_is_the_mean_of_its_folds_by_epoch():
    rows = [
        {"kind": "batch", "fold": 0, "epoch": 0.5, "train_loss": 9.0},
        {"kind": "epoch", "fold": 0, "epoch": 1, "valid_loss": 0.4, "error_rate": 0.2},
        {"kind": "epoch", "fold": 1, "epoch": 1, "valid_loss": 0.6, "error_rate": 0.4},
        {"kind": "epoch", "fold": 0, "epoch": 2, "valid_loss": 0.3, "train_loss": float("nan")},
    ]

    first, second = curves.points(rows)

    assert first == pytest.approx({"at": 1.0, "valid_loss": 0.5, "error_rate": 0.3})
    assert second == {"at": 2.0, "valid_loss": 0.3}


def test_a_quick_curve_is_its_fit():
    rows = [
        {"phase": "embed", "photos": 100, "valid_loss": 2.0},
        {"phase": "fit", "step": 5, "valid_loss": 1.0, "train_loss": 0.5},
        {"phase": "judge"},
    ]

    assert curves.points(rows) == [{"at": 5.0, "valid_loss": 1.0, "train_loss": 0.5}]
    assert curves.points([]) == []


def test_runs_of_different_kinds_are_drawn_over_the_share_of_their_training():
    some = {
        "a": [{"at": 1.0, "valid_loss": 0.5}, {"at": 2.0, "valid_loss": 0.4, "train_loss": 0.1}],
        "b": [{"at": 50.0, "error_rate": 0.2, "valid_loss": 0.3}],
        "c": [],
    }

    rows = curves.frame_rows(some, figure="valid_loss", shares=True, trained=True)
    errors = curves.frame_rows(some, figure="error_rate", shares=False, trained=True)

    assert [(row["run"], row["x"], row["y"], row["photos"]) for row in rows] == [
        ("a", 50.0, 0.5, "held out"),
        ("a", 100.0, 0.4, "held out"),
        ("a", 100.0, 0.1, "trained on"),
        ("b", 100.0, 0.3, "held out"),
    ]
    assert [(row["run"], row["x"], row["y"]) for row in errors] == [("b", 50.0, 20.0)]
