"""The app with a stand-in for deep training, for browser tests.

``streamlit run`` starts it, with the project's folder on Python's path.
"""

from pathlib import Path

import streamlit as st

from tests import deep_stand_in
from ui.media import ROUTES
from ui.training_deep import work

work.DEEP_TARGET = deep_stand_in.TARGET
work.FINDER_TARGET = deep_stand_in.FINDER_TARGET

app = st.App(Path(__file__).resolve().parents[1] / "ui" / "main.py", routes=ROUTES)
