"""The pages in the order of the loop, and the ways from one to another.

Every way carries the data set in the address: Streamlit drops unbound parameters on a click in
its own sidebar list, so the list is drawn with links of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

PAGES_FOLDER = Path(__file__).resolve().parents[1] / "pages"
SET = "set"  # the query parameter, and the key in the session, that carry the data set's token


@dataclass(frozen=True, kw_only=True)
class PageInfo:
    """One page as people see it listed."""

    name: str  # of its file, and its address
    title: str
    icon: str
    section: str

    @property
    def file(self) -> Path:
        """The page's script."""
        return PAGES_FOLDER / f"{self.name}.py"


_LIST = (
    PageInfo(name="home", title="Home", icon=":material/home:", section=""),
    PageInfo(name="collect", title="Collect", icon=":material/add_photo_alternate:", section=""),
    PageInfo(name="check", title="Check", icon=":material/rule:", section="Clean"),
    PageInfo(
        name="duplicates", title="Duplicates", icon=":material/content_copy:", section="Clean"
    ),
    PageInfo(name="label", title="Label", icon=":material/label:", section="Clean"),
    PageInfo(name="history", title="History", icon=":material/history:", section="Clean"),
    PageInfo(name="train", title="Train", icon=":material/model_training:", section="Learn"),
    PageInfo(name="runs", title="Runs", icon=":material/stacked_line_chart:", section="Learn"),
    PageInfo(name="results", title="Results", icon=":material/grid_on:", section="Review"),
    PageInfo(name="review", title="Review", icon=":material/fact_check:", section="Review"),
    PageInfo(name="compare", title="Compare", icon=":material/compare_arrows:", section="Review"),
)
PAGES = {page.name: page for page in _LIST}


def address_of_set() -> Mapping[str, str]:
    """The query parameters that carry the open data set."""
    token = st.session_state.get(SET)
    return {SET: token} if token else {}


def go(name: str, **more: str) -> NoReturn:
    """Switch to a page, taking the data set along; ``more`` goes into the address too."""
    st.switch_page(PAGES[name].file, query_params={**address_of_set(), **more})


def link(name: str, *, label: str | None = None, icon: str | None = None) -> None:
    """Draw a link to a page that takes the data set along."""
    page = PAGES[name]
    st.page_link(
        page.file,
        label=label or page.title,
        icon=icon or page.icon,
        query_params=dict(address_of_set()),
    )


def next_step(name: str, label: str, *, key: str = "next_step", help: str | None = None) -> None:
    """Draw the page's one primary button, which leads to the next page of the loop."""
    if st.button(label, key=key, type="primary", icon=":material/arrow_forward:", help=help):
        go(name)
