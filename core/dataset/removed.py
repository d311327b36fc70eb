"""The removed photos as a person looks through them: what each was, and why it is here."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.dataset.catalogue import REMOVED
from core.dataset.names import decoded, shown

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

# On arrival: set aside by Winnow. Check: it could not be used. Hand: removed by a person.
Why = Literal["hand", "check", "arrival"]
WHYS: tuple[Why, ...] = ("hand", "check", "arrival")

_WHY = """
    CASE WHEN aside.file IS NOT NULL THEN 'arrival'
         WHEN verdict.file IS NOT NULL THEN 'check' ELSE 'hand' END
"""
_FROM = f"""
    FROM file
    LEFT JOIN aside ON aside.file=file.id
    LEFT JOIN verdict ON verdict.file=file.id AND verdict.content=file.content
        AND verdict.kind<>'good'
    WHERE file.place={REMOVED}
"""


@dataclass(frozen=True, kw_only=True)
class RemovedPhoto:
    """One removed photo with why it is here."""

    id: int
    path: str  # where it was; restoring puts it there again
    class_name: str | None
    content: str
    bytes: int
    removed_at: float  # seconds since 1970
    why: Why
    reason: str  # a sentence; may hold class names, so escape it to draw it
    step: int | None  # the journal step that brought it here; None where that is not known


def counts(dataset: "Dataset") -> dict[Why, int]:
    """How many photos are here for each reason."""
    rows = dataset.connection().execute(f"SELECT {_WHY} AS why, count(*) {_FROM} GROUP BY why")
    found = dict(rows.fetchall())
    return {why: found[why] for why in WHYS if why in found}


def ids(dataset: "Dataset", whys: Collection[Why] = WHYS) -> list[int]:
    """The photos that are here for some reasons, last removed first."""
    rows = dataset.connection().execute(
        f"SELECT id {_FROM} AND {_WHY} IN ({','.join('?' * len(whys))}) "
        "ORDER BY left_at DESC, id DESC",
        list(whys),
    )
    return [file_id for (file_id,) in rows]


def page(
    dataset: "Dataset", whys: Collection[Why] = WHYS, *, skip: int = 0, limit: int = 24
) -> list[RemovedPhoto]:
    """Some of the photos that are here for some reasons, last removed first."""
    connection = dataset.connection()
    rows = connection.execute(
        f"SELECT id, was, class, file.content, bytes, left_at, {_WHY}, aside.reason, "
        f"verdict.reason {_FROM} AND {_WHY} IN ({','.join('?' * len(whys))}) "
        "ORDER BY left_at DESC, id DESC LIMIT ? OFFSET ?",
        [*whys, limit, skip],
    ).fetchall()
    photos = []
    for file_id, was, class_name, content, size, left_at, why, aside, verdict in rows:
        step, told = _last_step(connection, file_id)
        photos.append(
            RemovedPhoto(
                id=file_id,
                path=decoded(was),
                class_name=None if class_name is None else decoded(class_name),
                content=content,
                bytes=size,
                removed_at=left_at,
                why=why,
                reason=aside or _what_is_wrong(verdict) or told,
                step=step,
            )
        )
    return photos


def _what_is_wrong(reason: str | None) -> str | None:
    """A verdict without what to do about it, which has been done."""
    return None if reason is None else reason.split(". ")[0].rstrip(".") + "."


def _last_step(connection: sqlite3.Connection, file_id: int) -> tuple[int | None, str]:
    """The step that brought a photo here, and what it says of why."""
    rows = connection.execute(
        "SELECT step.id, kind, words, undone, client IS NOT NULL FROM move "
        "JOIN step ON step.id=move.step WHERE move.file=? AND move.carried IN (1, 2) "
        "AND ((undone=0 AND carried=1 AND target IS NULL) "
        "OR (undone=1 AND carried=2 AND source IS NULL)) "
        "ORDER BY step.id DESC LIMIT 1",
        (file_id,),
    ).fetchone()
    if rows is None:
        return None, "It was put here outside Winnow."
    step_id, kind, words, undone, in_gallery = rows
    if undone:
        what = "it came in with" if kind == "collect" else "it was put back by"
        return step_id, f"Here since a step was undone that {what}: {shown(words)}."
    if kind == "remove":
        where = "in a gallery" if in_gallery else "by hand"
        lot = shown(words).removeprefix("Removed ")
        among = "" if lot.startswith("1 photo ") or lot == shown(words) else f", among {lot}"
        return step_id, f"Removed {where}{among}."
    return step_id, f"{shown(words)}."
