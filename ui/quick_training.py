"""The quick mode of the Train page: choose a network, watch the loss fall, read the error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import jobs, runs
from core.errors import RunError
from core.networks.backbones import BACKBONES
from core.runs.split import other_parts
from ui import charts, job_status, navigation, networks, training
from ui.words import count, duration, percent, plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.jobs import JobStatus

# Steps of a run as its record names them, in words.
STEPS = {
    "embed": "Looking at the photos",
    "fit": "Learning the classes",
    "judge": "Judging every photo",
}
FEW_POINTS = 4  # fewer make no curve
ENGINES = {"onnxruntime": "ONNX Runtime", "pytorch": "PyTorch"}


def draw(
    dataset: Dataset,
    past: Sequence[runs.Run],
    *,
    backbone: str,
    said: Sequence[str],
    busy: bool,
    can_learn: bool,
    last_was_deep: bool,
) -> None:
    """Draw the mode, below the choice of a network.

    Args:
        dataset: To train on.
        past: Its quick runs, newest first.
        backbone: The network chosen.
        said: Sentences that stand on the page already.
        busy: Whether a training is going on.
        can_learn: Whether anything can be learnt from the data set.
        last_was_deep: Whether the newest training is a deep one, of which nothing is said here.
    """
    pressed = st.button(
        "Train",
        type="secondary" if past else "primary",
        icon=":material/model_training:",
        disabled=busy or not can_learn or not networks.ready(backbone),
        key="train_start",
    )
    if pressed and training.start(dataset, backbone=backbone):
        st.rerun()
    if not last_was_deep:
        draw_job(dataset)
    if past and not busy:
        show_outcome(dataset, past[0], said)
    if past or busy:
        explain()
    if past[1:]:
        earlier_runs(past[1:])


def draw_job(dataset: Dataset) -> None:
    """A quick training that is going on, or how it ended early."""

    def watch(job: JobStatus) -> None:
        draw_loss(rows_so_far(dataset, job.id), key="train_live", photos=job.total or None)

    job_status.draw(dataset.home, training.KIND, while_running=watch)


def rows_so_far(dataset: Dataset, job_id: str) -> list[dict[str, Any]]:
    """All rows of a job's metrics; only what is new since the last look is read from disk."""
    known_job, rows = st.session_state.get("train_rows", (None, []))
    if known_job != job_id:
        rows = []
    rows.extend(jobs.metrics(dataset.home, job_id, skip=len(rows)))
    st.session_state["train_rows"] = (job_id, rows)
    return rows


def draw_loss(rows: list[dict[str, Any]], *, key: str, photos: int | None = None) -> None:
    """Draw the loss chart of the phase that these rows have reached, and say its last point.

    While photos are looked at, the chart is over the photos learnt from so far; then it is over
    the steps of the fit.
    """
    fit = points_of(rows, "fit")
    if not fit:
        draw_learning_curve(points_of(rows, "embed"), key=key, photos=photos)
        return
    charts.live_loss(fit, x="step", x_title="Step", key=f"{key}_fit")
    with st.container(key=f"{key}_fit_said"):
        st.caption(f"Step {fit[-1]['step']:,}: {in_words(fit[-1])}")


def draw_learning_curve(points: list[dict[str, Any]], *, key: str, photos: int | None) -> None:
    """Draw the loss over the number of photos learnt from, and say its last point."""
    x_title = "Photos learnt from"
    charts.live_loss(points, x="photos", x_title=x_title, x_end=photos, key=f"{key}_embed")
    with st.container(key=f"{key}_embed_said"):
        if not points:
            st.caption("The first point comes once enough photos have been looked at.")
            return
        st.caption(f"{count(points[-1]['photos'], 'photo')}: {in_words(points[-1])}")


def points_of(rows: list[dict[str, Any]], phase: str) -> list[dict]:
    """The rows that are points of this phase's chart."""
    return [row for row in rows if row.get("phase") == phase and "valid_loss" in row]


def in_words(point: dict[str, Any]) -> str:
    """One point of a loss chart."""
    wrong = f", wrong on {percent(point['error_rate'])} of them" if "error_rate" in point else ""
    return f"loss {point['valid_loss']:.3f} on held-out photos{wrong}"


def show_outcome(dataset: Dataset, run: runs.Run, said: Sequence[str]) -> None:
    """Say how the newest run went and what comes next; not again what was said before."""
    st.subheader(training.outcome(run), anchor=False)
    with st.container(horizontal=True):
        navigation.next_step("results", "See the results", key="train_to_results")
        if st.button("Review photos", icon=":material/fact_check:", key="train_to_review"):
            navigation.go("review")
    for sentence in other_parts(run):
        st.markdown(plain(sentence))
    for sentence in run.warnings:
        if sentence in said:
            continue
        st.info(plain(sentence), icon=":material/info:")
    try:
        curve = runs.load_curve(dataset.home, run.id)
    except RunError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if run.split:
        st.caption("The chart is about photos in train, each of which is held out once.")
    draw_loss(curve, key="train_done")
    if len(learning := points_of(curve, "embed")) >= FEW_POINTS:
        with st.expander("Would more photos help?", key="train_more"):
            st.markdown(
                "This is how the loss went while more and more photos were looked at. Where the "
                "line of the held-out photos still falls at its right end, more photos would help. "
                "Each point is a quick look at a part of the photos, so it need not end at the "
                "figures above."
            )
            draw_learning_curve(learning, key="train_done", photos=None)
    with st.expander("Time taken", key="train_details"):
        time_taken(run)


def explain() -> None:
    """The two terms of the chart in plain sentences, folded away."""
    with st.expander("What do loss and held out mean?", key="train_explain"):
        st.markdown(
            "**Loss** says how surprised the network is by the class a photo has: near 0 where "
            "it is sure and right, large where it is sure and wrong.\n\n"
            "**Held out** are photos that this part of the training did not see. Every photo "
            "is held out once, so each is judged by a network that could not learn it by heart."
        )


def time_taken(run: runs.Run) -> None:
    """Where the time went and what did the work."""
    for step, seconds in run.seconds.items():
        if seconds >= 0.05:  # less reads as nothing
            st.markdown(f"{plain(STEPS.get(step, step))}: {duration(seconds)}")
    engine = run.settings.get("engine")
    by = f", run by {plain(ENGINES.get(engine, str(engine)))}" if engine else ""
    st.caption(f"{network_title(run)}{by}")


def network_title(run: runs.Run) -> str:
    """What pages call the network of a run."""
    known = BACKBONES.get(run.backbone)
    return known.title if known else run.backbone


def earlier_runs(past: Sequence[runs.Run]) -> None:
    """The runs before the newest one, as a small folded table."""
    with st.expander(f"Earlier runs ({len(past):,})", key="train_earlier"):
        st.dataframe(
            {
                "When": [datetime.fromtimestamp(run.created) for run in past],
                "Network": [network_title(run) for run in past],
                "Result": [training.outcome(run) for run in past],
                "Loss": [run.loss for run in past],
            },
            column_config={
                "When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
                "Loss": st.column_config.NumberColumn(format="%.3f"),
            },
            hide_index=True,
            key="train_runs",
        )
