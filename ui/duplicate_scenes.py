"""Shots of one scene: shown, kept on one side of every split, never removed from here."""

from collections.abc import Sequence

import streamlit as st

from core.clean.copies import Copies
from core.dataset import Dataset
from ui import duplicate_pictures
from ui.words import count

A_PAGE = 10


def draw(dataset: Dataset, scenes: Sequence[Copies]) -> None:
    """Draw scenes, page by page."""
    if not scenes:
        st.info("No shots of one scene were found.")
        return
    st.markdown(
        "Different photos of what seems to be one scene. They are no copies, so nothing is removed "
        "here. Training keeps them together: no model is judged on a scene it has learnt."
    )
    pages = -(-len(scenes) // A_PAGE)
    page = min(st.session_state.get("duplicates_page_scenes", 1), pages)
    part = scenes[(page - 1) * A_PAGE : page * A_PAGE]
    known = duplicate_pictures.known_of(dataset, part)
    for group in part:
        with st.container(border=True):
            across = " · in several classes" if group.across else ""
            st.caption(f"{count(len(group.files), 'photo')}{across}")
            duplicate_pictures.draw(dataset, group, known)
    if pages > 1:
        st.pagination(pages, key="duplicates_page_scenes")
