"""The gallery: photos that keys, mouse and touch can mark; one Streamlit component.

The page gives tiles; the gallery shows where each photo stands now, takes marks to the journal
and answers the browser. It belongs into a fragment, so that a mark reruns nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from core.dataset import Dataset
from core.dataset.classes import class_order
from core.dataset.steps import Kind, standing_about
from ui import media
from ui.gallery.edits import Answer, Keep, Settled, is_settled, settle
from ui.words import shown

HERE = Path(__file__).parent
# What the key ``u`` takes back.
UNDONE_HERE: tuple[Kind, ...] = ("relabel", "remove", "split_class")
# One module for the browser, in the order in which its parts need each other.
PARTS = ("edit_log", "tiles", "toolbar", "marks", "palette", "large_view", "keys", "gallery")

_component = st.components.v2.component(
    "winnow_gallery",
    css=(HERE / "gallery.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS),
)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One photo as the page wants it shown."""

    id: int
    content: str
    was: str  # the class the page lists it under; one that now stands elsewhere says so
    lines: tuple[str, ...]  # the caption, one or two short lines
    more: tuple[str, ...] = ()  # further sentences for the large view
    heat: tuple[tuple[str, str], ...] = ()  # (caption, address) of each heat map
    suggested: str | None = None  # the class one key moves it to
    kept: bool = False  # found right before, where the page remembers that


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Pages before and after the one shown; the keys ``[`` and ``]`` turn them."""

    previous: bool
    next: bool
    turn: Callable[[int], None]  # called with -1 or 1 before the page is drawn again
    advance: bool = False  # go on by itself once every photo shown is marked


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """What a gallery offers where whole sets are sorted."""

    select_all: bool = False  # begin with all photos selected, so that one key marks them
    large: bool = False  # begin in the large view
    hint: str | None = None  # the line that says what to press


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the gallery shows after the latest marks."""

    marked: int  # tiles that stand in another class than listed, or are removed
    applied: int  # edits that this redraw brought to disk
    problem: str | None


def gallery(
    dataset: Dataset,
    tiles: Sequence[Tile],
    *,
    key: str,
    label: str,
    editable: bool = True,
    autofocus: bool = False,
    since: int | None = None,
    turns: Turns | None = None,
    labelling: Labelling | None = None,
    keeps: str | None = None,
    keep: Keep | None = None,
    small: bool = False,
) -> Shown:
    """Draw the gallery and bring to disk what was marked in it.

    Args:
        tiles: In the order to show them. Keep the order while the user works: tiles must not jump.
        label: What the list is, for screen readers.
        autofocus: Take the keyboard when nothing else on the page has it.
        since: Journal step after which ``u`` may undo; None for any step these photos show.
        turns: The pages of a longer list. Keys pressed while one is turned count on the next.
        labelling: For sorting whole sets: classes can be made, and left, by key.
        keeps: What the key ``.`` says of a photo, such as "Looks fine", where the page remembers
            it; without it the browser does.
        keep: Remembers it.
        small: Whether tiles are small, so that more are seen at once.
    """
    if editable:
        bring_to_disk(dataset, key=key, keep=keep)
    answers: dict[str, Answer] = st.session_state.setdefault(f"{key}:answers", {})
    problem: str | None = st.session_state.get(f"{key}:problem")
    now = _classes_now(dataset, tiles)
    made = {step for answer in answers.values() for step in answer.made.values()}
    data = {
        "store": f"{dataset.token}:{_identity(dataset)}:{key}",
        "label": label,
        "editable": editable,
        "autofocus": autofocus,
        "classes": [{"name": name, "title": shown(name)} for name in class_order(dataset)],
        "tiles": [_tile(dataset, tile, now[tile.id]) for tile in tiles],
        "steps": _steps(dataset, set(now), since, made) if editable else [],
        "answers": {client: answer.as_data() for client, answer in answers.items()},
        "problem": problem,
        "turns": None if turns is None else _turns(key, turns),
        "labelling": None if labelling is None else _labelling(dataset, labelling),
        "keeps": keeps,
        "small": small,
    }
    result = _component(
        key=key,
        data=data,
        default={"edits": None, "quiet": None, "turn": None},
        # Also called when the next run is another page's: a mark and a click may travel together.
        on_edits_change=(
            partial(bring_to_disk, dataset, key=key, keep=keep) if editable else _nothing
        ),
        on_quiet_change=_nothing,
        on_turn_change=_nothing if turns is None else partial(_turn, key, turns),
    )
    # After a restart of the server, what an open tab resends is known only once it is drawn.
    if editable and not problem and not is_settled(result.get("edits"), answers):
        _settle(dataset, key, result.get("edits"), keep)
        st.rerun()
    if _has_fallen_quiet(key, result.get("quiet")):
        st.rerun()  # the sidebar and the rest of the page catch up with a burst of marks
    marked = sum(now[tile.id] != tile.was for tile in tiles)
    return Shown(marked=marked, applied=st.session_state.get(f"{key}:applied", 0), problem=problem)


def bring_to_disk(dataset: Dataset, *, key: str, keep: Keep | None = None) -> None:
    """Apply what the browser has sent so far, for work that must not miss the latest mark."""
    _settle(dataset, key, _sent(key), keep)


def _turns(key: str, turns: Turns) -> dict[str, Any]:
    return {
        "previous": turns.previous,
        "next": turns.next,
        "advance": turns.advance,
        "turned": st.session_state.get(f"{key}:turned"),
    }


def _turn(key: str, turns: Turns) -> None:
    """Turn a page as the browser asked, once."""
    state = st.session_state.get(key)
    asked = state.get("turn") if isinstance(state, Mapping) else None
    if not isinstance(asked, Mapping):
        return
    number, by = asked.get("number"), asked.get("by")
    if not isinstance(number, str) or number == st.session_state.get(f"{key}:turned"):
        return
    st.session_state[f"{key}:turned"] = number
    if by in (-1, 1):
        turns.turn(by)


def _labelling(dataset: Dataset, labelling: Labelling) -> dict[str, Any]:
    return {
        "selectAll": labelling.select_all,
        "large": labelling.large,
        "hint": labelling.hint,
        "unsorted": dataset.unsorted,
        "unsortedTitle": shown(dataset.unsorted),
    }


def _nothing() -> None:
    """Streamlit keeps state only for keys that have a callback."""


def _sent(key: str) -> object:
    state = st.session_state.get(key)
    return state.get("edits") if isinstance(state, Mapping) else None


def _has_fallen_quiet(key: str, quiet: object) -> bool:
    if quiet is None or quiet == st.session_state.get(f"{key}:quiet"):
        return False
    st.session_state[f"{key}:quiet"] = quiet
    return True


def _settle(dataset: Dataset, key: str, value: object, keep: Keep | None) -> Settled:
    settled = settle(dataset, value, st.session_state.get(f"{key}:answers", {}), keep)
    st.session_state[f"{key}:answers"] = dict(settled.answers)
    st.session_state[f"{key}:problem"] = settled.problem
    st.session_state[f"{key}:applied"] = settled.applied
    return settled


def _classes_now(dataset: Dataset, tiles: Sequence[Tile]) -> dict[int, str | None]:
    """Each photo's class as it is on disk; unsorted by its folder's name, None when removed."""
    rows = dataset.get(tile.id for tile in tiles)
    now: dict[int, str | None] = {}
    for tile in tiles:
        row = rows.get(tile.id)
        now[tile.id] = None if row is None else row.class_name or dataset.unsorted
    return now


def _tile(dataset: Dataset, tile: Tile, now: str | None) -> dict[str, Any]:
    return {
        "id": tile.id,
        "thumb": media.thumb_url(dataset, tile.content),
        "photo": media.photo_url(dataset, tile.content),
        "lines": tile.lines,
        "more": tile.more,
        "heat": tile.heat,
        "suggested": tile.suggested,
        "kept": tile.kept,
        "was": tile.was,
        "now": now,
    }


def _steps(
    dataset: Dataset, listed: set[int], since: int | None, made: set[int]
) -> list[dict[str, Any]]:
    """Standing steps that the key ``u`` may undo, oldest first.

    They changed a photo shown here, or were made in this gallery before it turned the page.
    """
    connection = dataset.connection()
    about = standing_about(connection, listed, kinds=UNDONE_HERE, since=since or 0, limit=50)
    steps: dict[int, dict[str, Any]] = {
        heading.id: {"id": heading.id, "words": shown(heading.words), "changes": changes}
        for heading, changes in about
    }
    last = dataset.next_undo()
    if last is not None and last.id in made and last.id not in steps:
        steps[last.id] = {"id": last.id, "words": shown(last.words), "changes": []}
    return [steps[step_id] for step_id in sorted(steps)]


def _identity(dataset: Dataset) -> str:
    """Marks left in a browser must not reach another data set made later in the same folder."""
    identity = dataset.setting("gallery_identity")
    if identity is None:
        identity = uuid4().hex
        dataset.set_setting("gallery_identity", identity)
    return identity
