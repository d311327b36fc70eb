"""Which photos the Label page lists: the choices, and how they stand in the address."""

from dataclasses import replace
from datetime import datetime
from typing import cast

import streamlit as st

from core import runs
from core.clean.findings import BY_NAME, FINDINGS, rankings, threshold_of
from core.dataset import Dataset
from core.dataset.classes import class_order
from core.dataset.sources import tally
from core.label.listing import Order, Wanted, Where
from ui.collecting.provenance import way_in
from ui.words import count, plain, shown

VIEWS = {"grid": "Grid", "groups": "Groups", "single": "One by one", "sure": "Suggestions"}
ORDERS: dict[Order, str] = {
    "name": "Name",
    "newest": "Newest first",
    "oldest": "Oldest first",
    "sure": "Model most sure first",
    "unsure": "Model least sure first",
    "large": "Largest file first",
    "small": "Smallest file first",
    "suspect": "Most suspect first",
}
ANY = ""
SURE_ENOUGH = 95  # percent
# Session keys of the choices, each with its name in the address.
CHOICES = {
    "label_view": "view",
    "label_place": "photos",
    "label_words": "words",
    "label_order": "order",
    "label_via": "via",
    "label_finding": "finding",
    "label_says": "says",
    "label_least_kb": "from_kb",
    "label_most_kb": "to_kb",
    "label_least": "least",
    "label_most": "most",
    "label_differs": "differs",
    "label_run": "run",
    "label_page": "page",
}
NUMBERS = ("label_least", "label_most", "label_page", "label_least_kb", "label_most_kb")
KILOBYTE = 1000
# Choices that are out of sight until More is opened.
MORE = frozenset(CHOICES) - {
    "label_view",
    "label_place",
    "label_words",
    "label_order",
    "label_page",
}
FLAGS = ("label_differs",)
Place = tuple[Where, str | None]


def take_address(dataset: Dataset) -> None:
    """Begin with the choices that the address names, once for each data set."""
    if st.session_state.get("label_set") == dataset.token:
        _follow(dataset)
        return
    st.session_state["label_set"] = dataset.token
    for key in [key for key in st.session_state if str(key).startswith("label_")]:
        if key != "label_set":
            del st.session_state[key]
    for key, name in CHOICES.items():
        value = st.query_params.get(name)
        if value is None:
            continue
        if key in NUMBERS:
            if value.isdecimal() and len(value) < 7:
                st.session_state[key] = int(value)
        elif key in FLAGS:
            st.session_state[key] = value == "yes"
        elif key == "label_place":
            st.session_state[key] = _place_from(value)
        else:
            st.session_state[key] = value
    _follow(dataset)


def _follow(dataset: Dataset) -> None:
    """Make the choices ones that there are: a class may have been renamed in the meantime."""
    state = st.session_state
    state.setdefault(
        "label_place", ("unsorted", None) if dataset.unsorted_count() else ("all", None)
    )
    if state["label_place"] not in places(dataset):
        state["label_place"] = ("all", None)
    for key, options in (
        ("label_view", list(VIEWS)),
        ("label_order", list(ORDERS)),
        ("label_via", [ANY, *ways(dataset)]),
        ("label_finding", [ANY, *BY_NAME]),
        ("label_run", [ANY, *(run.id for run in runs.list_runs(dataset.home))]),
    ):
        if state.get(key) not in options:
            state[key] = options[0]
    state.setdefault("label_words", "")
    state.setdefault("label_says", ANY)
    state.setdefault("label_differs", False)
    most = min(100, state.get("label_most") or 100)
    state["label_most"] = most if most < 100 else 0
    state["label_least"] = min(most, state.get("label_least", 0))
    state.setdefault("label_least_kb", 0)
    state.setdefault("label_most_kb", 0)
    state.setdefault("label_page", 1)


def keep_address() -> None:
    """Write the choices into the address, so that a reload keeps them."""
    for key, name in CHOICES.items():
        value = st.session_state.get(key)
        if key == "label_place":
            text = _place_as_text(value)
        elif key in FLAGS:
            text = "yes" if value else ""
        else:
            text = str(value or "")
        if key == "label_page" and text == "1":
            text = ""
        if text:
            if st.query_params.get(name) != text:
                st.query_params[name] = text
        else:
            st.query_params.pop(name, None)


def changed() -> None:
    """Another list begins at its first page."""
    st.session_state["label_page"] = 1


def _sure() -> None:
    """Take over both ends of the slider; 0 for the upper one is any, as for file sizes."""
    least, most = st.session_state["label_sure"]
    st.session_state["label_least"] = least
    st.session_state["label_most"] = most if most < 100 else 0
    changed()


def places(dataset: Dataset) -> list[Place]:
    """Where photos can be listed from."""
    return [("unsorted", None), ("all", None), *(("class", name) for name in class_order(dataset))]


def ways(dataset: Dataset) -> list[str]:
    """The ways photos came in, most photos first; counted anew only once others have come."""
    (last,) = dataset.connection().execute("SELECT max(file) FROM source").fetchone()
    known = st.session_state.get("label_ways")
    if known is None or known[0] != (dataset.token, last):
        found = list(dict.fromkeys(one.via for one in tally(dataset)))
        known = st.session_state["label_ways"] = ((dataset.token, last), found)
    return list(known[1])


def choose(dataset: Dataset, run: runs.Run | None) -> None:
    """Draw the choices."""
    names = {("unsorted", None): "Unsorted", ("all", None): "All photos"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "View",
            list(VIEWS),
            required=True,
            format_func=VIEWS.__getitem__,
            key="label_view",
            on_change=changed,
            width="content",
        )
        st.selectbox(
            "Photos",
            places(dataset),
            format_func=lambda place: names.get(place) or shown(place[1]),
            key="label_place",
            on_change=changed,
            width=170,
        )
        st.text_input(
            "With these words",
            key="label_words",
            placeholder="file, search words, site",
            max_chars=200,
            on_change=changed,
            width=165,
        )
        with st.popover(_more_title(), icon=":material/tune:", key="label_more"):
            _draw_more(dataset, run)


def _more_title() -> str:
    state = st.session_state
    on = sum(bool(state[key]) for key in CHOICES if key in MORE)
    return f"More ({on})" if on else "More"


def _draw_more(dataset: Dataset, run: runs.Run | None) -> None:
    st.selectbox(
        "Order", list(ORDERS), format_func=ORDERS.__getitem__, key="label_order", on_change=changed
    )
    st.selectbox(
        "Came from",
        [ANY, *ways(dataset)],
        format_func=lambda via: shown(way_in(via)) if via else "Anywhere",
        key="label_via",
        on_change=changed,
    )
    st.selectbox(
        "Finding",
        [ANY, *(finding.name for finding in FINDINGS)],
        format_func=lambda name: BY_NAME[name].title if name else "Any or none",
        key="label_finding",
        help="What Check found. The line is where it was left there.",
        on_change=changed,
    )
    smallest, largest = st.columns(2)
    smallest.number_input("File from (kB)", 0, key="label_least_kb", on_change=changed)
    largest.number_input("to (kB; 0: any)", 0, key="label_most_kb", on_change=changed)
    if run is None:
        st.caption("With a trained model, photos can be listed by what it says of them, too.")
        return
    known = [ANY, *run.classes]
    if st.session_state["label_says"] not in known:
        st.session_state["label_says"] = ANY
    st.selectbox(
        "Model says",
        known,
        format_func=lambda name: shown(name) if name else "Anything",
        key="label_says",
        on_change=changed,
    )
    state = st.session_state
    state["label_sure"] = (state["label_least"], state["label_most"] or 100)
    st.slider("The model is so sure (%): from, to", 0, 100, key="label_sure", on_change=_sure)
    st.toggle("Only where it names another class", key="label_differs", on_change=changed)
    every = runs.list_runs(dataset.home)
    by_id = {one.id: one for one in every}
    st.selectbox(
        "Model",
        [ANY, *by_id],
        format_func=lambda one: _run_title(by_id[one]) if one else "The one in use",
        key="label_run",
        on_change=changed,
    )


def _run_title(run: runs.Run) -> str:
    # No "2 minutes ago": what is chosen is told by these words, which must not change.
    when = datetime.fromtimestamp(run.created).strftime("%d %b, %H:%M:%S")
    return f"{when}, {count(len(run.classes), 'class', 'classes')}, {run.images:,} photos"


def wanted(run: runs.Run | None) -> Wanted:
    """The choices as a filter."""
    state = st.session_state
    where, class_name = state["label_place"]
    chosen = Wanted(
        where=where,
        class_name=class_name,
        words=state["label_words"],
        via=state["label_via"] or None,
        order=cast(Order, state["label_order"]),
        least_bytes=state["label_least_kb"] * KILOBYTE,
        most_bytes=state["label_most_kb"] * KILOBYTE or None,
    )
    if run is None:
        return chosen
    chosen = replace(
        chosen,
        says=state["label_says"] or None,
        least=state["label_least"] / 100,
        most=(state["label_most"] or 100) / 100,
        differs=state["label_differs"],
    )
    if state["label_view"] == "sure":
        least = (state["label_least"] or min(SURE_ENOUGH, state["label_most"] or 100)) / 100
        return replace(chosen, differs=True, least=least, order="unsure")
    return chosen


def among(dataset: Dataset) -> list[int] | None:
    """The photos of the chosen finding, the most suspect first; None if none is chosen."""
    name = st.session_state["label_finding"]
    if not name:
        return None
    ranking = rankings(dataset).get(name)
    if ranking is None:
        return []
    return [int(one) for one in ranking.ids[: ranking.found(threshold_of(dataset, BY_NAME[name]))]]


def title_of(place: Place) -> str:
    """A place in a sentence."""
    where, name = place
    return {"all": "the data set", "unsorted": "the unsorted photos"}.get(where) or plain(
        name or ""
    )


def _place_as_text(place: Place) -> str:
    where, name = place
    if name is None:
        return where
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8 do not go into an address as they are
        return f"~{name.encode('utf-8', 'surrogateescape').hex()}"
    return f"={name}"


def _place_from(text: str) -> Place:
    if text.startswith("="):
        return ("class", text[1:])
    if text.startswith("~"):
        try:
            return ("class", bytes.fromhex(text[1:]).decode("utf-8", "surrogateescape"))
        except ValueError:
            return ("all", None)
    return ("unsorted", None) if text == "unsorted" else ("all", None)
