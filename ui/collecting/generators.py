"""Pictures that Winnow draws by itself: choices, what they look like, and a button."""

import io
from dataclasses import asdict

import streamlit as st

from core.collect.circle_sets import (
    MOST_CIRCLES,
    MOST_PICTURES,
    SIDES,
    CircleChoices,
    objection,
    picture,
)
from core.collect.ready_made import in_size
from ui.collecting import arriving, made_here
from ui.collecting.target import Target
from ui.words import count

JOB = "core.collect.generating:generate_job"
SHOWN_CLASSES = 10
SHOWN_PIXELS = 128
COLOURS = {"many": "Many", "one": "One"}


def draw(target: Target) -> None:
    """Draw the choices, a picture of each class, and the button that makes them.

    The choices outlast the making, during which they are not drawn.
    """
    st.caption(
        "Pictures of circles, to be told apart by how many there are. Nothing is downloaded, every "
        "label is right, and the same choices draw the same pictures."
    )
    choices = _choose()
    if problem := objection(choices):
        st.warning(problem, icon=":material/warning:")
        return
    bytes_each = _draw_preview(choices)
    pictures = len(choices.counts) * choices.per_class
    classes = count(len(choices.counts), "class", "classes")
    st.caption(
        f"{classes}, {count(pictures, 'picture')} of {choices.side} × {choices.side} pixels, "
        f"about {in_size(max(1_000_000, pictures * bytes_each))}."
    )
    busy = made_here.is_busy(target)
    if st.button(
        f"Draw {count(pictures, 'picture')}",
        key="circles_draw",
        icon=":material/brush:",
        type="secondary" if arriving.leads_on(target.dataset) else "primary",
        disabled=busy,
        help="Other photos are still arriving. Wait for them, or stop them." if busy else None,
    ):
        name = f"circles-{choices.fewest}-{choices.most}"
        made_here.begin(target, JOB, {"choices": asdict(choices)}, name=name)


def _choose() -> CircleChoices:
    usual = CircleChoices()
    with st.grid(4, min_column_width=150):
        fewest = st.number_input(
            "Fewest circles",
            1,
            MOST_CIRCLES,
            usual.fewest,
            key="circles_fewest",
            persist_state="session",
        )
        most = st.number_input(
            "Most circles", 1, MOST_CIRCLES, usual.most, key="circles_most", persist_state="session"
        )
        per_class = st.number_input(
            "Pictures of each class",
            1,
            MOST_PICTURES,
            usual.per_class,
            10,
            key="circles_per_class",
            persist_state="session",
        )
        side = st.selectbox(
            "Size",
            SIDES,
            index=SIDES.index(usual.side),
            format_func=lambda pixels: f"{pixels} × {pixels} pixels",
            key="circles_side",
            persist_state="session",
        )
        colours = st.segmented_control(
            "Colours in a picture",
            list(COLOURS),
            default=usual.colours,
            required=True,
            format_func=COLOURS.__getitem__,
            key="circles_colours",
            persist_state="session",
        )
        overlap = st.toggle(
            "They may overlap",
            key="circles_overlap",
            persist_state="session",
            help="Harder to count. None hides another.",
        )
        seed = st.number_input(
            "Series",
            0,
            999_999,
            usual.seed,
            key="circles_seed",
            persist_state="session",
            help="Another number draws other pictures by the same choices.",
        )
    return CircleChoices(
        fewest=int(fewest),
        most=int(most),
        per_class=int(per_class),
        side=int(side),
        colours="one" if colours == "one" else "many",
        overlap=overlap,
        seed=int(seed),
    )


def _draw_preview(choices: CircleChoices) -> int:
    """Show the first picture of each class, of some where there are many; returns bytes of one."""
    counts = choices.counts
    step = max(1, -(-len(counts) // SHOWN_CLASSES))
    seen = list(counts[::step])
    if step > 1 and seen[-1] != counts[-1]:
        seen[-1] = counts[-1]
    looks = {**asdict(choices), "fewest": 1, "per_class": 1}
    drawn = [_first_picture(looks, number) for number in seen]
    with st.container(horizontal=True):
        for number, data in zip(seen, drawn, strict=True):
            st.image(data, caption=count(number, "circle"), width=SHOWN_PIXELS)
    if step > 1:
        st.caption(f"{len(seen)} of {len(counts)} classes are shown.")
    return sum(len(data) for data in drawn) // len(drawn)


@st.cache_data(max_entries=200, show_spinner=False)
def _first_picture(looks: dict[str, object], number: int) -> bytes:
    data = io.BytesIO()
    picture(CircleChoices(**looks), number, 0).save(data, "PNG")  # type: ignore[arg-type]
    return data.getvalue()
