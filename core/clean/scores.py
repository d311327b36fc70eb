"""Scores of photos in the catalogue, and what people said about them.

Table ``quality`` holds a row for each content and measure. A measure's name is that of a score in
``core.clean.quality``, or ``fine:`` and a finding's, where somebody said that the photo is fine.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from core.clean.quality import METHOD
from core.dataset import Dataset

FINE = "fine:"
LIKENESS = "alike"  # to the others of its class; ``core.clean.odd_ones`` takes it
METHOD_SETTING = "quality_method"
CHANGES_SETTING = "quality_changes"
ALWAYS = "size"  # a measure that every measured photo has


def prepare(dataset: Dataset) -> None:
    """Forget scores that another version of the measures took."""
    if dataset.setting(METHOD_SETTING) == METHOD:
        return
    with dataset.writing() as connection:
        connection.execute(
            "DELETE FROM quality WHERE measure NOT LIKE ? AND measure <> ?", (f"{FINE}%", LIKENESS)
        )
        dataset.set_setting(METHOD_SETTING, METHOD)


def state_of_scores(dataset: Dataset) -> tuple[int, int]:
    """Changes whenever a ranking may: with the data set, with a score, with a word on a photo."""
    return dataset.version(), int(dataset.setting(CHANGES_SETTING, "0") or 0)


def measured(dataset: Dataset) -> set[str]:
    """The contents that were measured."""
    found = dataset.connection().execute("SELECT content FROM quality WHERE measure=?", (ALWAYS,))
    return {content for (content,) in found}


def save_scores(connection: sqlite3.Connection, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Keep scores by content, in the transaction the caller is in."""
    if scores:
        _count_change(connection)
    connection.executemany(
        "INSERT OR REPLACE INTO quality(content, measure, value) VALUES(?, ?, ?)",
        [
            (content, measure, value)
            for content, measures in scores.items()
            if content
            for measure, value in measures.items()
        ],
    )


def replace_scores(dataset: Dataset, measure: str, scores: Mapping[str, float]) -> None:
    """Keep one score by content, and forget what it was of all others."""
    with dataset.writing() as connection:
        _count_change(connection)
        connection.execute("DELETE FROM quality WHERE measure=?", (measure,))
        connection.executemany(
            "INSERT INTO quality(content, measure, value) VALUES(?, ?, ?)",
            [(content, measure, score) for content, score in scores.items()],
        )


def load_scores(dataset: Dataset, measure: str) -> dict[str, float]:
    """One score of every content that has it."""
    found = dataset.connection().execute(
        "SELECT content, value FROM quality WHERE measure=?", (measure,)
    )
    return dict(found.fetchall())


def say_fine(dataset: Dataset, contents: Iterable[str], finding: str, *, fine: bool = True) -> None:
    """Remember, or forget, that somebody looked at photos and found nothing wrong with them."""
    rows = [(content, f"{FINE}{finding}") for content in contents if content]
    with dataset.writing() as connection:
        _count_change(connection)
        if fine:
            connection.executemany("INSERT OR REPLACE INTO quality VALUES(?, ?, 1)", rows)
        else:
            connection.executemany("DELETE FROM quality WHERE content=? AND measure=?", rows)


def said_fine(dataset: Dataset, finding: str) -> set[str]:
    """The contents that somebody found nothing wrong with."""
    return set(load_scores(dataset, f"{FINE}{finding}"))


def _count_change(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO setting VALUES(?, '1') "
        "ON CONFLICT(key) DO UPDATE SET value=CAST(value AS INTEGER) + 1",
        (CHANGES_SETTING,),
    )
