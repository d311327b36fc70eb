"""The charts of deep training in Vega-Lite, which grow in place: losses, rate and momentum."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from ui.charts import HELD_OUT, LINES, TRAINED_ON

Row = Mapping[str, Any]
HEIGHT = 280  # pixels, of the losses
LOW_HEIGHT = 130  # of rate and momentum
MOST_POINTS = 400  # of a line; more cannot be told apart
NAMES = [f"{TRAINED_ON}, smoothed", HELD_OUT]


def epochs_in_all(batch: Row) -> int:
    """How many epochs the fold has, as one row of a batch tells."""
    if not batch["step"]:
        return 1
    return max(1, round(batch["epoch"] * batch["steps"] / batch["step"]))


def thinned(rows: Sequence[Row], at_most: int = MOST_POINTS) -> list[Row]:
    """Evenly chosen rows, the first and the last among them."""
    if len(rows) <= at_most:
        return list(rows)
    chosen = np.linspace(0, len(rows) - 1, at_most).round().astype(int)
    return [rows[at] for at in chosen]


def one_a_step(batches: Sequence[Row]) -> list[Row]:
    """The last row of each step: the rate is the same in all parts of it, and would look jagged."""
    return list({math.ceil(row["step"]): row for row in batches}.values())


def draw_loss(rows: Sequence[Row], *, key: str) -> None:
    """Draw the smoothed loss of every few batches, and that of held-out photos at every epoch.

    Args:
        rows: Of one fold, of the kinds "batch" and "epoch"; one of the kind "judging" counts while
            it is the last, as an epoch that is being judged.
        key: Of the chart.
    """
    import pandas as pd

    batches = [row for row in rows if row.get("kind") == "batch"]
    epochs = [row for row in rows if row.get("kind") == "epoch"]
    epochs += [row for row in rows[-1:] if row.get("kind") == "judging"]
    long = [
        {"epoch": float(row["epoch"]), "loss": float(row["train_loss"]), "photos": NAMES[0]}
        for row in thinned(batches)
    ] + [
        {"epoch": float(row["epoch"]), "loss": float(row["valid_loss"]), "photos": NAMES[1]}
        for row in epochs
    ]
    long = [row for row in long if np.isfinite(row["loss"])]
    frame = pd.DataFrame(long, columns=["epoch", "loss", "photos"])
    end = epochs_in_all(batches[-1]) if batches else max(1, len(epochs))
    with st.container(height=HEIGHT + 20, border=False):
        st.vega_lite_chart(
            frame,
            _loss_spec(end, empty=not long),
            key=key,
            height=HEIGHT,
            # The same words throughout: others would have the chart mounted anew. What it shows
            # is told by the figures above it and the table beside it.
            alt="Loss chart of deep training, over the epochs",
        )


def _loss_spec(end: int, *, empty: bool) -> dict[str, Any]:
    colour = {
        "field": "photos",
        "type": "nominal",
        "title": None,
        "scale": {"domain": NAMES, "range": LINES},
        "legend": {"orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 3},
    }
    return {
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "title": "Epoch",
                "scale": {"domain": [0, end], "nice": False},
                "axis": {"tickMinStep": 1, "format": "d", "grid": False},
            },
            "y": {
                "field": "loss",
                "type": "quantitative",
                "title": "Loss",
                "scale": {"domain": [0, 1]} if empty else {"zero": True, "nice": True},
                "axis": {"format": ".3~g", "tickCount": 6},
            },
            "color": colour,
            "tooltip": [
                {"field": "photos", "type": "nominal", "title": "Photos"},
                {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2~f"},
                {"field": "loss", "type": "quantitative", "title": "Loss", "format": ".3f"},
            ],
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5}},
            {
                "transform": [{"filter": {"field": "photos", "equal": NAMES[1]}}],
                "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
            },
        ],
    }


def draw_rates(rows: Sequence[Row], *, key: str) -> None:
    """Draw the rate and the momentum of the steps taken so far."""
    batches = one_a_step([row for row in rows if row.get("kind") == "batch"])
    end = epochs_in_all(batches[-1]) if batches else 1
    points = [
        {"epoch": float(row["epoch"]), "rate": row["lr"], "momentum": row["momentum"]}
        for row in thinned(batches)
    ]
    draw_plan(points, end=end, key=key)


def draw_plan(points: Sequence[Row], *, end: int, key: str) -> None:
    """Draw rate and momentum side by side, over ``epoch`` from 0 to ``end``."""
    import pandas as pd

    frame = pd.DataFrame(list(points), columns=["epoch", "rate", "momentum"])
    left, right = st.columns(2, gap="medium")
    for place, field, title, colour, format_ in (
        (left, "rate", "Learning rate", LINES[0], "~g"),
        (right, "momentum", "Momentum", LINES[1], ".2f"),
    ):
        with place, st.container(height=LOW_HEIGHT + 20, border=False):
            # Above the chart: turned by its side, it would not fit.
            st.caption(title)
            st.vega_lite_chart(
                frame,
                _line(field, title, colour, end=end, format_=format_),
                key=f"{key}_{field}",
                height=LOW_HEIGHT - 30,
                alt=f"{title} over the epochs",
            )


def _line(field: str, title: str, colour: str, *, end: int, format_: str) -> dict[str, Any]:
    return {
        "mark": {"type": "line", "strokeWidth": 2.5, "color": colour},
        "encoding": {
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": [0, end], "nice": False},
                "axis": {"tickMinStep": 1, "format": "d", "grid": False},
            },
            "y": {
                "field": field,
                "type": "quantitative",
                "title": None,
                "scale": {"zero": field == "rate"},
                "axis": {"format": format_, "tickCount": 3},
            },
            "tooltip": [
                {"field": "epoch", "type": "quantitative", "title": "Epoch", "format": ".2~f"},
                {"field": field, "type": "quantitative", "title": title, "format": ".3~g"},
            ],
        },
    }
