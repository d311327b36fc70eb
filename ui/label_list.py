"""The list on the Label page: it stands still while somebody works through it.

A photo that was marked stays where it is until the list is asked for anew. When the model has
learnt more, photos on the pages not yet reached are put in the new order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import runs
from core.dataset import Dataset, Step
from core.dataset.classes import class_order, relabel_each, split_off
from core.dataset.steps import moved_since, newest_id
from core.label import listing as lists
from core.label.grouping import grouped, without_features
from core.label.suggestions import Suggester
from core.networks.backbones import DEFAULT
from ui import label_classes, label_filter
from ui.gallery import bring_to_disk
from ui.words import count, plain, shown

PER_PAGE = 200
GALLERY = "label_gallery"  # its key
KEPT = "label_list"  # session key


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Photos in the order they are shown, with the classes they were listed under."""

    key: object  # the choices it was made for
    ids: list[int]
    was: Mapping[int, str]
    groups: list[list[int]] | None  # pages of their own
    run: str | None  # the model that ordered it
    step: int  # the journal's last step when it was made

    def pages(self) -> int:
        """How many pages there are, at least one."""
        if self.groups is not None:
            return max(1, len(self.groups))
        return max(1, -(-len(self.ids) // PER_PAGE))

    def page(self, number: int) -> list[int]:
        """The photos of a page."""
        if self.groups is not None:
            return self.groups[number - 1]
        return self.ids[(number - 1) * PER_PAGE : number * PER_PAGE]


def current(
    dataset: Dataset, run: runs.Run | None, suggester: Suggester | None, view: str
) -> Listing:
    """The list for the choices, made anew only where they changed.

    Raises:
        NetworkError: If what the network said of photos cannot be read.
    """
    place = (
        st.empty()
    )  # always there: what comes and goes would move the gallery, which would blink
    wanted = label_filter.wanted(run)
    finding = st.session_state["label_finding"]
    key = (dataset.token, wanted, finding, view == "groups", view == "sure")
    kept: Listing | None = st.session_state.get(KEPT)
    run_id = None if run is None else run.id
    if kept is not None and kept.key == key:
        if kept.run == run_id or kept.groups is not None or not wanted.asks:
            return kept
        kept = _followed(dataset, kept, wanted, suggester, run_id)
    else:
        kept = _made(dataset, key, wanted, suggester, run, groups=view == "groups", place=place)
    st.session_state[KEPT] = kept
    return kept


def _made(
    dataset: Dataset,
    key: object,
    wanted: lists.Wanted,
    suggester: Suggester | None,
    run: runs.Run | None,
    *,
    groups: bool,
    place: DeltaGenerator,
) -> Listing:
    step = newest_id(dataset.connection())
    if st.session_state["label_view"] == "sure" and suggester is None:
        ids: list[int] = []
    else:
        ids = _listed(dataset, wanted, suggester)
    rows = {row.id: row for row in lists.in_place(dataset, wanted)}
    made: list[list[int]] | None = None
    if groups:
        backbone = DEFAULT if run is None else run.backbone
        with place, st.spinner("Putting photos that look alike together…"):
            made = grouped(dataset, backbone, [rows[one] for one in ids if one in rows])
        ids = [one for group in made for one in group]
    was = {one: rows[one].class_name or dataset.unsorted for one in ids if one in rows}
    ids = [one for one in ids if one in was]
    return Listing(
        key=key, ids=ids, was=was, groups=made, run=None if run is None else run.id, step=step
    )


def _listed(dataset: Dataset, wanted: lists.Wanted, suggester: Suggester | None) -> list[int]:
    ask = None if suggester is None else suggester.of
    return lists.listed(dataset, wanted, ask, among=label_filter.among(dataset))


def _followed(
    dataset: Dataset,
    kept: Listing,
    wanted: lists.Wanted,
    suggester: Suggester | None,
    run_id: str | None,
) -> Listing:
    """The list in the new model's order, from the page after the open one on."""
    reached = st.session_state["label_page"] * PER_PAGE
    fresh = _listed(dataset, wanted, suggester)
    return replace(kept, ids=lists.ranked_after(kept.ids, reached, fresh), run=run_id)


def anew() -> None:
    """Have the list made anew, from its first page."""
    st.session_state.pop(KEPT, None)
    st.session_state["label_page"] = 1


def turn(by: int) -> None:
    """Turn a page; called before the page is drawn."""
    st.session_state["label_page"] = max(1, st.session_state.get("label_page", 1) + by)


def missing(dataset: Dataset, backbone: str) -> int:
    """How many unsorted photos the network has not looked at, except those that cannot be read."""
    if not dataset.unsorted_count():
        return 0
    rows = dataset.rows(class_name=None)
    seen = st.session_state.get("label_unlooked")
    stamp = (dataset.token, dataset.version(), backbone, _looked(dataset))
    if seen is None or seen[0] != stamp:
        seen = st.session_state["label_unlooked"] = (
            stamp,
            max(0, without_features(dataset, backbone, rows) - _unreadable(dataset)),
        )
    return int(seen[1])


def _looked(dataset: Dataset) -> str | None:
    from core import jobs

    job = jobs.latest(dataset.home, "look")
    return None if job is None else f"{job.id}:{job.state}"


def _unreadable(dataset: Dataset) -> int:
    """Photos that the last look could not read."""
    from core import jobs

    job = jobs.latest(dataset.home, "look")
    return int((job.result or {}).get("unreadable", 0)) if job is not None else 0


def draw_pages(pages: int, page: int) -> None:
    """Draw the way to other pages.

    Buttons tell what was pressed. A pagination widget would tell its value, which in a message
    sent while a key turns the page is still that of the page before.
    """
    if pages < 2:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Back",
            key="label_back",
            icon=":material/chevron_left:",
            disabled=page == 1,
            on_click=turn,
            args=(-1,),
        )
        st.button(
            "Next",
            key="label_next",
            icon=":material/chevron_right:",
            disabled=page == pages,
            on_click=turn,
            args=(1,),
        )
        st.number_input(
            f"Page {page:,} of {pages:,}; go to",
            1,
            pages,
            value=None,
            key="label_jump",
            placeholder="number",
            on_change=_jump,
            width=180,
        )


def _jump() -> None:
    if st.session_state["label_jump"]:
        st.session_state["label_page"] = st.session_state["label_jump"]


def say_where(
    dataset: Dataset, listing: Listing, view: str, page: int, suggester: Suggester | None
) -> None:
    """How many photos the list holds, how many were marked since, what all of them can go to."""
    marked = moved_since(dataset.connection(), listing.step)
    parts = [f"**{count(len(listing.ids), 'photo')}**"]
    if listing.groups:
        parts.append(f"group **{page:,}** of {len(listing.groups):,}")
    if not dataset.read_only:
        parts.append(f"**{marked:,}** marked")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" · ".join(parts), width="content")
        words = "Group anew" if view == "groups" else "Show what is left"
        st.button(
            words, key="label_anew", icon=":material/refresh:", disabled=not marked, on_click=anew
        )
        if listing.ids:
            _draw_all(dataset, listing, view, suggester)


def _draw_all(dataset: Dataset, listing: Listing, view: str, suggester: Suggester | None) -> None:
    """What can be done with all photos of the list at once."""
    if dataset.read_only:
        return
    if view == "sure" and suggester is not None:
        _draw_accept(dataset, listing, suggester)
        return
    standing = f"With all {count(len(listing.ids), 'photo')}"
    with st.popover(standing, icon=":material/select_all:", key="label_all"):
        st.caption("This goes to every page of the list, as one step that Undo takes back.")
        classes = class_order(dataset)
        options = [*classes, dataset.unsorted]
        st.selectbox("Move to", options, format_func=shown, key="label_all_to")
        st.button("Move all", key="label_move_all", on_click=_move_all, args=(dataset, listing))
        st.text_input("Or into a new class", key="label_all_new", max_chars=100)
        st.button("Split off", key="label_split_all", on_click=_split_all, args=(dataset, listing))
        st.button(
            "Remove all", key="label_remove_all", on_click=_remove_all, args=(dataset, listing)
        )


def _draw_accept(dataset: Dataset, listing: Listing, suggester: Suggester) -> None:
    goals = suggested(dataset, listing, suggester)
    per_class: dict[str, int] = {}
    for name in goals.values():
        per_class[name] = per_class.get(name, 0) + 1
    told = ", ".join(f"{plain(name, limit=40)} {number:,}" for name, number in per_class.items())
    st.button(
        f"Accept all {len(goals):,}",
        key="label_accept",
        type="primary",
        icon=":material/done_all:",
        disabled=not goals,
        on_click=_accept,
        args=(dataset, listing, goals),
        help="Look at them first; those marked otherwise are left as you marked them. "
        "One step that Undo takes back.",
    )
    st.caption(told or "Nothing left to accept.")


def suggested(dataset: Dataset, listing: Listing, suggester: Suggester) -> dict[int, str]:
    """The class that the model names for each photo that stands where it was listed."""
    rows = [
        row
        for row in dataset.get(listing.ids).values()
        if (row.class_name or dataset.unsorted) == listing.was[row.id]
    ]
    said, classes = suggester.of(rows), set(dataset.classes())
    named = {row.id: said.name(at) for at, row in enumerate(rows)}
    return {one: name for one, name in named.items() if name in classes}


def _accept(dataset: Dataset, listing: Listing, goals: dict[int, str]) -> None:
    def accept() -> Step:
        standing = _standing(dataset, listing)
        return relabel_each(dataset, {one: goals[one] for one in standing if one in goals})

    _with_all(dataset, accept)


def _standing(dataset: Dataset, listing: Listing) -> Sequence[int]:
    """Photos of the list that stand where they were listed; marked ones stay as marked."""
    return [
        row.id
        for row in dataset.get(listing.ids).values()
        if (row.class_name or dataset.unsorted) == listing.was[row.id]
    ]


def _with_all(dataset: Dataset, doing: Callable[[], Step]) -> None:
    bring_to_disk(dataset, key=GALLERY)  # a mark and this click may have travelled together
    label_classes.act(doing, anew)


def _move_all(dataset: Dataset, listing: Listing) -> None:
    to = st.session_state["label_all_to"]
    _with_all(dataset, lambda: dataset.relabel(_standing(dataset, listing), to))


def _split_all(dataset: Dataset, listing: Listing) -> None:
    name = st.session_state["label_all_new"].strip()
    _with_all(dataset, lambda: split_off(dataset, _standing(dataset, listing), name))


def _remove_all(dataset: Dataset, listing: Listing) -> None:
    _with_all(dataset, lambda: dataset.remove(_standing(dataset, listing)))
