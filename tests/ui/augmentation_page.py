"""A page with nothing but what ``ui.augmentation`` draws, for its tests."""

import json

import streamlit as st

from core.train.settings import DeepSettings
from ui import augmentation, state

st.set_page_config(layout="wide")
dataset = state.current()
assert dataset is not None
if shown := st.query_params.pop("shown", None):
    st.session_state.update(augmentation.widget_values(json.loads(shown), key="augment"))
choice = augmentation.choose(dataset, key="augment", disabled=bool(st.query_params.get("disabled")))
st.text(json.dumps(choice))
augmentation.preview(dataset, choice)
augmentation.show_batch(dataset, DeepSettings(augment=choice, batch=64, size=96))
augmentation.pixels(dataset)
