"""The mistakes that a sample was made with, so that it can say how many were found."""

import json

from core.dataset.dataset import Dataset

FILE_NAME = "planted.json"  # in the data set's home: {content: true class}


def planted(dataset: Dataset) -> dict[str, str] | None:
    """The true class of each content that a sample put into a wrong one; None if no sample."""
    try:
        read = json.loads((dataset.home / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        return None
    return {str(content): str(true_class) for content, true_class in read.items()}


def found(dataset: Dataset) -> tuple[int, int]:
    """How many planted mistakes now stand in their true class, and how many there are."""
    mistakes = planted(dataset) or {}
    mended = {
        row.content for row in dataset.rows() if mistakes.get(row.content, "") == row.class_name
    }
    return len(mended), len(mistakes)
