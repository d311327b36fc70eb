"""Taking in new photos: finished files become photos of the data set, as one undo step.

Files are made in a folder of ``.winnow`` that no look at the data set goes into. Rows, sources and
moves are written down in one transaction, then the journal moves the files: a process that dies
before leaves files that its successor may delete, and one that dies after it is finished by
whoever takes the lock next.
"""

import re
import shutil
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from core.dataset import plans
from core.dataset.catalogue import GONE, REMOVED
from core.dataset.checkpoints import reached
from core.dataset.fetched import Fetched, save_fetched
from core.dataset.folder_times import modified
from core.dataset.intended import Wish
from core.dataset.moving import goes_through_link
from core.dataset.names import ARRIVING, decoded, encoded, file_name, shown
from core.dataset.names import REMOVED as REMOVED_FOLDER
from core.dataset.scanning import stat_file
from core.dataset.sources import Source, save_source, storable
from core.dataset.steps import Skipped
from core.errors import DatasetError

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

ABANDONED_SECONDS = 7 * 24 * 3600.0  # a collection untouched for so long will not go on

AsideKind = Literal["duplicate", "near_duplicate", "too_small"]


@dataclass(frozen=True, kw_only=True)
class Aside:
    """Why a photo is set aside on arrival."""

    kind: AsideKind
    reason: str  # a sentence
    resembles: int | None = None  # the file it is like


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A finished file that is to become a photo."""

    staged: Path  # inside ``staging(dataset, collection)``; it is moved away
    name: str  # wanted; what cannot be a file's name everywhere is replaced in it
    class_name: str | None  # None for unsorted; it may be a class to make
    part: str | None = None  # the folder of a given split that its class lies in, such as "train"
    content: str  # ``core.images.identity.content_hash``
    source: Source | None = None
    aside: Aside | None = None  # it goes to the removed ones, and can be restored


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """What became of a batch."""

    step: int | None  # hand it to the next call; None while nothing but set-aside photos arrived
    ids: tuple[int | None, ...]  # in the order given; None for a file that was not taken in
    skipped: tuple[Skipped, ...]  # those, with reasons; their addresses may be asked for again


@dataclass(frozen=True, kw_only=True)
class AsideRow:
    """A photo set aside on arrival and not restored since."""

    id: int
    file: str  # where restoring puts it
    class_name: str | None
    content: str
    kind: AsideKind
    reason: str
    resembles: int | None
    collection: str | None


def staging(dataset: "Dataset", collection: str) -> Path:
    """The folder in which a collection's files are made, on the photos' own file system.

    What a crash left of taking files in is finished first: whatever lies in the folder afterwards
    is a leftover that its owner may delete. Leftovers of collections long abandoned are deleted.

    Raises:
        DatasetError: If the data set is read-only, or the folder cannot be made.
    """
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", collection):
        raise ValueError(f"A collection is named by letters and digits, got {collection!r}")
    with dataset.editing():
        relative = f"{ARRIVING}/{collection}"
        if goes_through_link(dataset.root, relative):
            raise DatasetError(
                f"{shown(str(dataset.root / relative))} is a link, or lies behind one. Winnow puts "
                "arriving photos there: move the link away and try again."
            )
        folder = dataset.root / relative
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            _clear_abandoned(folder.parent)
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise DatasetError(
                f"{shown(str(folder))} cannot be made ({error.strerror or error}). Check that you "
                "may write there and that the disk is not full."
            ) from error
        return folder


def _clear_abandoned(arriving: Path) -> None:
    too_old = (time.time() - ABANDONED_SECONDS) * 1e9
    for folder in arriving.iterdir():
        changed = modified(folder)  # None for what is no folder of its own
        if changed is not None and changed < too_old:
            shutil.rmtree(folder, ignore_errors=True)


def clear_staging(dataset: "Dataset", collection: str) -> None:
    """Delete what lies in a collection's folder, and the folder."""
    shutil.rmtree(staging(dataset, collection), ignore_errors=True)


def take_in(
    dataset: "Dataset",
    arrivals: Sequence[Arrival],
    *,
    collection: str,
    step: int | None = None,
    fetched: Sequence[Fetched] = (),
) -> TakenIn:
    """Move finished files into their classes, or among the removed ones where set aside.

    Args:
        dataset: The data set.
        arrivals: The files, each once. Missing classes are made.
        collection: What they arrive with.
        step: The step of the batch before. This one joins it, unless something else was done
            since or it was undone.
        fetched: Addresses to take note of in the same transaction. One without a file gets that of
            the arrival with the same class and the same ``source.url``.

    Raises:
        DatasetError: If a class name is refused, or the data set is read-only; then nothing was
            changed.
    """
    with dataset.editing() as journal:
        unsorted = dataset.unsorted
        _require_classes(dataset, arrivals)
        wishes = [_wish(dataset, one, collection, unsorted) for one in arrivals]
        settled = [wish for wish in wishes if wish.target is not None]
        creates = plans.missing_folders(dataset.root, settled)
        with dataset.writing() as connection:
            wishes = [
                replace(wish, file_id=_make_row(connection, one, wish, collection))
                for one, wish in zip(arrivals, wishes, strict=True)
            ]
            save_fetched(connection, _with_files(fetched, arrivals, wishes))
            if not wishes:
                return TakenIn(step=step, ids=(), skipped=())
            step_id = journal.begin_collecting(connection, joining=step)
            moves = journal.intend(connection, step_id, wishes, creates=creates)
        reached("intended")
        outcomes = journal.carry_out(step_id, "forward", moves, unsorted=unsorted)
        (words,) = (
            dataset.connection().execute("SELECT words FROM step WHERE id=?", (step_id,)).fetchone()
        )
    return TakenIn(
        step=step_id if words else step,
        ids=tuple(outcome.move.file_id if outcome.arrived else None for outcome in outcomes),
        skipped=tuple(
            Skipped(file=one.name, reason=outcome.reason or "")
            for one, outcome in zip(arrivals, outcomes, strict=True)
            if not outcome.arrived
        ),
    )


def step_to_join(dataset: "Dataset", collection: str) -> int | None:
    """The data set's last step, where it brought a part of this collection; else None.

    For whoever goes on with a collection in another process: hand it to ``take_in``.
    """
    last = dataset.next_undo()
    if last is None or last.kind != "collect":
        return None
    ours = dataset.connection().execute(
        "SELECT 1 FROM move JOIN source ON source.file=move.file "
        "WHERE move.step=? AND source.collection=? LIMIT 1",
        (last.id, collection),
    )
    return last.id if ours.fetchone() else None


def set_aside(dataset: "Dataset", collection: str | None = None) -> list[AsideRow]:
    """Photos set aside on arrival and not restored since, newest first: of a collection, or all."""
    condition, values = ("", ()) if collection is None else ("AND collection=?", (collection,))
    rows = dataset.connection().execute(
        "SELECT id, was, class, content, kind, reason, resembles, collection "
        f"FROM aside JOIN file ON file.id=aside.file WHERE place={REMOVED} {condition} "
        "ORDER BY id DESC",
        values,
    )
    return [
        AsideRow(
            id=file_id,
            file=decoded(was),
            class_name=None if class_name is None else decoded(class_name),
            content=content,
            kind=cast(AsideKind, kind),
            reason=reason,
            resembles=resembles,
            collection=of,
        )
        for file_id, was, class_name, content, kind, reason, resembles, of in rows
    ]


def _require_classes(dataset: "Dataset", arrivals: Sequence[Arrival]) -> None:
    """Refuse a batch for a class that cannot be made."""
    classes = dataset.classes()
    for name in dict.fromkeys(one.class_name for one in arrivals if one.class_name is not None):
        plans.require_class(name, classes, unsorted=dataset.unsorted, new=True)
        classes.append(name)


def _wish(dataset: "Dataset", one: Arrival, collection: str, unsorted: str) -> Wish:
    """Where a file is to go; its row is made later."""
    folder = dataset.root / ARRIVING / collection
    if not one.staged.is_relative_to(folder) or ".." in one.staged.parts:
        raise ValueError(f"{one.staged} does not lie in the staging folder of {collection}")
    within = dataset.folder_for(one.class_name)
    if one.part and one.class_name:
        within = f"{one.part}/{one.class_name}"
    place = f"{within}/{file_name(one.name)}"
    return Wish(
        file_id=0,
        before=one.staged.relative_to(dataset.root).as_posix(),
        after=f"{REMOVED_FOLDER}/{place}" if one.aside else place,
        source=None,
        target=None if one.aside else one.class_name or unsorted,
        content=one.content,
    )


def _make_row(connection: sqlite3.Connection, one: Arrival, wish: Wish, collection: str) -> int:
    """A row for a file that is not there yet, as if it had gone, with all that is known of it."""
    now = time.time()
    found = stat_file(one.staged)  # a file that is not there will be found missing by the journal
    cursor = connection.execute(
        "INSERT INTO file(path, folder, class, content, bytes, mtime_ns, place, left_at, changed) "
        f"VALUES(?, 0, NULL, ?, ?, ?, {GONE}, ?, 0)",
        (encoded(wish.after), one.content, *(found[1:] if found else (0, 0)), now),
    )
    file_id = int(cursor.lastrowid or 0)
    if one.source is not None:
        source = one.source
        save_source(
            connection, file_id, replace(source, collection=source.collection or collection)
        )
    if one.aside is not None:
        connection.execute(
            "INSERT INTO aside(file, kind, reason, resembles, collection, at) "
            "VALUES(?, ?, ?, ?, ?, ?)",
            (
                file_id,
                one.aside.kind,
                storable(one.aside.reason),
                one.aside.resembles,
                collection,
                now,
            ),
        )
    return file_id


def _with_files(
    fetched: Sequence[Fetched], arrivals: Sequence[Arrival], wishes: Sequence[Wish]
) -> list[Fetched]:
    by_address = {
        (one.class_name, one.source.url): wish.file_id
        for one, wish in zip(arrivals, wishes, strict=True)
        if one.source is not None
    }
    return [
        row
        if row.file is not None
        else replace(row, file=by_address.get((row.class_name, row.url)))
        for row in fetched
    ]
