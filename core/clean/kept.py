"""What is known of a data set's photos from earlier checks, asked of the catalogue alone.

Pages draw from this at every click, so it counts in SQL and lists only what failed.
"""

from dataclasses import dataclass

from core.clean.sweep import FEWEST_TO_BE_SUSPICIOUS, Rejection
from core.dataset import Dataset

# A verdict counts as long as the file still has the content that was judged.
_STANDING = """
    FROM verdict JOIN file ON file.id = verdict.file AND file.content = verdict.content
    WHERE file.place = 0
"""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How far the check of a data set is."""

    photos: int  # present files
    judged: int  # of these, with a verdict
    rejected: int  # of these, those that cannot be trained on

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
    return Checked(photos=photos, judged=judged, rejected=int(rejected))


def rejected(dataset: Dataset) -> list[Rejection]:
    """The photos that cannot be trained on, by kind and then by file name."""
    found = dataset.connection().execute(
        f"SELECT file.id, verdict.kind, verdict.reason {_STANDING} AND verdict.kind <> 'good'"
    )
    verdicts = {file_id: (kind, reason or "") for file_id, kind, reason in found}
    rows = dataset.get(verdicts)
    rejections = [
        Rejection(file_id=row.id, file=row.path, kind=kind, reason=reason)
        for row in rows.values()
        for kind, reason in (verdicts[row.id],)
    ]
    return sorted(rejections, key=lambda one: (one.kind, one.file))
