"""A process that looks at files for ``core.images.looking``, and may die of one.

    {"seconds": 30.0, "min_side": 64, "file": "/a.jpg"}   ->
    {"verdict": {"kind": "good", ...}, "content": "...", "near": "..."}

A file that keeps the decoder longer than ``seconds`` ends the process, as does one that crashes it.
"""

import faulthandler
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO

from core.images.helpers import Message, serve
from core.images.look import look


def answer_all(requests: IO[bytes], send: Callable[[Message], None]) -> None:
    """Answer until there is nothing more to answer."""
    for line in requests:
        request = json.loads(line)
        # The clock is a thread in C: it also ends a decoder that never lets Python run.
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=2)
        found = look(Path(request["file"]), min_side=request["min_side"])
        faulthandler.cancel_dump_traceback_later()
        send(
            {
                "verdict": vars(found.verdict),
                "content": found.content,
                "near": None if found.near is None else found.near.hex(),
            }
        )


if __name__ == "__main__":
    serve(answer_all)
