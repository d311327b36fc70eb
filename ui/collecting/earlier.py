"""Collections before the newest: what came of each, and asking it for more."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.collect import kept
from core.collect.imports.records import load_record
from core.dataset import Dataset, sources
from core.errors import JobError
from core.jobs.record import JobFolder, ids_of_kind
from ui.collecting import arriving, brought
from ui.words import count, shown

MOST_SHOWN = 10
MOST_LOOKED_AT = 20
MOST_CLASSES_NAMED = 3


def draw(dataset: Dataset) -> None:
    """Draw the choice of an earlier collection and what came of it, folded."""
    asked = _asked_for(dataset)
    newest = next(iter(asked), None)  # the page shows it in full
    known = [one for one in dict.fromkeys([*asked, *kept.collections(dataset)]) if one != newest]
    listed = [one for one in known[:MOST_LOOKED_AT] if _is_worth_showing(dataset, one)][:MOST_SHOWN]
    if not listed:
        return
    with st.expander(
        "Earlier collections",
        icon=":material/history:",
        key=f"collect_earlier_{dataset.token}",
        on_change="rerun",
    ) as folded:
        if not folded.open:
            return
        chosen = st.selectbox(
            "Collection",
            listed,
            format_func=lambda one: _title(dataset, one),
            key="collect_earlier_chosen",
            label_visibility="collapsed",
        )
        _draw_one(dataset, chosen, asked.get(chosen, {}))


def _draw_one(dataset: Dataset, collection: str, arguments: Mapping[str, Any]) -> None:
    arriving.draw_rows(dataset, collection, live=False)
    brought.draw(dataset, collection, key="earlier_")
    arriving.draw_refused(dataset, collection, arguments)
    if arguments.get("wanted"):
        arriving.draw_more(dataset, arguments, key="collect_earlier")


def _is_worth_showing(dataset: Dataset, collection: str) -> bool:
    """Whether anything came of it, or was searched for."""
    is_there = sources.arrived_count(dataset, collection) > 0
    return is_there or bool(kept.load_searches(dataset, collection))


def _title(dataset: Dataset, collection: str) -> str:
    photos = count(sources.arrived_count(dataset, collection), "photo")
    record = load_record(dataset, collection)
    if record is not None:
        return f"{shown(record.title, limit=60)} · {photos}"
    by_class = [one.class_name for one in kept.load_searches(dataset, collection)]
    by_class = by_class or list(sources.arrived_by_class(dataset, collection))
    names = ["unsorted" if one is None else one for one in dict.fromkeys(by_class)]
    named = ", ".join(shown(name, limit=30) for name in names[:MOST_CLASSES_NAMED])
    more = len(names) - MOST_CLASSES_NAMED
    return f"{named or 'No class'}{f' and {more:,} more' if more > 0 else ''} · {photos}"


def _asked_for(dataset: Dataset) -> dict[str, Mapping[str, Any]]:
    """What each collection was last asked for, newest first; old ones may be forgotten."""
    found: dict[str, Mapping[str, Any]] = {}
    for job_id in ids_of_kind(dataset.home, arriving.KIND):
        try:
            arguments = JobFolder(dataset.home, job_id).read_request().arguments
        except JobError:
            continue
        found.setdefault(str(arguments.get("collection", "")), arguments)
    return found
