"""Collect: photos from the web, lists, uploads, folders, ready-made sets and drawings."""

import streamlit as st

from ui.collecting import (
    arriving,
    earlier,
    folders,
    generators,
    links,
    provenance,
    ready_made,
    search,
    set_aside,
    uploads,
)
from ui.collecting.target import Target, draw_target

WAYS = {
    "search": ("Search the web", search.draw),
    "links": ("List of links", links.draw),
    "uploads": ("Upload", uploads.draw),
    "folders": ("Folder on this computer", folders.draw),
    "ready_made": ("Ready-made sets", ready_made.draw),
    "generators": ("Drawn by Winnow", generators.draw),
}


TO_THE_WAYS = """<script>
document.querySelector(".st-key-collect_ways")?.scrollIntoView({behavior: "smooth"});
</script>"""


def draw_ways(target: Target, title: str = "") -> None:
    """Draw the choice of ways in, and the chosen one."""
    with st.container(key="collect_ways"):
        if title:
            st.subheader(title, anchor=False)
        _draw_ways(target)
    if st.session_state.pop(arriving.SHOW_WAYS, False):
        st.html(TO_THE_WAYS, unsafe_allow_javascript=True)


def _draw_ways(target: Target) -> None:
    way = st.segmented_control(
        "Where from",
        list(WAYS),
        default="search",
        required=True,
        format_func=lambda one: WAYS[one][0],
        key=arriving.WAY,
        label_visibility="collapsed",
        persist_state="session",
    )
    WAYS[way or "search"][1](target)


def main() -> None:
    """Lay out the page."""
    st.title("Collect", anchor=False)
    target = draw_target()
    if target.dataset is None:
        draw_ways(target)
        return
    came = arriving.draw(target.dataset)
    if came == "arriving":
        return  # one thing arrives at a time
    set_aside.draw(target.dataset)
    draw_ways(target, title="Collect more" if came == "arrived" else "")
    if any(target.dataset.counts().values()) or target.dataset.unsorted_count():
        provenance.draw(target.dataset)
    earlier.draw(target.dataset)


main()
