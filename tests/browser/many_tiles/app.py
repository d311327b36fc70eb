"""An app with a single gallery of all photos of a data set; started by a browser test."""

import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from ui import media  # noqa: E402 (found only with the line above)

app = st.App(HERE / "page.py", routes=media.ROUTES)
