"""Small copies made in processes of their own, for a program that must outlive every file.

Whoever serves pictures to a browser meets files that nobody has looked at yet: one that crashes or
stalls the decoder, or unpacks without end, costs a helper and not the app.
"""

import threading
from functools import cache
from pathlib import Path

from core.errors import ImageError
from core.images.helper_pool import Failed, HelperPool, available_cores
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.images.thumbnails import THUMBNAIL_SIDE, place_of_copy

PROCESS = "core.images.shrinking_process"
SECONDS_PER_FILE = 20.0
MOST_PROCESSES = 4  # a browser asks for six at a time, and other work wants a share
MOST_REMEMBERED = 10_000

_fatal: dict[str, str] = {}  # contents that ended a process, with the reason; the next is spared
_lock = threading.Lock()


def thumbnail_apart(
    source: Path, content: str, folder: Path, *, side: int = THUMBNAIL_SIDE
) -> Path:
    """As ``thumbnails.thumbnail``, without decoding anything in this process.

    Raises:
        ImageError: As there, and if the file crashes the decoder or takes too long.
    """
    target = place_of_copy(content, folder)
    if target.exists():
        return target
    if content in _fatal:
        raise ImageError(_fatal[content])
    request = {
        "source": str(source),
        "content": content,
        "folder": str(folder),
        "side": side,
    }
    try:
        answer = _pool().ask(request, seconds=SECONDS_PER_FILE)
    except Failed as failure:
        reason = TAKES_TOO_LONG if failure.late else CRASHES
        with _lock:
            if len(_fatal) < MOST_REMEMBERED:
                _fatal[content] = reason
        raise ImageError(reason, lasting=not failure.late) from failure
    if answer["problem"] is not None:
        raise ImageError(answer["problem"], lasting=answer["lasting"])
    return target


@cache
def _pool() -> HelperPool:
    """The processes of this program; each ends when the program does."""
    return HelperPool(PROCESS, processes=min(available_cores(), MOST_PROCESSES))
