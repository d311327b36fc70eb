"""Collect: photos from the web, lists, uploads, folders, ready-made sets and drawings."""

from importlib import import_module
from importlib.util import find_spec

import streamlit as st

from ui.collecting.target import draw_target

# Each way in by its module in ``ui.collecting``, which has ``draw(target)``.
WAYS = {
    "search": "Search the web",
    "links": "List of links",
    "uploads": "Upload",
    "folders": "Folder on this computer",
    "ready_made": "Ready-made sets",
    "generators": "Drawn by Winnow",
}


def main() -> None:
    """Lay out the page."""
    st.title("Collect", anchor=False)
    target = draw_target()
    there = [way for way in WAYS if find_spec(f"ui.collecting.{way}") is not None]
    if not there:
        return
    way = st.segmented_control(
        "Where from",
        there,
        default=there[0],
        required=True,
        format_func=WAYS.__getitem__,
        key="collect_way",
        label_visibility="collapsed",
    )
    import_module(f"ui.collecting.{way}").draw(target)


main()
