"""The charts that pages share: Vega-Lite for what grows while one looks, Plotly for what is done.

Plotly takes a new figure by tearing the old one down, which blinks; Vega-Lite updates in place.
Every name drawn here is hostile until ``_safe`` has seen it: Plotly reads a little HTML.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui.words import shown

if TYPE_CHECKING:
    import plotly.graph_objects as go

RIGHT = "15, 118, 110"  # teal: the given and the predicted class agree
WRONG = "217, 72, 15"  # orange: far from teal for colour-blind eyes too
LINES = ["#0d9488", "#ea580c"]  # both stand out on white and on black
TRAINED_ON = "trained on"
HELD_OUT = "held out"
LOSS_HEIGHT = 300  # pixels
MOST_WITH_POINTS = 30  # steps; beyond that dots hide the line
MOST_WITH_TEXT = 25  # classes; beyond that numbers no longer fit into the cells
MOST_LEVEL_CHARACTERS = 56  # of all names along the matrix, for about 500 pixels
MOST_WITH_EMPTY_CELLS = 30  # classes; beyond that only cells with photos can be clicked


def live_loss(
    rows: Sequence[Mapping[str, Any]],
    *,
    x: str,
    x_title: str,
    key: str,
    x_end: float | None = None,
) -> None:
    """Draw the loss of photos trained on and of photos held out, over ``rows[i][x]``.

    Rows without a number there are passed over. ``x_end`` fixes the right end of the axis, so
    that a growing curve does not make the axis jump.
    """
    import pandas as pd

    long = [
        {"x": row[x], "loss": row[column], "photos": name}
        for row in rows
        for name, column in ((TRAINED_ON, "train_loss"), (HELD_OUT, "valid_loss"))
        if _is_number(row.get(x)) and _is_number(row.get(column))
    ]
    frame = pd.DataFrame(long, columns=["x", "loss", "photos"])
    domain: dict[str, Any] = {"zero": True, "nice": False}
    if x_end is not None:
        domain["domain"] = [0, x_end]
    spec = {
        "mark": {
            "type": "line",
            "strokeWidth": 2.5,
            "point": {"size": 40} if len(long) <= 2 * MOST_WITH_POINTS else False,
        },
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "title": x_title,
                "scale": domain,
                "axis": {"tickMinStep": 1, "tickCount": 8, "format": ",d", "grid": False},
            },
            "y": {
                "field": "loss",
                "type": "quantitative",
                "title": "Loss",
                "scale": {"zero": True} if long else {"domain": [0, 1]},
                "axis": {"format": ".3~g", "tickCount": 6},
            },
            "color": {
                "field": "photos",
                "type": "nominal",
                "title": None,
                "scale": {
                    "domain": [TRAINED_ON, HELD_OUT],
                    "range": LINES,
                },
                "legend": {"orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 3},
            },
            "strokeDash": {
                "field": "photos",
                "type": "nominal",
                "scale": {"domain": [TRAINED_ON, HELD_OUT], "range": [[6, 3], [1, 0]]},
            },
            "tooltip": [
                {"field": "photos", "type": "nominal", "title": "Photos"},
                {"field": "x", "type": "quantitative", "title": x_title},
                {"field": "loss", "type": "quantitative", "title": "Loss", "format": ".3f"},
            ],
        },
    }
    # The frame keeps its height while the chart is not there yet, so that nothing below jumps.
    with st.container(height=LOSS_HEIGHT + 20, border=False):
        # The same words throughout: others would have the chart mounted anew. Its last point has
        # to be said beside it, for those who cannot see it.
        alt = f"Loss chart of quick training: {x_title.lower()}"
        st.vega_lite_chart(frame, spec, key=key, height=LOSS_HEIGHT, alt=alt)


def confusion_figure(
    confusion: np.ndarray,
    classes: Sequence[str],
    *,
    shares: bool = False,
    ink: str | None = None,
) -> go.Figure:
    """A matrix of (actual, predicted) cells in Plotly, readable on light and on dark.

    ``confusion`` is (K, K) whole numbers, rows are the given class. Colours are transparent to
    different degrees, so the page shows through whatever its theme is; ``ink`` is the colour of
    the page's words, without which they take the theme's paler one. Heat maps do not take part
    in Plotly's selections, so an invisible marker lies on each cell: ``clicked_cell`` reads
    which one was clicked.
    """
    import plotly.graph_objects as go

    count = len(classes)
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    agree = np.eye(count, dtype=bool)
    # The root makes a few mistakes among many photos visible.
    strength = np.where(agree, 0.15 + 0.7 * share, 0.12 + 0.78 * np.sqrt(share))
    strength = np.where(confusion > 0, strength, 0.0)  # (K, K)

    figure = go.Figure()
    for colour, cells in ((RIGHT, agree), (WRONG, ~agree)):
        figure.add_heatmap(
            z=np.where(cells & (confusion > 0), strength, np.nan),
            zmin=0,
            zmax=1,
            colorscale=[[0, f"rgba({colour}, 0)"], [1, f"rgba({colour}, 1)"]],
            showscale=False,
            hoverinfo="skip",
            xgap=1,
            ygap=1,
        )
    if count <= MOST_WITH_TEXT:
        _add_texts(figure, confusion, share, strength, shares=shares, ink=ink)
    _add_click_targets(figure, confusion, share, classes)
    _lay_out(figure, classes, ink)
    return figure


def ink() -> str | None:
    """Colour of words on the page; None leaves it to the theme, whose own is paler."""
    return {"light": "#31333f", "dark": "#fafafa"}.get(st.context.theme.type or "")


def _add_texts(
    figure: go.Figure,
    confusion: np.ndarray,
    share: np.ndarray,
    strength: np.ndarray,
    *,
    shares: bool,
    ink: str | None,
) -> None:
    """Write the numbers: white on strong cells, in the theme's own colour on pale ones."""
    count = len(confusion)
    size = 15 if count <= 6 else 12 if count <= 14 else 10
    written = (confusion > 0) if count > 12 else np.ones_like(confusion, dtype=bool)
    for on_strong in (False, True):
        actual, predicted = np.nonzero(written & ((strength > 0.7) == on_strong))
        figure.add_scatter(
            x=predicted,
            y=actual,
            mode="text",
            text=[
                _percent(share[a, p]) if shares else f"{confusion[a, p]:,}"
                for a, p in zip(actual, predicted, strict=True)
            ],
            textfont={"size": size, "color": "white" if on_strong else ink},
            hoverinfo="skip",
            showlegend=False,
            # Naming a colour for selected text keeps Plotly from fading the rest.
            selected={"textfont": {"color": "white"}},
        )


def _add_click_targets(
    figure: go.Figure, confusion: np.ndarray, share: np.ndarray, classes: Sequence[str]
) -> None:
    count = len(classes)
    if count <= MOST_WITH_EMPTY_CELLS:
        actual, predicted = np.indices((count, count)).reshape(2, -1)
    else:
        actual, predicted = np.nonzero(confusion)
    names = [_safe(name) for name in classes]
    figure.add_scatter(
        x=predicted,
        y=actual,
        mode="markers",
        customdata=np.stack([actual, predicted], axis=1),
        hovertext=[
            f"Labelled: <b>{names[a]}</b><br>Model says: <b>{names[p]}</b><br>"
            f"{confusion[a, p]:,} {'photo' if confusion[a, p] == 1 else 'photos'}, "
            f"{_percent(share[a, p])} of the class"
            for a, p in zip(actual, predicted, strict=True)
        ],
        hoverinfo="text",
        marker={
            "symbol": "square-open",
            "size": float(np.clip(600 / count, 8, 40)),
            "opacity": 0,
            "line": {"width": 2.5},
            "color": "#8b5cf6",
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
    )


def _lay_out(figure: go.Figure, classes: Sequence[str], ink: str | None) -> None:
    count = len(classes)
    cell = 96 if count <= 3 else 60 if count <= 6 else 40 if count <= 12 else 26
    every = 1 + count // 60  # names closer than that run into each other
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(0, count, every)),
        "ticktext": [_label(name, count) for name in classes[::every]],
        "range": [-0.5, count - 0.5],
        "autorange": False,
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "tickfont": {"size": 13 if count <= 12 else 11 if count <= 30 else 9, "color": ink},
    }
    figure.update_layout(
        height=int(min(120 + count * cell, 1000)),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={
            **ticks,
            "title": "Model says",
            "tickangle": 0 if _fit_level(ticks["ticktext"]) else -45,
        },
        yaxis={
            **ticks,
            "title": "Labelled",
            "range": [count - 0.5, -0.5],
        },
        dragmode=False,
        clickmode="event+select",
        hovermode="closest",
        # A click anywhere in a cell counts for its middle.
        hoverdistance=-1 if count <= MOST_WITH_EMPTY_CELLS else 10,
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(128, 128, 128, 0.10)",
    )


def _fit_level(names: Sequence[str]) -> bool:
    """Whether names fit side by side below a matrix of usual width; turned ones are hard to read.

    A few are always level: their cells are wide, and Plotly breaks none of them.
    """
    return len(names) <= 4 or max(map(len, names)) * len(names) <= MOST_LEVEL_CHARACTERS


def clicked_cell(event: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """The (actual, predicted) cell that was clicked, from what ``st.plotly_chart`` gave back."""
    points = event["selection"]["points"] if event else []
    for point in points:
        cell = point.get("customdata")
        if isinstance(cell, Mapping):  # the browser may turn a pair into {"0": …, "1": …}
            cell = [cell[str(index)] for index in range(len(cell))]
        if cell is not None and len(cell) == 2:
            return int(cell[0]), int(cell[1])
    return None


def _label(name: str, count: int) -> str:
    longest = 24 if count <= 6 else 16 if count <= 30 else 12
    return html.escape(shown(name, limit=longest), quote=False)


def _safe(name: str) -> str:
    """A class name as Plotly may draw it in full: no tags, long ones broken into lines.

    Plotly reads no ``&quot;``, and quotes do nothing outside of tags.
    """
    text = shown(name)
    lines = [text[start : start + 60] for start in range(0, len(text), 60)]
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "&lt;0.1 %"
    return "0 %" if share == 0 else "100 %" if share == 1 else f"{100 * share:.1f} %"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and bool(np.isfinite(value))
