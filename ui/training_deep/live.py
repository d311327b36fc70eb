"""Deep training as it goes: charts that grow in place, the epochs in a table, the time left."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core.jobs import JobStatus
from core.train.curve_words import Reading, read_curves
from ui.training_deep import curves, words
from ui.training_deep.rows import rows_of
from ui.words import duration, percent

Row = Mapping[str, Any]
# What a phase of the work is for, while there is no curve yet.
PHASES = {
    "quick": "First comes quick training: deep training starts from it, and has to beat it.",
    "copies": "Small copies of the photos are made once, so that loading them never slows it down.",
    "cache": "Stages that stay as they are look at every photo once; what they see is kept.",
    "train": "Now it learns. The first points come in a moment.",
    "judge": "Now it judges the photos that it has not seen.",
}
LOOKS = {
    "early": (":material/hourglass_empty:", "gray"),
    "improving": (":material/trending_down:", "green"),
    "levelled": (":material/trending_flat:", "blue"),
    "overfitting": (":material/trending_up:", "orange"),
    "diverged": (":material/warning:", "red"),
}
FIGURE_WIDTHS = {"Time left": 250}  # pixels: "13 seconds" in full
MOST_EPOCHS_LISTED = 8  # while it runs; all of them are in the chart
SAID_HEIGHT = 58  # pixels: two lines, so that nothing below jumps when a sentence grows


def draw_running(home: Path, job: JobStatus, *, key: str = "deep_live") -> None:
    """Draw all that there is to see of a deep training while it runs."""
    rows = rows_of(home, job.id)
    if job.phase != "train" and not rows:
        st.caption(PHASES.get(job.phase, "It starts in a moment."))
    draw_figures(rows)
    draw(rows, key=key, finished=False)


def draw(rows: Sequence[Row], *, key: str, finished: bool) -> None:
    """Draw the curves, what they say, and the table of epochs, of the fold reached last."""
    shown = of_last_fold(rows)
    with st.container(height=SAID_HEIGHT, border=False, key=f"{key}_said"):
        say(read_curves(shown, finished=finished))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        curves.draw_loss(shown, key=f"{key}_loss")
    with right:
        draw_epochs(shown, key=key, at_most=None if finished else MOST_EPOCHS_LISTED)
    curves.draw_rates(shown, key=f"{key}_rates")
    words.explain("loss", "accuracy", "epoch", "batch", "overfitting", "validation", key=key)


def say(reading: Reading | None) -> None:
    """What the curves say and what to do, in a line."""
    if reading is None:
        st.caption("What the curves say comes here after the first epoch.")
        return
    icon, colour = LOOKS[reading.kind]
    st.markdown(f":{colour}[{icon} **{reading.sentence}**] {reading.advice}")


def draw_figures(rows: Sequence[Row]) -> None:
    """The four figures that a person looks for first."""
    shown = of_last_fold(rows)
    batches = [row for row in shown if row.get("kind") == "batch"]
    epochs = [row for row in shown if row.get("kind") == "epoch"]
    last = batches[-1] if batches else None
    figures = (
        ("Epoch", _epoch_of(last)),
        ("Held-out error", percent(epochs[-1]["error_rate"]) if epochs else "–"),
        ("Learning rate", f"{last['lr']:.1e}" if last else "–"),
        ("Time left", _time_left(batches)),
    )
    with st.container(horizontal=True, key="deep_figures"):
        for name, value in figures:
            st.metric(name, value, width=FIGURE_WIDTHS.get(name, 165))
    folds = {row["fold"] for row in rows if "fold" in row}
    if len(folds) > 1:
        st.caption(f"Part {len(folds)}: each fifth of the photos is held out in turn.")


def _epoch_of(last: Row | None) -> str:
    if last is None:
        return "–"
    whole = curves.epochs_in_all(last)
    return f"{min(max(1, math.ceil(last['epoch'])), whole)} of {whole}"


def _time_left(batches: Sequence[Row]) -> str:
    """How long the rest of the steps takes, at the speed of those of this job."""
    timed = [row for row in batches if row.get("t") is not None]
    # Rows of the job that this one went on from count from another start.
    at = next((i for i in range(len(timed) - 1, 0, -1) if timed[i]["t"] < timed[i - 1]["t"]), 0)
    timed = timed[at:]
    if len(timed) < 2 or timed[-1]["step"] <= timed[0]["step"]:
        return "–"
    first, last = timed[0], timed[-1]
    seconds = (last["t"] - first["t"]) / (last["step"] - first["step"])
    left = seconds * (last["steps"] - last["step"])
    return "a moment" if left < 2 else duration(round(left))


def draw_epochs(rows: Sequence[Row], *, key: str, at_most: int | None) -> None:
    """The table of the lessons: epoch, both losses, error rate and time."""
    import pandas as pd

    epochs = [row for row in rows if row.get("kind") == "epoch"]
    best = min(epochs, key=lambda row: row["valid_loss"], default=None)
    listed = epochs if at_most is None else epochs[-at_most:]
    table = pd.DataFrame(
        {
            "Epoch": [f"{row['epoch']}{' ★' if row is best else ''}" for row in listed],
            "Train loss": [f"{row['train_loss']:.3f}" for row in listed],
            "Valid loss": [f"{row['valid_loss']:.3f}" for row in listed],
            "Error rate": [percent(row["error_rate"]) for row in listed],
            "Time": [clock(row["seconds"]) for row in listed],
        }
    )
    with st.container(height=curves.HEIGHT + 20, border=False, key=f"{key}_epochs"):
        if listed:
            st.table(table, hide_index=True, border="horizontal")
            st.caption(
                "★ Best so far; its weights are kept."
                + (f" {len(epochs) - len(listed):,} earlier." if listed != epochs else "")
            )
        else:
            st.caption("A line for each epoch comes here.")


def of_last_fold(rows: Sequence[Row]) -> list[Row]:
    """The rows of the fold that was reached last."""
    folds = [row["fold"] for row in rows if "fold" in row]
    return [row for row in rows if row.get("fold") == folds[-1]] if folds else []


def clock(seconds: float) -> str:
    """A length of time as the lessons' tables have it: "1:05"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
