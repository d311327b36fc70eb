"""Photos set aside on arrival, each beside the one it resembles, and the way to keep them."""

import html
from collections.abc import Sequence

import streamlit as st

from core.dataset import Dataset, FileRow
from core.dataset.arrivals import AsideRow, set_aside
from core.errors import WinnowError
from ui import sidebar
from ui.collecting.pictures import whole_picture
from ui.words import count, plain, shown

A_PAGE = 12
HEIGHT = 132
KINDS = {
    "duplicate": "copies",
    "near_duplicate": "near copies",
    "too_small": "too small",
}
KEPT = "collect_kept_step"  # session key: journal step of the photos kept last


def draw(dataset: Dataset) -> None:
    """Draw what was set aside, folded; nothing where nothing was."""
    rows = set_aside(dataset)
    if not rows and not _may_undo(dataset):
        return
    with st.expander(
        "Set aside",  # a number in it would change, and with its label it closes
        icon=":material/inventory_2:",
        key=f"collect_aside_{dataset.token}",
        on_change="rerun",
    ) as folded:
        if not folded.open:
            return
        if len(rows) == 1:
            st.markdown(
                "**1 photo** came too, but was not put into its class. It waits here and among "
                "the removed photos."
            )
        elif rows:
            st.markdown(
                f"**{len(rows):,} photos** came too, but were not put into their classes. They "
                "wait here and among the removed photos: keep those you want."
            )
        else:
            st.markdown("Nothing is set aside any more.")
        _draw_actions(dataset, rows)
        pages = -(-len(rows) // A_PAGE)
        page = min(st.session_state.get("collect_aside_page", 1), max(pages, 1))
        part = rows[(page - 1) * A_PAGE : page * A_PAGE]
        resembled = dataset.get(row.resembles for row in part if row.resembles is not None)
        with st.grid(3, min_column_width=240):
            for row in part:
                _draw_one(dataset, row, resembled.get(row.resembles or -1))
        if pages > 1:
            st.pagination(pages, key="collect_aside_page")


def _draw_actions(dataset: Dataset, rows: Sequence[AsideRow]) -> None:
    kinds = {kind: [row.id for row in rows if row.kind == kind] for kind in KINDS}
    there = {kind: ids for kind, ids in kinds.items() if ids}
    with st.container(horizontal=True):
        if len(rows) > 1:
            st.button(
                f"Keep all {len(rows):,}",
                key="collect_keep_all",
                icon=":material/restore_from_trash:",
                on_click=_keep,
                args=(dataset, [row.id for row in rows]),
            )
        if len(there) > 1:
            for kind, ids in there.items():
                st.button(
                    f"Keep {len(ids):,} {KINDS[kind]}",
                    key=f"collect_keep_{kind}",
                    on_click=_keep,
                    args=(dataset, ids),
                )
        if _may_undo(dataset):
            st.button(
                "Undo keeping",
                key="collect_unkeep",
                icon=":material/undo:",
                on_click=_undo,
                args=(dataset,),
            )


def _draw_one(dataset: Dataset, row: AsideRow, other: FileRow | None) -> None:
    with st.container(border=True, gap="small", height="stretch"):
        class_name = row.class_name or "unsorted"
        pictures = [_captioned(dataset, row.content, class_name, "Set aside", class_name)]
        if other is not None:
            beside = other.class_name or "unsorted"
            pictures.append(_captioned(dataset, other.content, beside, "In your photos", beside))
        st.html(f'<div style="display:flex;gap:.5rem">{"".join(pictures)}</div>')
        st.caption(plain(row.reason, limit=200))
        st.button(
            "Keep it anyway",
            key=f"collect_keep_one_{row.id}",
            on_click=_keep,
            args=(dataset, [row.id]),
            width="stretch",
        )


def _captioned(dataset: Dataset, content: str, title: str, lead: str, class_name: str) -> str:
    named = html.escape(shown(class_name, limit=30))
    drawn = whole_picture(dataset, content, f"{lead}: {title}", height=HEIGHT)
    return (
        f'<figure style="flex:1 1 0;min-width:0;margin:0">{drawn}'
        f'<figcaption style="font-size:.8rem;opacity:.8;overflow-wrap:anywhere">{lead}: {named}'
        "</figcaption></figure>"
    )


def _keep(dataset: Dataset, ids: list[int]) -> None:
    try:
        step = dataset.restore(ids)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    st.session_state[KEPT] = step.id
    sidebar.say_step(step)


def _may_undo(dataset: Dataset) -> bool:
    """Whether the data set's last step is the one that kept photos here."""
    kept = st.session_state.get(KEPT)
    last = dataset.next_undo()
    return kept is not None and last is not None and last.id == kept


def _undo(dataset: Dataset) -> None:
    if not _may_undo(dataset):
        st.toast("Something else was changed since. Undo it first, at the side.")
        return
    try:
        step = dataset.undo()
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    words = count(len(step.changes), "photo")
    st.toast(f"{words} set aside again.", icon=":material/undo:")
