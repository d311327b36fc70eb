"""Starting deep training and the search for a rate, and what such work was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import jobs
from core.errors import JobError, TrainingError
from core.jobs.record import JobFolder, ids_of_kind
from core.train.settings import DeepSettings
from ui import training
from ui.words import plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.jobs import JobStatus

DEEP_TARGET = "core.train.deep:train_deep_job"
FINDER = "lrfind"  # kind of the job that looks for a rate
FINDER_TARGET = "core.train.lr_find:lr_find_job"


def start_deep(
    dataset: Dataset, settings: DeepSettings, *, fresh: bool = True, finish: bool = False
) -> JobStatus | None:
    """Start deep training, for a button's ``on_click``; if that fails, say why.

    Args:
        dataset: To train on.
        settings: How.
        fresh: Throw away what an earlier training by these settings left unfinished.
        finish: Learn nothing more: judge what it has learnt so far, and keep the run.
    """
    arguments = {
        "root": str(dataset.root),
        "settings": settings.to_json(),
        "fresh": fresh,
        "finish": finish,
    }
    return _start(dataset, training.KIND, DEEP_TARGET, arguments)


def start_finder(dataset: Dataset, settings: DeepSettings) -> JobStatus | None:
    """Start looking for a rate for these settings; for a button's ``on_click``."""
    arguments = {"root": str(dataset.root), "settings": settings.to_json()}
    return _start(dataset, FINDER, FINDER_TARGET, arguments)


def _start(
    dataset: Dataset, kind: str, target: str, arguments: Mapping[str, Any]
) -> JobStatus | None:
    try:
        return jobs.start(dataset.home, kind, target, arguments)
    except JobError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return None


def is_deep(home: Path, job: JobStatus) -> bool:
    """Whether a training is a deep one."""
    try:
        return JobFolder(home, job.id).read_request().target == DEEP_TARGET
    except JobError:
        return False


def settings_of(home: Path, job: JobStatus) -> DeepSettings | None:
    """What deep training or the search for a rate was asked; None if that cannot be read."""
    try:
        asked = JobFolder(home, job.id).read_request().arguments
        return DeepSettings.from_json(asked["settings"])
    except (JobError, TrainingError, KeyError, TypeError):
        return None


def latest_done(home: Path, kind: str, settings: DeepSettings) -> JobStatus | None:
    """The newest finished job of a kind that was asked for these settings; None without one."""
    for job_id in ids_of_kind(home, kind):
        try:
            job = jobs.status(home, job_id)
        except JobError:
            continue
        if job.state == "done" and settings_of(home, job) == settings:
            return job
    return None
