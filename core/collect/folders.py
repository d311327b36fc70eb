"""Folders on this computer, as a person looks for one: places, what lies in them, what they hold.

Nothing here follows the whole tree: a look at a folder costs what that folder costs, and a tally
is given up after a number of entries or a length of time.
"""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil

from core.dataset.names import DEFAULT_UNSORTED
from core.dataset.parts import meaning, split_parts
from core.errors import DatasetError

PICTURE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .gif .webp .avif .heic .heif .bmp .tif .tiff".split()
)
MOST_ENTRIES = 20_000
TALLY_SECONDS = 1.0

# Mount points that hold the system, not a person's files.
_SYSTEM_MOUNTS = ("/", "/boot", "/etc", "/dev", "/proc", "/sys", "/run", "/snap", "/var", "/usr")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where people look first."""

    title: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a folder holds, one folder deep."""

    photos: int  # by their names' endings; in the folder and in the folders right below it
    loose: int  # of these, how many lie in the folder itself
    class_folders: int  # folders right below it that hold photos
    more: bool  # the count was given up early; there may be more


def places() -> list[Place]:
    """Home, the usual folders in it, and drives; those that exist, each once."""
    candidates = [
        ("Home", Path.home()),
        ("Pictures", platformdirs.user_pictures_path()),
        ("Desktop", platformdirs.user_desktop_path()),
        ("Documents", platformdirs.user_documents_path()),
        ("Downloads", platformdirs.user_downloads_path()),
        *_drives(),
    ]
    found: dict[Path, Place] = {}
    for title, path in candidates:
        if path.is_dir():
            found.setdefault(path, Place(title=title, path=path))
    return list(found.values())


def subfolders(folder: Path) -> list[Path]:
    """Folders right inside a folder in the order people count, without hidden ones.

    Raises:
        DatasetError: If the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _is_folder(entry)]
    except OSError as error:
        raise DatasetError(_sentence(folder, error)) from error
    return [folder / name for name in sorted(names, key=_as_people_count)]


def tally(folder: Path, *, most: int = MOST_ENTRIES, seconds: float = TALLY_SECONDS) -> Tally:
    """Count photos and class folders, giving up after ``most`` entries or ``seconds``.

    A folder that cannot be read counts as empty. Where a folder is divided into train, valid and
    test, class folders are those in these.
    """
    budget = _Budget(most, seconds)
    inside: list[str] = []
    loose = _count_pictures(folder, budget, inside)
    if inside and all(meaning(name) or name == DEFAULT_UNSORTED for name in inside):
        below = _below(folder, inside, budget)
        if split_parts([*inside, *below], unsorted=DEFAULT_UNSORTED):
            loose += sum(_count_pictures(folder / name, budget, None) for name in inside)
            inside = below
    counts = [_count_pictures(folder / name, budget, None) for name in inside if not budget.spent]
    return Tally(
        photos=loose + sum(counts),
        loose=loose,
        class_folders=sum(number > 0 for number in counts),
        more=budget.spent,
    )


def too_broad(folder: Path) -> str | None:
    """Why a folder is too much for one data set, such as all of home; None if it is not."""
    home = Path.home()
    if folder == home or folder in home.parents or folder == Path(folder.anchor):
        return "This is more than one data set. Choose the folder that holds your class folders."
    return None


def _below(folder: Path, inside: Sequence[str], budget: "_Budget") -> list[str]:
    """The folders two deep, as paths."""
    found = []
    for name in inside:
        names: list[str] = []
        _count_pictures(folder / name, budget, names)
        found += [f"{name}/{one}" for one in names]
    return found


class _Budget:
    """Entries and time that a tally may still use."""

    def __init__(self, most: int, seconds: float) -> None:
        self._left = most
        self._deadline = time.monotonic() + seconds
        self.spent = False

    def use_one(self) -> None:
        self._left -= 1
        # A look at the clock costs as much as an entry; now and then is enough.
        if self._left < 0 or (self._left % 64 == 0 and time.monotonic() > self._deadline):
            self.spent = True


def _count_pictures(folder: Path, budget: _Budget, inside: list[str] | None) -> int:
    """Pictures right inside a folder; names of its folders are added to ``inside``."""
    found = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                budget.use_one()
                if budget.spent:
                    break
                if _has_picture_suffix(entry.name):
                    found += 1
                elif inside is not None and _is_folder(entry):
                    inside.append(entry.name)
    except OSError:
        return found
    return found


def _has_picture_suffix(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    if entry.name.startswith(".") or entry.name.startswith("$"):
        return False
    try:
        return entry.is_dir() and not _hidden_on_windows(entry)
    except OSError:
        return False


def _hidden_on_windows(entry: "os.DirEntry[str]") -> bool:
    hidden_or_system = 0x2 | 0x4
    attributes = getattr(entry.stat(), "st_file_attributes", 0) if os.name == "nt" else 0
    return bool(attributes & hidden_or_system)


def _as_people_count(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts "photo 9" before "photo 10"."""
    parts = _DIGITS.split(name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _drives() -> list[tuple[str, Path]]:
    found = []
    for partition in psutil.disk_partitions(all=False):
        mounted_at = partition.mountpoint
        is_system = mounted_at == "/" or any(
            mounted_at == system or mounted_at.startswith(system + "/")
            for system in _SYSTEM_MOUNTS[1:]
        )
        # Removable drives of Linux desktops lie below /run/media.
        if os.path.isdir(mounted_at) and (not is_system or mounted_at.startswith("/run/media/")):
            path = Path(mounted_at)
            found.append((path.name or mounted_at, path))
    return found


def _sentence(folder: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"You may not look into {folder}. Choose another folder."
    if isinstance(error, FileNotFoundError):
        return f"There is no folder {folder} any more. Choose another one."
    if isinstance(error, NotADirectoryError):
        return f"{folder} is a file, not a folder. Choose the folder it lies in."
    return f"{folder} cannot be read ({error.strerror}). Choose another folder."
