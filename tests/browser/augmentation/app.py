"""An app of one page, on which photos are shown as training changes them.

``streamlit run`` starts it, with the project's folder on Python's path.
"""

from pathlib import Path

import streamlit as st

from ui.media import ROUTES

app = st.App(Path(__file__).resolve().parents[2] / "ui" / "augmentation_page.py", routes=ROUTES)
