"""What an import brought: how many photos, how many of them are copies or unreadable."""

import streamlit as st

from core.collect.imports.arrived import Arrived, arrived_with, set_doubtful_aside
from core.collect.imports.records import Record, load_record
from core.dataset import Dataset
from core.errors import WinnowError
from ui import sidebar
from ui.collecting.arrangement import draw_sentences
from ui.words import count, plain

NO_NAMES = ("Photos", "Camera")  # titles of what has no name of its own


def draw(dataset: Dataset, collection: str, *, key: str = "") -> None:
    """Draw how an import went; nothing for a collection that is none."""
    record = load_record(dataset, collection)
    if record is None:
        return
    found = arrived_with(dataset, collection)
    st.markdown(_words(record, found))
    draw_sentences((*record.left_out, *record.told))
    if found.doubtful:
        _draw_doubtful(dataset, collection, found, key)


def _words(record: Record, found: Arrived) -> str:
    title = plain(record.title, limit=60)
    if not record.done:
        return f"{found.photos:,} of {count(record.photos, 'photo')} from {title} are in so far."
    if not found.photos:
        return f"No photo from {title} is in the data set now."
    classes = [name for name in found.classes if name is not None]
    words = count(found.photos, "photo")
    if record.title not in NO_NAMES:
        words += f" from {title}"
    words += " is" if found.photos == 1 else " are"
    unsorted = found.classes.get(None)
    if not classes:
        return f"{words} unsorted: without a class for now. All were checked."
    where = plain(classes[0], limit=40) if len(classes) == 1 else f"{len(classes):,} classes"
    words += f" in {where}"
    if unsorted:
        words += f", {unsorted:,} of them unsorted"
    return f"{words}. All were checked."


def _draw_doubtful(dataset: Dataset, collection: str, found: Arrived, key: str) -> None:
    exact = sum(copy.is_exact for copy in found.copies)
    near = len(found.copies) - exact
    parts = []
    if exact:
        parts.append(f"{count(exact, 'is a copy', 'are copies')} of a photo that is there")
    if near:
        parts.append(f"{count(near, 'shows', 'show')} the same as another photo")
    if found.unreadable:
        parts.append(f"{count(len(found.unreadable), 'cannot', 'cannot')} be read")
    st.markdown(f"Of these, {', '.join(parts)}.")
    number = len(found.doubtful)
    st.button(
        f"Set aside all {number:,}" if number > 1 else "Set it aside",
        key=f"{key}set_doubtful_aside",
        icon=":material/move_to_inbox:",
        help="They are moved to the removed photos, where they can be restored.",
        disabled=dataset.read_only,
        on_click=_set_aside,
        args=(dataset, collection),
    )


def _set_aside(dataset: Dataset, collection: str) -> None:
    try:
        sidebar.say_step(set_doubtful_aside(dataset, collection))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
