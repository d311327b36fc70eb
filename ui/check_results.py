"""What a check found, for the Check page: reasons, files with pictures, removing and restoring."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from core.clean.kept import Checked, rejected
from core.clean.sweep import SUSPICION, Rejection
from core.dataset import Dataset
from core.errors import WinnowError
from ui import media, sidebar
from ui.words import count, plain, shown

ROWS_A_PAGE = 100
PICTURE_HEIGHT = 56

# Kinds of verdicts as a heading for those files.
KINDS = {
    "empty": "Empty files",
    "truncated": "Cut short",
    "corrupt": "Damaged",
    "not_an_image": "Not pictures",
    "unsupported": "Kinds of file Winnow cannot read",
    "too_small": "Too small",
    "too_large": "Too large",
    "odd_shape": "Very long or very wide",
    "blank": "One colour only",
}


def draw_summary(state: Checked) -> None:
    """Draw how many photos are fine, how many are not, and how many were not looked at."""
    with st.grid(3, min_column_width=140):
        st.metric("Fine", f"{state.judged - state.rejected:,}", border=True)
        st.metric("Cannot be used", f"{state.rejected:,}", border=True)
        if state.judged < state.photos:
            st.metric("Not checked yet", f"{state.photos - state.judged:,}", border=True)


def draw_rejected(dataset: Dataset, state: Checked) -> None:
    """Draw the files that cannot be used, with ways to move them out of the way."""
    found = rejected(dataset)
    may_remove = not state.suspicious or _looked_first()
    chosen = _choose_kinds(found)
    listed = [one for one in found if not chosen or one.kind in chosen]
    ticked = _draw_table(dataset, listed)
    if dataset.read_only:
        st.info("This folder cannot be written. Open a copy of it to remove photos.")
    with st.container(horizontal=True):
        which = "all" if len(listed) == len(found) else "these"
        st.button(
            f"Move {which} {len(listed):,} to removed" if len(listed) > 1 else "Move to removed",
            key="remove_all",
            type="primary",
            icon=":material/delete:",
            disabled=not may_remove or dataset.read_only or not listed,
            help="They can be restored at any time, here or with Undo.",
            on_click=_remove,
            args=(dataset, [one.file_id for one in listed]),
        )
        st.button(
            f"Move the {len(ticked):,} ticked to removed" if ticked else "Move the ticked ones",
            key="remove_ticked",
            disabled=not ticked or dataset.read_only,
            on_click=_remove,
            args=(dataset, ticked),
        )


def draw_removed(dataset: Dataset) -> None:
    """Draw the removed photos, folded, with ways to restore them."""
    number = dataset.removed_count()
    if not number:
        return
    with st.expander(f"Removed photos ({number:,})", key="removed", on_change="rerun") as shut:
        if not shut.open:
            return
        rows = dataset.removed_rows()
        part = _part_of(rows, "removed_page")
        edited = st.data_editor(
            pd.DataFrame(
                {
                    "Restore": False,
                    "Picture": [_picture(dataset, row.content) for row in part],
                    "Was": [shown(row.path) for row in part],
                    "Removed": [datetime.fromtimestamp(row.removed_at) for row in part],
                }
            ),
            column_config={
                "Restore": st.column_config.CheckboxColumn(width="small"),
                "Picture": st.column_config.ImageColumn(width="small"),
                "Removed": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
            },
            disabled=["Picture", "Was", "Removed"],
            hide_index=True,
            row_height=PICTURE_HEIGHT,
            key=f"removed_table_{dataset.version()}",
        )
        ticked = [row.id for row, tick in zip(part, edited["Restore"], strict=True) if tick]
        with st.container(horizontal=True):
            st.button(
                f"Restore the {len(ticked):,} ticked" if ticked else "Restore the ticked ones",
                key="restore_ticked",
                icon=":material/restore_from_trash:",
                disabled=not ticked,
                on_click=_restore,
                args=(dataset, ticked),
            )
            st.button(
                f"Restore all {number:,}" if number > 1 else "Restore it",
                key="restore_all",
                on_click=_restore,
                args=(dataset, [row.id for row in rows]),
            )


def _looked_first() -> bool:
    st.warning(SUSPICION, icon=":material/warning:")
    return st.checkbox("I have looked at some of them and want to remove them", key="looked")


def _choose_kinds(found: Sequence[Rejection]) -> list[str]:
    numbers = Counter(one.kind for one in found)
    if len(numbers) < 2:
        return []
    return st.pills(
        "Reason",
        list(numbers),
        format_func=lambda kind: f"{KINDS.get(kind, kind)} ({numbers[kind]:,})",
        selection_mode="multi",
        key="kinds",
    )


def _draw_table(dataset: Dataset, listed: Sequence[Rejection]) -> list[int]:
    """Draw a page of the files; return the ids of the ticked ones."""
    part = _part_of(listed, "rejected_page")
    rows = dataset.get(one.file_id for one in part)
    edited = st.data_editor(
        pd.DataFrame(
            {
                "Move": False,
                "Picture": [
                    _picture(dataset, rows[one.file_id].content) if one.file_id in rows else None
                    for one in part
                ],
                "File": [shown(one.file) for one in part],
                "Reason": [_first_sentence(one.reason) for one in part],
            }
        ),
        column_config={
            "Move": st.column_config.CheckboxColumn(width="small", help="Tick to move this one"),
            "Picture": st.column_config.ImageColumn(width="small"),
            "File": st.column_config.TextColumn(width="medium"),
            "Reason": st.column_config.TextColumn(width="large"),
        },
        disabled=["Picture", "File", "Reason"],
        hide_index=True,
        row_height=PICTURE_HEIGHT,
        key=f"rejected_table_{dataset.version()}_{len(listed)}",
    )
    return [one.file_id for one, tick in zip(part, edited["Move"], strict=True) if tick]


def _first_sentence(reason: str) -> str:
    """What is wrong, without what to do about it, which is the same in every row."""
    return shown(reason.split(". ")[0].rstrip(".") + ".")


def _part_of(rows: Sequence, key: str) -> Sequence:
    """The page of a long list that is looked at."""
    pages = -(-len(rows) // ROWS_A_PAGE)
    number = st.pagination(pages, key=key) if pages > 1 else 1
    return rows[(number - 1) * ROWS_A_PAGE : number * ROWS_A_PAGE]


def _picture(dataset: Dataset, content: str) -> str | None:
    return media.thumb_url(dataset, content) if content else None


def _remove(dataset: Dataset, ids: list[int]) -> None:
    try:
        sidebar.say_step(dataset.remove(ids))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def _restore(dataset: Dataset, ids: list[int]) -> None:
    try:
        sidebar.say_step(dataset.restore(ids))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def fine_words(state: Checked) -> str:
    """What to say when nothing was found."""
    return f"All fine: {count(state.photos, 'photo')} checked, and every one can be used."
