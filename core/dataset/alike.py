"""Groups of contents that look alike, as found last: copies of one photo, shots of one scene."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from core.dataset.catalogue import PRESENT
from core.dataset.dataset import Dataset

# "exact": the same pixels in other bytes. "near": one photo, changed. "scene": other shots.
Kind = Literal["exact", "near", "scene"]
KINDS: tuple[Kind, ...] = ("exact", "near", "scene")
COPIES: tuple[Kind, ...] = ("exact", "near")
COMPARED = "compared"  # marks the contents that the groups were made from


def save_groups(
    dataset: Dataset,
    groups: Mapping[Kind, Iterable[Sequence[str]]],
    *,
    compared: Collection[str],
) -> None:
    """Keep groups of contents in place of all that were kept.

    Args:
        dataset: Keeps them.
        groups: By kind. A content is in one group of each kind at most.
        compared: All contents that were looked at, those that could not be read too.
    """
    rows = [(content, COMPARED, 0) for content in sorted(set(compared))]
    for kind, some in groups.items():
        for number, group in enumerate(some, start=1):
            rows += [(content, kind, number) for content in group]
    with dataset.writing() as connection:
        connection.execute("DELETE FROM alike")
        connection.executemany("INSERT INTO alike(content, kind, grouping) VALUES(?, ?, ?)", rows)


def load_groups(dataset: Dataset, kind: Kind) -> list[list[str]]:
    """The groups of a kind, each a list of contents; those whose photos are gone too."""
    rows = dataset.connection().execute(
        "SELECT grouping, content FROM alike WHERE kind=? ORDER BY grouping, content", (kind,)
    )
    groups: dict[int, list[str]] = {}
    for number, content in rows:
        groups.setdefault(number, []).append(content)
    return list(groups.values())


def kept_together(dataset: Dataset, kinds: Sequence[Kind] = KINDS) -> dict[str, str]:
    """Of each content that looks like another, one name for all that belong on one side.

    Copies and shots of one scene may not stand on two sides of a split: a model that has seen the
    one knows the other.
    """
    parent: dict[str, str] = {}

    def name(content: str) -> str:
        while parent.setdefault(content, content) != content:
            parent[content] = parent[parent[content]]
            content = parent[content]
        return content

    for kind in kinds:
        for group in load_groups(dataset, kind):
            first, *rest = sorted({name(content) for content in group})
            parent.update(dict.fromkeys(rest, first))
    return {content: name(content) for content in list(parent)}


def not_compared(dataset: Dataset) -> int:
    """How many contents of present photos the groups know nothing of."""
    (number,) = (
        dataset.connection()
        .execute(
            f"SELECT count(DISTINCT content) FROM file WHERE place={PRESENT} AND content<>'' "
            "AND content NOT IN (SELECT content FROM alike WHERE kind=?)",
            (COMPARED,),
        )
        .fetchone()
    )
    return int(number)


def compared_contents(dataset: Dataset) -> set[str]:
    """The contents that the groups were made from, or that could not be read then."""
    rows = dataset.connection().execute("SELECT content FROM alike WHERE kind=?", (COMPARED,))
    return {content for (content,) in rows}
