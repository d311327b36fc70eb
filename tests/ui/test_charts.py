"""What the charts say and offer, without a browser."""

import numpy as np
import pytest

from ui import charts


def texts(figure) -> list:
    return [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "text"]


def hover_texts(figure) -> list[str]:
    return list(figure.data[-1].hovertext)


@pytest.mark.parametrize("count", [2, 3, 25, 26, 100])
def test_a_matrix_of_any_size_can_be_drawn_and_clicked(count):
    confusion = np.eye(count, dtype=int) * 7
    confusion[0, 1] = 3

    figure = charts.confusion_figure(confusion, [f"class {at}" for at in range(count)])

    clickable = {tuple(cell) for cell in figure.data[-1].customdata.tolist()}
    assert {(0, 0), (0, 1), (count - 1, count - 1)} <= clickable
    assert figure.layout.height <= 1000


def test_rows_are_the_given_class_and_columns_the_predicted_one():
    confusion = np.array([[5, 2], [0, 4]])

    figure = charts.confusion_figure(confusion, ["cat", "dog"])

    click = figure.data[-1]
    at = [tuple(cell) for cell in click.customdata.tolist()].index((0, 1))
    assert (click.x[at], click.y[at]) == (1, 0)
    assert hover_texts(figure)[at] == (
        "Labelled: <b>cat</b><br>Model says: <b>dog</b><br>2 photos, 28.6 % of the class"
    )


def test_numbers_stand_in_the_cells_up_to_25_classes():
    assert texts(charts.confusion_figure(np.eye(25, dtype=int), ["x"] * 25))
    assert not texts(charts.confusion_figure(np.eye(26, dtype=int), ["x"] * 26))


def test_agreement_and_mistakes_are_coloured_apart():
    figure = charts.confusion_figure(np.array([[5, 2], [1, 4]]), ["cat", "dog"])

    agree, mistakes = figure.data[0], figure.data[1]
    assert agree.colorscale != mistakes.colorscale
    assert np.isnan(agree.z[0][1]) and not np.isnan(mistakes.z[0][1])
    assert not np.isnan(agree.z[0][0]) and np.isnan(mistakes.z[0][0])


def test_shares_are_of_the_given_class():
    figure = charts.confusion_figure(np.array([[3, 1], [0, 4]]), ["cat", "dog"], shares=True)

    written = {
        (y, x): text
        for trace in texts(figure)
        for x, y, text in zip(trace.x, trace.y, trace.text, strict=True)
    }
    assert written == {(0, 0): "75.0 %", (0, 1): "25.0 %", (1, 0): "0 %", (1, 1): "100 %"}


def test_names_are_drawn_as_text_whatever_they_hold():
    hostile = ['<img src=x onerror="alert(1)">', "line\nbreak \udcff", "x" * 200]

    figure = charts.confusion_figure(np.eye(3, dtype=int), hostile)

    drawn = [*figure.layout.xaxis.ticktext, *figure.layout.yaxis.ticktext, *hover_texts(figure)]
    for text in drawn:
        assert "<img" not in text
        assert "\n" not in text
        text.encode()
    assert max(map(len, figure.layout.xaxis.ticktext)) <= 40
    assert "x" * 200 in hover_texts(figure)[-1].replace("<br>", "")


@pytest.mark.parametrize(
    ("names", "angle"),
    [
        ([str(digit) for digit in range(10)], 0),
        ([f"{at:02}" for at in range(25)], 0),
        (["cat", "dog", "fox", "owl", "hen"], 0),
        ([f"a longer class name {at}" for at in range(10)], -45),
    ],
)
def test_short_class_names_are_not_turned(names, angle):
    figure = charts.confusion_figure(np.eye(len(names), dtype=int), names)

    assert figure.layout.xaxis.tickangle == angle


def test_a_click_gives_the_given_and_the_predicted_class():
    clicked = {"selection": {"points": [{"customdata": {"0": 2, "1": 1}}]}}

    assert charts.clicked_cell(clicked) == (2, 1)
    assert charts.clicked_cell({"selection": {"points": [{"customdata": [0, 3]}]}}) == (0, 3)


def test_a_click_on_nothing_gives_no_cell():
    assert charts.clicked_cell({"selection": {"points": []}}) is None
    assert charts.clicked_cell(None) is None
