"""Photos from this browser: a zip, single photos, a folder, the camera.

What is uploaded is written to disk at once and its widget emptied, so that nothing of it stays in
the server's memory; it waits there until the person has seen what it is and adds it.
"""

import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.collect.folders import PICTURE_SUFFIXES
from core.collect.imports import uploads
from core.collect.imports.uploads import Upload
from core.errors import WinnowError
from ui.collecting import arrangement
from ui.collecting.arrangement import Looked
from ui.collecting.target import Target
from ui.words import plain

WAYS = {
    "zip": "A zip file",
    "photos": "Photos",
    "folder": "A folder",
    "camera": "Camera",
}
SLOW_FROM = 100  # files sent one by one

# Session keys.
WAITING, LOOKED, VIA = "upload_waiting", "upload_looked", "upload_via"
ROUND, PROBLEM = "upload_round", "upload_problem"


def draw(target: Target) -> None:
    """Draw the ways to upload, and what waits to be added."""
    way = st.segmented_control(
        "What to upload",
        list(WAYS),
        default="zip",
        required=True,
        format_func=WAYS.__getitem__,
        key="upload_way",
        label_visibility="collapsed",
        persist_state="session",  # it is not drawn while photos arrive
    )
    _DRAWN[way]()
    if problem := st.session_state.get(PROBLEM):
        st.error(plain(problem), icon=":material/error:")
    if st.session_state.get(LOOKED) is not None:
        _draw_waiting(target)


def _draw_zip() -> None:
    file = st.file_uploader(
        "A zip file with photos",
        type=["zip"],
        key=_key("zip"),
        help="Class folders, train and valid folders, or photos named after their classes are "
        "recognised. This is the fastest way to upload.",
    )
    if file is not None:
        _keep([file], lambda: uploads.keep_archive(file.name, file.getbuffer()))


def _draw_photos() -> None:
    files = st.file_uploader(
        "Photos",
        type=[*sorted(suffix[1:] for suffix in PICTURE_SUFFIXES), "csv"],
        accept_multiple_files=True,
        key=_key("photos"),
        help=f"More than {SLOW_FROM}? A zip arrives many times faster.",
    )
    if files:
        _keep_files("Photos", files)


def _draw_folder() -> None:
    st.caption(
        f"The browser sends the files of a folder one by one. For more than {SLOW_FROM}, a zip is "
        "many times faster; a folder on this computer need not be sent at all."
    )
    files = st.file_uploader("A folder", accept_multiple_files="directory", key=_key("folder"))
    if files:
        _keep_files(files[0].name.partition("/")[0] or "Folder", files)


def _draw_camera() -> None:
    picture = st.camera_input(
        "Take a photo",
        key="upload_camera",
        help="Take as many as you like: clear one to take the next, then add them all.",
    )
    if picture is None or st.session_state.get("upload_shot") == picture.file_id:
        return
    st.session_state["upload_shot"] = picture.file_id
    name = time.strftime("camera-%Y%m%d-%H%M%S.jpg")
    before = st.session_state.get(WAITING) if st.session_state.get(VIA) == "camera" else None
    _keep(
        [picture],
        lambda: uploads.keep_files("Camera", [(name, picture.getbuffer())], add_to=before),
        via="camera",
    )


_DRAWN: dict[str, Callable[[], None]] = {
    "zip": _draw_zip,
    "photos": _draw_photos,
    "folder": _draw_folder,
    "camera": _draw_camera,
}


def _keep_files(title: str, files: list[UploadedFile]) -> None:
    _keep(
        files,
        lambda: uploads.keep_files(title, [(file.name, file.getbuffer()) for file in files]),
    )


def _keep(
    files: Sequence[UploadedFile], write: Callable[[], Upload], *, via: str = "upload"
) -> None:
    """Write what was uploaded to disk, look through it, and empty the widget it came through."""
    before: Upload | None = st.session_state.get(WAITING)
    upload = None
    try:
        upload = write()
        looked: Looked | None = arrangement.look_through(upload.source)
        st.session_state.pop(PROBLEM, None)
    except WinnowError as error:
        if upload is not None:
            uploads.discard(upload.path)
        upload, looked = None, None
        st.session_state[PROBLEM] = str(error)
    _let_go(files)
    if before is not None and (upload is None or upload.path != before.path):
        uploads.discard(before.path)
    st.session_state[WAITING], st.session_state[LOOKED] = upload, looked
    st.session_state[VIA] = via
    if via != "camera":  # its picture stays to be seen; it is taken once
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    st.rerun()


def _let_go(files: Sequence[UploadedFile]) -> None:
    """Give back the server's memory, which Streamlit otherwise holds until the tab is closed."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for file in files:
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def _key(way: str) -> str:
    """A new key makes a new, empty widget: what the old one held is let go of."""
    return f"upload_{way}_{st.session_state.get(ROUND, 0)}"


@st.fragment
def _draw_waiting(target: Target) -> None:
    looked: Looked | None = st.session_state.get(LOOKED)
    if looked is None:
        return
    with st.container(border=True):
        key = f"upload_{st.session_state.get(ROUND, 0)}"
        ended = arrangement.draw(looked, target, key=key, via=st.session_state[VIA])
    if ended:
        for name in (WAITING, LOOKED, VIA):
            st.session_state.pop(name, None)
        st.rerun()
