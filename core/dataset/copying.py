"""Making a copy of a data set to work on."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from core.dataset.dataset import Dataset
from core.dataset.names import photos, shown
from core.dataset.places import absolute, has_catalogue
from core.dataset.scanning import list_folder
from core.dataset.sources import save_source, sources_of
from core.errors import DatasetError
from core.jobs.progress import Progress, Task

# Marks a copy that was stopped, so that it may be continued.
UNFINISHED = ".winnow-unfinished-copy"
REPORT_SECONDS = 0.5


def copy_dataset(source: Path, target: Path) -> Task[None]:
    """Copy photos and class folders, without links, hidden files and history; phase ``copy``.

    Photos whose source is known keep it; a copy with such photos is looked through once, in phase
    ``index``. A copy that was stopped is continued by making it again.

    Raises:
        DatasetError: If the target holds something else, lies inside the source, or the disk
            is full.
    """
    source, target = absolute(source), absolute(target)
    _check(source, target)
    folders = list(_folders(source))
    total = sum(len(files) for _, files in folders)
    message = f"Copying {photos(total)}."
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / UNFINISHED).write_bytes(os.fsencode(source))
        done = 0
        reported = 0.0
        for folder, names in folders:
            (target / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                _copy(source / folder / name, target / folder / name)
                done += 1
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    yield Progress(phase="copy", done=done, total=total, message=message)
        yield from _copy_sources(source, target)
        (target / UNFINISHED).unlink()
    except OSError as error:
        raise DatasetError(
            f"{shown(str(source))} could not be copied ({error.strerror or error}). Check that "
            f"{shown(str(target))} can be written and that its disk has room, then copy again."
        ) from error


def _check(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise DatasetError(f"There is no folder {shown(str(source))} to copy.")
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise DatasetError("A copy cannot lie inside the folder it copies. Choose another place.")
    if not target.exists():
        return
    mark = target / UNFINISHED
    if mark.is_file() and mark.read_bytes() == os.fsencode(source):
        return
    if not target.is_dir() or any(target.iterdir()):
        raise DatasetError(
            f"{shown(str(target))} exists already. Choose another name for the copy."
        )


def _folders(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Each folder of photos with the names of its files."""
    waiting = [""]
    while waiting:
        listed = list_folder(source, waiting.pop())
        if listed.error is not None:
            raise DatasetError(
                f"{shown(str(source / listed.path))} cannot be read ({listed.error}). "
                "Check its permissions, then copy again."
            )
        waiting += [folder for folder in listed.folders if not folder.startswith(".")]
        yield listed.path, [found.name for found in listed.files]


def _copy_sources(source: Path, target: Path) -> Task[None]:
    """Write down in the copy where its photos came from."""
    if not has_catalogue(source):
        return  # opening it would write into a folder that is only read
    original = Dataset.open(source)
    paths = {row.id: row.path for row in original.rows()}
    sources = sources_of(original, paths)
    if not sources:
        return
    copy = Dataset.open(target)
    yield from copy.reconcile()
    ids = {row.path: row.id for row in copy.rows()}
    with copy.writing() as connection:
        for file_id, known in sources.items():
            if paths[file_id] in ids:
                save_source(connection, ids[paths[file_id]], known)


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        there, here = os.stat(target), os.stat(source)
        if (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns):
            return
    shutil.copy2(source, target, follow_symlinks=False)
