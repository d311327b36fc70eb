"""Running pip so that its minutes are neither silent nor a wall of text."""

import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

UNPACKING = "Installing collected packages:"  # what pip writes once it has downloaded all
SECONDS_BETWEEN_LINES = 15  # in a file or CI log; on a terminal one line is kept up to date


def run_shown(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path
) -> int:
    """Run pip, keep what it writes in ``log``, show what it is doing, return its exit code."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines: Queue[str | None] = Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    try:
        _follow(lines, log, began)
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    show(f"Installing took {time.monotonic() - began:.0f} s.", ended=True)
    return code


@dataclass
class Doing:
    """What pip is at, as far as its lines tell."""

    words: str = "looking up what is needed"
    packages: int = 0  # to be unpacked; 0 until pip says so
    seen: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Learn from one line of pip's."""
        downloading = re.match(r"\s*Downloading (\S+?)-\d\S* \((.+?)\)", line)
        if downloading:
            self.words = "downloading {} ({})".format(*downloading.groups())
        elif collecting := re.match(r"Collecting ([\w.-]+)", line):
            self.words = f"looking at {collecting[1]}"
        elif line.startswith(UNPACKING):
            self.packages = line.count(",") + 1
            self.words = f"unpacking {self.packages} packages"


def _read(process: "subprocess.Popen[bytes]", lines: "Queue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)


def _follow(lines: "Queue[str | None]", log: Path, began: float) -> None:
    doing, shown_at, pause = Doing(), began, 0.5 if sys.stdout.isatty() else SECONDS_BETWEEN_LINES
    with log.open("w", 1, encoding="utf-8", errors="replace") as kept:
        while True:
            try:
                line = lines.get(timeout=0.5)
            except Empty:
                line = ""
            if line is None:
                return
            if line:
                kept.write(line + "\n")
                doing.take(line)
            if time.monotonic() - shown_at >= pause:
                shown_at = time.monotonic()
                show(f"Installing, {shown_at - began:.0f} s: {doing.words}")


def show(text: str, *, ended: bool = False) -> None:
    """Show one line: over the one before on a terminal, below it elsewhere."""
    if not sys.stdout.isatty():
        print(text, flush=True)
        return
    width = max(20, shutil.get_terminal_size().columns - 1)
    print("\r" + text[:width].ljust(width), end="\n" if ended else "", flush=True)
