"""Learning curves of several runs over one another, in Vega-Lite.

Its names are data and not markup, so the names people give to runs do nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

COLOURS = ["#0d9488", "#ea580c", "#8b5cf6", "#3b82f6", "#db2777", "#a16207"]
MOST = len(COLOURS)  # runs in one chart
HEIGHT = 320  # pixels, without the legend
LEGEND_LINE = 22
FIGURES = {"valid_loss": "Loss", "error_rate": "Error"}
HELD_OUT, TRAINED_ON = "held out", "trained on"

Row = Mapping[str, Any]


def points(curve: Sequence[Row]) -> list[dict[str, float]]:
    """The points of a run's curve: ``at``, counted from 1, and the figures there.

    Of a deep run a point is an epoch, the mean of its folds; of a quick one a step of its fit.
    """
    epochs = [row for row in curve if row.get("kind") == "epoch"]
    if epochs:
        return _means_by_epoch(epochs)
    return [
        {"at": float(row["step"]), **_figures(row)}
        for row in curve
        if row.get("phase") == "fit" and _is_number(row.get("step"))
    ]


def _means_by_epoch(rows: Sequence[Row]) -> list[dict[str, float]]:
    by_epoch: dict[float, list[dict[str, float]]] = {}
    for row in rows:
        if _is_number(row.get("epoch")):
            by_epoch.setdefault(float(row["epoch"]), []).append(_figures(row))
    found = []
    for epoch, some in sorted(by_epoch.items()):
        point = {"at": epoch}
        for name in ("train_loss", *FIGURES):
            values = [one[name] for one in some if name in one]
            if values:
                point[name] = sum(values) / len(values)
        found.append(point)
    return found


def _figures(row: Row) -> dict[str, float]:
    return {
        name: float(row[name]) for name in ("train_loss", *FIGURES) if _is_number(row.get(name))
    }


def frame_rows(
    curves: Mapping[str, Sequence[Row]], *, figure: str, shares: bool, trained: bool
) -> list[dict[str, Any]]:
    """One row per point of each curve, as the chart takes them.

    Args:
        curves: Points by the name of the run.
        figure: One of ``FIGURES``.
        shares: Whether the axis is the share of the training in percent, as runs of different
            kinds need it, and not epochs or steps.
        trained: Whether the loss on photos trained on is drawn too.
    """
    rows = []
    for name, some in curves.items():
        last = max((point["at"] for point in some), default=1.0) or 1.0
        lines = {HELD_OUT: figure}
        if trained and figure == "valid_loss":
            lines[TRAINED_ON] = "train_loss"
        for photos, column in lines.items():
            factor = 100.0 if column == "error_rate" else 1.0
            rows += [
                {
                    "run": name,
                    "x": 100 * point["at"] / last if shares else point["at"],
                    "y": factor * point[column],
                    "photos": photos,
                }
                for point in some
                if column in point
            ]
    return rows


def draw(
    curves: Mapping[str, Sequence[Row]],
    *,
    figure: str,
    x_title: str,
    shares: bool,
    trained: bool,
    key: str,
) -> None:
    """Draw curves over one another; see ``frame_rows``."""
    import pandas as pd

    rows = frame_rows(curves, figure=figure, shares=shares, trained=trained)
    names = list(curves)
    unit = " %" if figure == "error_rate" else ""
    y_title = "Wrong (%)" if figure == "error_rate" else "Loss"
    few = len(rows) <= 40 * max(1, len(names))
    dashed = {"domain": [HELD_OUT, TRAINED_ON], "range": [[1, 0], [5, 4]]}
    x_axis = {"tickMinStep": 1, "tickCount": 8, "format": ",d", "grid": False}
    spec = {
        "mark": {"type": "line", "strokeWidth": 2.5, "point": {"size": 35} if few else False},
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "title": x_title,
                "axis": x_axis,
                "scale": {"zero": True, "nice": False},
            },
            "y": {
                "field": "y",
                "type": "quantitative",
                "title": y_title,
                "scale": {"zero": True} if rows else {"domain": [0, 1]},
                "axis": {"format": ".3~g", "tickCount": 6},
            },
            "color": {
                "field": "run",
                "type": "nominal",
                "title": None,
                "scale": {"domain": names, "range": COLOURS[: len(names)]},
                "legend": {
                    "orient": "top",
                    "columns": 1,
                    "labelLimit": 0,
                    "symbolType": "stroke",
                    "symbolStrokeWidth": 3,
                }
                if len(names) > 1
                else None,
            },
            "strokeDash": {
                "field": "photos",
                "type": "nominal",
                "title": None,
                "scale": dashed,
                "legend": {"orient": "top", "columns": 2} if trained else None,
            },
            "tooltip": [
                {"field": "run", "type": "nominal", "title": "Run"},
                {"field": "photos", "type": "nominal", "title": "Photos"},
                {"field": "x", "type": "quantitative", "title": x_title, "format": ".3~g"},
                {"field": "y", "type": "quantitative", "title": y_title, "format": ".3~f"},
            ],
        },
    }
    frame = pd.DataFrame(rows, columns=["run", "x", "y", "photos"])
    legend = LEGEND_LINE * (len(names) if len(names) > 1 else 0) + LEGEND_LINE * trained
    height = HEIGHT + legend
    # The frame keeps its height while the chart is not there yet, so that nothing below jumps.
    with st.container(height=height + 20, border=False):
        st.vega_lite_chart(frame, spec, key=key, height=height, alt=_alt(rows, y_title, unit))


def _alt(rows: Sequence[Row], y_title: str, unit: str) -> str:
    """Say in words where each curve ends, for those who cannot see the chart."""
    ends = {row["run"]: row["y"] for row in rows if row["photos"] == HELD_OUT}
    if not ends:
        return "Chart of learning curves, empty"
    told = "; ".join(f"{name} {value:.3g}{unit}" for name, value in ends.items())
    return f"Chart of learning curves. {y_title} on held-out photos at the end: {told}."


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(float(str(value)))
