"""Where Winnow keeps what belongs to the user and not to one data set."""

import os
from pathlib import Path

import platformdirs

from core.errors import WinnowError


def user_data() -> Path:
    """Folder of recent data sets and of catalogues that cannot lie beside their photos.

    ``WINNOW_DATA_DIR`` overrides it. The folder is created.
    """
    return _folder("WINNOW_DATA_DIR", platformdirs.user_data_path("winnow", appauthor=False))


def user_cache() -> Path:
    """Folder of what can be made again, such as exported networks.

    ``WINNOW_CACHE_DIR`` overrides it. The folder is created.
    """
    return _folder("WINNOW_CACHE_DIR", platformdirs.user_cache_path("winnow", appauthor=False))


def _folder(variable: str, default: Path) -> Path:
    chosen = os.environ.get(variable)
    try:
        folder = Path(chosen).expanduser() if chosen else default
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: "~nobody"
        raise WinnowError(
            f"Winnow's own folder {chosen or default} cannot be made ({error}). "
            f"Name another one in the environment variable {variable}."
        ) from error
    return folder
