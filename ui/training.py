"""What pages share about training: starting it, and how it went in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.errors import JobError
from core.runs.split import unseen
from ui.words import count, percent, plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.runs import Run

KIND = "train"
TARGET = "core.train.quick:train_quick_job"


def start(dataset: Dataset, *, backbone: str) -> bool:
    """Start training in a process of its own; if that fails, say why and return False.

    Training that already goes on is left to it.
    """
    arguments = {"root": str(dataset.root), "backbone": backbone}
    try:
        jobs.start(dataset.home, KIND, TARGET, arguments)
    except JobError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True


def latest_job(dataset: Dataset) -> jobs.JobStatus | None:
    """The newest training of this data set, going on or not."""
    return jobs.latest(dataset.home, KIND)


def outcome(run: Run) -> str:
    """The error rate in words: "Wrong on 17 of 480 photos it had not seen, 3.5 %."."""
    if run.judged == 0:
        return "No photo could be judged."
    judged = count(run.judged, "photo")
    if run.wrong == 0:
        return f"Right on all {judged}{unseen(run.split)}."
    return f"Wrong on {run.wrong:,} of {judged}{unseen(run.split)}, {percent(run.error_rate)}."


def where(run: Run) -> str:
    """What its figure is about, where the data set brings its own split: " in valid"."""
    return f" in {run.split['judged_on']}" if run.split else ""
