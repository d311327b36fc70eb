"""What is kept of collections: what was asked for, how far each search has come. Light: pages poll.

Counts come from the catalogue, where photos and addresses are written down in one transaction.
What a search itself said is a setting of the data set, ``collect:<id>``.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.dataset import Dataset
from core.dataset.names import decoded
from core.dataset.sources import query_as_kept

COLLECTIONS = "collections"  # the setting with the ids, newest first
LIST = "list"  # stands for an engine where the addresses come from a list
MOST_REMEMBERED = 200


@dataclass(frozen=True, kw_only=True)
class ClassState:
    """How far one search, or the list of links of one class, has come."""

    class_name: str | None  # None for photos without a class
    engine: str  # a name of ``core.collect.engines.found.ENGINES``, or "list"
    query: str  # search words; the name of a list, which may be empty
    asked: int  # photos wanted; for a list its addresses
    found: int = 0  # results of the search
    known: int = 0  # of these, passed over by the last run, being asked for before
    kept: int = 0
    rejected: int = 0
    duplicates: int = 0  # the same file as one that is there
    near: int = 0  # nearly the same picture
    small: int = 0
    problem: str | None = None  # a sentence or two where the search fell short
    ending: str | None = None  # of the search: an ``Ending``; None where it did not tell
    done: bool = False  # nothing more comes without being asked for again

    @property
    def aside(self) -> int:
        """How many were set aside, for whatever reason."""
        return self.duplicates + self.near + self.small


Counts = dict[tuple[str | None, str, str | None, str], int]


def state(dataset: Dataset, collection: str) -> list[ClassState]:
    """How far the searches of a collection have come, in the order asked for; [] if unknown."""
    counts = _counts(dataset, collection)
    found = []
    refused: Counter[tuple[str | None, str]] = Counter()
    for row in load_searches(dataset, collection):
        place = (row.class_name, row.engine)
        kept = {
            outcome: counts.get((*place, query_as_kept(row.query) or None, outcome), 0)
            for outcome in ("kept", "duplicate", "near_duplicate", "too_small")
        }
        # A rejected address has no photo that would say which search words led to it: with several
        # searches of one engine for one class, the first one tells of all.
        rejected = 0 if refused[place] else counts.get((*place, None, "rejected"), 0)
        refused[place] += 1
        found.append(
            replace(
                row,
                kept=kept["kept"],
                rejected=rejected,
                duplicates=kept["duplicate"],
                near=kept["near_duplicate"],
                small=kept["too_small"],
            )
        )
    return found


def collections(dataset: Dataset) -> list[str]:
    """Ids of the data set's collections, newest first."""
    return [str(one) for one in _list(dataset.setting(COLLECTIONS))]


def remember(dataset: Dataset, collection: str) -> None:
    """Put a collection first among those of the data set."""
    others = [one for one in collections(dataset) if one != collection]
    dataset.set_setting(COLLECTIONS, json.dumps([collection, *others][:MOST_REMEMBERED]))


def load_searches(dataset: Dataset, collection: str) -> list[ClassState]:
    """What a collection was asked for, without counts."""
    found = []
    for entry in _list(dataset.setting(_key(collection))):
        try:
            found.append(ClassState(**entry))
        except TypeError:  # written by another version of Winnow
            continue
    return found


def save_searches(dataset: Dataset, collection: str, searches: Sequence[ClassState]) -> None:
    """Keep what a collection was asked for and how its searches stand."""
    text = json.dumps([asdict(search) for search in searches])  # ASCII: keeps odd names reversible
    dataset.set_setting(_key(collection), text)


def _key(collection: str) -> str:
    return f"collect:{collection}"


def _list(text: str | None) -> list[Any]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _counts(dataset: Dataset, collection: str) -> Counts:
    """Addresses by class, engine, search words (None where unknown or empty) and outcome."""
    rows = dataset.connection().execute(
        "SELECT fetched.class, fetched.via, source.query, outcome, count(*) FROM fetched "
        "LEFT JOIN source ON source.file=fetched.file WHERE fetched.collection=? "
        "GROUP BY fetched.class, fetched.via, source.query, outcome",
        (collection,),
    )
    found: Counts = {}
    for class_name, via, query, outcome, count in rows:
        # What is rejected has no source; should a file be known all the same, it counts with them.
        words = None if outcome == "rejected" else query or None
        key = (decoded(class_name) or None, via or "", words, outcome)
        found[key] = found.get(key, 0) + count
    return found
