"""Train: quickly, in depth, or by the recipe of fast.ai's first lesson."""

from functools import partial
from pathlib import Path

import streamlit as st

from core import jobs, runs
from core.dataset import Dataset
from core.errors import TrainingError
from core.train.quick import before_training
from ui import given_split, networks, quick_training, state, training
from ui.training_deep import deep, recipe, work
from ui.words import count, plain

MODES = {"quick": "Quick", "deep": "Deep", "recipe": "Recipe"}
MODE_SENTENCES = {
    "quick": "Looks at each photo once and learns in seconds. Start here.",
    "deep": "Changes the network itself to fit your photos. Takes minutes, is often more exact, "
    "and is kept only where it is.",
    "recipe": "Deep training step by step, as in fast.ai's first lesson, with each step explained.",
}


def introduce(dataset: Dataset) -> tuple[bool, list[str]]:
    """Say what will be trained on and what there is to know first.

    Returns:
        Whether anything can be learnt, and the sentences that were said.
    """
    counts = dataset.counts()
    line = given_split.learns_from(dataset) or (
        f"Learns from **{count(sum(counts.values()), 'photo')}** "
        f"in **{count(len(counts), 'class', 'classes')}**."
    )
    if left_out := dataset.unsorted_count():
        line += f" Left out: {count(left_out, 'photo')} without a class."
    st.markdown(line)
    sentences, refusal = said_before(dataset, dataset.home, dataset.version())
    for sentence in sentences:
        st.info(plain(sentence), icon=":material/info:")
    if refusal:
        st.warning(plain(refusal), icon=":material/warning:")
    return refusal is None, sentences


@st.cache_data(max_entries=8, show_spinner=False)
def said_before(_dataset: Dataset, home: Path, version: int) -> tuple[list[str], str | None]:
    """What there is to know before training, and why it cannot be done, if so.

    Worked out once per version of the data set: in a large one it takes a while.
    """
    try:
        return before_training(_dataset), None
    except TrainingError as error:
        return [], str(error)


def choose_mode(dataset: Dataset, job: jobs.JobStatus | None) -> str:
    """Quick, deep or recipe; where deep training goes on, the page opens on it."""
    if deep.begin(dataset, job):
        st.session_state["train_mode"] = "deep"
    elif "train_mode" not in st.session_state and job is not None and jobs.alive(job):
        if work.is_deep(dataset.home, job):
            st.session_state["train_mode"] = "recipe" if recipe.is_its(dataset, job) else "deep"
    mode = st.segmented_control(
        "How to train",
        list(MODES),
        format_func=MODES.__getitem__,
        default="quick",
        required=True,
        key="train_mode",
        persist_state="session",
        label_visibility="collapsed",
    )
    st.caption(MODE_SENTENCES[mode])
    return mode


def main() -> None:
    """Lay out the page."""
    dataset = state.require()
    st.title("Train", anchor=False)
    job = training.latest_job(dataset)
    busy = job is not None and jobs.alive(job)
    is_deep = job is not None and work.is_deep(dataset.home, job)
    past = runs.list_runs(dataset.home)

    choose_network = partial(networks.choose, key="train_backbone", disabled=busy)
    can_learn, said = introduce(dataset)
    mode = choose_mode(dataset, job)
    if mode == "recipe":
        recipe.draw(dataset, job, choose_network=choose_network, can_learn=can_learn)
        return
    of_mode = [run for run in past if run.mode == mode]
    if busy and is_deep:
        deep.draw_job(dataset)
    elif mode == "quick":
        quick_training.draw(
            dataset,
            of_mode,
            backbone=choose_network(),
            said=said,
            busy=busy,
            can_learn=can_learn,
            last_was_deep=is_deep,
        )
    elif busy:
        quick_training.draw_job(dataset)
    else:
        deep.draw(dataset, job, of_mode, choose_network=choose_network, can_learn=can_learn)


main()
