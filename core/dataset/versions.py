"""Named versions: the state of a data set under a name, and what has changed since.

A version is a list of which photo was in which class. It keeps no copy of a photo: one deleted
for good is named as gone, but cannot be shown.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.dataset import steps
from core.dataset.catalogue import PRESENT, REMOVED
from core.dataset.names import canonical, decoded, encoded, shown
from core.errors import DatasetError

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

MOST_CHARACTERS = 80

Way = Literal["moved", "gone", "came", "rewritten"]

# A version, or the photos that are there now, as a table of one shape.
_VERSION = "SELECT file, path, class, content FROM snapshot_file WHERE snapshot=:{side}"
_NOW = (
    f"SELECT id AS file, path, class, content FROM file WHERE place={PRESENT} AND :{{side}} IS NULL"
)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A named state of a data set."""

    id: int
    name: str  # typed by a person: escape it to draw it
    time: float  # seconds since 1970
    photos: int
    step: int  # the last journal step that stood then; 0 for none


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How many photos went from one class to another; None stands for unsorted."""

    source: str | None
    target: str | None
    photos: int


@dataclass(frozen=True, kw_only=True)
class ClassChange:
    """One class in two states; None stands for unsorted."""

    class_name: str | None
    before: int
    after: int
    moved_in: int
    moved_out: int
    came: int  # photos that were not there before
    gone: int  # photos that are not there afterwards


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What changed between two states."""

    before: int  # photos
    after: int
    moved: tuple[Moved, ...]  # largest first
    classes: tuple[ClassChange, ...]  # by name, unsorted last; those that did not change, too
    gone: int
    came: int
    rewritten: int  # same photo's file, other content
    renamed: int  # same class and content, other file name or folder

    @property
    def moves(self) -> int:
        """Photos that went to another class."""
        return sum(one.photos for one in self.moved)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs that a person would call a difference."""
        return not (self.moves or self.gone or self.came or self.rewritten)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One photo that differs between two states."""

    file_id: int
    content: str  # of the later state, or of the earlier one where it is gone
    path: str  # likewise
    source: str | None  # its class before; None for unsorted and for not there
    target: str | None
    is_restorable: bool  # it lies among the removed photos
    is_there: bool  # a file with this content can be shown


def name_version(dataset: "Dataset", name: str) -> Version:
    """Keep the state of a data set under a name.

    Raises:
        DatasetError: If the name is empty, too long, or taken.
    """
    name = " ".join(name.split())
    _require_name(name, [version.name for version in versions(dataset)])
    with dataset.writing() as connection:
        last = steps.last_done(connection) or 0
        now = time.time()
        cursor = connection.execute(
            "INSERT INTO snapshot(name, time, step) VALUES(?, ?, ?)", (name, now, last)
        )
        version_id = int(cursor.lastrowid or 0)
        photos = connection.execute(
            "INSERT INTO snapshot_file(snapshot, file, path, class, content) "
            f"SELECT ?, id, path, class, content FROM file WHERE place={PRESENT} ORDER BY id",
            (version_id,),
        ).rowcount
        connection.execute("UPDATE snapshot SET photos=? WHERE id=?", (photos, version_id))
    return Version(id=version_id, name=name, time=now, photos=photos, step=last)


def versions(dataset: "Dataset") -> list[Version]:
    """The named versions, newest first."""
    rows = dataset.connection().execute(
        "SELECT id, name, time, photos, ifnull(step, 0) FROM snapshot ORDER BY id DESC"
    )
    return [
        Version(id=version_id, name=name, time=when, photos=photos, step=step)
        for version_id, name, when, photos, step in rows
    ]


def forget_version(dataset: "Dataset", version_id: int) -> None:
    """Delete a name; no photo is touched."""
    with dataset.writing() as connection:
        connection.execute("DELETE FROM snapshot_file WHERE snapshot=?", (version_id,))
        connection.execute("DELETE FROM snapshot WHERE id=?", (version_id,))


def compare(dataset: "Dataset", before: int, after: int | None = None) -> Comparison:
    """Hold a version against a later one, or against the photos as they are now."""
    classes: dict[bytes | None, dict[str, int]] = {}
    moved: list[Moved] = []
    rewritten = renamed = 0
    for source, target, in_before, in_after, same, placed, number in _grouped(
        dataset, before, after
    ):
        ours = classes.setdefault(source, _no_counts()) if in_before else _no_counts()
        theirs = classes.setdefault(target, _no_counts()) if in_after else _no_counts()
        ours["before"] += number
        theirs["after"] += number
        if not in_after:
            ours["gone"] += number
        elif not in_before:
            theirs["came"] += number
        elif source != target:
            ours["moved_out"] += number
            theirs["moved_in"] += number
            moved.append(Moved(source=_name(source), target=_name(target), photos=number))
        elif same and not placed:
            renamed += number
        if in_before and in_after and not same:
            rewritten += number
    listed = sorted(classes, key=lambda name: (name is None, name))
    changes = [ClassChange(class_name=_name(name), **classes[name]) for name in listed]
    return Comparison(
        before=sum(one.before for one in changes),
        after=sum(one.after for one in changes),
        moved=_by_size(moved),
        classes=tuple(changes),
        gone=sum(one.gone for one in changes),
        came=sum(one.came for one in changes),
        rewritten=rewritten,
        renamed=renamed,
    )


def differences(
    dataset: "Dataset",
    before: int,
    after: int | None,
    way: Way,
    *,
    source: str | None | Literal["*"] = "*",
    target: str | None | Literal["*"] = "*",
    skip: int = 0,
    limit: int = 60,
) -> list[Difference]:
    """Some of the photos that differ in one way, by path.

    Args:
        dataset: The data set.
        before: The earlier version.
        after: The later one; None for now.
        way: Moved to another class, gone, come, or its file rewritten.
        source: Only those of this class before, for those moved and gone; None is unsorted.
        target: Only those of this class after, for those moved and come.
        skip: How many to pass over.
        limit: How many at most.
    """
    condition = {
        "moved": "b.file IS NOT NULL AND b.class IS NOT a.class",
        "gone": "b.file IS NULL",
        "came": "a.file IS NULL",
        "rewritten": "b.content<>a.content",
    }[way]
    values: dict[str, object] = {"before": before, "after": after, "skip": skip, "limit": limit}
    if source != "*" and way != "came":
        condition += " AND a.class IS :source"
        values["source"] = None if source is None else encoded(source)
    if target != "*" and way in ("moved", "came"):
        condition += " AND b.class IS :target"
        values["target"] = None if target is None else encoded(target)
    pair = ("b", "a") if way == "came" else ("a", "b")
    first, second = pair
    later = "a" if way == "gone" else "b"
    rows = dataset.connection().execute(
        f"WITH a AS ({_side('before', before)}), b AS ({_side('after', after)}) "
        f"SELECT {first}.file, {later}.path, a.class, b.class, {later}.content, file.place, "
        f"EXISTS(SELECT 1 FROM file AS any WHERE any.content={later}.content AND any.place<2) "
        f"FROM {first} LEFT JOIN {second} ON {second}.file={first}.file "
        f"LEFT JOIN file ON file.id={first}.file WHERE {condition} "
        f"ORDER BY {later}.path LIMIT :limit OFFSET :skip",
        values,
    )
    return [
        Difference(
            file_id=file_id,
            content=content,
            path=decoded(path),
            source=_name(was),
            target=_name(now),
            is_restorable=way == "gone" and place == REMOVED,
            is_there=bool(there) and bool(content),
        )
        for file_id, path, was, now, content, place, there in rows
    ]


def _grouped(
    dataset: "Dataset", before: int, after: int | None
) -> Iterator[tuple[bytes | None, bytes | None, int, int, int, int, int]]:
    """Counts of photos by class before and after, and by what else differs."""
    connection = dataset.connection()
    values = {"before": before, "after": after}
    sides = f"WITH a AS ({_side('before', before)}), b AS ({_side('after', after)}) "
    yield from connection.execute(
        f"{sides} SELECT a.class, b.class, 1, b.file IS NOT NULL, a.content=b.content, "
        "a.path=b.path, count(*) FROM a LEFT JOIN b ON b.file=a.file GROUP BY 1, 2, 4, 5, 6",
        values,
    )
    yield from connection.execute(
        f"{sides} SELECT NULL, b.class, 0, 1, 1, 1, count(*) FROM b "
        "WHERE NOT EXISTS(SELECT 1 FROM a WHERE a.file=b.file) GROUP BY b.class",
        values,
    )


def _side(side: str, version: int | None) -> str:
    return (_NOW if version is None else _VERSION).format(side=side)


def _no_counts() -> dict[str, int]:
    return dict.fromkeys(("before", "after", "moved_in", "moved_out", "came", "gone"), 0)


def _by_size(moved: Sequence[Moved]) -> tuple[Moved, ...]:
    sums: dict[tuple[str | None, str | None], int] = {}
    for one in moved:
        sums[one.source, one.target] = sums.get((one.source, one.target), 0) + one.photos
    ordered = sorted(sums.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(Moved(source=ways[0], target=ways[1], photos=number) for ways, number in ordered)


def _name(class_name: bytes | None) -> str | None:
    return None if class_name is None else decoded(class_name)


def _require_name(name: str, taken: Sequence[str]) -> None:
    if not name:
        raise DatasetError('A version needs a name, such as "before cleaning".')
    if len(name) > MOST_CHARACTERS:
        raise DatasetError(
            f"This name is too long. Choose one of at most {MOST_CHARACTERS} characters."
        )
    if not all(character.isprintable() for character in name):
        raise DatasetError("This name holds a character that cannot be shown. Type it anew.")
    for other in taken:
        if canonical(other) == canonical(name):
            raise DatasetError(
                f"There is a version called {shown(other)} already. Choose another name, or "
                "delete that one first."
            )
