"""The deep mode of the Train page, from its choices to what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import runs
from core.errors import WinnowError
from core.networks.backbones import backbone_named
from core.train.settings import DeepSettings
from ui import augmentation, job_status, navigation, networks, training
from ui.training_deep import ending, form, live, outcome, rates, work
from ui.words import plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.jobs import JobStatus

BROUGHT = "train_settings"  # session key: settings that another page brought along
SEEDED = "deep_seeded"  # session key: the form shows the settings used last


def draw(
    dataset: Dataset,
    job: JobStatus | None,
    past: Sequence[runs.Run],
    *,
    choose_network: Callable[[], str],
    can_learn: bool,
) -> None:
    """Draw the mode when no training is going on: what came of the last one, then the choices.

    Args:
        dataset: To train on.
        job: The newest training, quick or deep.
        past: The deep runs of the data set, newest first.
        choose_network: Draws the choice of a network and returns its name.
        can_learn: Whether anything can be learnt from the data set.
    """
    deep_job = job if job is not None and work.is_deep(dataset.home, job) else None
    first = st.container()  # drawn last: starting afresh takes the choices below
    if past:
        st.subheader("Train again", anchor=False, divider="gray")
    backbone = choose_network()
    can_start = can_learn and networks.ready(backbone)
    chosen = form.choose(dataset, backbone=backbone, disabled=False)
    _offer_a_rate(dataset, chosen, can_start=can_start)
    with chosen.below_augmentation:
        _show_what_it_sees(dataset, chosen.settings)
    st.button(
        "Train in depth",
        key="deep_start",
        type="secondary" if past else "primary",
        icon=":material/model_training:",
        disabled=chosen.settings is None or not can_start,
        on_click=_start,
        args=(dataset, chosen.settings),
    )
    with first:
        afresh = chosen.settings if can_start else None
        if not ending.draw(dataset, deep_job, afresh=afresh, key="deep") and past:
            _draw_newest(dataset, past[0])


def _draw_newest(dataset: Dataset, run: runs.Run) -> None:
    outcome.draw(dataset, run, key="deep_done")
    navigation.next_step("results", "See the results", key="deep_to_results")


def draw_job(dataset: Dataset) -> None:
    """A deep training that is going on."""
    job_status.draw(
        dataset.home,
        training.KIND,
        while_running=lambda job: live.draw_running(dataset.home, job),
        key="deep_job",
    )


def _start(dataset: Dataset, settings: DeepSettings) -> None:
    work.start_deep(dataset, settings)


def begin(dataset: Dataset, job: JobStatus | None) -> bool:
    """Let the form show what somebody brought along, or after a reload what was used last.

    For before any of its widgets is drawn.

    Returns:
        Whether settings were brought along from another page, so that this mode is wanted.
    """
    brought = st.session_state.pop(BROUGHT, None)
    if brought is not None:
        try:
            form.seed(DeepSettings.from_json(brought), over=True)
        except WinnowError as error:
            st.toast(plain(str(error)), icon=":material/error:")
        return True
    if st.session_state.get(SEEDED) == str(dataset.home):
        return False
    st.session_state[SEEDED] = str(dataset.home)
    left = ending.interrupted(dataset)
    used = left[0] if left else None
    if used is None and job is not None and work.is_deep(dataset.home, job):
        used = work.settings_of(dataset.home, job)
    if used is not None and used.start_from is None:
        form.seed(used)
    return False


def _offer_a_rate(dataset: Dataset, chosen: form.Form, *, can_start: bool) -> None:
    settings = chosen.settings
    searching = job_status.running(dataset.home, work.FINDER)
    chosen.beside_rate.button(
        "Find a rate",
        key="deep_find",
        icon=":material/search:",
        disabled=searching or settings is None or not can_start,
        help="Tries rates from tiny to huge on your photos for a moment. Nothing is changed by it.",
        width="stretch",
        on_click=work.start_finder,
        args=(dataset, settings),
    )
    with chosen.below_rate:
        rates.draw(dataset, settings, take=form.take_rate, key="deep_rate")


def _show_what_it_sees(dataset: Dataset, settings: DeepSettings | None) -> None:
    """A batch and a photo's numbers, for the curious; looked at only once unfolded."""
    if settings is None:
        return
    folded = st.expander(
        "A batch as the network sees it",
        icon=":material/grid_view:",
        key="deep_batch_open",
        on_change="rerun",
    )
    if folded.open:
        with folded:
            augmentation.show_batch(dataset, settings)
    augmentation.pixels(dataset, size=settings.size or backbone_named(settings.backbone).size)
