"""A process that makes plain copies of odd files for ``core.clean.untidy``, and may die of one.

{"seconds": 30.0, "source": "/a.tif", "target": "/staged", "flatten": false,
 "salvage": false}   ->
{"problem": null, "format": "PNG", "content": "..."}
"""

import faulthandler
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

from core.clean.plain_copy import plain_copy
from core.errors import ImageError
from core.images.helpers import Message, serve
from core.images.identity import content_hash


def answer_all(requests: IO[bytes], send: Callable[[Message], None]) -> None:
    """Answer until there is nothing more to answer."""
    for line in requests:
        request = json.loads(line)
        # The clock is a thread in C: it also ends a decoder that never lets Python run.
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=2)
        send(_made(request))
        faulthandler.cancel_dump_traceback_later()


def _made(request: Message) -> Message:
    target = Path(request["target"])
    try:
        kind = plain_copy(
            Path(request["source"]),
            target,
            flatten=request["flatten"],
            salvage=request["salvage"],
        )
        return {"problem": None, "format": kind, "content": content_hash(target)}
    except ImageError as error:
        return {"problem": str(error), "format": "", "content": ""}
    except OSError as error:
        reason = f"Its copy cannot be written: {error.strerror or error}."
        return {"problem": reason, "format": "", "content": ""}


if __name__ == "__main__":
    serve(answer_all)
