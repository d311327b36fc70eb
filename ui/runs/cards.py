"""The list of runs: how each went, a box to choose it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.errors import WinnowError
from core.runs.in_use import live_runs, use
from core.runs.notes import LONGEST_NAME, LONGEST_TEXT, Note, note_of, write_note
from ui import navigation, training
from ui.runs import again, deleted, words
from ui.words import duration, plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.runs import Run

PER_PAGE = 10
PICKED = "runs_picked"  # session key: ids of the chosen runs, in the order they were chosen
NOTING = "runs_noting"  # session key: id of the run whose name and note are being written
USE, AGAIN, CONTINUE, NOTE, DELETE = "use", "again", "continue", "note", "delete"
ACTIONS = {
    USE: ":material/check_circle: Use this one",
    AGAIN: ":material/model_training: Train again with these settings",
    CONTINUE: ":material/resume: Continue from this one",
    NOTE: ":material/edit: Name and note",
    DELETE: ":material/delete: Delete",
}
SHOWN_NOTE = 200  # characters


def picked(runs: Sequence[Run]) -> list[Run]:
    """The chosen runs that are still there, in the order they were chosen."""
    by_id = {run.id: run for run in runs}
    return [by_id[one] for one in st.session_state.get(PICKED, []) if one in by_id]


def draw(dataset: Dataset, runs: Sequence[Run], in_use: Run | None) -> None:
    """Draw the list, newest first, a page at a time."""
    pages = -(-len(runs) // PER_PAGE)
    page = max(1, min(st.session_state.get("runs_page", 1), pages))
    busy = training_goes_on(dataset)
    made_live = set(live_runs(dataset))
    if len(runs) > 1:
        st.caption("Choose one to see it, two or more to lay them over one another.")
    for run in runs[(page - 1) * PER_PAGE : page * PER_PAGE]:
        is_used = in_use is not None and run.id == in_use.id
        _draw_one(dataset, run, is_used=is_used, is_live=run.id in made_live, busy=busy)
    if pages > 1:
        st.pagination(pages, key="runs_page")
    for run in runs:
        if run.id == st.session_state.get(NOTING):
            _edit_note(dataset, run, note_of(dataset.home, run))


def training_goes_on(dataset: Dataset) -> bool:
    """Whether somebody's training is running."""
    job = training.latest_job(dataset)
    return job is not None and jobs.alive(job)


def _draw_one(dataset: Dataset, run: Run, *, is_used: bool, is_live: bool, busy: bool) -> None:
    note = note_of(dataset.home, run)
    with st.container(border=True, gap="small", key=f"runs_card_{run.id}"):
        with st.container(
            horizontal=True,
            wrap=False,
            horizontal_alignment="distribute",
            vertical_alignment="center",
        ):
            st.checkbox(
                f"**{plain(words.title(run, note))}**",
                value=run.id in st.session_state.get(PICKED, []),
                key=f"runs_pick_{run.id}",
                on_change=_pick,
                args=(run.id,),
                width="stretch",
                wrap=True,
            )
            action = st.menu_button(
                "Actions",
                _actions(run, is_used=is_used, busy=busy),
                format_func=ACTIONS.__getitem__,
                key=f"runs_do_{run.id}",
                type="tertiary",
            )
        _draw_words(run, note, is_used=is_used, is_live=is_live)
    if action:
        _act(dataset, run, note, action)


def _draw_words(run: Run, note: Note, *, is_used: bool, is_live: bool) -> None:
    if is_used or is_live:
        with st.container(horizontal=True, gap="small"):
            if is_used:
                st.badge("In use", icon=":material/check_circle:", color="green")
            if is_live:
                st.badge("Learnt while labelling", color="gray")
    st.markdown(words.outcome(run))
    parts = [words.network(run), words.MODES[run.mode].lower()]
    if run.kept is not None:
        did = f"kept: {words.ANSWERS[run.kept]}"
        parts.append("did not beat quick training" if run.kept == "quick" else did)
    parts.append(duration(words.seconds(run)))
    if note.name:
        parts.append(words.made(run))
    st.caption(plain(" · ".join(parts)))
    if note.text:
        st.caption(f":material/sticky_note_2: {plain(note.text, limit=SHOWN_NOTE)}")


def _actions(run: Run, *, is_used: bool, busy: bool) -> list[str]:
    fitting = {
        USE: not is_used,
        AGAIN: not busy,
        CONTINUE: run.mode == "deep",
        NOTE: True,
        DELETE: True,
    }
    return [action for action in ACTIONS if fitting[action]]


def _pick(run_id: str) -> None:
    chosen = [one for one in st.session_state.get(PICKED, []) if one != run_id]
    if st.session_state[f"runs_pick_{run_id}"]:
        chosen.append(run_id)
    st.session_state[PICKED] = chosen


def _act(dataset: Dataset, run: Run, note: Note, action: str) -> None:
    if action == NOTE:
        st.session_state[NOTING] = run.id  # open until it is answered, whatever reruns in between
    elif action == CONTINUE:
        again.continue_from(run)
    elif action == AGAIN:
        if again.train_again(dataset, run):
            navigation.go("train")
    else:
        try:
            if action == USE:
                use(dataset, run.id)
            else:
                deleted.delete(dataset, run.id, words.title(run, note))
        except WinnowError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.rerun()


def _close_note() -> None:
    st.session_state.pop(NOTING, None)


@st.dialog("Name and note", width="medium", on_dismiss=_close_note)
def _edit_note(dataset: Dataset, run: Run, note: Note) -> None:
    st.caption(f"{words.made(run)}. {words.outcome(run)}")
    name = st.text_input(
        "Name",
        note.name,
        max_chars=LONGEST_NAME,
        key=f"runs_name_{run.id}",
        placeholder="Such as: after the holidays",
    )
    text = st.text_area("Note", note.text, max_chars=LONGEST_TEXT, key=f"runs_note_{run.id}")
    if st.button("Save", type="primary", key="runs_note_save"):
        try:
            write_note(dataset.home, run.id, Note(name=name, text=text))
        except WinnowError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        _close_note()
        st.rerun()
