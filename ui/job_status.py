"""Work going on, as a person sees it: how far it is, a way to stop it, and how it ended."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core import jobs
from core.dataset import Dataset
from core.errors import JobError
from core.jobs import JobStatus
from ui.words import plain, shown

SECONDS_BETWEEN_LOOKS = 0.4

ENDED_EARLY = {
    "stopped": "Stopped. What was finished is kept.",
    "crashed": "This work ended without a word. What was finished is kept.",
}


def start(home: Path, kind: str, target: str, arguments: Mapping[str, Any]) -> None:
    """Start work; for a button's ``on_click``, so that the page that follows shows it at once."""
    try:
        jobs.start(home, kind, target, arguments)
    except JobError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def draw(
    home: Path,
    kind: str,
    *,
    while_running: Callable[[JobStatus], None] | None = None,
    told: Callable[[JobStatus], JobStatus] | None = None,
    key: str = "",
) -> JobStatus | None:
    """Draw the newest job of a kind and return its status; nothing for one that is done.

    While it runs, only this part of the page is drawn again; once it has ended, the whole page.

    Args:
        home: Of the data set.
        kind: Of the job.
        while_running: Draws more below the bar at every look, such as a chart.
        told: Makes of a status the one to show, where the page knows better how far it is.
        key: Tells two of them on one page apart.
    """
    job = jobs.latest(home, kind)
    if job is None:
        return None
    if jobs.alive(job):
        looked_at = st.fragment(_look, run_every=SECONDS_BETWEEN_LOOKS)
        looked_at(home, job.id, while_running, told, f"{key or kind}")
    elif job.state != "done":
        _draw_early_end(home, job, key or kind)
    return job


def ended(dataset: Dataset, job: JobStatus, *, key: str = "") -> None:
    """Say how a job of a data set ended that did not reach its end, and offer to go on."""
    _draw_early_end(dataset.home, job, key or job.kind)


def running(home: Path, kind: str) -> bool:
    """Whether work of this kind is going on."""
    job = jobs.latest(home, kind)
    return job is not None and jobs.alive(job)


def share_done(job: JobStatus) -> float:
    """How far a job is, 0 to 1; 0 when that is not known."""
    return min(1.0, job.done / job.total) if job.total else 0.0


def _look(
    home: Path,
    job_id: str,
    while_running: Callable[[JobStatus], None] | None,
    told: Callable[[JobStatus], JobStatus] | None,
    key: str,
) -> None:
    try:
        job = jobs.status(home, job_id)
    except JobError:
        st.rerun()
    if not jobs.alive(job):
        st.rerun()  # the whole page, once: it shows how the work ended and stops looking
    bar, button = st.columns([5, 1], vertical_alignment="bottom")
    shown_job = job if told is None else told(job)
    bar.progress(share_done(shown_job), text=_how_far(shown_job))
    stopping = job.state == "stopping" or st.session_state.get(f"{key}_stopping") == job_id
    button.button(
        "Stopping" if stopping else "Stop",
        key=f"{key}_stop",
        icon=":material/stop_circle:",
        disabled=stopping,
        width="stretch",
        on_click=_stop,
        args=(home, job_id, key),
    )
    if while_running is not None:
        while_running(job)


def _how_far(job: JobStatus) -> str:
    if not job.total:
        return plain(job.message)
    return f"{plain(job.message.removesuffix('.'))} · {job.done:,} of {job.total:,}"


def _stop(home: Path, job_id: str, key: str) -> None:
    st.session_state[f"{key}_stopping"] = job_id  # the button says so at once
    try:
        jobs.stop(home, job_id)
    except JobError as error:
        st.session_state.pop(f"{key}_stopping", None)
        st.toast(plain(str(error)), icon=":material/error:")


def _draw_early_end(home: Path, job: JobStatus, key: str) -> None:
    with st.container(border=True):
        if job.state == "failed":
            st.error(plain(job.error or "This work failed."), icon=":material/error:")
        elif job.state == "crashed":
            st.warning(ENDED_EARLY["crashed"], icon=":material/warning:")
        else:
            st.markdown(f":material/stop_circle: {ENDED_EARLY['stopped']} {_reached(job)}")
        again = "Start again" if job.state == "failed" else "Resume"
        st.button(
            again,
            key=f"{key}_resume",
            icon=":material/play_arrow:",
            on_click=_resume,
            args=(home, job),
        )
        if job.log_tail:
            with st.expander("What it said last"):
                st.code(shown_lines(job.log_tail), language=None)


def _reached(job: JobStatus) -> str:
    return f"It had reached {job.done:,} of {job.total:,}." if job.total else ""


def _resume(home: Path, job: JobStatus) -> None:
    try:
        jobs.resume(home, job.id)
    except JobError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def shown_lines(text: str) -> str:
    """Text of several lines, each shown as it is."""
    return "\n".join(shown(line) for line in text.splitlines())
