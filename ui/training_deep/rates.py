"""The search for a learning rate: a sweep that grows in place, then a curve to click on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import jobs
from ui import job_status
from ui.training_deep import work
from ui.words import plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.jobs import JobStatus
    from core.train.settings import DeepSettings

HEIGHT = 260  # pixels
CLICKED = "rate"  # name of the selection in the chart
LINE = "#0d9488"
# Each rule with its colour, its name, and a sentence on what it takes.
RULES: Mapping[str, tuple[str, str, str]] = {
    "valley": ("#ea580c", "Valley", "Amid the longest fall. Take this one if in doubt."),
    "slide": ("#8b5cf6", "Slide", "Just before the loss turns up. The boldest."),
    "minimum": ("#0284c7", "Minimum / 10", "A tenth of where the loss is lowest. Careful."),
    "steepest": ("#ca8a04", "Steepest", "Where the loss falls fastest. Often rather small."),
}
# What the answer depends on; with other settings it may be another one.
DEPENDS_ON = (
    "backbone",
    "head",
    "size",
    "batch",
    "freeze_to",
    "augment",
    "start_from",
    "mixup",
    "batch_norm",
)


def in_short(rate: float) -> str:
    """A learning rate as a person types it: "0.002", "3.1e-05"."""
    return f"{rate:.2g}"


def draw(
    dataset: Dataset,
    settings: DeepSettings | None,
    *,
    take: Callable[[float], None],
    key: str,
    disabled: bool = False,
) -> None:
    """Draw the newest search for a rate: while it runs as it goes, then to be clicked on.

    Args:
        dataset: Searched for.
        settings: Those that stand on the page now; says where the search was for others.
        take: Called with the rate that was clicked; its callback, so it may set widgets.
        key: Of the chart and the buttons.
        disabled: Whether no rate can be taken now.
    """
    job = jobs.latest(dataset.home, work.FINDER)
    if job is None:
        return
    if jobs.alive(job) or job.state != "done":
        job_status.draw(
            dataset.home,
            work.FINDER,
            while_running=lambda job: _draw_sweep(dataset, job, key),
            key=f"{key}_job",
        )
        return
    asked = work.settings_of(dataset.home, job)
    if settings is not None and asked is not None and _differ(settings, asked):
        st.caption("This was found for other settings than those above; find it again for these.")
    draw_result(job.result or {}, take=take, key=key, disabled=disabled)


def _differ(one: DeepSettings, other: DeepSettings) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in DEPENDS_ON)


def _draw_sweep(dataset: Dataset, job: JobStatus, key: str) -> None:
    rows = [row for row in jobs.metrics(dataset.home, job.id) if row.get("phase") == "sweep"]
    _chart([row["lr"] for row in rows], [row["loss"] for row in rows], {}, key=f"{key}_live")


def draw_result(
    result: Mapping[str, Any],
    *,
    take: Callable[[float], None],
    key: str,
    disabled: bool = False,
    narrow: bool = False,
) -> None:
    """Draw a finished search: click on the curve or on a suggestion to take a rate.

    Args:
        result: Of the job.
        take: See ``draw``.
        key: See ``draw``.
        disabled: See ``draw``.
        narrow: Whether there is room for two suggestions side by side only.
    """
    suggested = {name: result[name] for name in RULES if result.get(name) is not None}
    st.markdown(
        "**Click on the curve, or on a suggestion, to take that rate.** Good rates lie where the "
        "loss falls steeply, well before its lowest point."
    )
    _chart(
        result.get("lrs", ()),
        result.get("losses", ()),
        suggested,
        key=f"{key}_plot",
        on_click=None if disabled else take,
    )
    if not suggested:
        st.info(
            "The loss never fell, so no rate stands out. The one that Winnow takes by itself will "
            "do.",
            icon=":material/info:",
        )
    _suggestions(suggested, take=take, key=key, disabled=disabled, in_a_row=2 if narrow else 4)
    if result.get("stopped"):
        st.caption(plain(str(result["stopped"])))


def _suggestions(
    suggested: Mapping[str, float],
    *,
    take: Callable[[float], None],
    key: str,
    disabled: bool,
    in_a_row: int,
) -> None:
    """A button for each suggestion, with what it takes below."""
    places = st.columns(in_a_row, gap="small") if suggested else []
    for at, (name, rate) in enumerate(suggested.items()):
        _, title, sentence = RULES[name]
        with places[at % in_a_row]:
            st.button(
                f"{title}: {in_short(rate)}",
                key=f"{key}_{name}",
                disabled=disabled,
                width="stretch",
                on_click=take,
                args=(rate,),
            )
            st.caption(sentence)


def _chart(
    lrs: Sequence[float],
    losses: Sequence[float],
    suggested: Mapping[str, float],
    *,
    key: str,
    on_click: Callable[[float], None] | None = None,
) -> None:
    import pandas as pd

    points = [
        {"lr": lr, "loss": loss}
        for lr, loss in zip(lrs, losses, strict=False)
        if loss is not None and math.isfinite(loss)
    ]
    frame = pd.DataFrame(points, columns=["lr", "loss"])
    marks = [
        {"lr": rate, "loss": _height_at(points, rate), "rule": RULES[name][1]}
        for name, rate in suggested.items()
        if points
    ]
    said = ", ".join(f"{RULES[name][1]} {in_short(rate)}" for name, rate in suggested.items())
    options: dict[str, Any] = {}
    if on_click is not None and points:
        options = {"on_select": lambda: _clicked(key, on_click), "selection_mode": [CLICKED]}
    with st.container(height=HEIGHT + 20, border=False):
        st.vega_lite_chart(
            frame,
            _spec(marks, _range_of(points), clickable=bool(options)),
            key=key,
            height=HEIGHT,
            alt=f"Smoothed loss over the learning rate. {said}".strip(),
            **options,
        )


def _clicked(key: str, take: Callable[[float], None]) -> None:
    event = st.session_state.get(key) or {}
    points = event.get("selection", {}).get(CLICKED) or []
    if points and isinstance(rate := points[0].get("lr"), int | float):
        take(float(rate))


def _height_at(points: Sequence[Mapping[str, float]], rate: float) -> float:
    """The loss of the step whose rate is nearest, on the scale of the chart."""
    nearest = min(points, key=lambda point: abs(math.log(point["lr"] / rate)))
    return nearest["loss"]


def _range_of(points: Sequence[Mapping[str, float]]) -> list[float]:
    """Losses to show: where it shoots up in the end, all else would look flat."""
    if not points:
        return [0.0, 1.0]
    losses = [point["loss"] for point in points]
    low = min(losses)
    high = max(losses[: losses.index(low) + 1])
    room = max(high - low, 0.05 * abs(high), 1e-6)
    return [low - 0.15 * room, high + 0.5 * room]


def _spec(
    marks: Sequence[Mapping[str, Any]], losses: Sequence[float], *, clickable: bool
) -> dict[str, Any]:
    x = {
        "field": "lr",
        "type": "quantitative",
        "title": "Learning rate",
        "scale": {"type": "log"},
        "axis": {"format": ".0e", "tickCount": 8, "grid": False, "labelOverlap": True},
    }
    y = {
        "field": "loss",
        "type": "quantitative",
        "title": "Loss, smoothed",
        "scale": {"domain": list(losses), "nice": False, "zero": False},
        "axis": {"format": ".3~g", "tickCount": 5},
    }
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "line", "strokeWidth": 2.5, "color": LINE, "clip": True},
            "encoding": {"x": x, "y": y},
        }
    ]
    if clickable:
        layers += _click_layers(x, y)
    if marks:
        layers.append(_marks_layer(marks, x, y))
    return {"layer": layers}


def _click_layers(x: Mapping[str, Any], y: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be clicked, the nearest step anywhere on the plot, and a line where one was."""
    return [
        {
            "params": [
                {
                    "name": CLICKED,
                    "select": {"type": "point", "fields": ["lr"], "nearest": True, "on": "click"},
                }
            ],
            "mark": {
                "type": "point",
                "filled": True,
                "size": 40,
                "cursor": "pointer",
                "clip": True,
            },
            "encoding": {
                "x": x,
                "y": y,
                "opacity": {
                    "condition": {"param": CLICKED, "empty": False, "value": 1},
                    "value": 0,
                },
                "color": {"value": LINE},
                "tooltip": [
                    {"field": "lr", "type": "quantitative", "title": "Rate", "format": ".2~g"},
                    {"field": "loss", "type": "quantitative", "title": "Loss", "format": ".3f"},
                ],
            },
        },
        {
            "transform": [{"filter": {"param": CLICKED, "empty": False}}],
            "mark": {"type": "rule", "strokeDash": [4, 3], "color": LINE},
            "encoding": {"x": x},
        },
    ]


def _marks_layer(
    marks: Sequence[Mapping[str, Any]], x: Mapping[str, Any], y: Mapping[str, Any]
) -> dict[str, Any]:
    shown = [rule for rule in RULES.values() if rule[1] in {mark["rule"] for mark in marks}]
    return {
        "data": {"values": list(marks)},
        "mark": {"type": "point", "filled": True, "size": 130, "opacity": 1, "tooltip": True},
        "encoding": {
            "x": x,
            "y": y,
            "color": {
                "field": "rule",
                "type": "nominal",
                "title": None,
                "scale": {
                    "domain": [title for _, title, _ in shown],
                    "range": [colour for colour, _, _ in shown],
                },
                "legend": {"orient": "top"},
            },
            "shape": {
                "field": "rule",
                "type": "nominal",
                "title": None,
                "scale": {"domain": [title for _, title, _ in shown]},
            },
        },
    }
