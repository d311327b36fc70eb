"""The gallery: photos that keys, mouse and touch can mark; one Streamlit component.

The page gives tiles; the gallery shows where each photo stands now, takes marks to the journal
and answers the browser. It belongs into a fragment, so that a mark reruns nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from core.dataset import Dataset
from core.dataset.steps import Kind
from ui import media
from ui.gallery.edits import Answer, Settled, is_settled, settle
from ui.words import shown

HERE = Path(__file__).parent
UNDONE_HERE: tuple[Kind, ...] = ("relabel", "remove")  # what the key ``u`` takes back
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
) -> Shown:
    """Draw the gallery and bring to disk what was marked in it.

    Args:
        tiles: In the order to show them. Keep the order while the user works: tiles must not jump.
        label: What the list is, for screen readers.
        autofocus: Take the keyboard when nothing else on the page has it.
        since: Journal step after which ``u`` may undo; None for any step these photos show.
    """
    if editable:
        bring_to_disk(dataset, key=key)
    answers: dict[str, Answer] = st.session_state.setdefault(f"{key}:answers", {})
    problem: str | None = st.session_state.get(f"{key}:problem")
    now = _classes_now(dataset, tiles)
    data = {
        "store": f"{dataset.token}:{_identity(dataset)}:{key}",
        "label": label,
        "editable": editable,
        "autofocus": autofocus,
        "classes": [{"name": name, "title": shown(name)} for name in dataset.classes()],
        "tiles": [_tile(dataset, tile, now[tile.id]) for tile in tiles],
        "steps": _steps(dataset, set(now), since) if editable else [],
        "answers": {client: answer.as_data() for client, answer in answers.items()},
        "problem": problem,
    }
    result = _component(
        key=key,
        data=data,
        default={"edits": None, "quiet": None},
        # Also called when the next run is another page's: a mark and a click may travel together.
        on_edits_change=partial(bring_to_disk, dataset, key=key) if editable else _nothing,
        on_quiet_change=_nothing,
    )
    # After a restart of the server, what an open tab resends is known only once it is drawn.
    if editable and not problem and not is_settled(result.get("edits"), answers):
        _settle(dataset, key, result.get("edits"))
        st.rerun()
    if _has_fallen_quiet(key, result.get("quiet")):
        st.rerun()  # the sidebar and the rest of the page catch up with a burst of marks
    marked = sum(now[tile.id] != tile.was for tile in tiles)
    return Shown(marked=marked, applied=st.session_state.get(f"{key}:applied", 0), problem=problem)


def bring_to_disk(dataset: Dataset, *, key: str) -> None:
    """Apply what the browser has sent so far, for work that must not miss the latest mark."""
    _settle(dataset, key, _sent(key))


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


def _settle(dataset: Dataset, key: str, value: object) -> Settled:
    settled = settle(dataset, value, st.session_state.get(f"{key}:answers", {}))
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
        "was": tile.was,
        "now": now,
    }


def _steps(dataset: Dataset, listed: set[int], since: int | None) -> list[dict[str, Any]]:
    """Standing steps that changed a photo shown here, oldest first, for the key ``u``."""
    steps = []
    for step in dataset.history(limit=50, kinds=UNDONE_HERE):
        if since is not None and step.id <= since:
            break
        changes = [[c.file_id, c.source, c.target] for c in step.changes if c.file_id in listed]
        if changes and not step.undone:
            steps.append({"id": step.id, "words": shown(step.words), "changes": changes})
    return steps[::-1]


def _identity(dataset: Dataset) -> str:
    """Marks left in a browser must not reach another data set made later in the same folder."""
    identity = dataset.setting("gallery_identity")
    if identity is None:
        identity = uuid4().hex
        dataset.set_setting("gallery_identity", identity)
    return identity
