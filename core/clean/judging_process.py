"""A process that judges files for ``core.clean.judging``, and may die of one.

It reads requests from standard input and answers on standard output, one JSON object a line:

    {"seconds": 30.0, "at_once": false, "files": ["/a.jpg", ...]}   ->
    {"verdicts": [{"kind": "good", "reason": null, ...}, ...]}            in the order of the files

Verdicts come in several answers, so that whoever waits can report. A file that keeps the decoder
longer than ``seconds`` ends the process, as does one that crashes it; whoever asked finds the
first file without a verdict. The process ends when standard input does.
"""

import faulthandler
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from core.images.verdict import judge

SECONDS_BETWEEN_ANSWERS = 0.2
# Setting the clock anew for each file would cost a twentieth of the time a small photo takes.
SECONDS_BETWEEN_CLOCKS = 1.0


def main() -> None:
    """Answer until there is nothing more to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = _private_output()
    _send(answers, [])  # ready
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _answer(request, answers)
        faulthandler.cancel_dump_traceback_later()


def _private_output() -> BinaryIO:
    """Keep standard output for answers, and quieten what decoders write in C."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    return answers


def _answer(request: dict[str, Any], answers: BinaryIO) -> None:
    found: list[Any] = []
    sent_at = time.monotonic()
    for file in _watched(request["files"], request["seconds"], each=request["at_once"]):
        found.append(vars(judge(Path(file))))
        now = time.monotonic()
        if request["at_once"] or now - sent_at >= SECONDS_BETWEEN_ANSWERS:
            _send(answers, found)
            found, sent_at = [], now
    if found:
        _send(answers, found)


def _watched(files: Iterable[str], seconds: float, *, each: bool) -> Iterable[str]:
    """The files one by one, each with a clock running that ends the process.

    The clock is a thread in C: it also ends a decoder that never lets Python run.
    """
    set_at = -SECONDS_BETWEEN_CLOCKS
    for file in files:
        now = time.monotonic()
        if each or now - set_at >= SECONDS_BETWEEN_CLOCKS:
            faulthandler.dump_traceback_later(seconds + SECONDS_BETWEEN_CLOCKS, exit=True, file=2)
            set_at = now
        yield file


def _send(answers: BinaryIO, verdicts: list[Any]) -> None:
    answers.write(json.dumps({"verdicts": verdicts}).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
