"""Uploaded bytes on disk: they leave the server's memory at once, and the disk once they are used.

An upload is a folder of the user's, ``uploads/<id>/``, with one archive or with numbered files and
their names. Names that browsers send are never used as paths.
"""

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.collect.imports.names import cleaned
from core.errors import WinnowError
from core.user_folders import user_data

ARCHIVE, NAMES = "archive.zip", "names.jsonl"
SECONDS_KEPT = 24 * 3600  # what nobody came back for


@dataclass(frozen=True, kw_only=True)
class Upload:
    """Uploaded files that wait to be taken into a data set."""

    kind: str  # "zip" or "files", as for ``open_bundle``
    title: str  # the archive's name, or what the files are
    path: Path  # the archive, or the folder of files

    @property
    def source(self) -> dict[str, str]:
        """As a job's argument."""
        return {"kind": self.kind, "path": str(self.path), "title": self.title}


def keep_archive(title: str, data: "bytes | memoryview") -> Upload:
    """Write an uploaded archive to disk.

    Raises:
        WinnowError: If the disk is full or cannot be written.
    """
    folder = _new_folder()
    _write(folder / ARCHIVE, data)
    return Upload(kind="zip", title=title, path=folder / ARCHIVE)


def keep_files(
    title: str,
    files: Iterable[tuple[str, "bytes | memoryview"]],
    *,
    add_to: Upload | None = None,
) -> Upload:
    """Write uploaded files to disk, beside those of an earlier upload if there is one.

    Raises:
        WinnowError: If the disk is full or cannot be written.
    """
    folder = add_to.path if add_to is not None and add_to.kind == "files" else _new_folder()
    number = len(files_in(folder)) if (folder / NAMES).exists() else 0
    for name, data in files:
        _write(folder / str(number), data)
        line = json.dumps({"name": _inside(name), "file": str(number)})
        with (folder / NAMES).open("a", encoding="ascii") as names:
            names.write(line + "\n")
        number += 1
    return Upload(kind="files", title=title, path=folder)


def files_in(folder: Path) -> list[tuple[str, Path]]:
    """The files of an upload, each with the name it was sent under.

    Raises:
        WinnowError: If it is there no longer.
    """
    try:
        lines = (folder / NAMES).read_text(encoding="ascii").splitlines()
        kept = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise WinnowError("The uploaded files are there no longer. Upload them again.") from error
    return [(one["name"], folder / one["file"]) for one in kept]


def discard(path: Path) -> None:
    """Delete an upload. A path that is none, such as a folder of photos, is left alone."""
    place = _place()
    if place in path.parents:
        shutil.rmtree(place / path.relative_to(place).parts[0], ignore_errors=True)


def discard_old(*, seconds: float = SECONDS_KEPT) -> None:
    """Delete uploads that nobody came back for."""
    try:
        with os.scandir(_place()) as entries:
            old = [one.path for one in entries if time.time() - one.stat().st_mtime > seconds]
    except OSError:
        return  # none yet, or another window is at it
    for path in old:
        shutil.rmtree(path, ignore_errors=True)


def _inside(name: str) -> str:
    """A path as the browser sent it, without what leads out of a folder."""
    return "/".join(part for part in cleaned(name).split("/") if part != "..") or "photo"


def _place() -> Path:
    return user_data() / "uploads"


def _new_folder() -> Path:
    discard_old()
    folder = _place() / uuid.uuid4().hex
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise WinnowError(_why(error)) from error
    return folder


def _write(path: Path, data: "bytes | memoryview") -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise WinnowError(_why(error)) from error


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full, so the upload could not be kept. Make room, then upload again."
    return f"The upload could not be kept ({error.strerror or error}). Try again."
