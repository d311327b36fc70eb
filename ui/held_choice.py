"""A choice that holds while the words of its options change, such as counts that stand in them."""

from collections.abc import Collection
from typing import TypeVar

import streamlit as st

Option = TypeVar("Option")


def hold_choice(key: str, options: Collection[Option], first: Option) -> None:
    """Call it before a widget: what was chosen last is still chosen, and ``first`` at first.

    A browser tells what is chosen by the words of the option. What it sends before it knows of new
    words names no option any more, and Streamlit takes that for nothing being chosen.
    """
    last = held_choice(key)
    if st.session_state.get(key) not in options:
        st.session_state[key] = last if last in options else first
    st.session_state[f"{key}_held"] = st.session_state[key]


def held_choice(key: str) -> object:
    """What is chosen in such a widget, or was last; None before it was drawn."""
    chosen = st.session_state.get(key)
    return st.session_state.get(f"{key}_held") if chosen is None else chosen
