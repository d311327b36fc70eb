"""A process that judges and measures files for ``core.clean.judging``, and may die of one.

A request is answered in several parts, so that whoever waits can report:

    {"seconds": 30.0, "at_once": false, "files": ["/a.jpg", ...]}   ->
    {"found": [[{"kind": "good", "reason": null, ...}, {"sharp": 0.81, ...}], ...]}

in the order of the files. A file that keeps the decoder longer than ``seconds`` ends the process,
as does one that crashes it; whoever asked finds the first file without an answer. One that asks
for more memory than the process may have is judged too large.
"""

import faulthandler
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from core.clean.quality import Glance, glance, measured
from core.images.helpers import Message, serve

SECONDS_BETWEEN_ANSWERS = 0.2
# Setting the clock anew for each file would cost a twentieth of the time a small photo takes.
SECONDS_BETWEEN_CLOCKS = 1.0


def answer_all(requests: IO[bytes], send: Callable[[Message], None]) -> None:
    """Answer until there is nothing more to answer."""
    lines = queue.SimpleQueue[bytes]()
    # Whoever asks does so ahead, and must never wait to be heard before it hears the answers.
    threading.Thread(target=_hear, args=(requests, lines), daemon=True).start()
    while line := lines.get():
        _answer(json.loads(line), send)
        faulthandler.cancel_dump_traceback_later()


def _hear(requests: IO[bytes], lines: "queue.SimpleQueue[bytes]") -> None:
    for line in requests:
        lines.put(line)
    lines.put(b"")


def _answer(request: Message, send: Callable[[Message], None]) -> None:
    seen: list[Glance] = []
    sent_at = time.monotonic()
    for file in _watched(request["files"], request["seconds"], each=request["at_once"]):
        seen.append(glance(Path(file)))
        now = time.monotonic()
        if request["at_once"] or now - sent_at >= SECONDS_BETWEEN_ANSWERS:
            send(_found(seen))
            seen, sent_at = [], now
    if seen:
        send(_found(seen))


def _found(seen: list[Glance]) -> Message:
    return {"found": [[vars(verdict), scores] for verdict, scores in measured(seen)]}


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


if __name__ == "__main__":
    serve(answer_all)
