"""What was done to the open data set outside Winnow, told above every page until it is read."""

import streamlit as st

from core.dataset import Dataset, outside
from core.errors import WinnowError
from ui import state
from ui.words import ago, plain

WORDS_SHOWN = 400
STAYS = "Winnow follows the folders; what it knows of a photo stays with it."


def draw() -> None:
    """Draw the news, if there are any."""
    dataset = state.current()
    if dataset is None or not state.is_read():
        return
    news = outside.news(dataset)
    if not news:
        return
    lines = [f"{plain(one.words, limit=WORDS_SHOWN)} ({ago(one.time)})." for one in news]
    with st.container(key="outside_news", horizontal=True, vertical_alignment="center"):
        st.info("\n\n".join([*lines, STAYS]), icon=":material/folder_managed:", width="stretch")
        st.button("OK", key="outside_seen", on_click=_dismiss, args=(dataset, news[0].id))


def _dismiss(dataset: Dataset, step_id: int) -> None:
    try:
        outside.dismiss(dataset, step_id)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
