"""Paths as people and other systems wrote them, made fit to be recognised and to be kept."""

import os
import re
import unicodedata
from collections.abc import Iterable

from core.dataset.names import MAX_FILE_NAME_BYTES, WINDOWS_DEVICES, with_suffix
from core.images.files import is_ignored

LABEL_SUFFIXES = (".csv", ".tsv")
_DRIVE = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*\\/]')


def is_unsafe(name: str) -> bool:
    """Whether a path leads out of the folder it is to lie in."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts or bool(_DRIVE.match(name)) or "\0" in name


def cleaned(name: str) -> str:
    """A path with forward slashes, without empty and "." parts."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def is_passed_over(name: str) -> bool:
    """Whether a path is none of a photo, such as what macOS adds to archives."""
    *folders, last = name.split("/")
    hidden = any(folder.startswith(".") or folder == "__MACOSX" for folder in folders)
    return hidden or is_ignored(last)


def is_label_list(name: str) -> bool:
    """Whether a path is of a table that may say which photo is of which class."""
    *folders, last = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in (*folders, last))
    return not hidden and last.lower().endswith(LABEL_SUFFIXES)


def file_name(name: str) -> str:
    """The name a photo gets on disk: the last part of its path, fit for every system."""
    last = name.rpartition("/")[2]
    visible = "".join("_" if _is_bad(character) else character for character in last)
    visible = _NOT_ON_WINDOWS.sub("_", visible).lstrip(". ").rstrip(". ") or "photo"
    stem = visible.partition(".")[0].strip()
    if stem.casefold() in WINDOWS_DEVICES:
        visible = f"_{visible}"
    return _short(visible)


def each_once(names: Iterable[str]) -> list[str]:
    """The same paths; one that comes again gets a number, so that it stands for one file."""
    taken: set[str] = set()
    found = []
    for name in names:
        number, unique = 1, name
        while unique in taken:
            number += 1
            folder, slash, last = name.rpartition("/")
            unique = f"{folder}{slash}{with_suffix(last, number)}"
        taken.add(unique)
        found.append(unique)
    return found


def as_text(name: str) -> str:
    """A path as a database and a page take it: bytes that are no text stand as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _is_bad(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def _short(name: str) -> str:
    """Leave room for a number, should the name be taken."""
    stem, extension = os.path.splitext(name)
    if len(extension) > 16:
        stem, extension = name, ""
    while len((stem + extension).encode()) > MAX_FILE_NAME_BYTES - 15:
        stem = stem[:-1]
    return stem.rstrip(". ") + extension if stem.rstrip(". ") else f"photo{extension}"
