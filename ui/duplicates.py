"""What the search for duplicates found: its views, and the way from one to another."""

from collections.abc import Callable

import streamlit as st

from core.clean.copies import Copies, Leak, copies, leaks, shots
from core.dataset import Dataset
from ui import duplicate_copies, duplicate_leaks, duplicate_scenes
from ui.held_choice import hold_choice
from ui.words import count

VIEWS = {
    "across": "Across classes",
    "copies": "Within a class",
    "scenes": "Same scene",
    "leaks": "Across the split",
}


def draw(dataset: Dataset) -> None:
    """Draw what was found."""
    duplicate_copies.carry_out(dataset)
    found, scenes = copies(dataset), shots(dataset)
    across = [group for group in found if group.across]
    within = [group for group in found if not group.across]
    crossing = leaks(dataset)
    _draw_numbers(found, across, scenes, crossing)
    if not found and not scenes:
        st.success("No photo is in this data set twice.", icon=":material/check_circle:")
        return
    views: dict[str, tuple[int, Callable[[], None]]] = {
        "across": (len(across), lambda: duplicate_copies.draw(dataset, across, across=True)),
        "copies": (len(within), lambda: duplicate_copies.draw(dataset, within, across=False)),
        "scenes": (len(scenes), lambda: duplicate_scenes.draw(dataset, scenes)),
    }
    if dataset.parts():
        views["leaks"] = (len(crossing), lambda: duplicate_leaks.draw(dataset, crossing))
    filled = [name for name, (number, _) in views.items() if number]
    key = f"duplicates_view_{dataset.token}"
    hold_choice(key, views, filled[0] if filled else "copies")
    chosen = st.segmented_control(
        "Show",
        list(views),
        format_func=lambda name: f"{VIEWS[name]} ({views[name][0]:,})",
        key=key,
        required=True,
        label_visibility="collapsed",
    )
    views[str(chosen)][1]()


def _draw_numbers(
    found: list[Copies], across: list[Copies], scenes: list[Copies], crossing: list[Leak]
) -> None:
    extra = sum(len(group.files) - 1 for group in found)
    with st.grid(4, min_column_width=130):
        st.metric("Photos with copies", f"{len(found):,}", border=True)
        st.metric("Files too many", f"{extra:,}", border=True)
        st.metric("In two classes", f"{len(across):,}", border=True)
        st.metric("Scenes", f"{len(scenes):,}", border=True)
    if crossing:
        st.warning(
            f"{count(len(crossing), 'group')} of look-alike photos stand on both sides of this "
            "folder's own split: what was trained on is also judged.",
            icon=":material/warning:",
        )
