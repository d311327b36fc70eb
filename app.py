"""The app: Streamlit's pages and the pictures they show. Start it with ``streamlit run app.py``."""

from pathlib import Path

import streamlit as st

from ui.media import ROUTES

# The router lies one folder away from pages/: beside it, a deep link could enter a page file
# without the router having run.
app = st.App(Path(__file__).resolve().parent / "ui" / "main.py", routes=ROUTES)
