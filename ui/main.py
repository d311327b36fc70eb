"""The router: runs before every page, whatever address was asked for."""

import streamlit as st

from core.errors import WinnowError
from ui import history_news, sidebar, state
from ui.navigation import PAGES
from ui.words import plain

# An emoji, because a Material symbol would be fetched from the web.
st.set_page_config(page_title="Winnow", page_icon="🌾", layout="wide")

page = st.navigation(
    [
        st.Page(
            listed.file,
            title=listed.title,
            icon=listed.icon,
            url_path=listed.name,
            default=listed.name == "home",
        )
        for listed in PAGES.values()
    ],
    position="hidden",
)
state.carry_the_set()
state.bring_up_to_date()
sidebar.draw(page.url_path)
history_news.draw()
try:
    page.run()
except WinnowError as error:  # a page says what it can itself; this is for the rest
    st.error(plain(str(error)), icon=":material/error:")
