"""Photos on the Label page as gallery tiles: their class, and what the model would call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.dataset.names import name_of
from core.dataset.sources import sources_of
from ui.collecting import provenance
from ui.gallery import Tile
from ui.review_tiles import sure
from ui.words import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.dataset import Dataset
    from core.label.suggestions import Suggester

NAME_CHARACTERS = 40


def tiles(
    dataset: Dataset,
    ids: Sequence[int],
    was: Mapping[int, str],
    suggester: Suggester | None,
) -> list[Tile]:
    """One tile per photo, in the order given.

    Args:
        dataset: The data set.
        ids: The photos; those removed meanwhile stay in their places.
        was: The class that each was listed under, the unsorted folder's name for those without.
        suggester: The model, if there is one.
    """
    rows = dataset.get(ids)
    known = sources_of(dataset, ids)
    classes = set(dataset.classes())
    there = [rows[one] for one in ids if one in rows]
    said = None if suggester is None else suggester.of(there)
    place = {row.id: at for at, row in enumerate(there)}
    contents = _contents_of_gone(dataset, [one for one in ids if one not in rows])
    made = []
    for file_id in ids:
        row = rows.get(file_id)
        name = None if said is None or row is None else said.name(place[file_id])
        words = "No model yet" if suggester is None else "Not looked at yet"
        if row is not None and said is not None and name is not None:
            probability = float(said.probability[place[file_id]])
            words = f"{sure(probability)}: {shown(name)}"
        first = was[file_id]
        title = shown(name_of("" if row is None else row.path), limit=NAME_CHARACTERS) or "Removed"
        sorted_line = () if first == dataset.unsorted else (shown(first),)
        path = "" if row is None else row.path
        source = known.get(file_id)
        made.append(
            Tile(
                id=file_id,
                content=contents.get(file_id, "") if row is None else row.content,
                was=first,
                lines=(*sorted_line, words, title),
                more=(
                    *((f"File: {shown(path)}",) if path else ()),
                    *(() if source is None else provenance.lines(source)),
                ),
                suggested=name if name in classes and name != first else None,
            )
        )
    return made


def _contents_of_gone(dataset: Dataset, ids: Sequence[int]) -> dict[int, str]:
    wanted = set(ids)
    if not wanted:
        return {}
    return {row.id: row.content for row in dataset.removed_rows() if row.id in wanted}
