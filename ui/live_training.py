"""Training by itself while somebody labels: after a pause, in the background, one at a time.

It is a kind of work of its own, so that the Train page shows only what somebody asked for there.
"""

import time

import streamlit as st

from core import jobs, runs
from core.dataset import Dataset
from core.dataset.steps import newest_id
from core.errors import JobError
from core.label.grouping import without_features
from core.networks.backbones import DEFAULT
from core.runs.in_use import run_for_labels
from ui import training
from ui.words import ago, plain

KIND = "live"
TARGET = "ui.long_work:live_train_job"
SETTING = "live_training"  # "no" where somebody switched it off
PAUSE_SECONDS = 2.0
SECONDS_BETWEEN_LOOKS = 1.0
MOST_NEW = 300  # photos to look at first; more would take the machine for long
TRIED = "label_live_tried"  # session key: the step after which it was tried last


def is_on(dataset: Dataset) -> bool:
    """Whether it may train by itself."""
    return dataset.setting(SETTING) != "no"


def draw(dataset: Dataset, run: runs.Run | None) -> None:
    """Draw the switch and what it is at; looks once a second."""
    left, right = st.columns([1, 3], vertical_alignment="center")
    st.session_state.setdefault("label_live", is_on(dataset))
    left.toggle(
        "Learn as I go",
        key="label_live",
        help="After a pause the quick model learns from your labels, in the background. "
        "Suggestions follow; photos stay where they are.",
        disabled=dataset.read_only,
        on_change=_switch,
        args=(dataset,),
    )
    with right:
        looks = None if dataset.read_only or not is_on(dataset) else SECONDS_BETWEEN_LOOKS
        st.fragment(_look, run_every=looks)(dataset, run)


def _switch(dataset: Dataset) -> None:
    dataset.set_setting(SETTING, "yes" if st.session_state["label_live"] else "no")


def _look(dataset: Dataset, run: runs.Run | None) -> None:
    job = jobs.latest(dataset.home, KIND)
    if job is not None and jobs.alive(job):
        st.caption("Learning from your labels…")
        return
    now = run_for_labels(dataset)
    if (now and now.id) != (run and run.id):
        st.rerun(scope="app")
    if is_on(dataset) and _is_due(dataset):
        _start(dataset, run)
        st.caption("Learning from your labels…")
    elif run is None:
        st.caption("No model yet. It learns once two classes have photos.")
    else:
        st.caption(f"Learnt {ago(run.created)}. {plain(training.outcome(run))}")


def _is_due(dataset: Dataset) -> bool:
    if dataset.read_only or jobs.any_alive(dataset.home):
        return False
    last = dataset.next_undo()
    if last is None or time.time() - last.time < PAUSE_SECONDS:
        return False
    if st.session_state.get(TRIED) == newest_id(dataset.connection()):
        return False
    # Not of the run in use: somebody may have chosen an older one, and wants to keep it.
    newest = runs.latest_run(dataset.home)
    if newest is not None and not dataset.edited_since(newest.step):
        return False
    return sum(count > 0 for count in dataset.counts().values()) >= 2


def _start(dataset: Dataset, run: runs.Run | None) -> None:
    st.session_state[TRIED] = newest_id(dataset.connection())
    backbone = DEFAULT if run is None else run.backbone
    labelled = [row for row in dataset.rows() if row.class_name is not None]
    if without_features(dataset, backbone, labelled) > MOST_NEW:
        return
    try:
        jobs.start(dataset.home, KIND, TARGET, {"root": str(dataset.root), "backbone": backbone})
    except JobError as error:
        st.caption(plain(str(error)))
