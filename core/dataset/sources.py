"""Where photos came from: kept by file, so it follows a photo through every move."""

import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.dataset.catalogue import PRESENT
from core.dataset.names import decoded, encoded
from core.dataset.rows import FileRow, chunks, rows_by_id

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

LONGEST_TEXT = 2_000  # a title may be a page long; an address is kept whole
_COLUMNS = "via, query, url, page, title, author, licence, licence_url, at, collection"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where one photo came from. Its texts are other people's: escape them to draw them."""

    via: str  # "bing", "wikimedia", ...; "list", "upload", "camera", "folder", "set", "generator"
    query: str | None = None  # search words; the archive's, folder's, set's or list's name
    url: str | None = None  # of the picture
    page: str | None = None  # of the page that showed it
    title: str | None = None
    author: str | None = None
    licence: str | None = None
    licence_url: str | None = None
    at: float  # seconds since 1970
    collection: str | None = None  # what it arrived with


@dataclass(frozen=True, kw_only=True)
class SourceCount:
    """How many present photos came one way."""

    via: str
    query: str | None
    photos: int


def sources_of(dataset: "Dataset", ids: Iterable[int]) -> dict[int, Source]:
    """Where some files came from; one that was simply there has no source."""
    found: dict[int, Source] = {}
    for chunk in chunks(ids):
        marks = ",".join("?" * len(chunk))
        rows = dataset.connection().execute(
            f"SELECT file, {_COLUMNS} FROM source WHERE file IN ({marks})", chunk
        )
        found |= {file_id: _source(values) for file_id, *values in rows}
    return found


def search(dataset: "Dataset", words: str, *, limit: int = 500) -> list[int]:
    """Present photos whose source or path holds every one of some words, newest first.

    Capitals and the ways to write an accent do not matter. No words find nothing.
    """
    wanted = _folded(words).split()
    if not wanted:
        return []

    def holds(path: bytes, *texts: str | None) -> bool:
        known = _folded("\n".join([decoded(path), *(text for text in texts if text)]))
        return all(word in known for word in wanted)

    connection = dataset.connection()
    connection.create_function("holds_words", -1, holds, deterministic=True)
    rows = connection.execute(
        "SELECT file.id FROM file LEFT JOIN source ON source.file=file.id "
        f"WHERE file.place={PRESENT} AND holds_words(file.path, via, query, url, page, title, "
        "author, licence, licence_url) ORDER BY file.id DESC LIMIT ?",
        (limit,),
    )
    return [file_id for (file_id,) in rows]


def tally(dataset: "Dataset") -> list[SourceCount]:
    """Present photos by the way they came and what was searched, most first."""
    rows = dataset.connection().execute(
        "SELECT via, query, count(*) FROM source JOIN file ON file.id=source.file "
        f"WHERE file.place={PRESENT} GROUP BY via, query ORDER BY count(*) DESC, via, query"
    )
    return [SourceCount(via=via, query=query, photos=count) for via, query, count in rows]


def arrived(
    dataset: "Dataset",
    collection: str,
    *,
    class_name: str | None | Literal["*"] = "*",
    limit: int = 12,
) -> list[FileRow]:
    """Present photos that arrived with a collection, newest first.

    Args:
        dataset: The data set.
        collection: As it was given to ``take_in``.
        class_name: The class they are in now; None for without one, ``"*"`` for all.
        limit: At most so many.
    """
    one_class, values = "", list[object]()
    if class_name != "*":
        one_class = "AND file.class IS ?"  # unlike "=", this finds photos without one, too
        values = [None if class_name is None else encoded(class_name)]
    rows = dataset.connection().execute(
        "SELECT file.id FROM source JOIN file ON file.id=source.file "
        f"WHERE source.collection=? AND file.place={PRESENT} {one_class} "
        "ORDER BY source.file DESC LIMIT ?",
        (collection, *values, limit),
    )
    return list(rows_by_id(dataset.connection(), [file_id for (file_id,) in rows]).values())


def arrived_count(dataset: "Dataset", collection: str) -> int:
    """How many present photos arrived with a collection."""
    (count,) = (
        dataset.connection()
        .execute(
            "SELECT count(*) FROM source JOIN file ON file.id=source.file "
            f"WHERE source.collection=? AND file.place={PRESENT}",
            (collection,),
        )
        .fetchone()
    )
    return int(count)


def arrived_by_class(dataset: "Dataset", collection: str) -> dict[str | None, int]:
    """How many present photos of a collection are in which class now, by name."""
    rows = dataset.connection().execute(
        "SELECT file.class, count(*) FROM source JOIN file ON file.id=source.file "
        f"WHERE source.collection=? AND file.place={PRESENT} GROUP BY file.class "
        "ORDER BY file.class",
        (collection,),
    )
    return {None if name is None else decoded(name): count for name, count in rows}


def save_source(connection: sqlite3.Connection, file_id: int, source: Source) -> None:
    """Write down where a file came from."""
    connection.execute(
        f"INSERT OR REPLACE INTO source(file, {_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            file_id,
            source.via,
            _kept(source.query, LONGEST_TEXT),
            _kept(source.url),
            _kept(source.page),
            _kept(source.title, LONGEST_TEXT),
            _kept(source.author, LONGEST_TEXT),
            _kept(source.licence, LONGEST_TEXT),
            _kept(source.licence_url),
            source.at,
            source.collection,
        ),
    )


def storable(text: str) -> str:
    """A text as SQLite takes it: half characters, which sites do send, become question marks."""
    return text.encode("utf-8", "replace").decode()


def query_as_kept(query: str) -> str:
    """Search words, or a list's name, as a source comes back with them."""
    return storable(query[:LONGEST_TEXT])


def _kept(text: str | None, at_most: int | None = None) -> str | None:
    return None if text is None else storable(text[:at_most])


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _source(values: Sequence[object]) -> Source:
    return Source(**dict(zip(_COLUMNS.split(", "), values, strict=True)))  # type: ignore[arg-type]
