"""All photos of the data set that the address names, in one gallery."""

import streamlit as st

from ui import open_sets
from ui.gallery import Tile, gallery


@st.fragment
def show(dataset) -> None:
    tiles = [
        Tile(
            id=row.id,
            content=row.content,
            was=row.class_name,
            lines=(f"Labelled {row.class_name}",),
        )
        for row in st.session_state["rows"]
    ]
    gallery(dataset, tiles, key="many", label="All photos", autofocus=True)


dataset = open_sets.by_token(st.query_params["set"])
st.session_state.setdefault("rows", dataset.rows())
show(dataset)
