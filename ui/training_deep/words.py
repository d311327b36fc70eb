"""Short explanations where a word first appears, folded away until somebody asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import streamlit as st


@dataclass(frozen=True)
class Term:
    """A word of machine learning, and what it means."""

    title: str
    text: str  # Markdown


TERMS: Mapping[str, Term] = MappingProxyType(
    {
        "loss": Term(
            "Loss",
            "How surprised the network is by the class a photo has. With $p$ for the probability "
            "it gave that class, the loss of one photo is\n\n"
            "$$\\text{loss} = -\\ln p$$\n\n"
            "A bear that it calls a bear with 90 % costs $-\\ln 0.9 = 0.11$; with 50 %, "
            "$-\\ln 0.5 = 0.69$; with 1 %, $-\\ln 0.01 = 4.61$. Shown is the mean over the photos. "
            "Training does one thing: it makes this number smaller.",
        ),
        "accuracy": Term(
            "Accuracy and error rate",
            "The **accuracy** is the share of photos whose most probable class is the right one; "
            "the **error rate** is the rest. Right on 465 of 480 photos is an accuracy of 96.9 % "
            "and an error rate of 3.1 %. Unlike the loss it does not care how sure the network "
            "was.",
        ),
        "epoch": Term(
            "Epoch",
            "One pass over all photos it learns from. Six epochs: it sees each photo six times, "
            "with augmentation a little changed each time.",
        ),
        "batch": Term(
            "Batch",
            "The photos looked at together before the network is changed a little. With 480 photos "
            "and a batch size of 32 there are 15 such steps in an epoch. Large batches need more "
            "memory; where it does not suffice, Winnow halves them by itself.",
        ),
        "rate": Term(
            "Learning rate",
            "How far the network is changed in each step. Too small, and it hardly learns; too "
            "large, and it leaps past what is good and the loss runs away. **Find a rate** tries "
            "rates from tiny to huge for a moment and shows where the loss falls best.",
        ),
        "overfitting": Term(
            "Overfitting",
            "Learning photos by heart instead of what their classes have in common. It shows when "
            "the loss on photos it learns from goes on falling while the loss on held-out photos "
            "rises. Winnow keeps the weights from before.",
        ),
        "validation": Term(
            "Held out, validation",
            "Photos kept away from learning, a fifth of them, to see how well it does on photos "
            "it has never seen. Only their figures say how good it will be for you.",
        ),
        "unfreeze": Term(
            "Freeze and unfreeze",
            "The network has seen a million photos before yours, so its early stages know edges, "
            "fur and eyes already. **Frozen** stages stay as they are, which is fast; when they "
            "are **unfrozen** they learn your photos, too.",
        ),
        "augmentation": Term(
            "Augmentation",
            "Showing each photo a little changed every time: mirrored, turned, lighter. The class "
            "stays the same, so the network learns not to depend on such things, as if there were "
            "more photos.",
        ),
        "schedule": Term(
            "Schedule and momentum",
            "How the learning rate goes over the training. **One cycle** warms up to the full "
            "rate and then comes down to nearly nothing. **Restarts** come down again and "
            "again, each cycle longer than the last. **Momentum** is how much of its last "
            "direction a step keeps, like a ball that rolls on.",
        ),
        "tta": Term(
            "Looking twice",
            "A photo is judged by itself and by its mirror image, and the answers are averaged. "
            "That costs a second look and often mends a mistake or two. It is also called "
            "test-time augmentation.",
        ),
    }
)


def explain(*names: str, key: str) -> None:
    """Draw a row of words that unfold into what they mean."""
    with st.container(horizontal=True, gap="small", key=f"{key}_words"):
        for name in names:
            term = TERMS[name]
            with st.popover(
                term.title, icon=":material/help:", type="tertiary", key=f"{key}_word_{name}"
            ):
                st.markdown(term.text)
