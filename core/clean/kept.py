"""What is known of a data set's photos from earlier checks, asked of the catalogue alone.

Pages draw from this at every click, so it counts in SQL and lists only what failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.clean.scores import ALWAYS
from core.clean.sweep import FEWEST_TO_BE_SUSPICIOUS
from core.dataset import Dataset
from core.dataset.names import decoded

# A verdict counts as long as the file still has the content that was judged.
_STANDING = """
    FROM verdict JOIN file ON file.id = verdict.file AND file.content = verdict.content
    WHERE file.place = 0
"""
_REJECTED = f"{_STANDING} AND verdict.kind <> 'good'"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How far the check of a data set is."""

    photos: int  # present files
    judged: int  # of these, with a verdict
    rejected: int  # of these, those that cannot be trained on
    unmeasured: int = 0  # good ones that were judged before photos were measured

    @property
    def complete(self) -> bool:
        """Whether there are photos and each was judged."""
        return 0 < self.photos <= self.judged

    @property
    def suspicious(self) -> bool:
        """Whether so much fails that something else may be wrong."""
        return self.rejected >= FEWEST_TO_BE_SUSPICIOUS and self.rejected * 2 > self.judged


def checked(dataset: Dataset) -> Checked:
    """Count the verdicts that stand."""
    connection = dataset.connection()
    judged, rejected = connection.execute(
        f"SELECT count(*), total(verdict.kind <> 'good') {_STANDING}"
    ).fetchone()
    (photos,) = connection.execute("SELECT count(*) FROM file WHERE place = 0").fetchone()
    (measured,) = connection.execute(
        f"SELECT count(*) {_STANDING} AND verdict.kind='good' AND EXISTS "
        "(SELECT 1 FROM quality WHERE content=file.content AND measure=?)",
        (ALWAYS,),
    ).fetchone()
    return Checked(
        photos=photos,
        judged=judged,
        rejected=int(rejected),
        unmeasured=judged - int(rejected) - measured,
    )


@dataclass(frozen=True, kw_only=True)
class RejectedFile:
    """A present file that cannot be trained on."""

    file_id: int
    file: str  # relative to the data set
    content: str
    kind: str
    reason: str  # one or two sentences


def kinds_of_rejected(dataset: Dataset) -> dict[str, int]:
    """How many present files fail for each kind of reason; by name of the kind."""
    found = dataset.connection().execute(
        f"SELECT verdict.kind, count(*) {_REJECTED} GROUP BY verdict.kind ORDER BY verdict.kind"
    )
    return dict(found.fetchall())


def rejected_ids(dataset: Dataset, kinds: Sequence[str]) -> list[int]:
    """Ids of the files that fail for reasons of these kinds."""
    found = dataset.connection().execute(
        f"SELECT file.id {_REJECTED} AND {_one_of(kinds)}", list(kinds)
    )
    return [file_id for (file_id,) in found]


def rejected(
    dataset: Dataset, kinds: Sequence[str] | None = None, *, skip: int = 0, limit: int = -1
) -> list[RejectedFile]:
    """The files that fail for reasons of these kinds, by kind and then by path.

    Args:
        dataset: Its catalogue is asked; no file is looked at.
        kinds: Of reasons; all of them where it is left out.
        skip: How many to leave out at the start.
        limit: How many to list at most; -1 for all.
    """
    kinds = list(kinds_of_rejected(dataset)) if kinds is None else kinds
    found = dataset.connection().execute(
        f"SELECT file.id, file.path, file.content, verdict.kind, verdict.reason {_REJECTED} "
        f"AND {_one_of(kinds)} ORDER BY verdict.kind, file.path LIMIT ? OFFSET ?",
        [*kinds, limit, skip],
    )
    return [
        RejectedFile(
            file_id=file_id, file=decoded(path), content=content, kind=kind, reason=reason or ""
        )
        for file_id, path, content, kind, reason in found
    ]


def _one_of(kinds: Sequence[str]) -> str:
    return f"verdict.kind IN ({','.join('?' * len(kinds))})"
