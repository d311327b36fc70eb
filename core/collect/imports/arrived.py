"""What an import brought, looked at afterwards: how many are copies, how many cannot be read.

Nothing was set aside on arrival, since whoever brings photos along means all of them; they are
counted, and set aside when a person says so.
"""

import time
from dataclasses import dataclass

from core.collect.imports.records import load_record
from core.dataset import Dataset, Step
from core.dataset.names import decoded, shown
from core.jobs.progress import Progress, Task

COMPARING = "Comparing the new photos with the others"
REPORT_SECONDS = 0.3

UNREADABLE = ("empty", "truncated", "corrupt", "not_an_image", "unsupported")

# Present photos of one collection.
_ARRIVED = "file JOIN source ON source.file=file.id WHERE source.collection=? AND file.place=0"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A photo that is there already."""

    id: int
    resembles: int
    is_exact: bool  # else it shows the same in other bytes


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What an import brought that is still there."""

    photos: int
    classes: dict[str | None, int]  # photos by the class they are in now
    copies: tuple[Copy, ...]
    unreadable: tuple[int, ...]  # ids

    @property
    def doubtful(self) -> tuple[int, ...]:
        """Ids of all that may be set aside, each once."""
        return tuple(dict.fromkeys([*(copy.id for copy in self.copies), *self.unreadable]))


def arrived_with(dataset: Dataset, collection: str) -> Arrived:
    """Count what arrived with an import and is still there. Asks the catalogue alone."""
    connection = dataset.connection()
    classes = {
        None if name is None else decoded(name): count
        for name, count in connection.execute(
            f"SELECT file.class, count(*) FROM {_ARRIVED} GROUP BY file.class", (collection,)
        )
    }
    exact = connection.execute(
        "SELECT file.id, (SELECT min(other.id) FROM file other WHERE other.content=file.content "
        f"AND other.place=0) AS first FROM {_ARRIVED} AND file.content<>'' AND first<file.id",
        (collection,),
    ).fetchall()
    marks = ",".join("?" * len(UNREADABLE))
    unreadable = connection.execute(
        "SELECT file.id FROM verdict JOIN file ON file.id=verdict.file AND "
        "file.content=verdict.content JOIN source ON source.file=file.id "
        f"WHERE source.collection=? AND file.place=0 AND verdict.kind IN ({marks})",
        (collection, *UNREADABLE),
    ).fetchall()
    copies = [Copy(id=one, resembles=other, is_exact=True) for one, other in exact]
    return Arrived(
        photos=sum(classes.values()),
        classes=classes,
        copies=(*copies, *_near(dataset, collection, {copy.id for copy in copies})),
        unreadable=tuple(file_id for (file_id,) in unreadable),
    )


def find_near_copies(dataset: Dataset, collection: str) -> Task[tuple[tuple[int, int], ...]]:
    """Photos of an import that show the same as another one, each with that one.

    Those with known hashes are compared; phase ``compare``.
    """
    # Needs numbers in memory, which pages that only count do not.
    from core.images.similar import METHOD, NearIndex

    hashes = (
        dataset.connection()
        .execute(
            "SELECT min(file.id), near_hash.content, value, min(source.collection IS ?) "
            "FROM near_hash JOIN file ON file.content=near_hash.content "
            "LEFT JOIN source ON source.file=file.id "
            "WHERE method=? AND value<>x'' AND file.place=0 "
            "GROUP BY near_hash.content ORDER BY min(file.id)",
            (collection, METHOD),
        )
        .fetchall()
    )
    index = NearIndex()
    first: dict[str, int] = {}
    near: list[tuple[int, int]] = []
    reported = time.monotonic()
    for done, (file_id, content, value, is_ours) in enumerate(hashes):
        found = index.nearest(value) if is_ours else None
        if found is None:
            first[content] = file_id
            index.add(content, value)
        else:  # the next one like it is like the first, not like this copy
            near.append((file_id, first[found[0]]))
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            yield Progress(phase="compare", done=done, total=len(hashes), message=COMPARING)
    return tuple(near)


def set_doubtful_aside(dataset: Dataset, collection: str) -> Step:
    """Move copies and unreadable files of an import to the removed ones, as one undo step.

    Raises:
        DatasetError: If the data set is read-only.
    """
    found = arrived_with(dataset, collection)
    rows = dataset.get([*found.doubtful, *(copy.resembles for copy in found.copies)])
    step = dataset.remove(found.doubtful)
    with dataset.writing() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO aside(file, kind, reason, resembles, collection, at) "
            "VALUES(?, ?, ?, ?, ?, ?)",
            [
                (
                    copy.id,
                    "duplicate" if copy.is_exact else "near_duplicate",
                    _reason(copy, rows[copy.resembles].path),
                    copy.resembles,
                    collection,
                    time.time(),
                )
                for copy in found.copies
                if copy.resembles in rows
            ],
        )
    return step


def _reason(copy: Copy, other: str) -> str:
    words = "The same file as" if copy.is_exact else "Shows the same as"
    return f"{words} {shown(other)}."


def _near(dataset: Dataset, collection: str, but: set[int]) -> list[Copy]:
    """Near copies as the record has them, where both are still there."""
    record = load_record(dataset, collection)
    pairs = [] if record is None else [pair for pair in record.near if pair[0] not in but]
    present = dataset.get(one for pair in pairs for one in pair)
    return [
        Copy(id=one, resembles=other, is_exact=False)
        for one, other in pairs
        if one in present and other in present
    ]
