"""Ready-made sets: downloaded by torchvision into the user's cache, then put into class folders.

The download stays in the cache, so that another part of it, or another data set, needs no network;
what was unpacked goes once it has arrived. torchvision runs in a process of its own, which can be
ended at any moment.
"""

import json
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from core.collect.bringing import Brought, Coming, bring
from core.collect.known_sets import SETS, KnownSet
from core.collect.ready_made_process import DOWNLOADS, clear_unpacked
from core.dataset import Dataset
from core.dataset.names import shown
from core.dataset.sources import Source
from core.errors import DatasetError
from core.jobs.progress import JobResult, Progress, Task
from core.user_folders import user_cache

PROGRAM = (sys.executable, "-m", "core.collect.ready_made_process")
CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS_BETWEEN_LOOKS = 0.5
SPARE_BYTES = 200_000_000  # left free for catalogue, thumbnails and the rest of the computer
MB = 1_000_000

Row = tuple[str, str, str]  # key within the set, class, path of the file


def ready_made(
    dataset: Dataset,
    known: KnownSet,
    *,
    collection: str,
    most: int = 0,
    flat: bool = False,
    program: Sequence[str] = PROGRAM,
) -> Task[Brought]:
    """Bring a ready-made set into a data set; phases ``download``, ``unpack``, ``collect``.

    Stopped at any point, it goes on from there when it is called again.

    Args:
        dataset: Gets the photos.
        known: The set.
        collection: Id the photos arrive under.
        most: Photos of each class at most; 0 for all.
        flat: Put the photos under the set's own names, which tell the class, among those
            without a class.
        program: Runs ``core.collect.ready_made_process``.

    Raises:
        DatasetError: If there is no network or no room, or the download is damaged.
    """
    folder = cache_folder(known)
    with _alone_in(folder) as lock:
        while not _is_ours(lock):
            yield Progress(
                phase="wait", done=0, total=0, message="Another window prepares this set. Waiting."
            )
            time.sleep(SECONDS_BETWEEN_LOOKS)
        _check_room(dataset, known, most)
        rows = yield from _prepared(known, folder, most, program)
        coming = _coming(known, rows, collection, flat=flat, at=time.time())
        message = f"Putting {known.title} into its folders."
        brought = yield from bring(dataset, coming, collection=collection, message=message)
        for _ in clear_unpacked(folder):  # of 101,000 files, perhaps
            yield Progress(phase="tidy", done=0, total=0, message="Tidying up.")
    return brought


def ready_made_job(
    root: str, collection: str, name: str, most: int = 0, flat: bool = False
) -> Task[JobResult]:
    """Bring the ready-made set of that name into the data set in a folder."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    brought = yield from ready_made(
        dataset, SETS[name], collection=collection, most=most, flat=flat
    )
    return {
        "collection": collection,
        "photos": brought.photos,
        "already_there": brought.already_there,
    }


def cache_folder(known: KnownSet) -> Path:
    """Where a set is downloaded to and unpacked."""
    return user_cache() / "sets" / known.name


def downloaded_bytes(known: KnownSet) -> int:
    """How much of a set's download lies in the cache, in bytes."""
    paths = [cache_folder(known) / place for place in DOWNLOADS[known.name]]
    return sum(path.stat().st_size for path in paths if path.is_file())


def delete_download(known: KnownSet) -> None:
    """Delete a set's download from the cache; photos in data sets stay.

    Raises:
        DatasetError: If it is being used.
    """
    folder = cache_folder(known)
    with _alone_in(folder) as lock:
        if not _is_ours(lock):
            raise DatasetError(f"{known.title} is being prepared. Wait until that has ended.")
        shutil.rmtree(folder, ignore_errors=True)


def room_needed(known: KnownSet, most: int = 0) -> int:
    """Bytes that a set takes at most on one disk while it is prepared."""
    share = min(1.0, most * known.classes / known.photos) if most else 1.0
    missing = max(0, known.download_bytes - downloaded_bytes(known))
    return missing + known.unpacked_bytes + round(share * known.unpacked_bytes) + SPARE_BYTES


def free_bytes(folder: Path) -> int:
    """Free bytes of the disk on which a folder is, or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def in_size(number: int) -> str:
    """A number of bytes for people: ``99 MB``, ``5.0 GB``."""
    return f"{number / 1e9:.1f} GB" if number >= 1000 * MB else f"{round(number / MB)} MB"


def _check_room(dataset: Dataset, known: KnownSet, most: int) -> None:
    # The two folders may lie on two disks; then this asks a little too much of each.
    needed = room_needed(known, most)
    for folder in (cache_folder(known), dataset.root):
        if (free := free_bytes(folder)) < needed:
            raise DatasetError(
                f"{known.title} needs about {in_size(needed)} while it is prepared, and the disk "
                f"of {shown(str(folder))} has {in_size(free)} free. Make room, or choose a "
                "smaller set."
            )


def _prepared(known: KnownSet, folder: Path, most: int, program: Sequence[str]) -> Task[list[Row]]:
    rows = yield from _ask_the_process(known, folder, most, program)
    if not all(Path(path).is_file() for _, _, path in rows):
        deque(clear_unpacked(folder), maxlen=0)  # someone tidied the cache
        rows = yield from _ask_the_process(known, folder, most, program)
    return rows


def _ask_the_process(
    known: KnownSet, folder: Path, most: int, program: Sequence[str]
) -> Task[list[Row]]:
    last = Progress(phase="load", done=0, total=0, message="Starting.")
    with _running([*program, known.name, str(folder), str(most)]) as told:
        while True:
            yield last
            try:
                line = told.get(timeout=SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                continue
            if line is None:
                raise DatasetError(
                    f"{known.title} could not be prepared: torchvision ended without a word. "
                    "The computer may be out of memory. Close other programs, then start again."
                )
            if "listing" in line:
                found = Path(line["listing"]).read_text(encoding="ascii")
                return [(key, class_name, path) for key, class_name, path in json.loads(found)]
            if "problem" in line:
                raise DatasetError(_sentence(known, folder, line))
            last = _progress(known, line)


@contextmanager
def _running(command: Sequence[str]) -> Iterator["queue.Queue[dict[str, Any] | None]"]:
    """A process and what it tells, line by line, then None; it ends with this block."""
    told: queue.Queue[dict[str, Any] | None] = queue.Queue()
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=_read, args=(process.stdout, told), daemon=True)
        reader.start()
        try:
            yield told
        finally:
            process.kill()
            reader.join()


def _read(output: IO[bytes], told: "queue.Queue[dict[str, Any] | None]") -> None:
    for line in output:
        if line.startswith(b"{"):  # torchvision may print too
            told.put(json.loads(line))
    told.put(None)


def _progress(known: KnownSet, line: Mapping[str, Any]) -> Progress:
    phase, done, total = line["phase"], line["done"], line["total"]
    if phase == "download":
        message = f"Downloading {known.title}, in MB."
        return Progress(phase=phase, done=done // MB, total=max(total // MB, 1), message=message)
    if phase == "unpack":
        most = total or known.photos
        message = f"Unpacking {known.title}."
        return Progress(phase=phase, done=min(done, most), total=most, message=message)
    message = f"Checking the download of {known.title}." if phase == "check" else "Starting."
    return Progress(phase=phase, done=0, total=0, message=message)


def _sentence(known: KnownSet, folder: Path, line: Mapping[str, Any]) -> str:
    host = line.get("host") or "The set's site"
    by_hand = (
        f"If it stays like this, download it yourself from {known.home} and bring it in with "
        "Upload or Folder on this computer."
    )
    return {
        "unreachable": f"{host} cannot be reached: there may be no network. What was downloaded "
        "is kept; start again once there is one. The circles that Winnow draws need none.",
        "refused": f"{host} refused the download ({line.get('code')}). Try again later. {by_hand}",
        "damaged": f"The download of {known.title} is not what its makers published: it was "
        f"damaged on its way, or changed. It was thrown away. Start again. {by_hand}",
        "full": f"The disk of {shown(str(folder))} is full. Make room, then start again.",
        "unwritable": f"{shown(str(folder))} cannot be written ({line.get('why')}). Check the "
        "folder, or name another one in the environment variable WINNOW_CACHE_DIR.",
    }[line["problem"]]


def _coming(
    known: KnownSet, rows: Sequence[Row], collection: str, *, flat: bool, at: float
) -> list[Coming]:
    return [
        Coming(
            name=key if flat else _name(key, class_name),
            class_name=None if flat else class_name,
            source=Source(
                via="set",
                query=known.title,
                title=key,
                page=known.home,
                licence=known.licence,
                licence_url=known.terms_url,
                at=at,
                collection=collection,
            ),
            write=partial(shutil.copyfile, path),
        )
        for key, class_name, path in rows
    ]


def _name(key: str, class_name: str) -> str:
    """Our name for a photo: its class and its number in the set, ``great_pyrenees_173.jpg``."""
    stem, _, extension = key.rpartition("/")[2].rpartition(".")
    number = re.search(r"\d*$", stem)
    words = re.sub(r"\W+", "_", class_name).strip("_").lower()
    ending = "jpg" if extension.lower() == "jpeg" else extension.lower()
    return f"{words}_{number.group() if number else ''}.{ending}"


@contextmanager
def _alone_in(folder: Path) -> Iterator[FileLock]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0)
    try:
        yield lock
    finally:
        lock.release()


def _is_ours(lock: FileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
