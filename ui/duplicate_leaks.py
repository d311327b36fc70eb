"""Look-alike photos on two sides of a data set's own split, and a way to mend it."""

from collections.abc import Sequence

import streamlit as st

from core.clean.copies import Leak, crossing_pairs
from core.dataset import Dataset
from core.errors import WinnowError
from ui import duplicate_pictures, sidebar
from ui.words import count, plain

A_PAGE = 10


def draw(dataset: Dataset, leaks: Sequence[Leak]) -> None:
    """Draw what crosses the split, copies before scenes."""
    if not leaks:
        st.success("Nothing crosses this folder's own split.", icon=":material/check_circle:")
        return
    pairs = sum(len(crossing_pairs(leak)) for leak in leaks)
    st.markdown(
        f"{count(pairs, 'pair')} of look-alike photos cross the split. A model that has learnt the "
        "one knows the other, so its figures look better than they are."
    )
    in_training = sorted(
        {row.id for leak in leaks if leak.group.kind != "scene" for row in leak.train}
    )
    if in_training:
        st.button(
            f"Remove the {count(len(in_training), 'copy', 'copies')} from the training side",
            key="mend_leaks",
            icon=":material/delete:",
            disabled=dataset.read_only,
            help="What is judged stays as it is, so that results can be compared. Shots of one "
            "scene stay where they are. One step, which can be undone.",
            on_click=_remove,
            args=(dataset, in_training),
        )
    pages = -(-len(leaks) // A_PAGE)
    page = min(st.session_state.get("duplicates_page_leaks", 1), pages)
    part = leaks[(page - 1) * A_PAGE : page * A_PAGE]
    known = duplicate_pictures.known_of(dataset, [leak.group for leak in part])
    for leak in part:
        with st.container(border=True):
            kind = duplicate_pictures.KINDS[leak.group.kind]
            st.caption(f"{kind}: {_sides(leak)}")
            duplicate_pictures.draw(dataset, leak.group, known, parts=dataset.parts())
    if pages > 1:
        st.pagination(pages, key="duplicates_page_leaks")


def _sides(leak: Leak) -> str:
    where = " and ".join(leak.parts)
    return f"{len(leak.train):,} on the training side, {len(leak.held):,} in {where}"


def _remove(dataset: Dataset, ids: Sequence[int]) -> None:
    try:
        sidebar.say_step(dataset.remove(ids))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
