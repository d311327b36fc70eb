"""The recipe view of the Train page: eight steps, each with a button and its result beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import jobs, runs
from core.errors import JobError, RunError, WinnowError
from core.train import recipe as steps
from core.train.lr_suggestions import Suggestions
from core.train.recipe import Pending, Recipe
from ui import job_status, navigation, networks, training
from ui.training_deep import ending, live, outcome, rates, recipe_words, words, work
from ui.words import plain

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.jobs import JobStatus
    from core.train.settings import DeepSettings

SETTING = "recipe"  # of the data set
DONE = "done"  # result of a step that is done once it was decided
CAREFUL_RATE = 1e-3  # where a search suggests nothing


@dataclass(frozen=True, kw_only=True)
class _View:
    """What all steps are drawn from."""

    dataset: Dataset
    recipe: Recipe
    working: JobStatus | None  # the job of the step that is being done
    choose_network: Callable[[], str]
    locked: bool  # whether nothing can be started now


def load(dataset: Dataset) -> Recipe:
    """How far somebody is with this data set."""
    return Recipe.from_text(dataset.setting(SETTING))


def save(dataset: Dataset, recipe: Recipe) -> None:
    """Keep how far somebody is."""
    dataset.set_setting(SETTING, recipe.to_text())


def is_its(dataset: Dataset, job: JobStatus) -> bool:
    """Whether a job does a step of the recipe."""
    recipe = load(dataset)
    found = _job_of(dataset, recipe)
    return found is not None and found.id == job.id


def draw(
    dataset: Dataset,
    job: JobStatus | None,
    *,
    choose_network: Callable[[], str],
    can_learn: bool,
) -> None:
    """Draw the steps.

    Args:
        dataset: To train on.
        job: The newest training, quick or deep.
        choose_network: Draws the choice of a network.
        can_learn: Whether anything can be learnt from the data set.
    """
    recipe = _brought_up_to_date(dataset)
    st.session_state.setdefault("train_backbone", recipe.backbone)
    working = _job_of(dataset, recipe)
    busy = any(
        one is not None and jobs.alive(one) for one in (job, jobs.latest(dataset.home, work.FINDER))
    )
    words.explain("loss", "accuracy", "epoch", "batch", "rate", "overfitting", key="recipe")
    if busy and (working is None or not jobs.alive(working)):
        st.info("Another training is going on; the steps wait for it.", icon=":material/info:")
    view = _View(
        dataset=dataset,
        recipe=recipe,
        working=working,
        choose_network=choose_network,
        locked=busy or not can_learn,
    )
    for step in steps.STEPS:
        _draw_step(view, step)
    if recipe.done:
        st.button(
            "Start the recipe over",
            key="recipe_over",
            icon=":material/restart_alt:",
            disabled=busy,
            help="Forgets these steps. The runs they made stay.",
            on_click=save,
            args=(dataset, Recipe(backbone=recipe.backbone, augment=recipe.augment)),
        )


def _draw_step(view: _View, step: int) -> None:
    recipe = view.recipe
    with st.container(border=True, key=f"recipe_step_{step}"):
        if step not in recipe.done and step != recipe.next:
            _draw_ahead(step)
            return
        if recipe.pending is not None and recipe.pending.step == step:
            _draw_told(view, step)
            _draw_button(view, step, is_worked_on=True)
            _draw_work(view.dataset, recipe, step, view.working)
            return
        left, right = st.columns([2, 3], gap="large")
        has_choices = step in (steps.AUGMENT, steps.LOWER)
        with left:
            _draw_told(view, step)
            if not has_choices:
                _draw_button(view, step)
        with right:
            if has_choices:
                _draw_choices(view, step)
                _draw_button(view, step)  # below them on a narrow screen, too
            if step in recipe.done:
                _draw_result(view.dataset, recipe, step, locked=view.locked)


def _draw_ahead(step: int) -> None:
    """A step that is not to be done yet, in little space."""
    told = recipe_words.STEPS[step]
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(f"#### {step} · {told.title}")
    left.caption(told.text)
    right.button(told.button, key=f"recipe_do_{step}", disabled=True, width="stretch")


def _draw_told(view: _View, step: int) -> None:
    """What a step is."""
    told = recipe_words.STEPS[step]
    mark = " :green[:material/check_circle:]" if step in view.recipe.done else ""
    st.markdown(f"#### {step} · {told.title}{mark}")
    st.markdown(told.text)
    if told.terms:
        words.explain(*told.terms, key=f"recipe_{step}")


def _draw_button(view: _View, step: int, *, is_worked_on: bool = False) -> None:
    """Does a step, or does it anew."""
    told, is_done = recipe_words.STEPS[step], step in view.recipe.done
    if is_done and not told.again:
        return
    st.button(
        told.again if is_done else told.button,
        key=f"recipe_do_{step}",
        type="secondary" if is_done or is_worked_on else "primary",
        disabled=view.locked or not networks.ready(_network_of(view.recipe, step)),
        help="The steps after it are then done anew." if is_done else None,
        on_click=_do,
        args=(view.dataset, step),
    )


def _network_of(recipe: Recipe, step: int) -> str:
    """The network that a step is about: at the first one, that which stands in its field."""
    if step != steps.AUGMENT:
        return recipe.backbone
    return str(st.session_state.get("train_backbone", recipe.backbone))


def _draw_choices(view: _View, step: int) -> None:
    """What can be chosen before a step is done, or for doing it anew."""
    if step == steps.AUGMENT:
        view.choose_network()
        recipe_words.choose_photos(view.dataset, view.recipe, disabled=view.locked)
    else:
        recipe_words.choose_ratio(view.recipe, disabled=view.locked)


def _do(dataset: Dataset, step: int, further: bool = False) -> None:
    """Do a step: decide it right here, or start its job; for a button's ``on_click``."""
    recipe = load(dataset)
    if step in (steps.AUGMENT, steps.LOWER):
        recipe = recipe_words.chosen(recipe)
    if step not in (*steps.SEARCHES, *steps.TRAININGS):
        save(dataset, recipe.with_result(step, DONE))
        return
    try:
        settings = steps.settings_for(recipe, step, further=further)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    start: Callable[[Dataset, DeepSettings], JobStatus | None] = (
        work.start_finder if step in steps.SEARCHES else work.start_deep
    )
    job = start(dataset, settings)
    if job is not None:
        pending = Pending(step=step, job=job.id, further=further)
        save(dataset, recipe_words.with_pending(recipe, pending))


def _job_of(dataset: Dataset, recipe: Recipe) -> JobStatus | None:
    """The job of the step that is being done: the one that was started, or went on since."""
    pending = recipe.pending
    if pending is None:
        return None
    kind = work.FINDER if pending.step in steps.SEARCHES else training.KIND
    newest = jobs.latest(dataset.home, kind)
    try:
        started = jobs.status(dataset.home, pending.job)
    except JobError:
        started = None
    if newest is None or (started is not None and newest.id <= started.id):
        return started
    try:
        asked = steps.settings_for(recipe, pending.step, further=pending.further)
    except WinnowError:
        return started
    goes_on = newest.id > pending.job and work.settings_of(dataset.home, newest) == asked
    return newest if goes_on else started


def _brought_up_to_date(dataset: Dataset) -> Recipe:
    """The recipe with the result of the job that has ended since; kept where that is new."""
    recipe = load(dataset)
    if recipe.pending is None:
        return recipe
    job = _job_of(dataset, recipe)
    if job is None:
        recipe = recipe_words.with_pending(recipe, None)
    elif job.state == "done":
        recipe = recipe.with_result(recipe.pending.step, _result(recipe.pending.step, job))
    else:
        return recipe
    save(dataset, recipe)
    return recipe


def _result(step: int, job: JobStatus) -> steps.Result:
    found = job.result or {}
    if step in steps.TRAININGS:
        return str(found.get("run", ""))
    named = {rule: found.get(rule) for rule in ("valley", "slide", "minimum", "steepest")}
    return float(Suggestions(**named).best or CAREFUL_RATE)


def _draw_work(dataset: Dataset, recipe: Recipe, step: int, job: JobStatus | None) -> None:
    """A step that is being done, or whose job ended early."""
    if step in steps.SEARCHES:
        rates.draw(dataset, None, take=_ignore, key=f"recipe_rate_{step}")
        return
    if job is not None and jobs.alive(job):
        job_status.draw(
            dataset.home,
            training.KIND,
            while_running=lambda status: live.draw_running(
                dataset.home, status, key=f"recipe_live_{step}"
            ),
            key="recipe_job",
        )
        return
    ending.draw(
        dataset,
        job,
        afresh=work.settings_of(dataset.home, job) if job is not None else None,
        key="recipe",
    )


def _ignore(rate: float) -> None:
    """A search that is not done yet has no rate to take."""


def _draw_result(dataset: Dataset, recipe: Recipe, step: int, *, locked: bool) -> None:
    if step in steps.SEARCHES:
        _draw_rate(dataset, recipe, step, locked=locked)
    elif step in steps.TRAININGS:
        _draw_run(dataset, recipe, step, locked=locked)
    else:
        recipe_words.draw_decided(dataset, recipe, step)


def _draw_rate(dataset: Dataset, recipe: Recipe, step: int, *, locked: bool) -> None:
    st.markdown(f"Taken: **{rates.in_short(recipe.rate(step))}**")
    found = _search_of(dataset, recipe, step)
    if found is not None:
        with st.expander("The curve, to take another rate", expanded=recipe.next == step + 1):
            rates.draw_result(
                found.result or {},
                take=partial(_take, dataset, step),
                key=f"recipe_rate_{step}",
                disabled=locked,
                narrow=True,
            )


def _take(dataset: Dataset, step: int, rate: float) -> None:
    save(dataset, load(dataset).with_rate(step, rate))


def _search_of(dataset: Dataset, recipe: Recipe, step: int) -> JobStatus | None:
    """The finished search whose rate this step took; None where it is known no longer."""
    try:
        asked = steps.settings_for(recipe, step)
    except WinnowError:
        return None
    return work.latest_done(dataset.home, work.FINDER, asked)


def _draw_run(dataset: Dataset, recipe: Recipe, step: int, *, locked: bool) -> None:
    try:
        run = runs.load_run(dataset.home, recipe.run(step) or "")
    except RunError as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return
    st.markdown(f"**{plain(training.outcome(run))}**")
    if said := outcome.said(dataset, run):
        st.markdown(plain(said))
    if step == steps.FULL:
        st.markdown(plain(outcome.sentence(run)))
        outcome.draw_answers(run)
        with st.container(horizontal=True):
            navigation.next_step("results", "See the results", key="recipe_to_results")
            st.button(
                "Train further",
                key="recipe_further",
                icon=":material/more_time:",
                disabled=locked,
                help="Goes on from here with the same cycles again.",
                on_click=_do,
                args=(dataset, step),
                kwargs={"further": True},
            )
    with st.expander("How it went", icon=":material/show_chart:", key=f"recipe_went_{step}"):
        live.draw(outcome.rows(dataset, run), key=f"recipe_done_{step}", finished=True)
