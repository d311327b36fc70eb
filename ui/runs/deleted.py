"""Deleted runs: a way back at once, the list of them, and the way out for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import WinnowError
from core.runs.removed import (
    RemovedRun,
    delete_removed_runs,
    remove_run,
    removed_bytes,
    removed_runs,
    restore_run,
    unreadable_runs,
)
from ui.runs import words
from ui.words import count, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.dataset import Dataset

JUST_NOW = "runs_deleted"  # session key: (data set, id, title) of the run deleted last
EMPTYING = "runs_emptying"  # session key: the dialog that asks about it is open
MEGABYTE = 1_000_000


def delete(dataset: Dataset, run_id: str, title: str) -> None:
    """Put a run aside and offer to take that back.

    Raises:
        RunError: If it cannot be moved.
    """
    remove_run(dataset.home, run_id)
    st.session_state[JUST_NOW] = (dataset.token, run_id, title)


def draw_undo(dataset: Dataset) -> None:
    """Say which run was deleted last, with the way back."""
    token, run_id, title = st.session_state.get(JUST_NOW, (None, "", ""))
    if token != dataset.token:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/delete: Deleted: **{plain(title)}**.", width="content")
        st.button(
            "Undo",
            key="runs_undo_delete",
            icon=":material/undo:",
            on_click=_restore,
            args=(dataset, run_id),
        )


def draw(dataset: Dataset) -> None:
    """Draw the deleted runs, folded away, and those that cannot be read."""
    _draw_unreadable(dataset)
    there = removed_runs(dataset.home)
    if not there:
        return
    with st.expander(f"Deleted runs ({len(there):,})", key="runs_deleted_list"):
        st.caption("They stay here until you restore them or delete them for good.")
        for one in there:
            _draw_one(dataset, one)
        st.button(
            "Delete for good…",
            key="runs_empty",
            icon=":material/delete_forever:",
            help="You are asked first.",
            on_click=_ask,
        )
    if st.session_state.get(EMPTYING):
        _confirm(dataset, [one.id for one in there])


def _draw_one(dataset: Dataset, one: RemovedRun) -> None:
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        if one.run is None:
            st.markdown(f"{plain(one.note.name or one.id)}: cannot be read", width="content")
        else:
            named = plain(words.title(one.run, one.note))
            st.markdown(
                f"**{named}** · {words.MODES[one.run.mode].lower()} · "
                f"{words.figures_of(one.run)} wrong",
                width="content",
            )
        st.button(
            "Restore",
            key=f"runs_restore_{one.id}",
            icon=":material/restore_from_trash:",
            on_click=_restore,
            args=(dataset, one.id),
        )


def _draw_unreadable(dataset: Dataset) -> None:
    damaged = unreadable_runs(dataset.home)
    if not damaged:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        lie = f"{count(len(damaged), 'run')} cannot be read, as something of "
        st.markdown(
            f":material/warning: {lie}{'it' if len(damaged) == 1 else 'them'} is missing or "
            f"damaged: {plain(', '.join(damaged), limit=120)}.",
            width="content",
        )
        st.button(
            "Delete",
            key="runs_delete_damaged",
            help="Puts them with the deleted runs, where they can be had back.",
            on_click=_delete_damaged,
            args=(dataset, damaged),
        )


def _delete_damaged(dataset: Dataset, ids: Sequence[str]) -> None:
    try:
        for one in ids:
            remove_run(dataset.home, one)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def _restore(dataset: Dataset, run_id: str) -> None:
    try:
        restore_run(dataset.home, run_id)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
    if st.session_state.get(JUST_NOW, (None, ""))[1] == run_id:
        del st.session_state[JUST_NOW]


def _ask() -> None:
    st.session_state[EMPTYING] = True  # open until it is answered, whatever reruns in between


def _close() -> None:
    st.session_state.pop(EMPTYING, None)


@st.dialog("Delete these runs for good?", width="medium", on_dismiss=_close)
def _confirm(dataset: Dataset, ids: list[str]) -> None:
    st.markdown(
        f"This deletes **{count(len(ids), 'run')}** with their models from this computer and "
        f"frees **{removed_bytes(dataset.home) / MEGABYTE:,.1f} MB**. Photos are not touched."
    )
    st.warning("It cannot be undone.", icon=":material/warning:")
    with st.container(horizontal=True):
        go = st.button(
            f"Delete {count(len(ids), 'run')} for good",
            key="runs_empty_confirm",
            type="primary",
            icon=":material/delete_forever:",
        )
        stay = st.button("Cancel", key="runs_empty_cancel")
    if go:
        stayed = delete_removed_runs(dataset.home, ids)
        st.session_state.pop(JUST_NOW, None)
        if stayed:
            left = f"{count(len(stayed), 'run')} could not be deleted, such as {stayed[0]}."
            st.toast(f"{left} Close what uses the folder, then try again.", duration="long")
    if go or stay:
        _close()
        st.rerun()
