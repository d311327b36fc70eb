"""Ending the app: its workers first, then the server, which ends whoever started it."""

import os
import signal
import threading
from pathlib import Path

import streamlit as st

from core import jobs
from core.user_folders import user_data
from ui import open_sets
from ui.media import GOODBYE

SECONDS_FOR_WORKERS = 4.0
SECONDS_FOR_GOODBYE = 1.5  # the browser fetches the last page while the server is still there


def draw_button() -> None:
    """Draw the button that ends the app, after asking."""
    if st.button("Quit", key="quit", icon=":material/power_settings_new:", width="stretch"):
        _ask()


@st.dialog("Quit Winnow?")
def _ask() -> None:
    going_on = _working_homes()
    st.write("Everything is saved. Your photos and corrections stay where they are.")
    if going_on:
        st.warning("Work is still going on. It will be stopped; you can resume it next time.")
    with st.container(horizontal=True):
        cancelled = st.button("Cancel", key="quit_cancel")
        quit_now = st.button("Quit Winnow", key="quit_now", type="primary")
    if cancelled:
        st.rerun()  # closes the dialog
    if quit_now:
        with st.spinner("Stopping"):
            jobs.stop_all(going_on, timeout_seconds=SECONDS_FOR_WORKERS)
        end_server(after_seconds=SECONDS_FOR_GOODBYE)
        st.html(
            f"<script>window.top.location.replace({GOODBYE!r})</script>",
            unsafe_allow_javascript=True,
        )
        st.stop()


def end_server(*, after_seconds: float) -> None:
    """End this server a moment later, as a Ctrl-C in its terminal would."""
    timer = threading.Timer(after_seconds, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()


def _working_homes() -> list[Path]:
    """Homes with work going on, among the recent sets and what belongs to no set."""
    return [home for home in [user_data(), *open_sets.homes()] if jobs.any_alive(home)]
