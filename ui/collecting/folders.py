"""A folder on this computer: used where it lies, or its photos copied into the data set."""

from pathlib import Path

import streamlit as st

from core.collect.folders import too_broad
from core.collect.imports.bundles import walk
from core.collect.imports.layouts import recognise
from core.errors import WinnowError
from ui import folder_browser, opening
from ui.collecting import arrangement
from ui.collecting.arrangement import Looked
from ui.collecting.target import Target
from ui.words import plain

IN_PLACE, COPY = "in_place", "copy"
LOOKED = "folder_looked"  # session key: what was seen of the folder to be copied
SECONDS_TO_LOOK = 5.0


@st.fragment
def draw(target: Target) -> None:
    """Draw the folder browser, and what to do with the folder it stands in."""
    here = folder_browser.browse("collect_folder")
    if objection := too_broad(here):
        st.caption(objection)
        return
    words, counted = folder_browser.describe(here)
    st.markdown(f"**{plain(here.name or str(here), limit=60)}** holds {words}.")
    if counted is not None and not counted.photos and not counted.more:
        return
    into = plain(target.title, limit=40)
    how = st.segmented_control(
        "What to do with it",
        [IN_PLACE, COPY],
        default=IN_PLACE,
        required=True,
        format_func={
            IN_PLACE: "Use it where it is",
            COPY: f"Copy its photos into {into}",
        }.__getitem__,
        key="collect_folder_how",
    )
    if how == IN_PLACE:
        _draw_in_place(here)
    else:
        _draw_copy(here, target)


def _draw_in_place(here: Path) -> None:
    st.caption(
        "The folder becomes the data set. Nothing in it changes until you sort or remove photos; "
        "Winnow keeps its notes in a hidden folder inside it."
    )
    if not st.button(
        "Use this folder", key="use_folder", type="primary", icon=":material/folder_open:"
    ):
        return
    try:
        names, _ = walk(here, seconds=SECONDS_TO_LOOK)
        prefix = recognise(names).prefix
    except WinnowError:
        prefix = ""  # too large to look through first; opening shows a bar
    opening.open_folder(here / prefix)


def _draw_copy(here: Path, target: Target) -> None:
    st.caption("The photos are copied; the folder itself is only read.")
    looked: Looked | None = st.session_state.get(LOOKED)
    if looked is None or looked.source["path"] != str(here):
        if st.button("Look through it", key="look_through", icon=":material/search:"):
            _look_through(here)
        return
    with st.container(border=True):
        if arrangement.draw(looked, target, key=f"folder_{here}", via="folder"):
            st.session_state.pop(LOOKED, None)
            st.rerun()


def _look_through(here: Path) -> None:
    source = {"kind": "folder", "path": str(here), "title": here.name or str(here)}
    try:
        with st.spinner("Reading the names"):
            looked = arrangement.look_through(source)
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if not looked.photos:
        st.info("There are no photos in this folder.")
        return
    st.session_state[LOOKED] = looked
    st.rerun(scope="fragment")
