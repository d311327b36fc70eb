"""What deep training left unfinished: stopped, crashed, or cut off by a power cut.

Imports stay light: pages look here.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

FOLDER, ABOUT = "deep", "about.json"


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """One interrupted training, which the same settings go on with."""

    settings: Mapping[str, Any]  # as DeepSettings.to_json gave them
    epoch: int  # finished epochs of the fold it was at
    epochs: int  # of each fold
    fold: int
    changed: float  # seconds since 1970: when it was last kept


def unfinished(home: Path) -> Unfinished | None:
    """The newest interrupted training of a data set; None where there is none."""
    found = [kept for folder in _folders(home) if (kept := _read(folder))]
    return max(found, key=lambda one: one.changed, default=None)


def state_folder(home: Path, settings: Mapping[str, Any], photos: str) -> Path:
    """Where the training by these settings on these photos, a fingerprint, keeps its state."""
    told = json.dumps([settings, photos], sort_keys=True).encode()
    return home / FOLDER / xxhash.xxh3_64_hexdigest(told)


def tell(folder: Path, *, settings: Mapping[str, Any], epoch: int, epochs: int, fold: int) -> None:
    """Note how far a training is, beside its checkpoint."""
    kept = {"settings": dict(settings), "epoch": epoch, "epochs": epochs, "fold": fold}
    draft = folder / f"{ABOUT}.{os.getpid()}.part"
    draft.write_text(json.dumps(kept), encoding="ascii")
    os.replace(draft, folder / ABOUT)


def forget(folder: Path) -> None:
    """Delete the state of a training that has ended, or of one not to go on with."""
    shutil.rmtree(folder, ignore_errors=True)


def forget_others(home: Path, but: Path) -> None:
    """Delete what other trainings left: one is kept at a time."""
    for folder in _folders(home):
        if folder != but:
            forget(folder)


def _folders(home: Path) -> list[Path]:
    try:
        return [path for path in (home / FOLDER).iterdir() if path.is_dir()]
    except OSError:
        return []


def _read(folder: Path) -> Unfinished | None:
    try:
        kept = json.loads((folder / ABOUT).read_text(encoding="ascii"))
        return Unfinished(**kept, changed=(folder / ABOUT).stat().st_mtime)
    except (OSError, ValueError, TypeError):
        return None
