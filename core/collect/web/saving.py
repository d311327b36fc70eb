"""Writing one answer's body to a file, for as long as it can still be a picture."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from requests import Response

from core.collect.web.limits import Limits
from core.collect.web.reasons import A_PAGE, megabytes, too_large
from core.images.signatures import HEAD_BYTES, recognise

CHUNK = 64_000  # above HEAD_BYTES
# Packings that are undone on the way; all others arrive as they are.
UNPACKED = frozenset({"gzip", "x-gzip", "deflate"})
PLAIN = frozenset({"", "identity", "none", "utf-8", "binary"})
PACKED = "The site sent the file in a packing that Winnow does not open."
FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)


class Rejected(Exception):
    """What the site sends is not kept. The reason is a sentence."""

    def __init__(self, reason: str, *, again: bool = False, size: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.size = size  # bytes that had arrived


@dataclass(frozen=True, kw_only=True)
class Saved:
    path: Path
    size: int


def save(
    response: Response,
    folder: Path,
    numbers: Iterator[int],
    *,
    limits: Limits,
    arrived: Callable[[int], bool],
) -> Saved:
    """Stream a body to the next free number in a folder.

    Until it is whole the file is called ``<number>.part``; where it does not become whole, nothing
    is left of it.

    Args:
        arrived: Told of bytes as they come; False where all files together are too many.

    Raises:
        Rejected: It is no picture, too large, empty, or the disk is full.
        Exception: Whatever reading raises.
    """
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) > limits.file_bytes:
        raise Rejected(too_large(limits))
    if "," in response.headers.get("Content-Encoding", ""):
        raise Rejected(PACKED)  # each layer may grow a thousandfold
    chunks = _chunks(response)
    head = next(chunks, b"")
    judge(head, response)
    try:
        return _keep(folder, numbers, head, chunks, limits, arrived)
    except OSError as error:  # the disk's: reading raises urllib3's own
        if error.errno in FULL:
            raise Rejected("There is no space left on the disk.", again=True) from error
        raise Rejected("The file could not be written to the disk.", again=True) from error


def _keep(
    folder: Path,
    numbers: Iterator[int],
    head: bytes,
    chunks: Iterator[bytes],
    limits: Limits,
    arrived: Callable[[int], bool],
) -> Saved:
    part, path = _reserve(folder, numbers)
    try:
        with part:
            size = _write(part, head, chunks, limits, arrived)
        os.replace(part.name, path)
    except BaseException:
        Path(part.name).unlink(missing_ok=True)
        raise
    return Saved(path=path, size=size)


def _chunks(response: Response) -> Iterator[bytes]:
    while chunk := response.raw.read(CHUNK, decode_content=True):
        yield chunk


def _write(
    file: BinaryIO,
    head: bytes,
    chunks: Iterator[bytes],
    limits: Limits,
    arrived: Callable[[int], bool],
) -> int:
    size = 0
    chunk: bytes | None = head
    while chunk:
        size += len(chunk)
        if size > limits.file_bytes:
            raise Rejected(too_large(limits), size=size)
        if not arrived(len(chunk)):
            words = megabytes(limits.total_bytes)
            raise Rejected(f"The limit of {words} for all files was reached.", again=True)
        file.write(chunk)
        chunk = next(chunks, None)
    return size


def judge(head: bytes, response: Response) -> None:
    """Raises Rejected where the first bytes are plainly no picture's, whatever the site calls it.

    What might be one is left to the decoder, which gives its own reasons.
    """
    if not head:
        raise Rejected("The site sent an empty file.")
    nature, words = recognise(head[:HEAD_BYTES])
    if nature != "other":
        return
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in PLAIN and encoding not in UNPACKED:
        raise Rejected(PACKED)
    kind = response.headers.get("Content-Type", "").lower()
    if words == "a web page" or "html" in kind or (words == "text" and head.lstrip()[:1] == b"<"):
        raise Rejected(A_PAGE)
    if words:
        raise Rejected(f"The site sent {words} instead of a picture.")


def _reserve(folder: Path, numbers: Iterator[int]) -> tuple[BinaryIO, Path]:
    """A new ``.part`` to write to, and the name it is to have: one that nothing has yet."""
    while True:
        number = next(numbers)
        path = folder / str(number)
        if path.exists():
            continue
        try:
            return open(folder / f"{number}.part", "xb"), path
        except FileExistsError:
            continue
