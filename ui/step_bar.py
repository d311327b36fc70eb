"""A bar for a step that takes seconds, drawn above the page while its visitor waits."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import RerunException, StopException

from core.dataset.watching import watched


class StepBar:
    """Shows how far a step is, from the moment that it is known to take a while."""

    def __init__(self) -> None:
        self._place: DeltaGenerator | None = None  # made for a step that takes long, and no other
        self._interrupted: BaseException | None = None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Show the steps called for inside, and nothing any more once they are done."""
        try:
            with watched(self._tell):
                yield
        finally:
            self._draw(None)

    def give_way(self) -> None:
        """Let Streamlit do now what a visitor asked for meanwhile."""
        if self._interrupted is not None:
            raise self._interrupted

    def _tell(self, share: float) -> None:
        self._draw(share)

    def _draw(self, share: float | None) -> None:
        if self._interrupted is not None:
            return
        try:
            if share is None:
                if self._place is not None:
                    self._place.empty()
            else:
                self._place = self._place or st.empty()
                self._place.progress(share, f"Moving photos: {100 * share:.0f} %")
        except (RerunException, StopException) as wish:
            # Drawing is where Streamlit interrupts a script for the next click, or for a tab that
            # was closed. A step is never left in its middle for that.
            self._interrupted = wish
