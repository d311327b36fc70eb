"""Collect: photos from the web, lists, uploads, folders, ready-made sets and drawings."""

from importlib import import_module
from importlib.util import find_spec

import streamlit as st

from ui.collecting import arriving, provenance, set_aside
from ui.collecting.target import Target, draw_target

# Each way in by its module in ``ui.collecting``, which has ``draw(target)``.
WAYS = {
    "search": "Search the web",
    "links": "List of links",
    "uploads": "Upload",
    "folders": "Folder on this computer",
    "ready_made": "Ready-made sets",
    "generators": "Drawn by Winnow",
}


def draw_ways(target: Target) -> None:
    """Draw the choice of ways in, and the chosen one."""
    there = [way for way in WAYS if find_spec(f"ui.collecting.{way}") is not None]
    way = st.segmented_control(
        "Where from",
        there,
        default=there[0],
        required=True,
        format_func=WAYS.__getitem__,
        key=arriving.WAY,
        label_visibility="collapsed",
        persist_state="session",
    )
    import_module(f"ui.collecting.{way or there[0]}").draw(target)


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
    if came == "arrived":
        st.subheader("Collect more", anchor=False)
    draw_ways(target)
    set_aside.draw(target.dataset)
    provenance.draw(target.dataset)


main()
