"""How deep training ended before its end, and the three ways on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.errors import TrainingError
from core.train.settings import DeepSettings
from core.train.unfinished import Unfinished, unfinished
from ui.job_status import shown_lines
from ui.training_deep import work
from ui.words import ago, count, plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.jobs import JobStatus


def interrupted(dataset: Dataset) -> tuple[DeepSettings, Unfinished] | None:
    """The deep training that can be gone on with; None without one whose settings can be read."""
    found = unfinished(dataset.home)
    if found is None:
        return None
    try:
        return DeepSettings.from_json(found.settings), found
    except (TrainingError, TypeError):
        return None


def draw(
    dataset: Dataset,
    job: JobStatus | None,
    *,
    afresh: DeepSettings | None,
    key: str,
) -> bool:
    """Say how the last deep training ended early, with ways on; whether there was anything to say.

    Args:
        dataset: Trained on.
        job: The newest deep training; None if there is none, or it is known no longer.
        afresh: The settings that "Start afresh" takes; None where there are none.
        key: Of the buttons.
    """
    if job is not None and jobs.alive(job):
        return False
    left = interrupted(dataset)
    ended_early = job is not None and job.state != "done"
    if left is None and not ended_early:
        return False
    with st.container(border=True, key=f"{key}_ending"):
        _say(job if ended_early else None, left[1] if left else None)
        with st.container(horizontal=True):
            if left is not None:
                _offer_to_go_on(dataset, *left, key=key)
            settings = afresh
            if settings is None and job is not None:
                settings = work.settings_of(dataset.home, job)
            st.button(
                "Start afresh",
                key=f"{key}_afresh",
                icon=":material/restart_alt:",
                disabled=settings is None,
                help="Forgets what it had learnt and begins again.",
                on_click=_start,
                args=(dataset, settings),
                kwargs={"fresh": True, "finish": False},
            )
        if ended_early and job is not None and job.log_tail:
            with st.expander("What it said last", key=f"{key}_log"):
                st.code(shown_lines(job.log_tail), language=None)
    return True


def _say(job: JobStatus | None, left: Unfinished | None) -> None:
    if job is not None and job.state == "failed":
        st.error(plain(job.error or "Deep training failed."), icon=":material/error:")
    elif job is not None and job.state == "crashed":
        st.warning(
            "Deep training ended without a word; perhaps the computer was switched off.",
            icon=":material/warning:",
        )
    elif job is not None:
        st.markdown(":material/stop_circle: Stopped.")
    else:
        st.markdown(":material/pause_circle: An earlier deep training was not finished.")
    if left is None:
        if job is not None and job.state != "failed":
            st.markdown("It had not learnt anything yet.")
        return
    of = f"{left.epoch:,} of {count(left.epochs, 'epoch')}"
    st.markdown(
        f"It had finished **{of}**; what it learnt was kept {ago(left.changed)}. Resume goes on "
        "exactly there."
    )


def _offer_to_go_on(
    dataset: Dataset,
    settings: DeepSettings,
    left: Unfinished,
    *,
    key: str,
) -> None:
    st.button(
        "Resume",
        key=f"{key}_resume",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(dataset, settings),
        kwargs={"fresh": False, "finish": False},
    )
    st.button(
        "Keep what it has learnt",
        key=f"{key}_keep",
        icon=":material/done_all:",
        disabled=left.epoch == 0,
        help="Learns nothing more: takes the best epoch so far, judges it and keeps it as a run."
        if left.epoch
        else "There is nothing to keep before the first epoch is over.",
        on_click=_start,
        args=(dataset, settings),
        kwargs={"fresh": False, "finish": True},
    )


def _start(
    dataset: Dataset,
    settings: DeepSettings,
    *,
    fresh: bool,
    finish: bool,
) -> None:
    work.start_deep(dataset, settings, fresh=fresh, finish=finish)
