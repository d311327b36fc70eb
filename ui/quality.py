"""Findings on photos that can be used: a line to move, the photos next to it, and what to do.

The lists stay as they are while somebody marks photos in them; they are made anew when another
finding is chosen, the line is moved, or the next photos are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import streamlit as st

from core import jobs
from core.clean.findings import BY_NAME, Finding, Ranking, keep_threshold, rankings, threshold_of
from core.clean.odd_ones import uncompared
from core.clean.scores import said_fine, say_fine, state_of_scores
from core.dataset import Dataset, FileRow
from core.dataset.names import name_of
from core.errors import WinnowError
from ui import job_status, sidebar
from ui.gallery import Tile, bring_to_disk, gallery
from ui.held_choice import held_choice, hold_choice
from ui.words import count, plain, shown

A_ROW = 12  # photos shown on each side of the line
A_PAGE = 200
COMPARE, COMPARE_JOB = "compare", "core.clean.odd_ones:odd_ones_job"
AROUND, ALL = "Around the line", "All found, worst first"
FINDING, VIEW = "quality_finding", "quality_view"
LISTS = "quality_lists"
REMOVING = "quality_removing"
FEWEST_TO_HAVE_MOST = 10  # of three photos, two say nothing about a set


@dataclass(frozen=True, kw_only=True)
class Lists:
    """The photos on screen with their scores, and what they were listed for."""

    purpose: tuple[Any, ...]
    found: list[tuple[FileRow, float]] = field(default_factory=list)
    kept: list[tuple[FileRow, float]] = field(default_factory=list)


def draw(dataset: Dataset) -> None:
    """Draw the findings, from the choice of one to the photos on both sides of its line."""
    st.subheader("Worth a look", anchor=False)
    st.markdown(
        "These photos can be used. Each finding ranks all of them and names those below its line, "
        "which you can move."
    )
    job = job_status.draw(dataset.home, COMPARE)
    _work(dataset, busy=job is not None and jobs.alive(job))


@st.cache_resource(max_entries=4, show_spinner=False)
def _ranked(home: str, state: tuple[int, int], _dataset: Dataset) -> dict[str, Ranking]:
    """The rankings; many photos take a moment, and a click seldom changes them."""
    return rankings(_dataset)


@st.fragment
def _work(dataset: Dataset, *, busy: bool) -> None:
    chosen = held_choice(FINDING)
    if chosen in BY_NAME and not dataset.read_only:
        # Whatever is counted below counts the latest mark.
        bring_to_disk(dataset, key=_key(dataset, chosen), keep=partial(_keep, dataset, chosen))
    ranked = _ranked(str(dataset.home), state_of_scores(dataset), dataset)
    if not ranked:
        return
    finding = _choose(dataset, ranked)
    st.markdown(f"**{finding.title}.** {finding.explanation}")
    if finding.name == "odd_one":
        _offer_comparing(dataset, busy=busy)
    ranking = ranked.get(finding.name)
    if ranking is not None:
        _draw_ranking(dataset, ranking)


def _choose(dataset: Dataset, ranked: dict[str, Ranking]) -> Finding:
    """Pills with how many photos each finding names; the first that names any is chosen."""
    numbers = {
        name: ranked[name].found(threshold_of(dataset, finding)) if name in ranked else None
        for name, finding in BY_NAME.items()
    }
    naming = [name for name, number in numbers.items() if number]
    hold_choice(FINDING, numbers, (naming or list(ranked))[0])
    name = st.pills(
        "Finding",
        list(numbers),
        required=True,
        format_func=lambda name: _pill(BY_NAME[name], numbers[name]),
        key=FINDING,
    )
    return BY_NAME[name]


def _pill(finding: Finding, number: int | None) -> str:
    return finding.title if number is None else f"{finding.title} ({number:,})"


def _offer_comparing(dataset: Dataset, *, busy: bool) -> None:
    """The photos have to pass through the network before they can be compared."""
    missing = uncompared(dataset, dataset.rows())
    if not missing:
        return
    st.button(
        f"Compare {count(missing, 'photo')} with the others of their class",
        key="quality_compare",
        icon=":material/compare:",
        disabled=busy,
        help="Passes them through the network once, which training then need not do.",
        on_click=job_status.start,
        args=(dataset.home, COMPARE, COMPARE_JOB, {"root": str(dataset.root)}),
    )


def _draw_ranking(dataset: Dataset, ranking: Ranking) -> None:
    finding = ranking.finding
    line, view = st.columns([3, 2], vertical_alignment="bottom", gap="medium")
    with line:
        threshold = _draw_line(dataset, finding)
    with view:
        chosen = st.segmented_control(
            "Show", [AROUND, ALL], required=True, default=AROUND, key=VIEW
        )
    number = ranking.found(threshold)
    lists = _lists(dataset, ranking, threshold, chosen or AROUND)
    _say_counts(ranking, threshold, number)
    _draw_buttons(dataset, ranking, threshold, number, lists)
    _draw_found(dataset, finding, lists, chosen or AROUND)
    if chosen != ALL:
        _draw_kept(dataset, finding, lists)


def _draw_line(dataset: Dataset, finding: Finding) -> float:
    key = f"quality_line_{finding.name}_{dataset.token}"
    if key not in st.session_state:
        st.session_state[key] = round(threshold_of(dataset, finding), 2)
    threshold: float = st.slider(
        "Line: photos that score lower are found",
        0.0,
        1.0,
        step=0.01,
        key=key,
        help="0 is the most suspect, 1 is not suspect at all.",
        on_change=_keep_line,
        args=(dataset, finding, key),
    )
    return threshold


def _keep_line(dataset: Dataset, finding: Finding, key: str) -> None:
    keep_threshold(dataset, finding, st.session_state[key])


def _say_counts(ranking: Ranking, threshold: float, number: int) -> None:
    parts = [f"**{number:,}** found", f"{len(ranking.ids) - number:,} kept"]
    if ranking.finding.reading is not None:
        parts.append(f"the line: {ranking.finding.reading(threshold)}")
    if ranking.fine:
        parts.append(f"{ranking.fine:,} said to be fine")
    st.markdown(" · ".join(parts))
    if names_most(len(ranking.ids), number):
        st.info(
            f"This finding names more than half of the photos ({number:,} of "
            f"{len(ranking.ids):,}). Then it tells what the set is like, and not what is wrong in "
            "it: drawings, scans or microscope pictures are often like that. Move the line down "
            "to see only the worst, or choose another finding.",
            icon=":material/info:",
        )


def names_most(photos: int, found: int) -> bool:
    """Whether a finding names so many photos that it describes the set."""
    return photos >= FEWEST_TO_HAVE_MOST and found * 2 > photos


def _lists(dataset: Dataset, ranking: Ranking, threshold: float, view: str) -> Lists:
    """The photos to show: those listed before, if it is still the same list."""
    purpose = (dataset.token, ranking.finding.name, threshold, view)
    known: Lists | None = st.session_state.get(LISTS)
    if known is not None and known.purpose == purpose:
        return known
    number = ranking.found(threshold)
    found = list(range(number)) if view == ALL else ranking.just_below(threshold, A_ROW)
    kept = [] if view == ALL else ranking.just_above(threshold, A_ROW)
    lists = Lists(
        purpose=purpose,
        found=_rows(dataset, ranking, found),
        kept=_rows(dataset, ranking, kept),
    )
    st.session_state[LISTS] = lists
    return lists


def _rows(
    dataset: Dataset, ranking: Ranking, positions: Sequence[int]
) -> list[tuple[FileRow, float]]:
    ids = [int(ranking.ids[at]) for at in positions]
    rows = dataset.get(ids)
    return [
        (rows[file_id], float(ranking.scores[at]))
        for file_id, at in zip(ids, positions, strict=True)
        if file_id in rows
    ]


def _draw_buttons(
    dataset: Dataset, ranking: Ranking, threshold: float, number: int, lists: Lists
) -> None:
    finding = ranking.finding
    still_there = dataset.get(row.id for row, _ in lists.found)
    fine = said_fine(dataset, finding.name)
    unmarked = [row for row in still_there.values() if row.content not in fine]
    with st.container(horizontal=True):
        st.button(
            f"Remove all {number:,} found" if number != 1 else "Remove the one found",
            key="quality_remove_all",
            icon=":material/delete:",
            disabled=not number or dataset.read_only,
            on_click=_ask_to_remove,
            args=(finding.name,),
        )
        st.button(
            f"The {len(unmarked):,} shown look fine" if len(unmarked) != 1 else "It looks fine",
            key="quality_all_fine",
            icon=":material/thumb_up:",
            disabled=not unmarked,
            help="Remembered: this finding does not name them again.",
            on_click=_say_shown_fine,
            args=(dataset, finding.name, unmarked),
        )
        if len(unmarked) < len(lists.found):
            st.button(
                "Show the next",
                key="quality_next",
                icon=":material/refresh:",
                on_click=_list_anew,
            )
        if ranking.fine:
            st.button(
                f"Name the {ranking.fine:,} again" if ranking.fine > 1 else "Name it again",
                key="quality_forget_fine",
                type="tertiary",
                help="Forgets which photos look fine for this finding.",
                on_click=_forget_fine,
                args=(dataset, finding.name),
            )
    if st.session_state.get(REMOVING) == finding.name:
        _confirm_removing(dataset, ranking, threshold)


def _draw_found(dataset: Dataset, finding: Finding, lists: Lists, view: str) -> None:
    st.markdown("**Found**" if view == ALL else "**Found**, nearest to the line first")
    if not lists.found:
        st.markdown("No photo lies below the line.")
        return
    pages = -(-len(lists.found) // A_PAGE)
    page_key = f"quality_page_{finding.name}"
    page = max(1, min(st.session_state.get(page_key, 1), pages))
    part = lists.found[(page - 1) * A_PAGE : page * A_PAGE]
    gallery(
        dataset,
        _tiles(dataset, finding, part),
        key=_key(dataset, finding.name),
        label=f"{finding.title}: found photos",
        editable=not dataset.read_only,
        keeps="Looks fine",
        keep=partial(_keep, dataset, finding.name),
        small=view != ALL,
    )
    if pages > 1:
        st.pagination(pages, key=page_key)


def _draw_kept(dataset: Dataset, finding: Finding, lists: Lists) -> None:
    st.markdown("**Kept**, nearest to the line first")
    if not lists.kept:
        st.markdown("No photo lies above the line.")
        return
    gallery(
        dataset,
        _tiles(dataset, finding, lists.kept),
        key=f"{_key(dataset, finding.name)}_kept",
        label=f"{finding.title}: kept photos",
        editable=False,
        small=True,
    )


def _tiles(
    dataset: Dataset, finding: Finding, photos: Sequence[tuple[FileRow, float]]
) -> list[Tile]:
    fine = said_fine(dataset, finding.name)
    return [
        Tile(
            id=row.id,
            content=row.content,
            was=row.class_name or dataset.unsorted,
            lines=(
                shown(row.class_name or dataset.unsorted, limit=40),
                f"{score:.2f}{_reading(finding, score)}",
            ),
            more=(shown(name_of(row.path)),),
            kept=row.content in fine,
        )
        for row, score in photos
    ]


def _reading(finding: Finding, score: float) -> str:
    return f" · {finding.reading(score)}" if finding.reading is not None else ""


@st.dialog("Remove the found photos?", on_dismiss=lambda: _ask_to_remove(None))
def _confirm_removing(dataset: Dataset, ranking: Ranking, threshold: float) -> None:
    number = ranking.found(threshold)
    title = ranking.finding.title.lower()
    st.markdown(
        f"This removes **{count(number, 'photo')}** found as “{title}”, not only those on screen. "
        "They go to the removed photos and can be restored; Undo brings all of them back at once."
    )
    with st.container(horizontal=True):
        go = st.button(
            f"Remove {count(number, 'photo')}",
            key="quality_remove_confirm",
            type="primary",
            icon=":material/delete:",
        )
        stay = st.button("Cancel", key="quality_remove_cancel")
    if go:
        try:
            sidebar.say_step(dataset.remove(int(one) for one in ranking.ids[:number]))
        except WinnowError as error:
            st.toast(plain(str(error)), icon=":material/error:")
        _list_anew()
    if go or stay:
        _ask_to_remove(None)
        st.rerun()


def _ask_to_remove(finding: str | None) -> None:
    st.session_state[REMOVING] = finding


def _say_shown_fine(dataset: Dataset, finding: str, rows: Sequence[FileRow]) -> None:
    say_fine(dataset, [row.content for row in rows], finding)
    _list_anew()


def _forget_fine(dataset: Dataset, finding: str) -> None:
    say_fine(dataset, said_fine(dataset, finding), finding, fine=False)
    _list_anew()


def _list_anew() -> None:
    st.session_state.pop(LISTS, None)


def _keep(dataset: Dataset, finding: str, ids: Sequence[int], fine: bool) -> None:
    rows = dataset.get(ids).values()
    say_fine(dataset, [row.content for row in rows], finding, fine=fine)


def _key(dataset: Dataset, finding: str) -> str:
    """Of the gallery: another finding is another list with marks of its own."""
    return f"quality_{dataset.token}_{finding}"
