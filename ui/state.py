"""Which data set this tab works on. The address says so; a session only remembers it.

Anything that matters lies on disk: a tab that is reloaded, or a server that is started again,
comes back to the same place.
"""

import time
from pathlib import Path

import streamlit as st

from core import jobs
from core.dataset import Dataset, Reconciled, recent
from core.errors import WinnowError
from core.jobs.progress import Progress, Task
from ui import job_status, navigation, open_sets
from ui.navigation import SET, go
from ui.words import plain

__all__ = [
    "bring_up_to_date",
    "carry_the_set",
    "close_set",
    "current",
    "draw_reading",
    "go",
    "is_read",
    "open_set",
    "require",
    "why_none",
]

INDEX = "index"  # kind of the job that reads a large folder for the first time
INDEX_JOB = "ui.long_work:index_job"
UNREAD = "unread"  # session key: the folder is being read in a job, or that was stopped
SECONDS_IN_THE_PAGE = 1.5  # longer reading goes to a job
SECONDS_TO_REOPEN = 5.0  # a large set read before takes a few seconds, not worth a job
SECONDS_A_FULL_LOOK_LASTS = 120.0
SECONDS_BEFORE_A_BAR = 0.4


def carry_the_set() -> None:
    """Bring the address and the session together: the address leads, the session fills gaps."""
    in_address = st.query_params.get(SET)
    if in_address:
        st.session_state[SET] = in_address
    elif st.session_state.get(SET):
        st.query_params[SET] = st.session_state[SET]


def current() -> Dataset | None:
    """The data set of this tab as last read, or None where there is none or its folder is gone."""
    token = st.session_state.get(SET) or st.query_params.get(SET)
    try:
        return open_sets.by_token(token) if token else None
    except WinnowError:
        return None  # ``why_none`` tells


def why_none() -> str | None:
    """Why the data set in the address cannot be shown, in a sentence; None if none is named."""
    token = st.session_state.get(SET) or st.query_params.get(SET)
    if not token:
        return None
    try:
        known = open_sets.by_token(token)
    except WinnowError as error:
        return str(error)
    return None if known else "This address names a data set that was not opened here before."


def require() -> Dataset:
    """The data set of this tab, up to date with its folder; without one, say so and end the run."""
    dataset = current()
    if dataset is None:
        st.info(plain(why_none() or "No data set is open here. Open one, or try a sample."))
        navigation.link("home", label="Go to Home")
        st.stop()
    if not is_read():
        draw_reading(dataset)
        st.stop()
    return dataset


def open_set(root: Path) -> Dataset:
    """Open the data set in a folder for this tab and remember it among the recent ones.

    Raises:
        DatasetError: If the folder is no folder, or cannot be read.
    """
    dataset = open_sets.at(root)
    token = recent.remember(dataset.root)
    st.session_state[SET] = token
    st.query_params[SET] = token
    return dataset


def close_set() -> None:
    """Forget the data set of this tab; nothing on disk changes."""
    st.session_state.pop(SET, None)
    st.query_params.pop(SET, None)


def bring_up_to_date() -> None:
    """Let the catalogue follow the folder; the router calls it before it draws anything.

    A short look happens right here. A long one, such as the first of a large folder, becomes a
    job with a bar and a Stop; until it is done ``require`` shows that job instead of the page.
    """
    st.session_state.pop(UNREAD, None)
    dataset = current()
    if dataset is None:
        return
    job = jobs.latest(dataset.home, INDEX)
    if job is not None and jobs.alive(job):
        st.session_state[UNREAD] = True
    elif not _is_read_in_time(dataset):
        st.session_state[UNREAD] = True
        if job is None or job.state == "done":  # one that was stopped waits for its Resume
            jobs.start(dataset.home, INDEX, INDEX_JOB, {"root": str(dataset.root)})


def is_read() -> bool:
    """Whether the catalogue of this tab's data set follows its folder."""
    return not st.session_state.get(UNREAD)


def draw_reading(dataset: Dataset) -> None:
    """Show how far the reading of the folder is, with a way to stop it or to go on."""
    st.subheader("Reading the photos", anchor=False)
    st.write("Winnow looks at every file once. The next time this takes a moment only.")
    job_status.draw(dataset.home, INDEX)


def _is_read_in_time(dataset: Dataset) -> bool:
    began = time.monotonic()
    place = st.empty()
    task, seconds_allowed = _look_to_take(dataset)
    try:
        while True:
            progress = next(task)
            seconds = time.monotonic() - began
            if seconds > seconds_allowed:
                return False
            if seconds > SECONDS_BEFORE_A_BAR:
                _draw_bar(place, progress)
    except StopIteration as end:
        open_sets.note_look(dataset, end.value)
    except WinnowError as error:
        st.error(plain(str(error)))
    finally:
        task.close()
        place.empty()
    return True


def _look_to_take(dataset: Dataset) -> tuple[Task[Reconciled], float]:
    """At first at every file, since one may have been rewritten in place; later a quick one."""
    job = jobs.latest(dataset.home, INDEX)
    looked_just_now = (
        job is not None
        and job.state == "done"
        and time.time() - (job.finished_at or 0) < SECONDS_A_FULL_LOOK_LASTS
    )
    if looked_just_now or open_sets.last_look(dataset) is not None:
        return dataset.refresh(), SECONDS_IN_THE_PAGE
    known_before = bool(dataset.counts() or dataset.unsorted_count())
    return dataset.reconcile(), SECONDS_TO_REOPEN if known_before else SECONDS_IN_THE_PAGE


def _draw_bar(place: "st.delta_generator.DeltaGenerator", progress: Progress) -> None:
    share = progress.done / progress.total if progress.total else 0.0
    place.progress(min(share, 1.0), text=plain(progress.message))
