"""Label: sort whole sets with the keyboard, in grids, in groups of look-alikes, or one by one."""

from pathlib import Path

import streamlit as st

from core import jobs, runs
from core.dataset import Dataset
from core.errors import WinnowError
from core.label.suggestions import Suggester
from core.networks.backbones import DEFAULT
from core.runs.in_use import run_for_labels
from ui import (
    job_status,
    label_classes,
    label_filter,
    label_list,
    label_tiles,
    live_training,
    state,
)
from ui.gallery import Labelling, Turns, bring_to_disk, gallery
from ui.words import count, plain

LOOK, LOOK_JOB = "look", "core.label.embedding:look_job"
GROUP_HINT = (
    "Press a number to move all selected photos. Arrows and Space take a photo out of the "
    "selection; ] goes to the next group."
)


@st.cache_resource(max_entries=3, show_spinner=False)
def suggester_of(home: Path, run_id: str) -> Suggester:
    """A run's model, with what it said so far."""
    return Suggester(home, runs.load_run(home, run_id))


def model(dataset: Dataset) -> tuple[runs.Run | None, Suggester | None]:
    """The run chosen, or the one for labels, and its model; none where it cannot be read."""
    chosen = st.session_state.get("label_run")
    try:
        run = runs.load_run(dataset.home, chosen) if chosen else run_for_labels(dataset)
        return run, None if run is None else suggester_of(dataset.home, run.id)
    except WinnowError as error:
        st.warning(plain(str(error)))
        return None, None


def empty_state(dataset: Dataset) -> bool:
    """Say so where there is no photo at all."""
    if dataset.unsorted_count() or any(dataset.counts().values()):
        return False
    st.info("There are no photos yet. Collect some first.", icon=":material/info:")
    return True


def offer_look(dataset: Dataset, backbone: str, missing: int) -> None:
    """The button that has the network look at photos, or how far that is."""
    job = jobs.latest(dataset.home, LOOK)
    if job is not None and jobs.alive(job):
        job_status.draw(dataset.home, LOOK)
        return
    if job is not None and job.state in ("failed", "crashed", "stopped"):
        job_status.ended(dataset, job)
    elif missing:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{count(missing, 'unsorted photo')}** not looked at yet: without that they "
                "are in no group and have no suggestion."
            )
            st.button(
                "Look at them now",
                key="label_look",
                icon=":material/visibility:",
                on_click=job_status.start,
                args=(
                    dataset.home,
                    LOOK,
                    LOOK_JOB,
                    {"root": str(dataset.root), "backbone": backbone},
                ),
            )


@st.fragment
def work(dataset: Dataset, run: runs.Run | None, suggester: Suggester | None) -> None:
    """The photos with their filters; a mark reruns this part of the page alone."""
    label_filter.choose(dataset, run)
    if not dataset.read_only:
        bring_to_disk(dataset, key=label_list.GALLERY)  # counts below hold the latest mark
    view = st.session_state["label_view"]
    try:
        listing = label_list.current(dataset, run, suggester, view)
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    pages = listing.pages()
    page = st.session_state["label_page"] = max(1, min(st.session_state["label_page"], pages))
    label_filter.keep_address()
    label_list.say_where(dataset, listing, view, page, suggester)
    if not listing.ids:
        say_nothing_here(dataset, run, view)
        return
    here = listing.page(page)
    try:
        shown_tiles = label_tiles.tiles(dataset, here, listing.was, suggester)
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    turns = Turns(
        previous=page > 1,
        next=page < pages,
        turn=label_list.turn,
        advance=view in ("groups", "single"),
    )
    gallery(
        dataset,
        shown_tiles,
        key=label_list.GALLERY,
        label="Photos to sort",
        editable=not dataset.read_only,
        autofocus=True,
        turns=turns,
        labelling=Labelling(
            select_all=view == "groups",
            large=view == "single",
            hint=GROUP_HINT if view == "groups" else None,
        ),
    )
    label_list.draw_pages(pages, page)


def say_nothing_here(dataset: Dataset, run: runs.Run | None, view: str) -> None:
    """Why the list is empty, and what to do about it."""
    if view == "sure" and run is None:
        st.info("There is no model yet. Label some photos of two classes, and it learns.")
    elif view == "sure":
        st.info("The model is this sure of no other photo here. Ask for less under More.")
    elif view == "groups":
        st.info("No photo here that the network has looked at.")
    elif st.session_state["label_place"][0] == "unsorted" and not dataset.unsorted_count():
        st.success("Nothing is unsorted: every photo has a class.", icon=":material/check:")
    else:
        st.info("No photo here. Choose other photos above.")


def main() -> None:
    """Lay out the page."""
    dataset = state.require()
    st.title("Label", anchor=False)
    if empty_state(dataset):
        return
    label_filter.take_address(dataset)
    run, suggester = model(dataset)
    live_training.draw(dataset, run_for_labels(dataset))
    backbone = DEFAULT if run is None else run.backbone
    with st.container(key="label_looking"):  # always there, so that nothing below it moves
        if not dataset.read_only:
            offer_look(dataset, backbone, label_list.missing(dataset, backbone))
    label_classes.draw(dataset)
    work(dataset, run, suggester)


main()
