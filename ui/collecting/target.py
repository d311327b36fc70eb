"""Where collected photos go: the data set that is open, or a new one made on first use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.dataset import Dataset
from core.dataset.names import DEFAULT_UNSORTED
from core.errors import DatasetError
from ui import opening, state
from ui.words import plain

NEW = "collect_new"  # session key: photos go into a new data set although one is open
DEFAULT_NAME = "my-photos"
NAME_LENGTH = 60

_NOT_IN_A_NAME = re.compile(r"[^\w-]+")


@dataclass(frozen=True, kw_only=True)
class Target:
    """The data set that photos will go into."""

    dataset: Dataset | None  # None: a new one, made by ``settle``
    title: str  # of the data set, as text
    name: str = ""  # typed for a new one; empty: named after its classes
    parent: Path | None = None  # where a new one is made

    @property
    def classes(self) -> list[str]:
        """The classes it has by now."""
        return [] if self.dataset is None else self.dataset.classes()

    @property
    def unsorted(self) -> str:
        """The folder of its photos without a class."""
        return DEFAULT_UNSORTED if self.dataset is None else self.dataset.unsorted

    def settle(self, classes: Sequence[str] = ()) -> Dataset:
        """The data set; a new one is made with these classes, opened in this tab and remembered.

        Call it when work starts, in a button's ``on_click`` or in the page's run.

        Raises:
            DatasetError: If it cannot be made: a name that is refused or taken.
        """
        if self.dataset is not None:
            return self.dataset
        root = self._place(classes)
        made = Dataset.create(root, list(dict.fromkeys(classes)))
        opened = state.open_set(made.root)
        st.session_state.pop(NEW, None)
        for key in ("collect_set_name", "collect_set_parent"):
            st.session_state.pop(key, None)
        return opened

    def _place(self, classes: Sequence[str]) -> Path:
        parent = self.parent or Path.home()
        if not self.name:
            return _free(parent / name_after(classes))
        if "/" in self.name or "\\" in self.name or self.name.startswith("."):
            raise DatasetError(
                "The data set's name cannot begin with a dot or hold / or \\. "
                "Choose another name, and its place below it."
            )
        return parent / self.name


def name_after(classes: Sequence[str]) -> str:
    """A folder's name made of class names: "chihuahua-muffin"."""
    parts = [_NOT_IN_A_NAME.sub("-", name).strip("-_").lower() for name in classes[:4]]
    return "-".join(part for part in parts if part)[:NAME_LENGTH].strip("-") or DEFAULT_NAME


def draw_target() -> Target:
    """Say where photos will go, with a way to choose otherwise.

    A data set that cannot be used yet ends the run: one still being read, or one that is read-only.
    """
    dataset = state.current()
    if dataset is None:
        if problem := state.why_none():
            st.warning(plain(problem), icon=":material/warning:")
        return _draw_new()
    if st.session_state.get(NEW):
        return _draw_new(instead_of=dataset)
    title = dataset.root.name or str(dataset.root)
    if not state.is_read():
        state.draw_reading(dataset)
        st.stop()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Photos go into **{plain(title, limit=60)}**.", width="content")
        st.button(
            "Into a new data set instead",
            key="collect_into_new",
            type="tertiary",
            icon=":material/create_new_folder:",
            on_click=_choose_new,
            args=(True,),
        )
    if dataset.read_only:
        opening.offer_a_copy(dataset)
        st.stop()
    return Target(dataset=dataset, title=title)


def _draw_new(instead_of: Dataset | None = None) -> Target:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Photos go into **a new data set**.", width="content")
        if instead_of is not None:
            st.button(
                f"Into {plain(instead_of.root.name, limit=40)} instead",
                key="collect_into_open",
                type="tertiary",
                icon=":material/undo:",
                on_click=_choose_new,
                args=(False,),
            )
        with st.popover("Name and place", icon=":material/edit:", type="tertiary"):
            name = st.text_input(
                "Name",
                key="collect_set_name",
                placeholder="named after its classes",
                help="The data set is a folder with one folder in it for each class.",
            ).strip()
            parent = st.text_input(
                "In the folder", key="collect_set_parent", value=str(Path.home())
            ).strip()
    return Target(
        dataset=None,
        title=name or "a new data set",
        name=name,
        parent=_folder(parent),
    )


def _choose_new(wanted: bool) -> None:
    st.session_state[NEW] = wanted


def _folder(typed: str) -> Path:
    """A typed folder; one that is not said in full lies in the user's own."""
    try:
        return Path.home() / Path(typed).expanduser()
    except RuntimeError:  # "~nobody"
        return Path.home() / typed


def _free(place: Path) -> Path:
    """A folder that is not there yet or is empty, with a number where one is needed."""
    number, proposed = 2, place
    while proposed.exists() and (not proposed.is_dir() or any(proposed.iterdir())):
        proposed = place.with_name(f"{place.name}-{number}")
        number += 1
    return proposed
