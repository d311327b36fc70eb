"""The data sets a user opened lately, by the tokens that stand for them in addresses."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from core.dataset.places import absolute, token_of
from core.errors import DatasetError
from core.user_folders import user_data

KEPT = 200

_cache: dict[Path, tuple[tuple[int, int, int], "list[Recent]"]] = {}
_cache_lock = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Recent:
    """A data set opened before. Its folder may be gone."""

    token: str
    root: Path
    opened_at: float  # seconds since 1970


def remember(root: Path) -> str:
    """Put a data set at the top of the recent ones and return its token."""
    root = absolute(root)
    token = token_of(root)
    with _changing() as found:
        found[:] = [one for one in found if one.token != token]
        found.insert(0, Recent(token=token, root=root, opened_at=time.time()))
        del found[KEPT:]
    return token


def recent() -> list[Recent]:
    """The recent data sets, last opened first."""
    path = _path()
    try:
        state = os.stat(path)
    except OSError:
        return []
    stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
    with _cache_lock:
        if path not in _cache or _cache[path][0] != stamp:
            _cache[path] = (stamp, _read(path))
        return list(_cache[path][1])


def root_of(token: str) -> Path | None:
    """The folder a token stands for; None if this user never opened it."""
    return next((one.root for one in recent() if one.token == token), None)


def forget(token: str) -> None:
    """Leave a data set out of the recent ones. Nothing in its folder changes."""
    with _changing() as found:
        found[:] = [one for one in found if one.token != token]


def _path() -> Path:
    return user_data() / "recent.json"


@contextmanager
def _changing() -> Iterator[list[Recent]]:
    path = _path()
    with FileLock(path.with_suffix(".lock"), poll_interval=0.005):
        found = _read(path)
        yield found
        # ASCII alone: names that are not UTF-8 come back as they were.
        rows = [{"root": str(one.root), "opened_at": one.opened_at} for one in found]
        written = path.with_suffix(".new")
        written.write_text(json.dumps(rows, indent=1), encoding="ascii")
        os.replace(written, path)


def _read(path: Path) -> list[Recent]:
    """The list on disk; an empty one if it is missing or damaged, as it can be made again."""
    try:
        rows = json.loads(path.read_text(encoding="ascii"))
        return [
            Recent(
                token=token_of(Path(row["root"])),
                root=Path(row["root"]),
                opened_at=float(row["opened_at"]),
            )
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError, RecursionError, DatasetError):
        return []
