"""Keys that a person has for a search engine. They belong to the user, never to a data set.

A data set may be copied, zipped and handed on; a key must not travel with it, nor stand in the
record of a job. So jobs are given a key's name, and look it up here.
"""

import json
import os
import tempfile
from pathlib import Path

from core.errors import WinnowError
from core.user_folders import user_data


def kept_key(name: str) -> str | None:
    """The key kept under a name, such as "flickr", or None."""
    value = _read().get(name)
    return value if isinstance(value, str) and value else None


def keep_key(name: str, key: str | None) -> None:
    """Keep a key for this user alone to read; None or an empty one forgets it.

    Raises:
        WinnowError: If it cannot be written.
    """
    keys = _read()
    keys.pop(name, None)
    if key and key.strip():
        keys[name] = key.strip()
    path = _path()
    fresh = None
    try:
        # Made readable by its owner only, before anything stands in it.
        handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(keys, file)
        os.replace(fresh, path)
    except OSError as error:
        if fresh is not None:
            Path(fresh).unlink(missing_ok=True)
        raise WinnowError(
            f"The key could not be kept in {path.parent} ({error.strerror or error}). "
            "Check that you may write there and that the disk is not full."
        ) from error


def _path() -> Path:
    return user_data() / "keys.json"


def _read() -> dict[str, object]:
    try:
        found = json.loads(_path().read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
