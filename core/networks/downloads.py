"""Fetching the weights of a network once, from where its makers publish them.

``python -m core.networks.downloads resnet18 ...`` fetches by hand. What was fetched before a stop
or a cut line stays in a ``.part`` file, and the next try goes on from there. A file is given its
name only once its checksum is right.
"""

import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from core.errors import NetworkError
from core.jobs.progress import JobResult, Progress, Task
from core.networks.backbones import (
    Backbone,
    backbone_named,
    downloaded_file,
    file_name,
    megabytes,
    weights_file,
    weights_here,
)

if TYPE_CHECKING:
    import requests

# Another address of the folder that holds the files: a mirror's, or a test's.
BASE = "WINNOW_WEIGHTS_URL"

CONNECT_SECONDS, SILENCE_SECONDS = 10, 20
CHUNK_BYTES = 1 << 18
SECONDS_BETWEEN_REPORTS = 0.3
PHASE = "download"
FULL = (errno.ENOSPC, errno.EDQUOT)
OK, PARTIAL, NOT_SATISFIABLE = 200, 206, 416


def download_job(backbone: str) -> Task[JobResult]:
    """Fetch the weights of the backbone of that name; ``result["file"]`` says where they lie."""
    file = yield from download(backbone_named(backbone))
    return {"backbone": backbone, "file": str(file)}


def download(backbone: Backbone) -> Task[Path]:
    """Fetch the weights unless they are here, and return their file.

    Progress counts bytes. Leaving early keeps what has come. Safe if several processes fetch at
    once: one works, the others wait for it.

    Raises:
        NetworkError: If they cannot be fetched or kept, or are not the right ones.
    """
    if weights_here(backbone):
        return weights_file(backbone)
    target = downloaded_file(backbone)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = yield from _locked(backbone, target)
        with lock:
            if not target.is_file():
                yield from _fetch(backbone, target)
    except OSError as error:
        raise _unkept(backbone, target, error) from error
    message = f"The weights of {backbone.title} are here."
    yield Progress(phase=PHASE, done=1, total=1, message=message)
    return target


def address(backbone: Backbone) -> str:
    """Where the weights are fetched from."""
    base = os.environ.get(BASE)
    if base:
        return f"{base.rstrip('/')}/{file_name(backbone)}"
    return str(backbone.url)


def _locked(backbone: Backbone, target: Path) -> Task[FileLock]:
    lock = FileLock(target.with_name(f"{target.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=SECONDS_BETWEEN_REPORTS)
            return lock
        except Timeout:
            message = f"Another window is downloading {backbone.title}."
            yield Progress(phase=PHASE, done=0, total=0, message=message)


def _fetch(backbone: Backbone, target: Path) -> Task[None]:
    import requests  # a tenth of a second; pages import this module

    part = target.with_name(f"{target.name}.part")
    yield _report(backbone, _size(part), backbone.download_bytes, 0.0)
    try:
        yield from _fill(backbone, part)
    except requests.RequestException as error:
        raise _unreachable(backbone, error) from error
    yield Progress(phase=PHASE, done=0, total=0, message=f"Checking {backbone.title}.")
    if backbone.sha256 and not _sha256(part).startswith(backbone.sha256):
        part.unlink()
        raise NetworkError(
            f"What came for {backbone.title} is not what its makers published: its checksum is "
            "another. It was deleted. Try again; if this happens again, something between this "
            f"computer and {_host(backbone)} changes downloads."
        )
    os.replace(part, target)


def _fill(backbone: Backbone, part: Path) -> Task[None]:
    """Bring the part to its full length."""
    have = _size(part)
    with _asked(backbone, have) as response:
        if response.status_code == NOT_SATISFIABLE:  # it is whole already, or of something else
            if not _is_whole(response, have):
                part.unlink()
                yield from _fill(backbone, part)
            return
        if response.status_code not in (OK, PARTIAL):
            raise _refused(backbone, response.status_code)
        if response.status_code == OK or not _continues(response, have):
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else 0
        _refuse_where_there_is_no_room(backbone, part, total - have)
        yield from _write(backbone, part, response, have=have, total=total)
    if total and _size(part) != total:
        raise _cut_short(backbone)


def _write(
    backbone: Backbone, part: Path, response: "requests.Response", *, have: int, total: int
) -> Task[None]:
    began, told_at, before = time.monotonic(), time.monotonic(), have
    with part.open("ab" if have else "wb") as file:
        for chunk in response.iter_content(CHUNK_BYTES):
            file.write(chunk)
            have += len(chunk)
            if time.monotonic() - told_at >= SECONDS_BETWEEN_REPORTS:
                told_at = time.monotonic()
                rate = (have - before) / (told_at - began)
                yield _report(backbone, have, total or backbone.download_bytes, rate)
        file.flush()
        os.fsync(file.fileno())


def _asked(backbone: Backbone, have: int) -> "requests.Response":
    import requests

    # Compressed on its way, a file could not be gone on with in the middle.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    return requests.get(
        address(backbone),
        headers=headers,
        stream=True,
        timeout=(CONNECT_SECONDS, SILENCE_SECONDS),
    )


def _continues(response: "requests.Response", have: int) -> bool:
    """Whether the answer begins where the part ends."""
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _is_whole(response: "requests.Response", have: int) -> bool:
    return response.headers.get("Content-Range", "") == f"bytes */{have}"


def _refuse_where_there_is_no_room(backbone: Backbone, part: Path, more: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if more > free:
        raise NetworkError(
            f"{backbone.title} needs {more / 1e6:.0f} MB, but only {free / 1e6:.0f} MB are free "
            f"where {part.parent} lies. Make room, then try again."
        )


def _report(backbone: Backbone, done: int, total: int, rate: float) -> Progress:
    message = f"Downloading {backbone.title}"
    if rate > 0 and total > done:
        left = (total - done) / rate
        near = f"{max(1, round(left))} seconds" if left < 90 else f"{left / 60:.0f} minutes"
        message += f", {rate / 1e6:.1f} MB a second, about {near} left"
    return Progress(phase=PHASE, done=done, total=total, message=f"{message}.")


def _unreachable(backbone: Backbone, error: Exception) -> NetworkError:
    import requests

    folder = downloaded_file(backbone).parent
    if isinstance(error, (requests.Timeout, requests.exceptions.ChunkedEncodingError)):
        return _cut_short(backbone)
    return NetworkError(
        f"{backbone.title} cannot be downloaded: there is no connection to {_host(backbone)}. "
        "Connect this computer to the internet and try again. Or download "
        f"{address(backbone)} elsewhere and put the file into {folder}. "
        "EfficientNet-Lite works without."
    )


def _cut_short(backbone: Backbone) -> NetworkError:
    return NetworkError(
        f"The download of {backbone.title} broke off: {_host(backbone)} has stopped sending. What "
        "has come is kept. Try again, and it goes on from there."
    )


def _refused(backbone: Backbone, status: int) -> NetworkError:
    if status in (404, 410):
        return NetworkError(
            f"{backbone.title} is no longer at {address(backbone)}. Choose another network, or "
            "look for a newer Winnow."
        )
    return NetworkError(
        f"{_host(backbone)} does not hand over {backbone.title}: it answered {status}. Try again "
        "later."
    )


def _unkept(backbone: Backbone, target: Path, error: OSError) -> NetworkError:
    if error.errno in FULL:
        return NetworkError(
            f"The disk is full: {backbone.title} needs {megabytes(backbone)} in {target.parent}. "
            "What has come is kept. Make room, then try again."
        )
    return NetworkError(
        f"{backbone.title} cannot be kept in {target.parent}: {error.strerror or error}. Check "
        "that the folder may be written to, then try again."
    )


def _host(backbone: Backbone) -> str:
    from urllib.parse import urlsplit

    return urlsplit(address(backbone)).hostname or address(backbone)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def main(names: Sequence[str]) -> int:
    """Fetch the weights of the named backbones, with progress on standard error."""
    for name in names:
        try:
            for progress in download(backbone_named(name)):
                print(progress.message, file=sys.stderr, flush=True)  # noqa: T201
        except NetworkError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
