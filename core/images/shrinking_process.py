"""A process that makes small copies for ``core.images.shrinking``, and may die of a file.

{"seconds": 20.0, "source": "/a.jpg", "content": "...", "folder": "/thumbs", "side": 256}  ->
{"problem": null, "lasting": true}
"""

import faulthandler
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

from core.errors import ImageError
from core.images.helpers import Message, serve
from core.images.thumbnails import thumbnail


def answer_all(requests: IO[bytes], send: Callable[[Message], None]) -> None:
    """Answer until there is nothing more to answer."""
    for line in requests:
        request = json.loads(line)
        # The clock is a thread in C: it also ends a decoder that never lets Python run.
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=2)
        send(_made(request))
        faulthandler.cancel_dump_traceback_later()


def _made(request: Message) -> Message:
    try:
        thumbnail(
            Path(request["source"]),
            request["content"],
            Path(request["folder"]),
            side=request["side"],
        )
    except ImageError as error:
        return {"problem": str(error), "lasting": error.lasting}
    return {"problem": None, "lasting": True}


if __name__ == "__main__":
    serve(answer_all)
