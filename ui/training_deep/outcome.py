"""What came of deep training: quick, deep and both together, on the same photos; which is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core import runs
from core.errors import RunError
from core.train.answers import kept_in_words
from core.train.curve_words import read_curves
from ui.training_deep import live, words
from ui.words import percent, plain

if TYPE_CHECKING:
    from core.dataset import Dataset

# Answers as pages call them, in the order shown; looking twice stands below looking once.
ANSWERS = {
    "quick": "Quick",
    "deep_plain": "Deep, looking once",
    "deep": "Deep, looking twice",
    "blend_plain": "Quick and deep together, looking once",
    "blend": "Quick and deep together, looking twice",
}
TITLES = {
    "quick": "Quick stays in use",
    "deep": "Deep training is kept",
    "blend": "Quick and deep together are kept",
}
MOST_WIDTH = 640  # pixels of the table; wider, its columns stand too far apart
ONCE = {"deep": "Deep", "blend": "Quick and deep together"}


def sentence(run: runs.Run) -> str:
    """Which answer is kept, and why."""
    if run.kept is None or not run.answers or not {"quick", "deep", "blend"} <= set(run.answers):
        return ""
    return kept_in_words(run.kept, run.answers)


def shown_answers(run: runs.Run) -> dict[str, str]:
    """The answers to list and their names; looking twice is left out where it is the same."""
    found = run.answers or {}
    twice = any(
        f"{name}_plain" in found and found[f"{name}_plain"] != found.get(name) for name in ONCE
    )
    names = ANSWERS if twice else {"quick": ANSWERS["quick"], **ONCE}
    return {name: title for name, title in names.items() if name in found}


def draw_answers(run: runs.Run) -> None:
    """The small table: how often each answer is wrong on the same photos, the kept one marked."""
    import pandas as pd

    if not run.answers:
        return
    names = shown_answers(run)
    scores = [run.answers[name] for name in names]
    table = pd.DataFrame(
        {
            "Answer": [
                f"{title}{' ★' if name == run.kept else ''}" for name, title in names.items()
            ],
            "Wrong": [f"{score['wrong']:,} of {score['judged']:,}" for score in scores],
            "Error rate": [percent(score["error_rate"]) for score in scores],
            "Loss": [f"{score['loss']:.3f}" for score in scores],
        }
    )
    st.table(table, hide_index=True, border="horizontal", width=MOST_WIDTH)
    st.caption("★ Kept. All were asked about the same photos, which they had not learnt from.")


def draw(dataset: Dataset, run: runs.Run, *, key: str) -> None:
    """Say how a deep run went: what is kept and why, the table, and the curves."""
    st.subheader(TITLES.get(run.kept or "", "Deep training is done"), anchor=False)
    st.markdown(plain(sentence(run)))
    draw_answers(run)
    words.explain("loss", "accuracy", "tta", key=f"{key}_answers")
    for warning in run.warnings:
        st.info(plain(warning), icon=":material/info:")
    try:
        curve = runs.load_curve(dataset.home, run.id)
    except RunError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    rows = [row for row in curve if row.get("phase") == "train"]
    if rows:
        with st.expander("How it went", icon=":material/show_chart:", key=f"{key}_went"):
            live.draw(rows, key=key, finished=True)


def rows(dataset: Dataset, run: runs.Run) -> list[dict[str, Any]]:
    """The rows of a run's own training; none where its record is damaged."""
    try:
        return [row for row in runs.load_curve(dataset.home, run.id) if row["phase"] == "train"]
    except RunError:
        return []


def said(dataset: Dataset, run: runs.Run) -> str:
    """What the curves of a run say, in words; empty where there are none."""
    reading = read_curves(rows(dataset, run), finished=True)
    return f"{reading.sentence} {reading.advice}".strip() if reading else ""
