"""Choices of deep training that most people leave alone, folded away; each has a good default."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import TrainingError
from core.train.settings import FOLDS, LARGEST_SIZE, SMALLEST_SIZE, DeepSettings
from ui.training_deep import words

ONLY_THE_HEAD = 99  # more stages than any network has
FREEZE = {
    None: "Let Winnow choose: the last stages learn",
    ONLY_THE_HEAD: "Only the last layer learns",
    **{
        stages: f"All but the first {stages} stages learn"
        if stages > 1
        else "All but the first stage learn"
        for stages in range(8, 0, -1)
    },
    0: "Everything learns (unfrozen)",
}
EVERY_FOLD = "all"
TENTH = ("first", "second", "third", "fourth", "fifth")
HEADS = {"linear": "Linear: starts from quick training's", "concat": "Two layers, as in fast.ai"}
BY_ITSELF, THREE = "spread", "three"
RATES = {BY_ITSELF: "A range", THREE: "One per group"}
GROUPS = ("early", "middle", "head")
SMALL_SET = 2000  # photos; below it trying on a tenth says little


def choose(*, photos: int, sgdr: bool, size: int, disabled: bool) -> dict[str, Any]:
    """The folded choices, as ``DeepSettings`` names them.

    Args:
        photos: How many there are to learn from.
        sgdr: Whether the schedule restarts, so that its cycles can be chosen.
        size: The network's own image size, in pixels.
        disabled: Whether nothing can be changed now.

    Raises:
        TrainingError: If a rate cannot be read; says which.
    """
    with st.expander("Advanced", icon=":material/tune:", key="deep_advanced"):
        words.explain("batch", "validation", "unfreeze", "tta", key="deep_advanced")
        left, right = st.columns(2, gap="large")
        with left:
            chosen = _about_photos(photos, size, disabled=disabled)
        with right:
            chosen |= _about_stages(disabled=disabled)
        st.divider()
        left, right = st.columns(2, gap="large")
        with left:
            chosen |= _about_cycles(sgdr, disabled=disabled)
            chosen |= _about_weights(disabled=disabled)
        with right:
            chosen |= _about_the_rest(disabled=disabled)
    return chosen


def _about_photos(photos: int, size: int, *, disabled: bool) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "size": st.number_input(
            "Image size, in pixels",
            min_value=SMALLEST_SIZE,
            max_value=LARGEST_SIZE,
            value=None,
            step=32,
            placeholder=f"{size}, the network's own",
            disabled=disabled,
            key="deep_size",
            persist_state="session",
            help="Larger shows finer details and takes longer: twice the size, four times the "
            "time.",
        ),
        "batch": st.number_input(
            "Batch size",
            min_value=1,
            max_value=1024,
            value=DeepSettings.batch,
            disabled=disabled,
            key="deep_batch",
            persist_state="session",
            help="Photos per step. Halved by itself where memory does not suffice, or where so few "
            "photos would make but a step or two.",
        ),
    }
    held_out = st.selectbox(
        "Held out to judge",
        [*range(FOLDS), EVERY_FOLD],
        format_func=_fold_in_words,
        disabled=disabled,
        key="deep_fold",
        persist_state="session",
        help="These photos are never learnt from. Each fifth in turn judges every photo, and "
        "takes five times as long.",
    )
    chosen["all_folds"] = held_out == EVERY_FOLD
    chosen["fold"] = 0 if held_out == EVERY_FOLD else held_out
    tenth = st.toggle(
        "Try on 10 % of the photos first",
        disabled=disabled,
        key="deep_share",
        persist_state="session",
        help="A quick look at whether the settings work, for large sets."
        + (f" Yours has only {photos:,} photos." if photos < SMALL_SET else ""),
    )
    return {**chosen, "share": 0.1 if tenth else 1.0}


def _fold_in_words(fold: int | str) -> str:
    if fold == EVERY_FOLD:
        return "Each fifth in turn"
    return f"The {TENTH[int(fold)]} fifth"


def _about_stages(*, disabled: bool) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "freeze_to": st.selectbox(
            "What learns",
            list(FREEZE),
            format_func=FREEZE.__getitem__,
            disabled=disabled,
            key="deep_freeze",
            persist_state="session",
        ),
        "batch_norm": st.toggle(
            "Batch-norm learns too",
            disabled=disabled,
            key="deep_batch_norm",
            persist_state="session",
            help="The network balances its own signals by figures from the photos it learnt first. "
            "If these learn too, drawings bore a higher learning rate, with everything unfrozen "
            "and some hundred of each class. Each epoch takes longer.",
        ),
    }
    how = st.segmented_control(
        "Learning rates of early and late stages",
        list(RATES),
        format_func=RATES.__getitem__,
        required=True,
        default=BY_ITSELF,
        disabled=disabled,
        key="deep_rates",
        persist_state="session",
        help="Early stages know edges and colours already; they should change less than the last "
        "ones.",
    )
    if how == THREE:
        return {**chosen, "lrs": _three_rates(disabled=disabled)}
    chosen["spread"] = st.number_input(
        "The first stages learn so many times slower",
        min_value=1.0,
        max_value=1e6,
        value=DeepSettings.spread,
        format="%g",
        disabled=disabled,
        key="deep_spread",
        persist_state="session",
    )
    return chosen


def _three_rates(*, disabled: bool) -> tuple[float, ...]:
    rates = []
    places = st.columns(3)
    titles = ("Early stages", "Middle stages", "Last layer")
    for place, name, title, value in zip(
        places, GROUPS, titles, ("0.0001", "0.001", "0.01"), strict=True
    ):
        st.session_state.setdefault(rate_key(name), value)
        text = place.text_input(
            title, disabled=disabled, key=rate_key(name), persist_state="session"
        )
        rates.append(rate_in(text or "", title))
    return tuple(rates)


def rate_key(group: str) -> str:
    """Session key of the rate of one group of layers."""
    return f"deep_lr_{group}"


def rate_in(text: str, title: str) -> float:
    """A learning rate as somebody typed it: 0.001, 1e-3, 0,001.

    Raises:
        TrainingError: If that is no number, or no rate.
    """
    try:
        rate = float(text.strip().replace(",", "."))
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 100:
        raise TrainingError(f"{title}: type a learning rate such as 0.001 or 1e-3.")
    return rate


def _about_cycles(sgdr: bool, *, disabled: bool) -> dict[str, Any]:
    left, right = st.columns(2)
    off = "" if sgdr else " Used by the schedule with restarts."
    return {
        "cycle_length": left.number_input(
            "Epochs in the first cycle",
            min_value=1,
            max_value=100,
            value=DeepSettings.cycle_length,
            disabled=disabled or not sgdr,
            key="deep_cycle_length",
            persist_state="session",
            help=f"The rate falls to nothing in each cycle, then starts again.{off}",
        ),
        "cycle_mult": right.number_input(
            "Each cycle so many times longer",
            min_value=1,
            max_value=10,
            value=DeepSettings.cycle_mult,
            disabled=disabled or not sgdr,
            key="deep_cycle_mult",
            persist_state="session",
            help=f"With 2, cycles of 1, 2, 4 epochs.{off}",
        ),
    }


def _about_weights(*, disabled: bool) -> dict[str, Any]:
    return {
        "weight_decay": st.number_input(
            "Weight decay",
            min_value=0.0,
            max_value=10.0,
            value=DeepSettings.weight_decay,
            format="%g",
            disabled=disabled,
            key="deep_weight_decay",
            persist_state="session",
            help="Pulls weights towards zero a little in each step, against learning by heart.",
        ),
        "label_smoothing": st.slider(
            "Label smoothing",
            0.0,
            0.5,
            0.0,
            0.05,
            disabled=disabled,
            key="deep_smoothing",
            persist_state="session",
            help="Allows for some wrong labels: 0.1 asks for 90 % sure instead of 100 %.",
        ),
        "mixup": st.slider(
            "Mixup",
            0.0,
            1.0,
            0.0,
            0.1,
            disabled=disabled,
            key="deep_mixup",
            persist_state="session",
            help="Learns from pairs of photos laid over each other. 0.4 is usual, with many "
            "epochs; 0 is off.",
        ),
    }


def _about_the_rest(*, disabled: bool) -> dict[str, Any]:
    return {
        "head": st.selectbox(
            "Last layer",
            list(HEADS),
            format_func=HEADS.__getitem__,
            disabled=disabled,
            key="deep_head",
            persist_state="session",
        ),
        "views": st.number_input(
            "Kept views of each photo",
            min_value=0,
            max_value=64,
            value=None,
            placeholder="Some, where it saves time",
            disabled=disabled,
            key="deep_views",
            persist_state="session",
            help="Where early stages stay as they are, what they see of so many changed versions "
            "of each photo is kept, so they need not look again. 0 makes new versions every epoch.",
        ),
        "seed": st.number_input(
            "Seed",
            min_value=0,
            max_value=2**31,
            value=0,
            disabled=disabled,
            key="deep_seed",
            persist_state="session",
            help="Everything random follows from it: the same seed gives the same result on the "
            "same computer.",
        ),
        "tta": st.toggle(
            "Look at each photo twice when judging",
            value=True,
            disabled=disabled,
            key="deep_tta",
            persist_state="session",
            help="As it is and mirrored, where augmentation mirrors too. The answers are averaged.",
        ),
    }
