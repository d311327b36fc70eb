"""Files looked at as they come, in processes of their own that a hostile file may take down."""

from pathlib import Path

from core.images.helper_pool import SECONDS_PER_FILE, Closed, Failed, HelperPool
from core.images.look import Look
from core.images.verdict import Verdict

__all__ = ["CRASHES", "SECONDS_PER_FILE", "TAKES_TOO_LONG", "Closed", "Lookers"]

PROCESS = "core.images.looking_process"

CRASHES = "This picture is damaged: it crashes the program that reads it. Remove it."
TAKES_TOO_LONG = "This picture takes too long to read; it may be damaged. Remove it."


class Lookers:
    """Processes that look at files, one file each at a time; shared by threads."""

    def __init__(
        self, *, processes: int | None = None, seconds_per_file: float = SECONDS_PER_FILE
    ) -> None:
        self._pool = HelperPool(PROCESS, processes=processes)
        self._seconds = seconds_per_file
        self.count = self._pool.count

    def look(self, path: Path, *, min_side: int = 1) -> Look:
        """Look at one file, waiting for a free process.

        Raises:
            Closed: If ``close`` was called meanwhile.
        """
        try:
            answer = self._pool.ask(
                {"min_side": min_side, "file": str(path)}, seconds=self._seconds
            )
        except Failed as failure:
            return _fatal(late=failure.late)
        near = answer["near"]
        return Look(
            verdict=Verdict(**answer["verdict"]),
            content=answer["content"],
            near=None if near is None else bytes.fromhex(near),
        )

    def close(self) -> None:
        """End all processes at once, whatever they are doing."""
        self._pool.close()


def _fatal(*, late: bool) -> Look:
    verdict = Verdict(
        kind="corrupt",
        reason=TAKES_TOO_LONG if late else CRASHES,
        width=0,
        height=0,
        format="",
        lasting=not late,  # the machine may only have been busy
    )
    return Look(verdict=verdict, content="", near=None)
