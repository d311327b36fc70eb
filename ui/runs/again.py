"""Training as a run was trained: once more on the labels as they are now, or on from its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.errors import JobError, TrainingError
from core.train.settings import DeepSettings
from ui import navigation, training
from ui.runs.setting_words import deep_settings
from ui.words import plain

if TYPE_CHECKING:
    from typing import NoReturn

    from core.dataset import Dataset
    from core.runs import Run

DEEP_TARGET = "core.train.deep:train_deep_job"
SETTINGS = "train_settings"  # session key: what the Train page begins with


def train_again(dataset: Dataset, run: Run) -> bool:
    """Start training with a run's settings; if that fails, say why and return False."""
    if run.mode == "quick":
        return training.start(dataset, backbone=run.backbone)
    try:
        settings = DeepSettings.from_json(deep_settings(run)).to_json()
        arguments = {
            "root": str(dataset.root),
            "settings": settings,
            "fresh": True,
            "finish": False,
        }
        jobs.start(dataset.home, training.KIND, DEEP_TARGET, arguments)
    except (JobError, TrainingError) as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    return True


def continue_from(run: Run) -> NoReturn:
    """Go to Train with a deep run's settings, to train its network further."""
    st.session_state[SETTINGS] = {**deep_settings(run), "start_from": run.id}
    navigation.go("train")
