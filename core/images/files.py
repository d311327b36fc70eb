"""Which files of a data set are passed over without a word."""

import os

# What file managers and people leave beside photos, by name and by extension.
IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini"})
IGNORED_SUFFIXES = frozenset({".txt", ".md", ".csv", ".json", ".xml", ".ini", ".db"})


def is_ignored(name: str) -> bool:
    """Whether a file of this name is neither photo nor problem. Every other file is judged.

    Args:
        name: The last part of its path, with the extension.
    """
    lowered = name.lower()
    return (
        name.startswith(".")
        or lowered in IGNORED_NAMES
        or os.path.splitext(lowered)[1] in IGNORED_SUFFIXES
    )
