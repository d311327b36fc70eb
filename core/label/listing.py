"""Which photos a list on the Label page holds, and in which order."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.dataset import Dataset, FileRow
from core.dataset.names import name_of
from core.dataset.sources import search
from core.label.suggestions import Suggested

Where = Literal["all", "unsorted", "class"]
Order = Literal["name", "newest", "oldest", "sure", "unsure", "large", "small", "suspect"]
MOST_FOUND = 1_000_000  # a search is a filter here, so nothing is left out

# Says what the model thinks of some photos.
Ask = Callable[[Sequence[FileRow]], Suggested]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A filter and an order."""

    where: Where = "all"
    class_name: str | None = None  # with "class"
    words: str = ""  # all of them in the photo's path or in where it came from
    via: str | None = None  # the way it came, as in ``Source``
    least_bytes: int = 0  # of the file
    most_bytes: int | None = None
    says: str | None = None  # the class the model would give it
    least: float = 0.0  # probability of that class, 0 to 1
    most: float = 1.0
    differs: bool = False  # only where the model names another class than the photo has
    order: Order = "name"

    @property
    def asks(self) -> bool:
        """Whether the model must be asked."""
        limits = self.least > 0.0 or self.most < 1.0
        return limits or self.differs or self.says is not None or self.order in ("sure", "unsure")


def listed(
    dataset: Dataset,
    wanted: Wanted,
    ask: Ask | None = None,
    *,
    among: Sequence[int] | None = None,
) -> list[int]:
    """The photos that a filter lets through, in order, as file ids.

    Args:
        dataset: The data set.
        wanted: The filter and the order.
        ask: Asks the model; without one, filters and orders by its word are passed over.
        among: Only these, such as those of a finding; order "suspect" is theirs.
    """
    rows = in_place(dataset, wanted)
    if wanted.words.strip():
        found = set(search(dataset, wanted.words, limit=MOST_FOUND))
        rows = [row for row in rows if row.id in found]
    if wanted.via is not None:
        came = _came_by(dataset, wanted.via)
        rows = [row for row in rows if row.id in came]
    if wanted.least_bytes or wanted.most_bytes is not None:
        most = math.inf if wanted.most_bytes is None else wanted.most_bytes
        rows = [row for row in rows if wanted.least_bytes <= row.bytes <= most]
    if among is not None:
        place = {file_id: at for at, file_id in enumerate(among)}
        rows = sorted((row for row in rows if row.id in place), key=lambda row: place[row.id])
    if ask is None or not wanted.asks:
        return [row.id for row in _by_row(rows, wanted.order)]
    return _by_word(rows, wanted, ask(rows))


def in_place(dataset: Dataset, wanted: Wanted) -> list[FileRow]:
    """The photos of the class, or without one, or all, by path."""
    if wanted.where == "all":
        return dataset.rows()
    if wanted.where == "unsorted":
        return dataset.rows(class_name=None)
    if wanted.class_name == "*":  # to ``rows`` a star means all
        return [row for row in dataset.rows() if row.class_name == "*"]
    return dataset.rows(class_name=wanted.class_name)


def ranked_after(ids: Sequence[int], shown: int, fresh: Sequence[int]) -> list[int]:
    """A list in a new order that leaves the pages looked at as they are.

    Args:
        ids: The list as it stands.
        shown: How many of its photos are on the pages up to the one that is open.
        fresh: The same filter's list in the new order; what it no longer holds stays to the end.
    """
    kept = list(ids[:shown])
    there = set(kept)
    rest = set(ids[shown:])
    later = [one for one in fresh if one in rest]
    known = there | set(later)
    return kept + later + [one for one in ids[shown:] if one not in known]


def _came_by(dataset: Dataset, via: str) -> set[int]:
    rows = dataset.connection().execute("SELECT file FROM source WHERE via=?", (via,))
    return {file_id for (file_id,) in rows}


def _by_row(rows: list[FileRow], order: Order) -> list[FileRow]:
    if order == "newest":
        return sorted(rows, key=lambda row: -row.id)
    if order == "oldest":
        return sorted(rows, key=lambda row: row.id)
    if order in ("large", "small"):
        sign = -1 if order == "large" else 1
        return sorted(rows, key=lambda row: (sign * row.bytes, row.id))
    if order == "suspect":
        return rows
    return sorted(rows, key=lambda row: (name_of(row.path), row.id))


def _by_word(rows: Sequence[FileRow], wanted: Wanted, said: Suggested) -> list[int]:
    keep = np.ones(len(rows), bool)
    if wanted.least > 0.0 or wanted.most < 1.0:
        # Comparing with NaN is false: photos the model was not asked about fall out.
        keep &= (said.probability >= wanted.least) & (said.probability <= wanted.most)
    if wanted.says is not None:
        index = said.classes.index(wanted.says) if wanted.says in said.classes else -2
        keep &= said.best == index
    if wanted.differs:
        index_of = {name: at for at, name in enumerate(said.classes)}
        own = np.array([index_of.get(str(row.class_name), -2) for row in rows], np.int64)
        keep &= (said.best >= 0) & (said.best != own)
    places = {row.id: at for at, row in enumerate(rows)}
    kept = [row for row, stays in zip(rows, keep.tolist(), strict=True) if stays]
    if wanted.order not in ("sure", "unsure"):
        return [row.id for row in _by_row(kept, wanted.order)]
    sign = -1.0 if wanted.order == "sure" else 1.0

    def key(row: FileRow) -> tuple[bool, float, int]:
        probability = float(said.probability[places[row.id]])
        unknown = math.isnan(probability)
        return unknown, 0.0 if unknown else sign * probability, row.id

    return [row.id for row in sorted(kept, key=key)]
