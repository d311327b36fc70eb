"""Paths as people and other systems wrote them, made fit to be recognised and to be kept."""

import re
from collections.abc import Iterable, Sequence
from random import Random

from core.dataset.names import with_suffix
from core.images.files import is_ignored

LABEL_SUFFIXES = (".csv", ".tsv")
_DRIVE = re.compile(r"[A-Za-z]:")


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


def spread(names: Sequence[str], most: int) -> list[str]:
    """Some of the paths from all over the list, in its order; the same ones each time.

    Drawn, not counted off: names of several classes often take turns.
    """
    if len(names) <= most:
        return list(names)
    return [names[place] for place in sorted(Random(0).sample(range(len(names)), most))]


def as_text(name: str) -> str:
    """A path as a database and a page take it: bytes that are no text stand as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
