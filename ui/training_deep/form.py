"""What deep training is to do: the choices that matter first, then the schedule drawn before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import TrainingError
from core.networks.backbones import backbone_named
from core.train.schedules import first_batch, points, schedule_of, steps_of
from core.train.settings import FOLDS, MOST_EPOCHS, DeepSettings
from ui import augmentation
from ui.training_deep import advanced, curves, rates, words
from ui.words import plain

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.dataset import Dataset

SCHEDULES = {"one_cycle": "One cycle", "sgdr": "Restarts", "constant": "Constant"}
AUGMENT = "deep_augment"  # begins the keys of the augmentation's widgets
START_FROM = "deep_start_from"  # session key: id of the run whose network is trained further
LR = "deep_lr"  # session key of the main learning rate, as text


@dataclass(frozen=True, kw_only=True)
class Form:
    """What was chosen, and where the page may go on drawing within it."""

    settings: DeepSettings | None  # None where a choice makes no sense, which is said
    beside_rate: DeltaGenerator
    below_rate: DeltaGenerator
    below_augmentation: DeltaGenerator


def choose(dataset: Dataset, *, backbone: str, disabled: bool) -> Form:
    """The choices below the network.

    Args:
        dataset: To train on.
        backbone: The network chosen.
        disabled: Whether nothing can be changed now.
    """
    _say_where_it_starts(disabled=disabled)
    augment = choose_augmentation(dataset, backbone=backbone, key=AUGMENT, disabled=disabled)
    below_augmentation = st.container()
    words.explain("augmentation", "epoch", "rate", "schedule", key="deep_form")
    main, beside_rate = _main(disabled=disabled)
    chosen = {"backbone": backbone, "augment": augment, **main}
    chosen["start_from"] = st.session_state.get(START_FROM)
    below_rate, plan = st.container(), st.container()
    settings: DeepSettings | None = None
    photos = sum(dataset.counts().values())
    own = {
        "photos": photos,
        "sgdr": chosen["schedule"] == "sgdr",
        "size": backbone_named(backbone).size,
    }
    try:
        more = advanced.choose(**own, disabled=disabled)
        text = st.session_state.get(LR) or ""
        lr = advanced.rate_in(text, "Learning rate") if text.strip() else None
        settings = DeepSettings(**{**chosen, "lr": lr, **more})
    except TrainingError as error:
        st.error(plain(str(error)), icon=":material/error:")
    if settings is not None:
        with plan:
            draw_schedule(settings, photos=photos)
    return Form(
        settings=settings,
        beside_rate=beside_rate,
        below_rate=below_rate,
        below_augmentation=below_augmentation,
    )


def choose_augmentation(
    dataset: Dataset, *, backbone: str, key: str, disabled: bool
) -> str | dict[str, float | bool]:
    """How photos are changed, with a preview of one photo eight ways to unfold."""
    augment = augmentation.choose(dataset, key=key, disabled=disabled)
    folded = st.expander(
        "See one photo eight ways", icon=":material/image:", key=f"{key}_ways", on_change="rerun"
    )
    if folded.open:
        with folded:
            augmentation.preview(dataset, augment, size=backbone_named(backbone).size)
    return augment


def _say_where_it_starts(*, disabled: bool) -> None:
    """That training goes on from a run, if it does, and a way to start anew instead."""
    run_id = st.session_state.get(START_FROM)
    if run_id is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(":material/fork_right: Goes on from the network of an earlier run.")
        st.button(
            "Start anew instead",
            key="deep_start_anew",
            disabled=disabled,
            on_click=lambda: st.session_state.pop(START_FROM, None),
        )


def take_rate(rate: float) -> None:
    """Put a rate into the field; for a callback. Rates per group keep tenfold distances to it."""
    st.session_state[LR] = rates.in_short(rate)
    if st.session_state.get("deep_rates") == advanced.THREE:
        for name, share in zip(advanced.GROUPS, (0.01, 0.1, 1.0), strict=True):
            st.session_state[advanced.rate_key(name)] = rates.in_short(rate * share)


def seed(settings: DeepSettings, *, over: bool = False) -> None:
    """Let the form show these settings, for before its widgets are drawn.

    Args:
        settings: To show.
        over: Whether in place of what somebody chose in this tab already.
    """
    for key, value in _values(settings).items():
        if over or key not in st.session_state:
            st.session_state[key] = value


def _values(settings: DeepSettings) -> dict[str, Any]:
    """What the form's widgets hold for these settings, by session key."""
    values: dict[str, Any] = {
        "train_backbone": settings.backbone,
        START_FROM: settings.start_from,
        "deep_epochs": settings.epochs,
        LR: rates.in_short(settings.lr) if settings.lr else "",
        "deep_schedule": settings.schedule,
        "deep_size": settings.size,
        "deep_batch": settings.batch,
        "deep_fold": advanced.EVERY_FOLD if settings.all_folds else settings.fold,
        "deep_share": settings.share < 1,
        "deep_freeze": settings.freeze_to if settings.freeze_to in advanced.FREEZE else None,
        "deep_rates": advanced.THREE if len(settings.lrs) == 3 else advanced.BY_ITSELF,
        "deep_spread": settings.spread,
        "deep_cycle_length": settings.cycle_length,
        "deep_cycle_mult": settings.cycle_mult,
        "deep_weight_decay": settings.weight_decay,
        "deep_smoothing": min(0.5, settings.label_smoothing),
        "deep_mixup": min(1.0, settings.mixup),
        "deep_batch_norm": settings.batch_norm,
        "deep_head": settings.head,
        "deep_views": settings.views,
        "deep_seed": settings.seed,
        "deep_tta": settings.tta,
    }
    if len(settings.lrs) == 3:
        for name, rate in zip(advanced.GROUPS, settings.lrs, strict=True):
            values[advanced.rate_key(name)] = rates.in_short(rate)
    return values | augmentation.widget_values(settings.augment, key=AUGMENT)


def _main(*, disabled: bool) -> tuple[dict[str, Any], DeltaGenerator]:
    """The three choices that matter most, and the place beside the rate."""
    left, middle, beside, right = st.columns([3, 3, 2, 5], vertical_alignment="bottom")
    epochs = left.number_input(
        "Epochs",
        min_value=1,
        max_value=MOST_EPOCHS,
        value=DeepSettings.epochs,
        disabled=disabled,
        key="deep_epochs",
        persist_state="session",
        help="How often it sees every photo. It can be stopped at any time.",
    )
    middle.text_input(
        "Learning rate",
        placeholder="Winnow's choice",
        disabled=disabled,
        key=LR,
        persist_state="session",
        help="Leave it empty if in doubt, or let Winnow find one.",
    )
    schedule = right.segmented_control(
        "Schedule",
        list(SCHEDULES),
        format_func=SCHEDULES.__getitem__,
        default=DeepSettings.schedule,
        required=True,
        disabled=disabled,
        key="deep_schedule",
        persist_state="session",
    )
    return {"epochs": epochs, "schedule": schedule}, beside


def draw_schedule(settings: DeepSettings, *, photos: int) -> None:
    """Draw rate and momentum over the training that these settings ask for."""
    used = max(1, round(photos * (FOLDS - 1) / FOLDS * settings.share))
    plan = schedule_of(settings, steps_of(used, first_batch(settings, used)))
    rows = [{**point, "rate": point["rate"] * settings.peak} for point in points(plan)]
    cycles = ""
    if len(plan.cycles) > 1:
        cycles = f" in cycles of {', '.join(str(length) for length in plan.cycles)}"
    st.caption(
        f"The plan: {plan.epochs:,} epochs{cycles}, {plan.steps:,} steps, at a rate of up to "
        f"{rates.in_short(settings.peak)}."
    )
    curves.draw_plan(rows, end=plan.epochs, key="deep_plan")
