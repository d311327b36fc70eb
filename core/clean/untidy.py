"""Photos that other programs may show otherwise, or not at all, and plain copies in their place.

Winnow itself reads them all and shows them right. What is odd about a file is noted in table
``quality`` when it is measured: ``odd:`` and a kind, and ``is:`` and its format where that is not
JPEG.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from core.clean.sweep import check
from core.dataset import Dataset, FileRow
from core.dataset.arrivals import clear_staging, staging
from core.dataset.names import name_of
from core.dataset.rewriting import Rewrite, rewrite
from core.images.helper_pool import Failed, HelperPool
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.jobs.progress import JobResult, Progress, Task

PROCESS = "core.clean.tidying_process"
ODD, IS = "odd:", "is:"
WRONG_NAME, CUT_SHORT, SEE_THROUGH = "wrong_name", "cut_short", "see_through"

# Names that a file of a format may end in; the first is given to a copy.
ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "PNG": (".png", ".apng"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "DIB": (".dib", ".bmp"),
    "ICO": (".ico", ".cur"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".j2c", ".jpf"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "QOI": (".qoi",),
    "PSD": (".psd",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "ICNS": (".icns",),
    "DDS": (".dds",),
    "HEIF": (".heic", ".heif", ".hif"),
}


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """One thing that is odd about files."""

    name: str
    title: str
    explanation: str  # one line


ODDITIES = (
    Oddity(
        name=WRONG_NAME,
        title="Wrong ending",
        explanation="The name says another kind of picture than the file is. They get the right "
        "ending; their pixels stay as they are.",
    ),
    Oddity(
        name="turned",
        title="Turned by a note",
        explanation="The camera noted which way is up instead of turning the picture.",
    ),
    Oddity(
        name="print_colours",
        title="Colours for print",
        explanation="CMYK or another space of colours that screens do not have.",
    ),
    Oddity(
        name="deep",
        title="Over 8 bits",
        explanation="More levels than a screen shows, as from scanners and microscopes.",
    ),
    Oddity(
        name="palette",
        title="Few fixed colours",
        explanation="A palette in place of colours, as in a GIF.",
    ),
    Oddity(
        name="moving",
        title="Several pictures",
        explanation="An animation or a file of several pages; the first picture counts.",
    ),
    Oddity(
        name=SEE_THROUGH,
        title="See-through",
        explanation="Transparent parts; Winnow trains on them in white, and so will the copy be.",
    ),
    Oddity(
        name="rare",
        title="Rare format",
        explanation="A format that browsers or other programs for training do not read.",
    ),
    Oddity(
        name=CUT_SHORT,
        title="Cut short",
        explanation="Their end is missing. Where at least half of the picture is there, the copy "
        "keeps that half.",
    ),
)
BY_NAME = {oddity.name: oddity for oddity in ODDITIES}


def untidy(dataset: Dataset) -> dict[str, list[FileRow]]:
    """The present photos with each oddity, by its name, in order of path; without empty lists."""
    connection = dataset.connection()
    found: dict[str, set[str]] = {}
    formats: dict[str, str] = {}
    for content, measure in connection.execute(
        "SELECT content, measure FROM quality WHERE measure LIKE 'odd:%' OR measure LIKE 'is:%'"
    ):
        if measure.startswith(IS):
            formats[content] = measure.removeprefix(IS)
        else:
            found.setdefault(measure.removeprefix(ODD), set()).add(content)
    measured = {
        content
        for (content,) in connection.execute("SELECT content FROM quality WHERE measure='size'")
    }
    cut = {
        file_id
        for (file_id,) in connection.execute("SELECT file FROM verdict WHERE kind='truncated'")
    }
    listed: dict[str, list[FileRow]] = {oddity.name: [] for oddity in ODDITIES}
    for row in dataset.rows():
        if row.id in cut:
            listed[CUT_SHORT].append(row)
        if row.content in measured and not _ends_right(row, formats.get(row.content, "JPEG")):
            listed[WRONG_NAME].append(row)
        for name, contents in found.items():
            if row.content in contents and name in listed:
                listed[name].append(row)
    return {name: rows for name, rows in listed.items() if rows}


def tidy_job(root: str, oddity: str) -> Task[JobResult]:
    """Replace all photos of one oddity by plain copies, as one step.

    Copies are made in processes of their own and only then taken in: stopped before, nothing has
    changed.
    """
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    rows = untidy(dataset).get(oddity, [])
    collection = uuid4().hex
    problems: dict[str, str] = {}
    rewrites: list[Rewrite] = []
    try:
        for done, one in enumerate(_copies(dataset, rows, oddity, collection)):
            if isinstance(one, Rewrite):
                rewrites.append(one)
            else:
                problems |= one
            yield Progress(
                phase="tidy", done=done + 1, total=len(rows), message="Making plain copies"
            )
        step = rewrite(dataset, rewrites)
        yield from check(dataset)  # the copies have a content of their own
    finally:
        if not dataset.read_only:
            clear_staging(dataset, collection)
    return {
        "step": step.id,
        "words": step.words,
        "rewritten": len(rewrites),
        "problems": [f"{file}: {reason}" for file, reason in problems.items()][:100],
    }


def _copies(
    dataset: Dataset, rows: list[FileRow], oddity: str, collection: str
) -> Iterator[Rewrite | dict[str, str]]:
    """What takes the place of each photo, or why nothing does."""
    folder = staging(dataset, collection)
    formats = {row.content: _format(dataset, row) for row in rows}
    with closing(HelperPool(PROCESS, processes=1)) as pool:
        for number, row in enumerate(rows):
            stem = os.path.splitext(name_of(row.path))[0]
            if oddity == WRONG_NAME:
                name = stem + ENDINGS[formats[row.content]][0]
                yield Rewrite(file_id=row.id, staged=None, name=name, content=row.content)
                continue
            target = folder / str(number)
            request = {
                "source": str(dataset.path_of(row)),
                "target": str(target),
                "flatten": oddity == SEE_THROUGH,
                "salvage": oddity == CUT_SHORT,
            }
            try:
                answer = pool.ask(request)
            except Failed as failure:
                yield {row.path: TAKES_TOO_LONG if failure.late else CRASHES}
                continue
            if answer["problem"] is not None:
                yield {row.path: answer["problem"]}
                continue
            name = stem + ENDINGS[answer["format"]][0]
            yield Rewrite(file_id=row.id, staged=target, name=name, content=answer["content"])


def _format(dataset: Dataset, row: FileRow) -> str:
    found = (
        dataset.connection()
        .execute(
            "SELECT measure FROM quality WHERE content=? AND measure LIKE 'is:%'", (row.content,)
        )
        .fetchone()
    )
    return "JPEG" if found is None else str(found[0]).removeprefix(IS)


def _ends_right(row: FileRow, format: str) -> bool:
    return os.path.splitext(row.path)[1].lower() in ENDINGS.get(format, ("",))
