"""The sweep: every photo of a data set decoded in full and measured, once for each content."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from core.clean.judging import judge_all
from core.clean.scores import measured, prepare, save_scores
from core.dataset import Dataset, FileRow
from core.dataset.verdicts import StoredVerdict, load_verdicts, save_verdicts
from core.images.damage import CANNOT_OPEN
from core.images.looking import TAKES_TOO_LONG
from core.images.verdict import Verdict
from core.jobs.progress import JobResult, Progress, Task

# A status file is read at every poll; a set of nothing but rubbish must not make it long.
MOST_REJECTIONS_IN_A_RESULT = 1000
FEWEST_TO_BE_SUSPICIOUS = 10
SUSPICION = (
    "More than half of the files fail: something else may be wrong, such as a copy or a download"
    " that broke off. Look at a few of them before you remove any."
)


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """One file that cannot be trained on."""

    file_id: int
    file: str  # relative to the data set
    kind: str  # as in core.images.verdict.Kind, never "good"
    reason: str  # one sentence


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    checked: int  # files judged, now or earlier
    rejected: tuple[Rejection, ...]  # by file name
    seconds: float

    @property
    def suspicious(self) -> bool:
        """Whether so much fails that something else may be wrong, such as a half-copied folder."""
        failed = len(self.rejected)
        return failed >= FEWEST_TO_BE_SUSPICIOUS and failed * 2 > self.checked


def check(dataset: Dataset) -> Task[CheckResult]:
    """Judge and measure every photo that was not looked at before with the same content.

    Verdicts and scores are kept as they are found: a stopped check goes on where it was. A file
    that could not be opened or took too long is looked at again the next time. One that is moved
    or deleted meanwhile is not judged.
    """
    started = time.monotonic()
    rows = dataset.rows()
    prepare(dataset)
    found = _kept(dataset, rows)
    found |= _from_copies(dataset, rows, found)
    yield _progress(found, rows)
    unjudged = [row for row in rows if row.id not in found]
    for news in _judged(dataset, _by_content(unjudged)):
        found |= news
        yield _progress(found, rows)
    return _result(rows, found, seconds=time.monotonic() - started)


def check_job(root: str) -> Task[JobResult]:
    """As ``check``, for a process of its own: bring the catalogue up to date, then sweep.

    The result holds ``checked``, ``seconds``, ``suspicious``, ``rejected_count`` and, of
    ``rejected``, the first ``MOST_REJECTIONS_IN_A_RESULT``; ``core.clean.kept`` lists all.
    """
    dataset = Dataset.open(Path(root))
    yield from dataset.reconcile()
    result = yield from check(dataset)
    return {
        "checked": result.checked,
        "seconds": result.seconds,
        "suspicious": result.suspicious,
        "rejected_count": len(result.rejected),
        "rejected": [asdict(row) for row in result.rejected[:MOST_REJECTIONS_IN_A_RESULT]],
    }


def _kept(dataset: Dataset, rows: list[FileRow]) -> dict[int, StoredVerdict]:
    """What earlier sweeps found, where that still holds and holds all that this one would find."""
    known = measured(dataset)
    kept = {
        id: verdict
        for id, verdict in load_verdicts(dataset).items()
        if _lasts(verdict) and (verdict.kind != "good" or verdict.content in known)
    }
    return {row.id: kept[row.id] for row in rows if row.id in kept}


def _lasts(verdict: StoredVerdict) -> bool:
    """Whether the same content would be judged the same again."""
    reason = verdict.reason or ""
    return reason != TAKES_TOO_LONG and not reason.startswith(CANNOT_OPEN)


def _from_copies(
    dataset: Dataset, rows: list[FileRow], found: dict[int, StoredVerdict]
) -> dict[int, StoredVerdict]:
    """Verdicts for files whose content was judged in another file."""
    known = {verdict.content: verdict for verdict in found.values()}
    copied = {
        row.id: _stored(row, known[row.content])
        for row in rows
        if row.id not in found and row.content in known
    }
    if copied:
        save_verdicts(dataset, copied.values())
    return copied


def _by_content(rows: list[FileRow]) -> list[list[FileRow]]:
    """Rows grouped by content; what has none, being unreadable, stays alone."""
    groups: dict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        groups[row.content or f"file {row.id}"].append(row)
    return list(groups.values())


def _judged(dataset: Dataset, groups: list[list[FileRow]]) -> Iterator[dict[int, StoredVerdict]]:
    """Judge the first of each group for all of it, and keep what was found."""
    root = os.path.abspath(dataset.root)
    paths = [os.path.join(root, group[0].path) for group in groups]
    with closing(judge_all(paths)) as batches:
        for batch in batches:
            news: dict[int, StoredVerdict] = {}
            scores: dict[str, Mapping[str, float]] = {}
            for position, verdict, measures in batch:
                if not verdict.lasting and not os.path.lexists(paths[position]):
                    continue  # moved or deleted since the rows were read
                news |= {row.id: _stored(row, verdict) for row in groups[position]}
                if measures is not None:
                    scores[groups[position][0].content] = measures
            if news:
                with dataset.writing() as connection:
                    save_verdicts(dataset, news.values())
                    save_scores(connection, scores)
            yield news


def _stored(row: FileRow, verdict: Verdict | StoredVerdict) -> StoredVerdict:
    return StoredVerdict(
        file_id=row.id, content=row.content, kind=verdict.kind, reason=verdict.reason
    )


def _result(rows: list[FileRow], found: dict[int, StoredVerdict], *, seconds: float) -> CheckResult:
    judged = [(row, found[row.id]) for row in rows if row.id in found]
    rejected = tuple(
        Rejection(file_id=row.id, file=row.path, kind=verdict.kind, reason=verdict.reason or "")
        for row, verdict in judged
        if verdict.kind != "good"
    )
    return CheckResult(checked=len(judged), rejected=rejected, seconds=seconds)


def _progress(found: dict[int, StoredVerdict], rows: list[FileRow]) -> Progress:
    return Progress(phase="check", done=len(found), total=len(rows), message="Checking photos")
