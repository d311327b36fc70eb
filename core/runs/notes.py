"""What a person calls a run and says of it, kept beside the run, which itself never changes."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import RunError
from core.runs.run import Run
from core.runs.store import run_folder

NOTE_FILE = "note.json"
LONGEST_NAME, LONGEST_TEXT = 80, 2000  # characters


@dataclass(frozen=True, kw_only=True)
class Note:
    """A run's name and what was noted about it; both may be empty."""

    name: str = ""  # one line
    text: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written."""
        return not (self.name or self.text)


def note_of(home: Path, run: Run) -> Note:
    """What was written about a run; nothing where that cannot be read."""
    return note_in(home / "runs" / run.id)


def note_in(folder: Path) -> Note:
    """What was written about the run kept in a folder."""
    try:
        kept = json.loads((folder / NOTE_FILE).read_text(encoding="ascii"))
        return Note(name=str(kept["name"]), text=str(kept["text"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Note()


def write_note(home: Path, run_id: str, note: Note) -> Note:
    """Keep a run's name and note in place of the old ones; returns them as they are kept.

    Raises:
        RunError: If the run is gone, or its folder cannot be written.
    """
    name = " ".join(note.name.split())[:LONGEST_NAME].strip()
    kept = Note(name=name, text=note.text.strip()[:LONGEST_TEXT])
    target = run_folder(home, run_id) / NOTE_FILE
    draft = target.with_name(f".{NOTE_FILE}-{os.getpid()}")
    try:
        draft.write_text(json.dumps(asdict(kept)), encoding="ascii")
        os.replace(draft, target)
    except OSError as error:
        raise RunError(
            f"The note could not be kept in {target.parent}: {error.strerror or error}. "
            "Make room or check the folder, then try again."
        ) from error
    return kept
