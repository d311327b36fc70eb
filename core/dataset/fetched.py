"""Addresses that were asked for, so that none is asked for twice, and what came of each."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from core.dataset.names import decoded, encoded
from core.dataset.rows import chunks
from core.dataset.sources import storable

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

Came = Literal["kept", "duplicate", "near_duplicate", "too_small", "rejected"]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of one address for one class."""

    class_name: str | None  # it was wanted for; None for unsorted
    url: str
    outcome: Came
    reason: str | None = None  # a sentence where it was not kept
    again: bool = False  # it failed for now: another try may go better
    file: int | None = None
    via: str | None = None
    collection: str


def note_fetched(dataset: "Dataset", rows: Iterable[Fetched]) -> None:
    """Write down what came of addresses; a later word on one replaces the earlier."""
    rows = list(rows)
    if rows:
        with dataset.writing() as connection:
            save_fetched(connection, rows)


def save_fetched(connection: sqlite3.Connection, rows: Iterable[Fetched]) -> None:
    """The same within a transaction."""
    now = time.time()
    connection.executemany(
        # Two collections may ask for an address at once: the one that kept it has the word.
        "INSERT INTO fetched(class, url, outcome, reason, again, file, via, collection, at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET outcome=excluded.outcome, "
        "reason=excluded.reason, again=excluded.again, file=excluded.file, via=excluded.via, "
        "collection=excluded.collection, at=excluded.at "
        "WHERE fetched.outcome<>'kept' OR excluded.outcome='kept' "
        "OR fetched.collection=excluded.collection",
        [
            (
                _class_key(row.class_name),
                storable(row.url),
                row.outcome,
                row.reason and storable(row.reason),
                row.again,
                row.file,
                row.via,
                row.collection,
                now,
            )
            for row in rows
        ],
    )


def known(dataset: "Dataset", class_name: str | None, urls: Iterable[str]) -> set[str]:
    """Those among some addresses that were asked for and need no other try."""
    by_key = {storable(url): url for url in urls}
    found = set()
    for chunk in chunks(by_key):
        marks = ",".join("?" * len(chunk))
        rows = dataset.connection().execute(
            f"SELECT url FROM fetched WHERE class=? AND again=0 AND url IN ({marks})",
            (_class_key(class_name), *chunk),
        )
        found |= {by_key[key] for (key,) in rows}
    return found


def outcomes(dataset: "Dataset", collection: str) -> dict[str | None, dict[str, int]]:
    """How many addresses of a collection came to what, class by class."""
    rows = dataset.connection().execute(
        "SELECT class, outcome, count(*) FROM fetched WHERE collection=? GROUP BY class, outcome",
        (collection,),
    )
    found: dict[str | None, dict[str, int]] = {}
    for key, outcome, count in rows:
        found.setdefault(_class_of_key(key), {})[outcome] = count
    return found


def refused(dataset: "Dataset", collection: str, *, limit: int = 500) -> list[Fetched]:
    """Addresses of a collection that gave no photo, with their reasons, last asked first."""
    rows = dataset.connection().execute(
        "SELECT class, url, outcome, reason, again, file, via, collection FROM fetched "
        "WHERE collection=? AND outcome='rejected' ORDER BY at DESC, class, url LIMIT ?",
        (collection, limit),
    )
    return [_fetched(values) for values in rows]


def _fetched(values: Sequence[object]) -> Fetched:
    key, url, outcome, reason, again, file, via, collection = values
    return Fetched(
        class_name=_class_of_key(cast(bytes, key)),
        url=cast(str, url),
        outcome=cast(Came, outcome),
        reason=cast("str | None", reason),
        again=bool(again),
        file=cast("int | None", file),
        via=cast("str | None", via),
        collection=cast(str, collection),
    )


def _class_key(class_name: str | None) -> bytes:
    return b"" if class_name is None else encoded(class_name)


def _class_of_key(key: bytes) -> str | None:
    return decoded(key) or None
