"""What a check found, for the Check page: reasons, files with pictures, removing and restoring."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.clean.kept import Checked, kinds_of_rejected, rejected, rejected_ids
from core.clean.sweep import SUSPICION
from core.dataset import Dataset
from core.errors import WinnowError
from ui import media, navigation, sidebar
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
    numbers = kinds_of_rejected(dataset)
    may_remove = not state.suspicious or _looked_first()
    chosen = _choose_kinds(numbers) or list(numbers)
    listed = sum(numbers.get(kind, 0) for kind in chosen)
    # Above the table, which is loaded late and would push them away under the pointer.
    buttons = st.container(horizontal=True)
    ticked = _draw_table(dataset, chosen, listed)
    if dataset.read_only:
        st.info("This folder cannot be written. Open a copy of it to remove photos.")
    which = "all" if len(chosen) == len(numbers) else "these"
    with buttons:
        st.button(
            f"Move {which} {listed:,} to removed" if listed > 1 else "Move to removed",
            key="remove_all",
            type="primary",
            icon=":material/delete:",
            disabled=not may_remove or dataset.read_only or not listed,
            help="They can be restored at any time, here or with Undo.",
            on_click=_remove_kinds,
            args=(dataset, chosen),
        )
        st.button(
            f"Move the {len(ticked):,} ticked to removed" if ticked else "Move the ticked ones",
            key="remove_ticked",
            disabled=not ticked or dataset.read_only,
            on_click=_remove,
            args=(dataset, ticked),
        )


def draw_removed(dataset: Dataset) -> None:
    """Draw the way to the removed photos, where there are any."""
    number = dataset.removed_count()
    if not number:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            f"See {count(number, 'removed photo')}",
            key="to_removed",
            icon=":material/restore_from_trash:",
        ):
            navigation.go("history", show="removed")
        st.caption("They can be restored in History, or deleted for good.")


def _looked_first() -> bool:
    st.warning(SUSPICION, icon=":material/warning:")
    return st.checkbox("I have looked at some of them and want to remove them", key="looked")


def _choose_kinds(numbers: Mapping[str, int]) -> list[str]:
    if len(numbers) < 2:
        return []
    return st.pills(
        "Reason",
        list(numbers),
        format_func=lambda kind: f"{KINDS.get(kind, kind)} ({numbers[kind]:,})",
        selection_mode="multi",
        key="kinds",
    )


def _draw_table(dataset: Dataset, kinds: Sequence[str], number: int) -> list[int]:
    """Draw a page of the files; return the ids of the ticked ones."""
    skip = _skipped(number, "rejected_page")
    part = rejected(dataset, kinds, skip=skip, limit=ROWS_A_PAGE)
    edited = st.data_editor(
        pd.DataFrame(
            {
                "Move": False,
                "Picture": [_picture(dataset, one.content) for one in part],
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
        # Ticks belong to the rows they were made on.
        key=f"rejected_table_{dataset.version()}_{'_'.join(kinds)}_{skip}",
    )
    return [one.file_id for one, tick in zip(part, edited["Move"], strict=True) if tick]


def _first_sentence(reason: str) -> str:
    """What is wrong, without what to do about it, which is the same in every row."""
    return shown(reason.split(". ")[0].rstrip(".") + ".")


def _skipped(number: int, key: str) -> int:
    """How many rows of a long list lie before the page that is looked at."""
    pages = -(-number // ROWS_A_PAGE)
    return ROWS_A_PAGE * (st.pagination(pages, key=key) - 1) if pages > 1 else 0


def _picture(dataset: Dataset, content: str) -> str | None:
    return media.thumb_url(dataset, content) if content else None


def _remove_kinds(dataset: Dataset, kinds: list[str]) -> None:
    _remove(dataset, rejected_ids(dataset, kinds))


def _remove(dataset: Dataset, ids: list[int]) -> None:
    try:
        sidebar.say_step(dataset.remove(ids))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")


def fine_words(state: Checked) -> str:
    """What to say when nothing was found."""
    return f"All fine: {count(state.photos, 'photo')} checked, and every one can be used."
