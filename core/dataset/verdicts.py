"""What checking found about each file, kept as long as the file holds the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.dataset.dataset import Dataset

# Kinds of verdicts on files that a network cannot be shown; the other kinds it can.
UNREADABLE = frozenset(
    {"empty", "truncated", "corrupt", "not_an_image", "unsupported", "too_large"}
)


@dataclass(frozen=True, kw_only=True)
class StoredVerdict:
    """One file's verdict."""

    file_id: int
    content: str  # what was judged
    kind: str  # a ``core.images.verdict.Kind``
    reason: str | None  # a sentence; None for a good file


def save_verdicts(dataset: Dataset, rows: Iterable[StoredVerdict]) -> None:
    """Keep verdicts, each in place of the file's last one."""
    with dataset.writing() as connection:
        connection.executemany(
            "INSERT INTO verdict(file, content, kind, reason) VALUES(?, ?, ?, ?) "
            "ON CONFLICT(file) DO UPDATE SET content=excluded.content, kind=excluded.kind, "
            "reason=excluded.reason",
            [(row.file_id, row.content, row.kind, row.reason) for row in rows],
        )


def load_verdicts(dataset: Dataset) -> dict[int, StoredVerdict]:
    """The verdicts that still hold, by file, of present and removed files.

    A file that could not be read has no content, so its verdict never holds: it may be readable
    by now.
    """
    rows = dataset.connection().execute(
        "SELECT file, verdict.content, kind, reason FROM verdict JOIN file ON file.id=verdict.file "
        "WHERE file.content=verdict.content AND verdict.content<>'' AND file.place<2"
    )
    return {
        file_id: StoredVerdict(file_id=file_id, content=content, kind=kind, reason=reason)
        for file_id, content, kind, reason in rows
    }
