"""Rows of classes that fill with photos while they arrive; one Streamlit component.

Drawn as HTML, every new photo would make all pictures of its row anew, and they would blink.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent

_component = st.components.v2.component(
    "winnow_live_rows",
    css=(HERE / "live_rows.css").read_text(encoding="utf-8"),
    js=(HERE / "live_rows.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A photo in a row."""

    id: int  # the higher, the newer
    url: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class LiveRow:
    """One class, as texts to show."""

    name: str
    words: str
    counts: str
    kept: int = 0
    asked: int = 0  # 0: no bar
    pictures: Sequence[Picture] = ()  # newest first


def live_rows(rows: Sequence[LiveRow], *, key: str, live: bool) -> None:
    """Draw the rows; ``live`` while more may come."""
    _component(key=key, data={"rows": [asdict(row) for row in rows], "live": live})
