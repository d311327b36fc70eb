"""The classes of a data set: made, renamed, merged, deleted, and given their keys."""

from collections.abc import Callable

import streamlit as st

from core.dataset import Dataset, Step
from core.dataset import classes as acts
from core.errors import WinnowError
from ui import sidebar
from ui.step_bar import StepBar
from ui.words import count, plain, shown

KEYS = "1234567890"
MOST_LISTED = 60


def draw(dataset: Dataset) -> None:
    """Draw the classes, folded."""
    with st.expander(
        "Classes", icon=":material/folder:", key="label_classes", on_change="rerun"
    ) as folded:
        if folded.open:
            _draw_open(dataset)


def _draw_open(dataset: Dataset) -> None:
    order, counts = acts.class_order(dataset), dataset.counts()
    _say_problem()
    listed = [
        f"`{KEYS[at]}` " * (at < len(KEYS)) + f"{plain(name, limit=60)} · {counts[name]:,}"
        for at, name in enumerate(order[:MOST_LISTED])
    ]
    rest = len(order) - MOST_LISTED
    more = [f"and {count(rest, 'more class', 'more classes')}"] if rest > 0 else []
    st.markdown(" &emsp; ".join([*listed, *more]) or "No class yet.")
    if dataset.read_only:
        st.info("This data set can only be read. Open a copy from Home to change its classes.")
        return
    with st.form("label_new_class", border=False, clear_on_submit=True):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        left.text_input("New class", key="label_new_name", max_chars=100)
        right.form_submit_button(
            "Add", icon=":material/add:", width="stretch", on_click=_add, args=(dataset,)
        )
    if not order:
        return
    if st.session_state.get("label_class") not in order:
        st.session_state["label_class"] = order[0]
    st.selectbox("Change this class", order, format_func=shown, key="label_class")
    name = st.session_state["label_class"]
    rename, merge, key, delete = st.columns(4, vertical_alignment="bottom")
    with rename.popover("Rename", icon=":material/edit:", width="stretch"):
        with st.form("label_rename", border=False, clear_on_submit=True):
            st.text_input("New name", key="label_rename_to", max_chars=100)
            st.form_submit_button("Rename", on_click=_rename, args=(dataset, name))
    others = [one for one in order if one != name]
    with merge.popover("Merge", icon=":material/merge:", width="stretch", disabled=not others):
        if others:
            st.selectbox("Into", others, format_func=shown, key="label_merge_into")
            st.button(
                f"Merge {count(counts[name], 'photo')}",
                key="label_merge",
                on_click=_merge,
                args=(dataset, name),
            )
    with key.popover("Key", icon=":material/keyboard:", width="stretch"):
        st.number_input(
            "Place among the classes; the first ten have keys",
            1,
            len(order),
            value=order.index(name) + 1,
            key=f"label_place_of_{order.index(name)}_{len(order)}",
        )
        st.button(
            "Move there",
            key="label_move_class",
            on_click=_reorder,
            args=(dataset, name, f"label_place_of_{order.index(name)}_{len(order)}"),
        )
    with delete.popover("Delete", icon=":material/delete:", width="stretch"):
        st.markdown(
            f"{count(counts[name], 'photo')} of {plain(name, limit=60)} become unsorted. "
            "No photo is removed, and Undo brings the class back."
        )
        st.button("Delete the class", key="label_delete", on_click=_delete, args=(dataset, name))


def act(doing: Callable[[], Step], done: Callable[[], None] | None = None) -> None:
    """Do something to the data set, and say what it did or why it could not."""
    st.session_state.pop("label_problem", None)
    bar = StepBar()
    try:
        with bar.drawn():
            step = doing()
    except WinnowError as error:
        st.session_state["label_problem"] = str(error)
        st.toast(plain(str(error)), icon=":material/error:")
        return
    sidebar.say_step(step)
    if done is not None:
        done()
    bar.give_way()


def _say_problem() -> None:
    problem = st.session_state.get("label_problem")
    if problem:
        st.error(plain(problem), icon=":material/error:")


def _add(dataset: Dataset) -> None:
    act(lambda: acts.add_class(dataset, st.session_state["label_new_name"].strip()))


def _rename(dataset: Dataset, name: str) -> None:
    new_name = st.session_state["label_rename_to"].strip()

    def follow() -> None:
        st.session_state["label_class"] = new_name
        if st.session_state.get("label_place") == ("class", name):
            st.session_state["label_place"] = ("class", new_name)

    act(lambda: acts.rename_class(dataset, name, new_name), follow)


def _merge(dataset: Dataset, name: str) -> None:
    into = st.session_state["label_merge_into"]
    act(lambda: acts.merge_classes(dataset, [name], into), lambda: _say_left(dataset, name))


def _delete(dataset: Dataset, name: str) -> None:
    act(lambda: acts.delete_class(dataset, name), lambda: _say_left(dataset, name))


def _say_left(dataset: Dataset, name: str) -> None:
    if acts.left_over(dataset, [name]):
        st.session_state["label_problem"] = (
            f"The folder {name} holds something else than photos, so it stays as an empty class."
        )


def _reorder(dataset: Dataset, name: str, key: str) -> None:
    order = [one for one in acts.class_order(dataset) if one != name]
    order.insert(int(st.session_state[key]) - 1, name)
    act(lambda: acts.order_classes(dataset, order))
