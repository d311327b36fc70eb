"""What the steps of the recipe are called, what they say, and what can be chosen in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

import streamlit as st

from core.networks.backbones import backbone_named
from core.train import recipe as steps
from core.train.augment_choices import PRESETS
from core.train.recipe import Pending, Recipe, group_rates
from ui import augmentation
from ui.training_deep import form, rates
from ui.words import count

if TYPE_CHECKING:
    from core.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Told:
    """One step in words."""

    title: str
    text: str  # two sentences
    button: str
    again: str = "Do it again"  # the button once it is done; empty where that would do nothing
    terms: tuple[str, ...] = ()  # words that first appear here


STEPS: Mapping[int, Told] = MappingProxyType(
    {
        steps.AUGMENT: Told(
            title="Change the photos a little",
            text="Every photo will be shown in slightly different versions, so that the network "
            "learns what matters and not one particular picture. A few versions of each are made "
            "now and what the network sees in them is kept, so the next steps take seconds.",
            button="Use these changes",
            again="Change them",
            terms=("augmentation",),
        ),
        steps.FIND: Told(
            title="Find the rate",
            text="The network tries learning rates from tiny to huge and notes how the loss "
            "answers. A good rate lies where the loss falls steeply, before it turns up.",
            button="Find a rate",
            again="Find it again",
        ),
        steps.LAST: Told(
            title="Train the last layer",
            text="Only the last layer learns, the one that names your classes; all before it "
            "stays as it was. That is quick, because what the rest sees in each photo is known.",
            button="Train the last layer",
            again="Train it again",
            terms=("validation",),
        ),
        steps.AUGMENTED: Told(
            title="Train it with changed photos",
            text="The last layer learns again, now from the changed versions of each photo. "
            "This keeps it from learning your photos by heart.",
            button="Train with changes",
            again="Train it again",
        ),
        steps.UNFREEZE: Told(
            title="Unfreeze everything",
            text="From here on every layer may learn, not only the last. The network was made "
            "for a thousand everyday things; now it can turn to yours.",
            button="Unfreeze",
            again="",
            terms=("unfreeze",),
        ),
        steps.LOWER: Told(
            title="Lower rates for early layers",
            text="The first layers know edges and colours, which your photos have too, so they "
            "should change least. Each third of the network learns so many times slower than the "
            "one after it.",
            button="Use these rates",
            again="Change them",
        ),
        steps.FIND_AGAIN: Told(
            title="Find the rate again",
            text="With all layers learning, the best rate is another one, usually a smaller one. "
            "The search is the same as before.",
            button="Find a rate",
            again="Find it again",
        ),
        steps.FULL: Told(
            title="Train everything",
            text="Everything learns in three cycles of 1, 2 and 4 epochs; at the start of each, "
            "the rate jumps up again. Once the loss on held-out photos rises, it overfits: that "
            "is enough, and the best weights from before are kept.",
            button="Train everything",
            again="Train it again",
            terms=("schedule", "tta"),
        ),
    }
)
VIEWS = (1, 2, 4, 8)
CHANGES = "recipe_changes"  # session key: the augmentation that stands in the first step


def choose_photos(dataset: Dataset, recipe: Recipe, *, disabled: bool) -> None:
    """How photos are changed, and how many versions of each are kept."""
    for name, value in augmentation.widget_values(recipe.augment, key="recipe_augment").items():
        st.session_state.setdefault(name, value)
    st.session_state[CHANGES] = form.choose_augmentation(
        dataset, backbone=recipe.backbone, key="recipe_augment", disabled=disabled
    )
    st.session_state.setdefault("recipe_views", recipe.views)
    st.segmented_control(
        "Versions kept of each photo",
        VIEWS,
        required=True,
        disabled=disabled,
        key="recipe_views",
        persist_state="session",
    )


def choose_ratio(recipe: Recipe, *, disabled: bool) -> None:
    """How many times slower each third learns."""
    st.session_state.setdefault("recipe_ratio", recipe.ratio)
    st.segmented_control(
        "Times slower",
        steps.RATIOS,
        required=True,
        disabled=disabled,
        key="recipe_ratio",
        persist_state="session",
        help="10 where your photos look like everyday photos; 3 where they are very different, "
        "such as satellite or X-ray pictures.",
    )


def chosen(recipe: Recipe) -> Recipe:
    """The recipe with what stands in the fields of its steps."""
    ratio = st.session_state.get("recipe_ratio", recipe.ratio)
    return replace(
        recipe,
        backbone=st.session_state.get("train_backbone", recipe.backbone),
        augment=st.session_state.get(CHANGES, recipe.augment),
        views=int(st.session_state.get("recipe_views", recipe.views)),
        ratio=cast(Literal[3, 10], ratio if ratio in steps.RATIOS else recipe.ratio),
    )


def with_pending(recipe: Recipe, pending: Pending | None) -> Recipe:
    """The recipe with another step under way."""
    return replace(recipe, pending=pending)


def draw_decided(dataset: Dataset, recipe: Recipe, step: int) -> None:
    """The result of a step that needs no work."""
    if step == steps.AUGMENT:
        kept = count(recipe.views, "version")
        st.markdown(
            f"**{_changes_in_words(recipe)}**, with {kept} of each photo kept, by "
            f"{backbone_named(recipe.backbone).title}."
        )
    elif step == steps.UNFREEZE:
        million = backbone_named(recipe.backbone).parameters
        st.markdown(
            f"All of {backbone_named(recipe.backbone).title} learns from here on: about "
            f"**{million:.1f} million** numbers, where the last layer alone has "
            f"{backbone_named(recipe.backbone).dimensions * len(dataset.counts()):,}."
        )
    else:
        early, middle, last = (rates.in_short(rate) for rate in group_rates(1.0, recipe.ratio))
        st.markdown(
            f"When the last layer learns at 1, the middle ones learn at **{middle}** and the "
            f"first ones at **{early}**."
        )


def _changes_in_words(recipe: Recipe) -> str:
    if isinstance(recipe.augment, str):
        return PRESETS[recipe.augment].title if recipe.augment in PRESETS else recipe.augment
    return "Changes of your own"
