"""History: every step in words, the way back to it, removed photos, and named versions."""

import streamlit as st

from ui import history_removed, history_steps, history_versions, state

SHOWS = {"steps": "Steps", "removed": "Removed photos", "versions": "Versions"}

dataset = state.require()
st.title("History", anchor=False)
asked = st.query_params.get("show")
if asked in SHOWS and "history_show" not in st.session_state:
    st.session_state["history_show"] = asked
removed = dataset.removed_count()


def title(show: str) -> str:
    """What a part of the page is called, with how many removed photos there are."""
    return SHOWS[show] + (f" ({removed:,})" if show == "removed" and removed else "")


show = st.segmented_control(
    "Show",
    list(SHOWS),
    format_func=title,
    default=None if "history_show" in st.session_state else "steps",
    key="history_show",
    label_visibility="collapsed",
)
if show == "removed":
    history_removed.draw(dataset)
elif show == "versions":
    history_versions.draw(dataset)
else:
    history_steps.draw(dataset)
