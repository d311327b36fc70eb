"""A folder on this computer, chosen by clicking through folders or by typing its path."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.collect.folders import Tally, places, subfolders
from core.collect.tallies import Tallies
from core.errors import DatasetError
from ui.words import count, plain

MOST_ROWS = 40
SECONDS_TO_WAIT = 0.5
SECONDS_BETWEEN_LOOKS = 1.0

_tallies = Tallies()


def browse(key: str, *, start: Path | None = None) -> Path:
    """Draw the browser and return the folder it stands in.

    Call it within a fragment: every click draws it anew.
    """
    at_key = f"{key}_at"
    found_places = places()
    if at_key not in st.session_state:
        st.session_state[at_key] = str(start or _first(found_places))
    here = Path(st.session_state[at_key])
    _draw_places(key, [(place.title, place.path) for place in found_places])
    _draw_path(key, here)
    _draw_rows(key, here)
    return here


def describe(folder: Path) -> tuple[str, Tally | None]:
    """What a folder holds in words, and its tally once it is counted."""
    counted = _tallies.known([folder], wait_seconds=SECONDS_TO_WAIT).get(folder)
    return ("Counting photos" if counted is None else in_words(counted)), counted


def in_words(counted: Tally) -> str:
    """A tally in words: "480 photos in 3 class folders"."""
    if not counted.photos:
        return "no photos" if not counted.more else "too much to count here"
    at_least = "over " if counted.more else ""
    words = at_least + count(counted.photos, "photo")
    if counted.class_folders:
        words += f" in {count(counted.class_folders, 'folder')}"
    return words


def _first(found: Sequence[object]) -> Path:
    return getattr(found[0], "path", Path.home()) if found else Path.home()


def _draw_places(key: str, found: Sequence[tuple[str, Path]]) -> None:
    with st.container(horizontal=True, gap="small"):
        for number, (title, path) in enumerate(found):
            st.button(
                plain(title, limit=24),
                key=f"{key}_place_{number}",
                icon=":material/home:" if number == 0 else ":material/folder_special:",
                on_click=_move_to,
                args=(key, str(path)),
            )


def _draw_path(key: str, here: Path) -> None:
    up, field = st.columns([1, 6], vertical_alignment="bottom")
    up.button(
        "Up",
        key=f"{key}_up",
        icon=":material/arrow_upward:",
        disabled=here == here.parent,
        on_click=_move_to,
        args=(key, str(here.parent)),
        width="stretch",
    )
    # Set before the widget is made, so that the field follows the clicks.
    st.session_state[f"{key}_path"] = _typable(here)
    field.text_input(
        "Folder",
        key=f"{key}_path",
        on_change=_move_to_typed,
        args=(key,),
        help="Click through the folders below, or type or paste a path here.",
    )
    if problem := st.session_state.pop(f"{key}_problem", None):
        st.warning(plain(problem))


def _draw_rows(key: str, here: Path) -> None:
    try:
        folders = subfolders(here)
    except DatasetError as error:
        st.warning(plain(str(error)))
        return
    if len(folders) > MOST_ROWS:
        wanted = st.text_input("Find a folder by its name", key=f"{key}_find").casefold()
        folders = [folder for folder in folders if wanted in folder.name.casefold()]
    listed = folders[:MOST_ROWS]
    with st.container(height=320 if len(listed) > 6 else "content", border=True, gap=None):
        if not listed:
            st.caption("There are no folders in here.")
        counted = _tallies.known(listed, wait_seconds=SECONDS_TO_WAIT)
        if len(counted) < len(listed):
            st.fragment(_draw_until_counted, run_every=SECONDS_BETWEEN_LOOKS)(key, listed)
        else:
            _draw_list(key, listed)
        if len(folders) > len(listed):
            st.caption(f"and {count(len(folders) - len(listed), 'more folder')}")


def _draw_until_counted(key: str, folders: Sequence[Path]) -> None:
    if len(_tallies.known(folders)) == len(folders):
        st.rerun()  # the whole page, once: it draws the list without looking again
    _draw_list(key, folders)


def _draw_list(key: str, folders: Sequence[Path]) -> None:
    counted = _tallies.known(folders)
    for number, folder in enumerate(folders):
        known = counted.get(folder)
        words = "…" if known is None else in_words(known) if known.photos else ""
        st.button(
            f"{plain(folder.name, limit=60)} :gray[:small[{words}]]",
            key=f"{key}_row_{number}",
            icon=":material/photo_library:" if known and known.photos else ":material/folder:",
            type="tertiary",
            on_click=_move_to,
            args=(key, str(folder)),
        )


def _move_to(key: str, path: str) -> None:
    st.session_state[f"{key}_at"] = path
    st.session_state.pop(f"{key}_find", None)


def _move_to_typed(key: str) -> None:
    # Windows copies paths with quotes around them.
    typed = st.session_state[f"{key}_path"].strip().strip('"').strip()
    if typed == _typable(Path(st.session_state[f"{key}_at"])):
        return  # what stands there already, possibly with bytes that cannot be typed
    path = Path(typed).expanduser()
    if typed and path.is_dir():
        _move_to(key, str(path.absolute()))
    else:
        st.session_state[f"{key}_problem"] = f"There is no folder {typed}. Check the spelling."


def _typable(path: Path) -> str:
    return str(path).encode("utf-8", "replace").decode("utf-8")
