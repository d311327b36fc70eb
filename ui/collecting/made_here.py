"""Starting what fills a data set by itself: a ready-made set, drawn pictures."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import streamlit as st

from core.errors import WinnowError
from ui import job_status
from ui.collecting.target import Target
from ui.words import plain

KIND = "collect"  # of every job that brings photos, so that one arrives at a time


def is_busy(target: Target) -> bool:
    """Whether other photos are still arriving in the open data set."""
    return target.dataset is not None and job_status.running(target.dataset.home, KIND)


def begin(target: Target, job: str, arguments: Mapping[str, Any], *, name: str) -> None:
    """Start a job that gets ``root``, ``collection`` and these arguments; then run the page again.

    Args:
        target: Where the photos go.
        job: ``module:function``.
        arguments: JSON-able.
        name: Of a new data set that was given no other.
    """
    try:
        dataset = _named(target, name).settle()
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    told = {"root": str(dataset.root), "collection": uuid4().hex, **arguments}
    job_status.start(dataset.home, KIND, job, told)
    st.rerun()


def _named(target: Target, name: str) -> Target:
    if target.dataset is not None or target.name:
        return target
    parent = target.parent or Path.home()
    number, proposed = 2, name
    while (parent / proposed).exists():
        proposed = f"{name}-{number}"
        number += 1
    return replace(target, name=proposed)
