"""Names in a data set: which class names are accepted, which class a path means, free names.

A path is text relative to the data set's folder, with forward slashes; bytes that are not UTF-8
stand in it as surrogate escapes. The catalogue stores paths as bytes, so no name is lost.
"""

import os
import unicodedata
from collections.abc import Collection, Iterable

from core.errors import DatasetError

HOME = ".winnow"
REMOVED = f"{HOME}/removed"
ARRIVING = f"{HOME}/arriving"  # finished files on their way in; no photos yet
DEFAULT_UNSORTED = "unsorted"

MAX_CLASS_NAME_BYTES = 100
MAX_FILE_NAME_BYTES = 255  # of common file systems; Windows counts UTF-16 units, which are fewer

WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789¹²³"}
)


def encoded(path: str) -> bytes:
    """A path as the catalogue stores it."""
    return os.fsencode(path)


def decoded(path: bytes) -> str:
    """A path as the rest of Winnow sees it."""
    return os.fsdecode(path)


def folder_of(path: str) -> str:
    """The folder a path lies in; the data set's own folder is the empty string."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def is_removed(path: str) -> bool:
    """Whether a path lies among the removed files."""
    return path.startswith(REMOVED + "/")


def is_arriving(path: str) -> bool:
    """Whether a path lies among the files that are on their way into the data set."""
    return path.startswith(ARRIVING + "/")


def class_of(path: str, unsorted: str, parts: Collection[str] = ()) -> str | None:
    """The class whose folder holds a path, or None for a photo without a class.

    A removed file keeps the class it had. Where the data set has parts (see ``parts``), class
    folders lie in them.
    """
    relative = path[len(REMOVED) + 1 :] if is_removed(path) else path
    top, slash, below = relative.partition("/")
    if slash and top in parts:
        top, slash, _ = below.partition("/")
    return top if slash and top != unsorted else None


def canonical(name: str) -> str:
    """What two names share that differ only in case or in Unicode form."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", folded)


def look_alikes(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of names that some file systems and most people would take for one."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault(canonical(name), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def check_class_name(name: str, existing: Iterable[str]) -> None:
    """Refuse a name that cannot become a class folder on every system.

    Raises:
        DatasetError: With what is wrong and what to do.
    """
    if reason := _objection(name):
        raise DatasetError(f"A class cannot be called {shown(name)}: {reason}.")
    for other in existing:
        if canonical(other) == canonical(name):
            raise DatasetError(
                f"There is a class called {shown(other)} already. "
                "Two names that differ only in capitals or accents' spelling would be mixed up."
            )


def _objection(name: str) -> str | None:
    if not name.strip():
        return "a name is needed"
    if name.startswith("."):
        return "names that begin with a dot are hidden. Leave the dot out"
    if "/" in name or "\\" in name:
        return "slashes separate folders. Leave them out"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "it holds a character that cannot be shown. Type it anew"
    if os.name == "nt" and any(character in '<>:"|?*' for character in name):
        return 'Windows does not allow < > : " | ? * in folder names. Leave them out'
    if name.endswith((" ", ".")):
        return "a name must not end with a space or a dot"
    if name.partition(".")[0].strip().casefold() in WINDOWS_DEVICES:
        return "Windows keeps this name for a device. Choose another"
    if len(name.encode()) > MAX_CLASS_NAME_BYTES:
        return "it is too long. Choose a shorter name"
    return None


def file_name(wanted: str) -> str:
    """The name nearest to the one wanted that a photo can have on every system."""
    name = "".join(
        "_" if c in '<>:"/\\|?*' or unicodedata.category(c) in ("Cc", "Cs") else c for c in wanted
    )
    stem, tail = _split_name(name.strip(" ."))
    if stem.partition(".")[0].strip().casefold() in WINDOWS_DEVICES:
        stem = f"{stem}_"
    return _fitting(stem or "photo", tail)


def with_suffix(name: str, number: int) -> str:
    """A file name's variant for a folder that holds the name already: ``cat.jpg``, ``cat (2).jpg``.

    The stem gives way where the whole would be longer than a file system takes.
    """
    if number == 1:
        return name
    stem, tail = _split_name(name)
    return _fitting(stem, f" ({number}){tail}")


def _split_name(name: str) -> tuple[str, str]:
    """A file name's stem and its extension with the dot."""
    stem, dot, extension = name.rpartition(".")
    return (name, "") if not stem or len(extension) > 16 else (stem, dot + extension)


def _fitting(stem: str, tail: str) -> str:
    while len(os.fsencode(stem + tail)) > MAX_FILE_NAME_BYTES:
        stem = stem[:-1]
    return stem + tail


def shown(name: str) -> str:
    """A name within a sentence: control characters and broken bytes visible, never too long."""
    visible = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    return visible if len(visible) <= 80 else f"{visible[:50]}…{visible[-25:]}"


def photos(count: int) -> str:
    """``1 photo``, ``3 photos``."""
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"
