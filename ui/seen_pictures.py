"""Photos as the network sees them, drawn as HTML. Every word in it is escaped."""

import html
from collections.abc import Sequence

import streamlit as st

from core.dataset import Dataset
from core.train.augment_choices import AugmentChoices
from core.train.preview import CHANNELS, Pixel, Pixels
from ui.media import seen_url
from ui.words import shown

# A place is kept for what has not come yet, and a white photo has an edge on a white page.
FRAMED = (
    "border-radius:.35rem;background:rgba(128,128,128,.15);"
    "outline:1px solid rgba(128,128,128,.3);outline-offset:-1px"
)
LABEL = "font-size:.8rem;line-height:1.35;overflow-wrap:anywhere"
HALF_BRIGHT = 140  # of 255; on brighter colours the numbers are black


def draw_ways(
    dataset: Dataset,
    content: str,
    title: str,
    *,
    size: int,
    choices: AugmentChoices,
    seeds: Sequence[int],
) -> None:
    """Draw a photo as it is, and beside it as each seed changes it."""
    whole = _picture(seen_url(dataset, content, size=size), title)
    parts = [
        '<figure style="margin:0;flex:1 1 9rem;max-width:15rem">'
        f'{whole}<figcaption style="{LABEL}">as it is</figcaption></figure>'
    ]
    if seeds:
        ways = "".join(
            _picture(
                seen_url(dataset, content, size=size, seed=seed, choices=choices),
                f"{title}, changed, {at} of {len(seeds)}",
            )
            for at, seed in enumerate(seeds, start=1)
        )
        parts.append(
            '<div style="flex:3 1 18rem;max-width:40rem;display:grid;gap:.5rem;'
            f'grid-template-columns:repeat(4,minmax(0,1fr));align-content:start">{ways}</div>'
        )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.75rem">{"".join(parts)}</div>')


def draw_labelled(
    dataset: Dataset,
    photos: Sequence[tuple[str, str]],
    *,
    size: int,
    choices: AugmentChoices,
    first_seed: int,
) -> None:
    """Draw photos, changed, with the class below each.

    Args:
        dataset: Holds them.
        photos: Content and class of each.
        size: Side of the square that the network sees, in pixels.
        choices: How far they are changed.
        first_seed: Of the first; each has its own.
    """
    figures = []
    for seed, (content, class_name) in enumerate(photos, start=first_seed):
        name = shown(class_name, limit=40)
        url = seen_url(dataset, content, size=size, seed=seed, choices=choices)
        figures.append(
            f'<figure style="margin:0;min-width:0">{_picture(url, name)}'
            f'<figcaption style="{LABEL};padding-top:.15rem">{html.escape(name)}</figcaption>'
            "</figure>"
        )
    st.html(
        '<div style="display:grid;gap:.6rem;'
        f'grid-template-columns:repeat(auto-fill,minmax(6rem,1fr))">{"".join(figures)}</div>'
    )


def draw_numbers(dataset: Dataset, content: str, class_name: str, numbers: Pixels) -> None:
    """Draw a photo, its three colours by themselves, and a few pixels enlarged, in numbers."""
    size = numbers.size
    st.markdown(
        f"This photo is **{numbers.width:,} pixels** wide and **{numbers.height:,}** high. A pixel "
        "is three numbers from 0 (none) to 255 (full): how much red, green and blue light. That is "
        f"all a computer has of it: {3 * numbers.width * numbers.height:,} numbers. The network "
        f"sees it as a square of {size} × {size} pixels, {3 * size * size:,} numbers. Whether they "
        "show one class or another is what training finds out."
    )
    name = shown(class_name, limit=40)
    few = len(numbers.few)
    left, top, side = (100 * one / size for one in (numbers.left, numbers.top, few))
    frame = (
        f'<span style="position:absolute;left:{left:.2f}%;top:{top:.2f}%;width:{side:.2f}%;'
        f'height:{side:.2f}%;outline:2px solid #fff;box-shadow:0 0 0 4px #000"></span>'
    )
    whole = _picture(seen_url(dataset, content, size=size), name)
    pictures = [
        f'<figure style="margin:0"><div style="position:relative;line-height:0">{whole}{frame}'
        f'</div><figcaption style="{LABEL};padding-top:.15rem">what the network sees</figcaption>'
        "</figure>"
    ]
    for channel in CHANNELS:
        url = seen_url(dataset, content, size=size, channel=channel)
        pictures.append(
            f'<figure style="margin:0">{_picture(url, f"{name}, {channel} only")}'
            f'<figcaption style="{LABEL};padding-top:.15rem">how much {channel}</figcaption>'
            "</figure>"
        )
    st.html(
        '<div style="display:grid;gap:.75rem;max-width:60rem;'
        f'grid-template-columns:repeat(auto-fit,minmax(8rem,1fr))">{"".join(pictures)}</div>'
    )
    st.markdown(
        f"The {few * few} pixels in the frame, enlarged. In each, from top to bottom: red, green, "
        "blue."
    )
    cells = "".join(_cell(pixel) for row in numbers.few for pixel in row)
    st.html(
        f'<div style="display:grid;grid-template-columns:repeat({few},1fr);max-width:26rem;'
        'border-radius:.35rem;overflow:hidden;border:1px solid rgba(128,128,128,.3)">'
        f"{cells}</div>"
    )


def _picture(url: str, title: str) -> str:
    """A square picture whose place is kept free before it has come."""
    alt = html.escape(shown(title, limit=120), quote=True)
    return (
        f'<img src="{html.escape(url, quote=True)}" alt="{alt}" loading="lazy" '
        f'style="width:100%;aspect-ratio:1;{FRAMED}">'
    )


def _cell(pixel: Pixel) -> str:
    red, green, blue = pixel
    bright = 0.299 * red + 0.587 * green + 0.114 * blue  # as the eye weighs them
    ink = "#000" if bright > HALF_BRIGHT else "#fff"
    return (
        f'<div style="background:rgb({red},{green},{blue});color:{ink};text-align:center;'
        'font:.75rem/1.25 ui-monospace,monospace;padding:.35rem 0">'
        f"{red}<br>{green}<br>{blue}</div>"
    )
