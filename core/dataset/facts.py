"""How large and how sharp photos are, kept by content for those that have copies."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from core.dataset.dataset import Dataset
from core.dataset.rows import chunks

METHOD = "size-sharpness-1"  # beside the hashes: it is known by content and made from the picture
_FORM = struct.Struct("<IIf")


class Facts(NamedTuple):
    """Of one picture, upright."""

    width: int  # pixels
    height: int
    sharpness: float  # of the picture at one size for all; says which of two copies is sharper

    @property
    def pixels(self) -> int:
        """How many pixels there are."""
        return self.width * self.height


def save_facts(dataset: Dataset, facts: Iterable[tuple[str, Facts]]) -> None:
    """Keep what is known of some contents."""
    values = [(content, METHOD, _FORM.pack(*known)) for content, known in facts]
    if values:
        with dataset.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO near_hash VALUES(?, ?, ?)", values)


def load_facts(dataset: Dataset, contents: Iterable[str]) -> dict[str, Facts]:
    """What is known of some contents; nothing of those never looked at."""
    found: dict[str, Facts] = {}
    for chunk in chunks(contents):
        marks = ",".join("?" * len(chunk))
        rows = dataset.connection().execute(
            f"SELECT content, value FROM near_hash WHERE method=? AND content IN ({marks})",
            [METHOD, *chunk],
        )
        found |= {content: Facts(*_FORM.unpack(value)) for content, value in rows}
    return found
