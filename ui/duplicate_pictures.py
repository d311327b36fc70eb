"""Photos of one group side by side, with what differs below each."""

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from core.clean.copies import Copies
from core.dataset import Dataset, FileRow
from core.dataset.facts import Facts, load_facts
from core.dataset.names import name_of
from core.dataset.parts import part_of
from core.dataset.sources import Source, sources_of
from ui.collecting.pictures import whole_picture
from ui.words import shown

HEIGHT = 140  # of a picture
MOST_PICTURES = 12  # of a group; more are counted
WIDTH = 150  # least pixels for a picture

KINDS = {"exact": "The same picture", "near": "The same photo, changed", "scene": "One scene"}
MARKS = {"stays": ("✓ stays", "#0f766e"), "goes": ("✕ goes", "#b45309")}


class Known(NamedTuple):
    """What is shown of photos besides the photos."""

    facts: Mapping[str, Facts]
    sources: Mapping[int, Source]


def known_of(dataset: Dataset, groups: Sequence[Copies]) -> Known:
    """What is known of the photos of some groups, asked at once."""
    rows = [row for group in groups for row in group.files[:MOST_PICTURES]]
    return Known(
        facts=load_facts(dataset, {row.content for row in rows}),
        sources=sources_of(dataset, (row.id for row in rows)),
    )


def draw(
    dataset: Dataset,
    group: Copies,
    known: Known,
    *,
    numbered: bool = False,
    stays: int | None = None,
    parts: Sequence[str] = (),
) -> None:
    """Draw a group's photos in a row that wraps.

    Args:
        dataset: Holds them.
        group: Of files.
        known: From ``known_of``.
        numbered: Whether each has a number, by which it can be chosen.
        stays: The id of the file that is kept, if any goes.
        parts: Of the data set; given where the part of each photo is told.
    """
    drawn = group.files[:MOST_PICTURES]
    sharpest = _sharpest(drawn, known)
    figures = [
        _figure(
            dataset,
            row,
            known,
            number=at if numbered else None,
            mark=None if stays is None else "stays" if row.id == stays else "goes",
            is_sharpest=row.content == sharpest,
            part=part_of(row.path, parts),
        )
        for at, row in enumerate(drawn, start=1)
    ]
    more = len(group.files) - len(drawn)
    if more:
        figures.append(f'<div style="align-self:center;opacity:.8">and {more:,} more</div>')
    st.html(
        '<div style="display:grid;gap:.75rem;'
        f'grid-template-columns:repeat(auto-fill,minmax({WIDTH}px,1fr))">{"".join(figures)}</div>'
    )


def _figure(
    dataset: Dataset,
    row: FileRow,
    known: Known,
    *,
    number: int | None,
    mark: str | None,
    is_sharpest: bool,
    part: str | None,
) -> str:
    class_name = html.escape(shown(row.class_name or "unsorted", limit=40))
    head = " · ".join(str(one) for one in (number, part, class_name) if one)
    said = [_line(row, known, is_sharpest=is_sharpest), shown(name_of(row.path), limit=40)]
    source = known.sources.get(row.id)
    if source is not None:
        said.append(shown(_from(source), limit=60))
    lines = "".join(
        f'<div style="opacity:.75;overflow-wrap:anywhere">{html.escape(line)}</div>'
        for line in said
        if line
    )
    faded, badge = "", ""
    if mark is not None:
        words, colour = MARKS[mark]
        faded = "opacity:.45;" if mark == "goes" else ""
        badge = (
            f'<span style="background:{colour};color:#fff;border-radius:.3rem;padding:0 .35rem;'
            f'font-size:.75rem;white-space:nowrap">{words}</span>'
        )
    picture = whole_picture(dataset, row.content, row.path, height=HEIGHT)
    return (
        f'<figure style="margin:0;min-width:0"><div style="{faded}">{picture}</div>'
        '<figcaption style="font-size:.8rem;line-height:1.35;padding-top:.25rem">'
        '<div style="display:flex;gap:.4rem;justify-content:space-between;flex-wrap:wrap">'
        f'<b style="overflow-wrap:anywhere">{head}</b>{badge}</div>{lines}</figcaption></figure>'
    )


def _line(row: FileRow, known: Known, *, is_sharpest: bool) -> str:
    """Size in pixels and bytes, and whether it is the sharpest."""
    said = []
    facts = known.facts.get(row.content)
    if facts is not None:
        said.append(f"{facts.width:,} × {facts.height:,}")
    said.append(f"{row.bytes / 1000:,.0f} KB" if row.bytes >= 1000 else f"{row.bytes} bytes")
    if is_sharpest:
        said.append("sharpest")
    return ", ".join(said)


def _sharpest(rows: Sequence[FileRow], known: Known) -> str | None:
    """The content that is clearly sharper than the next."""
    order = sorted({row.content for row in rows}, key=lambda one: -_sharpness(one, known))
    if len(order) < 2 or _sharpness(order[0], known) <= 1.05 * _sharpness(order[1], known):
        return None
    return order[0]


def _sharpness(content: str, known: Known) -> float:
    facts = known.facts.get(content)
    return facts.sharpness if facts else 0.0


def _from(source: Source) -> str:
    words = f"from {source.via}"
    if source.query:
        words += f": {source.query}"
    return f"{words}, {source.licence}" if source.licence else words
