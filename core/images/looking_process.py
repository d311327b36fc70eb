"""A process that looks at files for ``core.images.looking``, and may die of one.

It reads requests from standard input and answers each on standard output, one JSON object a line:

    {"seconds": 30.0, "min_side": 64, "file": "/a.jpg"}   ->
    {"verdict": {"kind": "good", ...}, "content": "...", "near": "..."}

A file that keeps the decoder longer than ``seconds`` ends the process, as does one that crashes it.
The process ends when standard input does.
"""

import faulthandler
import json
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from core.images.look import look


def main() -> None:
    """Answer until there is nothing more to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = _private_output()
    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        # The clock is a thread in C: it also ends a decoder that never lets Python run.
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=2)
        found = look(Path(request["file"]), min_side=request["min_side"])
        faulthandler.cancel_dump_traceback_later()
        answer = {
            "verdict": vars(found.verdict),
            "content": found.content,
            "near": None if found.near is None else found.near.hex(),
        }
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _private_output() -> BinaryIO:
    """Keep standard output for answers, and quieten what decoders write in C."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    return answers


if __name__ == "__main__":
    main()
