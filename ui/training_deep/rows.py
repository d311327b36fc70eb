"""The rows of a training's charts, over every stop and resume in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core import jobs
from core.errors import JobError
from core.jobs.record import JobFolder, Request, ids_of_kind
from ui import training

Row = dict[str, Any]
ROWS = "deep_rows"  # session key: (job, rows of those it went on from, its own)


def rows_of(home: Path, job_id: str) -> list[Row]:
    """Rows of a deep training's own phase, with those of the trainings that it went on from.

    Only what is new since the last look is read from disk.
    """
    known, before, own = st.session_state.get(ROWS, (None, [], []))
    if known != job_id:
        before, own = _before(home, job_id), []
    own.extend(jobs.metrics(home, job_id, skip=len(own)))
    st.session_state[ROWS] = (job_id, before, own)
    return joined(before, [row for row in own if row.get("phase") == "train"])


def joined(before: Sequence[Row], own: Sequence[Row]) -> list[Row]:
    """Rows of an interrupted training and of the one that went on, which counts where both tell."""
    if not before or not own:
        return [*before, *own]
    starts: dict[Any, int] = {}
    for row in own:
        if row.get("kind") == "batch":
            starts.setdefault(row["fold"], row["step"])
    told = {(row["fold"], row["epoch"]) for row in own if row.get("kind") == "epoch"}
    kept = [row for row in before if not _told_again(row, starts, told)]
    return [*kept, *own]


def _told_again(row: Row, starts: Mapping[Any, int], told: set[tuple[Any, Any]]) -> bool:
    if row.get("kind") == "batch":
        return bool(row["fold"] in starts and row["step"] >= starts[row["fold"]])
    return (row.get("fold"), row.get("epoch")) in told


def _before(home: Path, job_id: str) -> list[Row]:
    """Rows of the jobs that this one went on from, oldest first."""
    asked = _request(home, job_id)
    rows: list[Row] = []
    if asked is None or asked.arguments.get("fresh"):
        return rows
    ids = [one for one in ids_of_kind(home, training.KIND) if one < job_id]
    chain: list[str] = []
    for earlier_id in ids:  # newest first
        earlier = _request(home, earlier_id)
        if earlier is not None and earlier.target != asked.target:
            continue  # a quick training in between changes nothing
        if earlier is None or not _is_same(asked, earlier) or _is_done(home, earlier_id):
            break
        chain.append(earlier_id)
        if earlier.arguments.get("fresh"):
            break
    for earlier_id in reversed(chain):
        own = [row for row in jobs.metrics(home, earlier_id) if row.get("phase") == "train"]
        rows = joined(rows, own)
    return rows


def _request(home: Path, job_id: str) -> Request | None:
    try:
        return JobFolder(home, job_id).read_request()
    except JobError:
        return None


def _is_same(one: Request, other: Request) -> bool:
    return bool(one.arguments.get("settings") == other.arguments.get("settings"))


def _is_done(home: Path, job_id: str) -> bool:
    try:
        return jobs.status(home, job_id).state == "done"
    except JobError:
        return True
