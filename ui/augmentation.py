"""How photos are changed while they are learnt from: to choose it, and to see what it does."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from core.dataset import Dataset
from core.dataset.parts import part_of
from core.errors import WinnowError
from core.networks.backbones import DEFAULT, backbone_named
from core.train import preview as looking
from core.train.augment_choices import (
    LEAST_CROP,
    MOST_LIGHTING,
    MOST_ROTATION,
    MOST_WARP,
    MOST_ZOOM,
    PRESETS,
    AugmentChoices,
    choices_of,
)
from core.train.settings import DeepSettings
from ui import seen_pictures
from ui.words import count, plain

Augment = str | dict[str, float | bool]

OWN = "own"  # widget names
WAYS = 8
MOST_DRAWN = 24  # photos of a batch
SAMPLED = 240  # photos to show one after another


class Shown(NamedTuple):
    """A photo that may be shown."""

    content: str
    path: str
    class_name: str


def choose(dataset: Dataset, *, key: str = "augment", disabled: bool = False) -> Augment:
    """Let the user choose how photos are changed: a preset, or each change by itself.

    Args:
        dataset: The one to train on.
        key: Begins the widgets' keys.
        disabled: Whether nothing can be chosen now.

    Returns:
        What ``DeepSettings.augment`` takes: a preset's name, or choices that equal no preset.
    """
    name = st.radio(
        "Change the photos while training",
        list(PRESETS),
        format_func=lambda one: PRESETS[one].title,
        horizontal=True,
        disabled=disabled,
        key=f"{key}_preset",
        persist_state="session",
        on_change=_set_sliders,
        args=(key,),
        help="Each time a photo is learnt from it looks a little different, so that the network "
        "cannot learn it by heart. What is changed must leave the photo in its class.",
    )
    st.caption(PRESETS[name].sentence)
    own = st.toggle(
        "Set each change myself",
        disabled=disabled,
        key=f"{key}_{OWN}",
        persist_state="session",
        on_change=_set_sliders,
        args=(key,),
    )
    return _own_choices(name, key=key, disabled=disabled) if own else name


def widget_values(
    augment: str | Mapping[str, float | bool], *, key: str = "augment"
) -> dict[str, float | bool | str]:
    """What ``choose``'s widgets hold for these choices, by session key.

    Args:
        augment: As ``DeepSettings.augment`` has it.
        key: As for ``choose``.
    """
    values: dict[str, float | bool | str] = {f"{key}_{OWN}": not isinstance(augment, str)}
    if isinstance(augment, str):
        values[f"{key}_preset"] = augment
    for name, value in choices_of(augment).to_json().items():
        values[f"{key}_{name}"] = _on_screen(name, value)
    return values


def preview(dataset: Dataset, choice: str | Mapping[str, float | bool], *, size: int = 0) -> None:
    """Show one photo eight ways, as these choices change it.

    Args:
        dataset: Holds the photos.
        choice: What ``choose`` gave.
        size: Side of the square that the network sees, in pixels; 0: as the first network has it.
    """
    sample = _sample(dataset)
    if sample:
        _draw_preview(dataset, choice, size or backbone_named(DEFAULT).size, sample)
    else:
        st.caption("Once there are photos in classes, one is shown here as training changes it.")


def show_batch(dataset: Dataset, settings: DeepSettings) -> None:
    """Show some photos at once as the network sees them, each with its class below."""
    sample = _sample(dataset)
    if sample:
        _draw_batch(dataset, settings, sample)
    else:
        st.caption(
            "Once there are photos in classes, some are shown here as the network sees them."
        )


def pixels(dataset: Dataset, *, size: int = 0) -> None:
    """Show a photo as the numbers it is to a computer, folded away at first."""
    sample = _sample(dataset)
    if sample:
        _draw_numbers(dataset, size or backbone_named(DEFAULT).size, sample)


def _set_sliders(key: str) -> None:
    """Let the sliders start from the preset that is chosen."""
    own = f"{key}_{OWN}"
    preset = widget_values(st.session_state[f"{key}_preset"], key=key)
    st.session_state.update({**preset, own: st.session_state[own]})


def _own_choices(preset: str, *, key: str, disabled: bool) -> Augment:
    """Sliders for each change, and what they are set to."""
    start = PRESETS[preset].choices

    def switch(name: str, label: str, text: str) -> bool:
        st.session_state.setdefault(f"{key}_{name}", getattr(start, name))
        return st.checkbox(
            label, key=f"{key}_{name}", help=text, disabled=disabled, persist_state="session"
        )

    def slide(name: str, label: str, most: float, step: float, form: str, text: str) -> float:
        least = {"zoom": 1.0, "crop": 100 * LEAST_CROP}.get(name, 0.0)
        # Settings of a run may be whole numbers, which a slider of fractions refuses.
        value = st.session_state.get(f"{key}_{name}", _on_screen(name, getattr(start, name)))
        st.session_state[f"{key}_{name}"] = min(most, max(least, float(value)))
        found: float = st.slider(
            label,
            least,
            most,
            step=step,
            format=form,
            key=f"{key}_{name}",
            help=text,
            disabled=disabled,
            persist_state="session",
        )
        return found

    with st.container(border=True):
        with st.container(horizontal=True, gap="medium"):
            flip = switch("flip", "Mirrored", "Left and right swapped, half of the times.")
            vertical = switch("flip_vertical", "Upside down", "Half of the times.")
            turns = switch("quarter_turns", "Quarter turns", "By 0, 90, 180 or 270 degrees.")
        left, right = st.columns(2)
        with left:
            rotate = slide("rotate", "Turned by up to", MOST_ROTATION, 1.0, "%d°", "Either way.")
            zoom = slide(
                "zoom", "Enlarged by up to", MOST_ZOOM, 0.05, "%.2f ×", "Around any point."
            )
            warp = slide(
                "warp", "Tilted by up to", 100 * MOST_WARP, 5.0, "%d %%", "Seen from another side."
            )
            affine = slide(
                "p_affine", "How often each of these three", 100.0, 5.0, "%d %%", "75 % is usual."
            )
        with right:
            lighting = slide(
                "lighting",
                "Lighter or darker by up to",
                100 * MOST_LIGHTING,
                5.0,
                "%d %%",
                "Brightness and contrast, each by itself.",
            )
            often = slide(
                "p_lighting", "How often each of these two", 100.0, 5.0, "%d %%", "75 % is usual."
            )
            crop = slide(
                "crop",
                "A random part keeps at least",
                100.0,
                5.0,
                "%d %%",
                "Of the photo's area. 100 %: the whole photo.",
            )
        choices = AugmentChoices(
            flip=flip,
            flip_vertical=vertical,
            quarter_turns=turns,
            rotate=rotate,
            zoom=zoom,
            warp=warp / 100,
            lighting=lighting / 100,
            crop=crop / 100,
            p_affine=affine / 100,
            p_lighting=often / 100,
        )
        if not choices.keeps_counts:
            st.caption("Parts of a photo may leave the picture: not for counting what is in it.")
    same = [name for name, one in PRESETS.items() if one.choices == choices]
    return same[0] if same else choices.to_json()


def _on_screen(name: str, value: float | bool) -> float | bool:
    """A choice as its widget shows it: shares in percent."""
    if name in ("warp", "lighting", "crop", "p_affine", "p_lighting"):
        return float(round(100 * value))
    return value


@st.fragment
def _draw_preview(
    dataset: Dataset, choice: str | Mapping[str, float | bool], size: int, sample: list[Shown]
) -> None:
    choices = choices_of(choice)
    at, draws = _counter("augment_photo"), _counter("augment_draw")
    photo = sample[at % len(sample)]
    seen_pictures.draw_ways(
        dataset,
        photo.content,
        f"a photo of {photo.class_name}",
        size=size,
        choices=choices,
        seeds=range(draws * WAYS, draws * WAYS + WAYS) if choices.changes else (),
    )
    if not choices.changes:
        st.caption("Each time it is learnt from, the photo is as it is.")
    with st.container(horizontal=True):
        _next("Another photo", "augment_photo", icon=":material/image:")
        if choices.changes:
            _next("Other changes", "augment_draw", icon=":material/casino:")


@st.fragment
def _draw_batch(dataset: Dataset, settings: DeepSettings, sample: list[Shown]) -> None:
    size = settings.size or backbone_named(settings.backbone).size
    drawn = min(settings.batch, MOST_DRAWN, len(sample))
    number = _counter("augment_batch")
    photos = [sample[(number * drawn + at) % len(sample)] for at in range(drawn)]
    numbers = settings.batch * 3 * size * size
    said = (
        f"A batch is what the network learns from in one step: here "
        f"{count(settings.batch, 'photo')} of {size} × {size} pixels, each pixel three numbers, "
        f"in all {numbers:,} numbers."
    )
    if drawn < settings.batch:
        said += f" These are {drawn} of them."
    st.caption(said)
    seen_pictures.draw_labelled(
        dataset,
        [(photo.content, photo.class_name) for photo in photos],
        size=size,
        choices=choices_of(settings.augment),
        first_seed=10_000 + number * drawn,
    )
    _next("Another batch", "augment_batch", icon=":material/grid_view:")


@st.fragment
def _draw_numbers(dataset: Dataset, size: int, sample: list[Shown]) -> None:
    folded = st.expander(
        "What a photo is to a computer",
        icon=":material/data_array:",
        key="augment_numbers_open",
        on_change="rerun",
    )
    if not folded.open:
        return
    with folded:
        photo = sample[_counter("augment_numbers") % len(sample)]
        file = dataset.by_content(photo.content)
        try:
            if file is None:
                raise WinnowError("This photo is gone. Choose another one.")
            with st.spinner("Reading the numbers …"):
                numbers = looking.pixels(file, photo.content, size=size)
        except WinnowError as error:
            st.info(plain(str(error)), icon=":material/info:")
        else:
            seen_pictures.draw_numbers(dataset, photo.content, photo.class_name, numbers)
        _next("Another photo", "augment_numbers", icon=":material/image:")


def _counter(name: str) -> int:
    return int(st.session_state.get(name, 0))


def _next(label: str, name: str, *, icon: str) -> None:
    """A button that counts on."""
    st.button(label, icon=icon, key=f"{name}_next", on_click=_count_on, args=(name,))


def _count_on(name: str) -> None:
    st.session_state[name] = _counter(name) + 1


def _sample(dataset: Dataset) -> list[Shown]:
    return _sampled(dataset, dataset.home, dataset.version())


@st.cache_data(max_entries=8, show_spinner=False)
def _sampled(_dataset: Dataset, home: Path, version: int) -> list[Shown]:
    """Some photos of those that are learnt from, of all classes, in random order.

    Chosen once per version of the data set: in a large one it takes a while.
    """
    parts = _dataset.parts()
    rows = [
        row
        for row in _dataset.rows()
        if row.class_name and row.content and part_of(row.path, parts) in (None, "train")
    ]
    chosen = random.Random(0).sample(rows, min(SAMPLED, len(rows)))
    return [Shown(row.content, row.path, row.class_name or "") for row in chosen]
