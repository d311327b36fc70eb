"""The removed photos, for the History page: why each is here, and the ways back or out."""

import html
from collections.abc import Sequence

import streamlit as st

from core.dataset import Dataset, removed
from core.dataset.emptying import Emptied, empty_removed, removed_total
from core.dataset.removed import RemovedPhoto, Why
from core.errors import WinnowError
from core.jobs.progress import Task
from ui import history_steps, sidebar
from ui.collecting.pictures import whole_picture
from ui.words import count, plain, shown

A_PAGE = 24
HEIGHT = 132
EMPTYING = "history_emptying"  # session key: the dialog that asks about it is open
WHYS: dict[Why, str] = {
    "hand": "Removed by you",
    "check": "Cannot be used",
    "arrival": "Set aside on arrival",
}


def draw(dataset: Dataset) -> None:
    """Draw the removed photos with the ways to restore them or delete them for good."""
    history_steps.draw_said()
    if st.session_state.get(EMPTYING):
        _confirm_emptying(dataset)
    numbers = removed.counts(dataset)
    if not numbers:
        st.info(
            "No removed photos. What you remove, what cannot be used and what is set aside on "
            "arrival lies here until you restore it or delete it for good."
        )
        return
    chosen = _choose(numbers)
    listed = sum(numbers[why] for why in chosen)
    _draw_actions(dataset, chosen, listed, is_all=len(chosen) == len(numbers))
    pages = -(-listed // A_PAGE)
    at = st.pagination(pages, key=f"history_removed_page_{'_'.join(chosen)}") if pages > 1 else 1
    with st.grid(4, min_column_width=200):
        for photo in removed.page(dataset, chosen, skip=(at - 1) * A_PAGE, limit=A_PAGE):
            _draw_one(dataset, photo)


def _choose(numbers: dict[Why, int]) -> list[Why]:
    if len(numbers) < 2:
        return list(numbers)
    chosen = st.pills(
        "Why",
        list(numbers),
        format_func=lambda why: f"{WHYS[why]} ({numbers[why]:,})",
        selection_mode="multi",
        key="history_why",
    )
    return [why for why in numbers if why in chosen] or list(numbers)


def _draw_actions(dataset: Dataset, chosen: Sequence[Why], listed: int, *, is_all: bool) -> None:
    with st.container(horizontal=True):
        which = "all" if is_all else "these"
        st.button(
            f"Restore {which} {listed:,}" if listed > 1 else "Restore it",
            key="history_restore_all",
            icon=":material/restore_from_trash:",
            disabled=dataset.read_only,
            help="Puts them back where they were. This can be undone.",
            on_click=_restore_for,
            args=(dataset, tuple(chosen)),
        )
        st.button(
            "Empty removed…",
            key="history_empty",
            icon=":material/delete_forever:",
            disabled=dataset.read_only,
            help="Deletes the removed photos for good. You are asked first.",
            on_click=history_steps.ask,
            args=(EMPTYING, 1),
        )


def _draw_one(dataset: Dataset, photo: RemovedPhoto) -> None:
    with st.container(border=True, gap="small", height="stretch"):
        name = photo.class_name or dataset.unsorted
        st.html(
            whole_picture(dataset, photo.content, f"Removed: {photo.path}", height=HEIGHT)
            + f'<div style="overflow-wrap:anywhere"><b>{html.escape(shown(name, limit=40))}</b> · '
            f"{html.escape(shown(photo.path.rpartition('/')[2], limit=40))}</div>"
            + history_steps.time_html(photo.removed_at)
        )
        st.caption(plain(photo.reason, limit=200))
        st.button(
            "Restore",
            key=f"history_restore_{photo.id}",
            disabled=dataset.read_only,
            on_click=_restore,
            args=(dataset, [photo.id]),
            width="stretch",
        )


def _restore_for(dataset: Dataset, whys: Sequence[Why]) -> None:
    _restore(dataset, removed.ids(dataset, whys))


def _restore(dataset: Dataset, ids: Sequence[int]) -> None:
    try:
        sidebar.say_step(dataset.restore(ids))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")


@st.dialog(
    "Delete the removed photos for good?",
    width="medium",
    on_dismiss=lambda: history_steps.close(EMPTYING),
)
def _confirm_emptying(dataset: Dataset) -> None:
    there = removed_total(dataset)
    st.markdown(
        f"This deletes **{count(there.photos, 'photo')}** from this computer and frees "
        f"**{there.size}**. Photos in your classes are not touched."
    )
    st.warning(
        "It is the one thing in Winnow that cannot be undone. Steps that removed or moved these "
        "photos can then no longer bring them back.",
        icon=":material/warning:",
    )
    with st.container(horizontal=True):
        go = st.button(
            f"Delete {count(there.photos, 'photo')} for good",
            key="history_empty_confirm",
            type="primary",
            icon=":material/delete_forever:",
            disabled=not there.photos,
        )
        stay = st.button("Cancel", key="history_empty_cancel")
    if go:
        _empty(dataset)
    if go or stay:
        history_steps.close(EMPTYING)
        st.rerun()


def _empty(dataset: Dataset) -> None:
    task: Task[Emptied] = empty_removed(dataset)
    try:
        result = history_steps.run_with_a_bar(task)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:", duration="long")
        return
    words = f"{count(result.photos, 'photo')} deleted for good; {result.size} are free again."
    history_steps.say(words, result.skipped)
