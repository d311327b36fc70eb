"""A folder on this computer: used where it lies, or its photos copied into the data set."""

from pathlib import Path

import streamlit as st

from core.collect.folders import too_broad
from core.collect.imports.bundles import walk
from core.collect.imports.layouts import Recognised, recognise
from core.errors import WinnowError
from ui import folder_browser, opening
from ui.collecting import arrangement
from ui.collecting.arrangement import Looked
from ui.collecting.target import Target
from ui.words import plain

IN_PLACE, COPY = "in_place", "copy"
SECONDS_TO_LOOK = 3.0
SECONDS_TO_LOOK_DEEPER = 0.5  # where no photos are seen at first, such as in all documents

# Session keys.
LOOKED = "folder_looked"  # what was seen of the folder to be copied
ROUND = "folder_round"
SEEN = "folder_seen"  # how the folder the browser stands in is sorted


@st.fragment
def draw(target: Target) -> None:
    """Draw the folder browser, and what to do with the folder it stands in."""
    here = folder_browser.browse("collect_folder")
    if objection := too_broad(here):
        st.caption(objection)
        return
    words, counted = folder_browser.describe(here)
    is_near = counted is None or counted.photos or counted.more
    found = _recognised(here, seconds=SECONDS_TO_LOOK if is_near else SECONDS_TO_LOOK_DEEPER)
    if not is_near and (found is None or not found.photos):
        st.markdown(f"**{plain(here.name or str(here), limit=60)}** holds {words}.")
        return
    if not _is_looked_through(here):
        said = f"holds {words}." if found is None else f"· {plain(found.sentence)}"
        st.markdown(f"**{plain(here.name or str(here), limit=60)}** {said}")
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
        _draw_in_place(here, found)
    else:
        _draw_copy(here, target)


def _draw_in_place(here: Path, found: Recognised | None) -> None:
    st.caption(
        "The folder becomes the data set. Nothing in it changes until you sort or remove photos; "
        "Winnow keeps its notes in a hidden folder inside it."
    )
    if found is not None:
        if found.prefix:
            st.caption(f"They lie in {plain(found.prefix.rstrip('/'), limit=80)}: that is used.")
        if found.photos and not found.classes:
            st.caption("They count as unsorted. To sort them by names or a list, copy them.")
    if st.button(
        "Use this folder", key="use_folder", type="primary", icon=":material/folder_open:"
    ):
        opening.open_folder(here / (found.prefix if found is not None else ""))


def _recognised(here: Path, *, seconds: float) -> Recognised | None:
    """How the photos in a folder are sorted; None for one too large to look through first."""
    kept: tuple[str, Recognised | None] | None = st.session_state.get(SEEN)
    if kept is not None and kept[0] == str(here):
        return kept[1]
    try:
        found = recognise(walk(here, seconds=seconds)[0])
    except WinnowError:
        found = None
    st.session_state[SEEN] = (str(here), found)
    return found


def _draw_copy(here: Path, target: Target) -> None:
    st.caption("The photos are copied; the folder itself is only read.")
    if not _is_looked_through(here):
        if st.button("Look through it", key="look_through", icon=":material/search:"):
            _look_through(here)
        return
    looked: Looked = st.session_state[LOOKED]
    with st.container(border=True):
        if arrangement.draw(looked, target, key=f"folder_{st.session_state[ROUND]}", via="folder"):
            st.session_state.pop(LOOKED, None)
            st.rerun()


def _is_looked_through(here: Path) -> bool:
    """Whether what the folder holds is drawn in full, to be copied."""
    looked: Looked | None = st.session_state.get(LOOKED)
    is_copied = st.session_state.get("collect_folder_how") == COPY
    return is_copied and looked is not None and looked.source["path"] == str(here)


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
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1  # choices belong to one folder
    st.rerun()
