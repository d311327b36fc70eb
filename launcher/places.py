"""Where things lie, and the one kind of error that ends a start."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class StartError(Exception):
    """What stops the start, as one or two sentences for the person who started it."""
