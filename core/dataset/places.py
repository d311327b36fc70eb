"""Where a data set keeps its catalogue: beside the photos, or with the user where that fails."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from core.dataset.names import HOME, shown
from core.errors import DatasetError
from core.user_folders import user_data

# SQLite's write-ahead log needs memory shared between processes; these do not give it reliably.
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "afpfs", "ncpfs", "webdav"}
    | {
        "davfs",
        "ceph",
        "glusterfs",
        "lustre",
        "fuse.sshfs",
        "fuse.davfs",
        "fuse.rclone",
        "fuse.s3fs",
    }
)

CATALOGUE = "catalog.sqlite"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where what Winnow keeps about one data set lies."""

    home: Path  # the folder of catalogue, runs, thumbnails
    read_only: bool  # nothing can be written beside the photos


def not_winnows_own(root: Path) -> Path:
    """The folder, unless it is one of Winnow's own.

    Raises:
        DatasetError: If it is.
    """
    if HOME in root.parts:
        raise DatasetError(
            f"{shown(str(root))} belongs to Winnow itself. Choose the folder that holds your "
            "class folders."
        )
    return root


def absolute(root: Path) -> Path:
    """The one path a data set is known by, whichever way it was reached.

    Raises:
        DatasetError: If there can be no such path.
    """
    try:
        return Path(os.path.realpath(root.expanduser()))
    except (RuntimeError, ValueError, OSError) as error:  # no such user; a zero byte; a loop
        raise DatasetError(f"{shown(str(root))} is no folder ({error}). Check its name.") from error


def token_of(root: Path) -> str:
    """What stands for a data set in addresses: 16 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(absolute(root))).hexdigest()[:16]


def place_of(root: Path) -> Place:
    """Find or make the folder for a data set's catalogue.

    Raises:
        DatasetError: If the folder's own ``.winnow`` is a link or a file.
    """
    beside = root / HOME
    if beside.is_symlink() or (beside.exists() and not beside.is_dir()):
        raise DatasetError(
            f"{shown(str(beside))} is not a folder of its own. Winnow keeps its catalogue there: "
            "move it away and open the data set again."
        )
    read_only = not can_write(root)
    if not read_only and not is_on_network(root):
        return Place(home=beside, read_only=False)
    stand_in = _stand_in(root)
    stand_in.mkdir(parents=True, exist_ok=True)
    return Place(home=stand_in, read_only=read_only)


def _stand_in(root: Path) -> Path:
    return user_data() / "catalogues" / token_of(root)


def has_catalogue(root: Path) -> bool:
    """Whether a folder was opened as a data set before. Nothing is written to find out."""
    return any((home / CATALOGUE).is_file() for home in (root / HOME, _stand_in(root)))


def can_write(root: Path) -> bool:
    """Whether a folder takes files, found out by writing one; ``.winnow`` is made on the way."""
    probe = root / HOME / f"write-test-{os.getpid()}"
    try:
        probe.parent.mkdir(exist_ok=True)
        os.close(os.open(probe, os.O_CREAT | os.O_WRONLY, 0o600))
        probe.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def is_on_network(root: Path) -> bool:
    """Whether a folder lies on another machine, as far as the system tells."""
    if os.name == "nt":
        return _windows_drive_is_remote(root)
    return _file_system(root) in NETWORK_FILE_SYSTEMS


def _windows_drive_is_remote(root: Path) -> bool:
    import ctypes

    if str(root).startswith("\\\\"):
        return True
    remote = 4  # DRIVE_REMOTE
    windows = getattr(ctypes, "windll", None)
    return windows is not None and windows.kernel32.GetDriveTypeW(root.anchor) == remote


def _file_system(root: Path) -> str:
    """The type of the file system that holds a folder; empty where it cannot be told."""
    best, kind = "", ""
    for mounted_at, file_system in _mounts():
        inside = str(root) == mounted_at or str(root).startswith(mounted_at.rstrip("/") + "/")
        if inside and len(mounted_at) >= len(best):
            best, kind = mounted_at, file_system
    return kind


def _mounts() -> list[tuple[str, str]]:
    if sys.platform == "darwin":
        return _macos_mounts()
    try:
        lines = Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split(" ") for line in lines]
    return [(_unescaped(field[1]), field[2]) for field in fields if len(field) > 2]


def _unescaped(mounted_at: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        mounted_at = mounted_at.replace(code, character)
    return mounted_at


def _macos_mounts() -> list[tuple[str, str]]:
    """What ``mount`` prints: ``//host/share on /Volumes/share (smbfs, nodev)``."""
    import subprocess

    try:
        printed = subprocess.run(["/sbin/mount"], capture_output=True, timeout=5).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    mounts = []
    for line in os.fsdecode(printed).splitlines():
        front, _, options = line.rpartition(" (")
        _, on, mounted_at = front.partition(" on ")
        if on:
            mounts.append((mounted_at, options.partition(",")[0].rstrip(")")))
    return mounts
