"""Runs: every training there was, what came of it, and which one is in use."""

import streamlit as st

from core import runs
from core.dataset import Dataset
from core.runs.in_use import run_in_use
from ui import navigation, state
from ui.runs import beside, cards, deleted

OF = "runs_set"  # session key: the data set whose runs were chosen


def forget_other_sets(dataset: Dataset) -> None:
    """Let go of what the session remembers of another data set's runs."""
    if st.session_state.get(OF) != dataset.token:
        st.session_state[OF] = dataset.token
        for key in (cards.PICKED, cards.NOTING, deleted.JUST_NOW, deleted.EMPTYING, "runs_page"):
            st.session_state.pop(key, None)


def empty_state() -> None:
    """Lead to Train where there is no run yet."""
    st.info(
        "No training yet. Each one is kept here with its settings, so that you can compare them, "
        "go back to an earlier one, or repeat one after you have mended labels.",
        icon=":material/info:",
    )
    navigation.next_step("train", "Go to Train", key="runs_to_train")


def draw_chosen(dataset: Dataset, several: list[runs.Run], in_use: runs.Run | None) -> None:
    """Draw what was chosen in the list, or the run in use where nothing was."""
    if len(several) > 1:
        beside.draw_several(dataset, several)
    elif several:
        beside.draw_one(dataset, several[0])
    elif in_use is not None:
        beside.draw_one(
            dataset,
            in_use,
            lead="In use: Results, Review and Label show what this model says.",
        )
        navigation.next_step("results", "See the results", key="runs_to_results")


def main() -> None:
    """Lay out the page."""
    dataset = state.require()
    st.title("Runs", anchor=False)
    forget_other_sets(dataset)
    deleted.draw_undo(dataset)
    kept = runs.list_runs(dataset.home)
    if not kept:
        empty_state()
        deleted.draw(dataset)
        return
    in_use = run_in_use(dataset)
    left, right = st.columns([2, 3], gap="large")
    with left:
        cards.draw(dataset, kept, in_use)
    with right:
        draw_chosen(dataset, cards.picked(kept), in_use)
    deleted.draw(dataset)


main()
