"""Ways to a data set, for Home: a folder, a copy of one, a new one, a sample."""

from pathlib import Path

import streamlit as st

from core import jobs
from core.collect.folders import too_broad
from core.collect.samples import SAMPLES
from core.dataset import Dataset, recent
from core.errors import WinnowError
from core.user_folders import user_data
from ui import folder_browser, job_status, state
from ui.words import ago, plain, shown

# Making a copy or a sample belongs to no data set yet, so its record lies with the user.
COPY, SAMPLE = "copy", "sample"
PENDING = "opening"  # session key: (kind, id) of the job whose data set this tab waits for
MOST_RECENT = 6

HERE = "Work on this folder"
ON_A_COPY = "Work on a copy"

_CIRCLES = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" role="img">'
    '<rect width="240" height="120" rx="8" fill="#f6f3ea"/>{}</svg>'
)
_FEW = "".join(
    f'<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"/>'
    for x, y, r, fill in (
        (52, 42, 17, "#2a6f6b"),
        (118, 78, 22, "#c4622d"),
        (180, 38, 14, "#3f5f9e"),
        (206, 88, 12, "#b99b2f"),
    )
)
_MANY = "".join(
    f'<circle cx="{16 + 23 * (n % 10) + (n // 10 % 2) * 9}" cy="{14 + 23 * (n // 10)}" '
    f'r="{6 + n * 7 % 4}" fill="{("#2a6f6b", "#c4622d", "#3f5f9e", "#b99b2f")[n * 5 % 4]}"/>'
    for n in range(47)
    if n % 10 < 9 or n // 10 % 2 == 0
)
_DIGITS = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" role="img">'
    '<rect width="240" height="120" rx="8" fill="#22252b"/>'
    '<g fill="none" stroke="#f2f0e8" stroke-width="9" stroke-linecap="round" '
    'stroke-linejoin="round"><path d="M32 42q10-14 22-8t2 24l-26 30h32"/>'
    '<path d="M92 34h34l-22 54"/><path d="M176 36q-16 0-17 14t14 12q14 0 15-12t-14-14q14 4 '
    '12 20l-4 32"/></g></svg>'
)
PICTURES = {
    "circles": _CIRCLES.format(_FEW),
    "circles-hard": _CIRCLES.format(_MANY),
    "digits": _DIGITS,
}


def wait_for_pending() -> None:
    """Show a copy or sample being made; open it once it is there."""
    for kind in (COPY, SAMPLE):
        job = jobs.latest(user_data(), kind)
        if job is None:
            continue
        if jobs.alive(job):
            st.session_state[PENDING] = (kind, job.id)  # after a reload of the tab too
        elif st.session_state.get(PENDING) != (kind, job.id):
            continue  # of another tab, or of another day
        job_status.draw(user_data(), kind)
        if job.state == "done" and job.result:
            del st.session_state[PENDING]
            open_folder(Path(job.result["root"]))


def open_folder(root: Path) -> None:
    """Open a folder in this tab and run the page again; a problem is said on the page."""
    try:
        state.open_set(root)
    except WinnowError as error:
        st.error(plain(str(error)))
        return
    st.rerun()


def draw_samples() -> None:
    """Cards of the samples, each with a picture and a button."""
    with st.grid(3, min_column_width=220):
        for name, sample in SAMPLES.items():
            with st.container(border=True, height="stretch"):
                if name in PICTURES:
                    st.image(PICTURES[name], width="stretch")
                st.markdown(f"**{sample.title}**")
                st.caption(sample.sentence)
                if st.button("Try it", key=f"sample_{name}", width="stretch"):
                    _open_sample(name)


def draw_recent(*, but: str | None = None) -> None:
    """Recent data sets, newest first, each a button."""
    entries = [entry for entry in recent.recent() if entry.token != but][:MOST_RECENT]
    if not entries:
        st.caption("The data sets you open are listed here.")
    for entry in entries:
        row = st.container(horizontal=True, vertical_alignment="center")
        clicked = row.button(
            plain(entry.root.name or str(entry.root), limit=50),
            key=f"recent_{entry.token}",
            icon=":material/photo_library:",
            help=plain(str(entry.root)),
        )
        row.caption(f"opened {ago(entry.opened_at)}")
        if clicked:
            open_folder(entry.root)


def draw_ways(*, but: str | None = None) -> None:
    """Recent data sets, the folder browser and a new one, side by side in tabs."""
    known = [entry for entry in recent.recent() if entry.token != but]
    names = ["A folder", "Recent", "A new data set"]
    tabs = st.tabs(names, key="ways", default="Recent" if known else "A folder")
    with tabs[0]:
        draw_browser()
    with tabs[1]:
        draw_recent(but=but)
    with tabs[2]:
        draw_new()


@st.fragment
def draw_browser() -> None:
    """The folder browser with what to do with the folder it stands in."""
    here = folder_browser.browse("open")
    if objection := too_broad(here):
        st.caption(objection)
    else:
        words, counted = folder_browser.describe(here)
        st.markdown(f"**{plain(here.name or str(here), limit=60)}** holds {words}.")
        if counted is not None and counted.photos and not counted.class_folders:
            st.caption("Its photos lie in no class folder yet; they count as unsorted.")
    choice = st.radio("How", [HERE, ON_A_COPY], key="open_how", horizontal=True)
    target = _copy_target(here) if choice == ON_A_COPY else None
    if st.button(
        "Open" if target is None else "Copy and open",
        key="open_folder",
        type="primary",
        icon=":material/folder_open:",
        disabled=objection is not None,
    ):
        if target is None:
            open_folder(here)
        else:
            _begin(COPY, "ui.long_work:copy_job", {"source": str(here), "target": str(target)})


@st.fragment
def draw_new() -> None:
    """A form for a data set that starts empty."""
    name = st.text_input("Name", key="new_name", placeholder="my-photos")
    classes = st.text_area(
        "Classes, one a line",
        key="new_classes",
        placeholder="cat\ndog",
        height=110,
        help="Each class becomes a folder. You can add classes later.",
    )
    parent = Path(st.text_input("In the folder", key="new_parent", value=str(Path.home())))
    if st.button("Create", key="create", icon=":material/create_new_folder:", disabled=not name):
        _create(parent.expanduser() / name, [line.strip() for line in classes.splitlines()])


def offer_a_copy(dataset: Dataset) -> None:
    """Say that a data set cannot be changed where it lies, and offer to work on a copy."""
    st.info("This folder cannot be changed, so labels cannot be corrected in it.")
    target = _free_name(Path.home() / dataset.root.name)
    if st.button(
        "Work on a copy",
        key="copy_read_only",
        icon=":material/content_copy:",
        help=f"Copies the photos to {plain(str(target))}",
    ):
        arguments = {"source": str(dataset.root), "target": str(target)}
        _begin(COPY, "ui.long_work:copy_job", arguments)


def _create(root: Path, classes: list[str]) -> None:
    if root.exists() and any(root.iterdir()):
        st.error(f"{plain(str(root))} exists already. Open it, or choose another name.")
        return
    try:
        Dataset.create(root, [name for name in classes if name])
    except (WinnowError, OSError) as error:
        st.error(plain(str(error)))
        return
    open_folder(root)


def _open_sample(name: str) -> None:
    root = user_data() / "samples" / name
    if root.is_dir():  # a sample that exists is whole
        open_folder(root)
    else:
        _begin(SAMPLE, "ui.long_work:sample_job", {"name": name, "root": str(root)})


def _copy_target(source: Path) -> Path:
    proposed = _free_name(source)
    typed = st.text_input("Copy to", value=shown(str(proposed)), key=f"copy_to_{hash(source)}")
    # What cannot be typed, such as a name that is not UTF-8, is kept as it was proposed.
    return proposed if typed == shown(str(proposed)) else Path(typed).expanduser()


def _free_name(source: Path) -> Path:
    proposed = source.with_name(f"{source.name} copy")
    number = 2
    while proposed.exists():
        proposed = source.with_name(f"{source.name} copy {number}")
        number += 1
    return proposed


def _begin(kind: str, target: str, arguments: dict[str, str]) -> None:
    try:
        job = jobs.start(user_data(), kind, target, arguments)
    except WinnowError as error:
        st.error(plain(str(error)))
        return
    st.session_state[PENDING] = (kind, job.id)
    st.rerun()
