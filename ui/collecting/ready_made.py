"""Ready-made sets as cards: what each is, how large, by what terms, and a button."""

import streamlit as st

from core.collect.known_sets import SETS, KnownSet
from core.collect.ready_made import (
    cache_folder,
    delete_download,
    downloaded_bytes,
    free_bytes,
    in_size,
    room_needed,
)
from core.errors import WinnowError
from core.user_folders import user_cache
from ui.collecting import made_here
from ui.collecting.set_icons import ICONS
from ui.collecting.target import Target
from ui.words import count, plain

JOB = "core.collect.ready_made:ready_made_job"
PART = 100  # photos a class, proposed
IN_NAMES = "One folder, the class only in the names"


def draw(target: Target) -> None:
    """Draw the choice of a part and a card for each set."""
    free = free_bytes(user_cache())
    st.caption(
        "Photos that others gathered and sorted. A set is downloaded from its makers' site once, "
        f"and the download stays in Winnow's cache until you delete it. {in_size(free)} of disk "
        "are free there."
    )
    most = _draw_part()
    groups: dict[str, list[KnownSet]] = {}
    for known in SETS.values():
        groups.setdefault(known.group, []).append(known)
    with st.grid(3, min_column_width=260):
        for group, versions in groups.items():
            with st.container(border=True, height="stretch"):
                st.image(ICONS[group], width="stretch")
                _draw_card(target, versions, most)


def _draw_part() -> int:
    """How many of each class are wanted at most; 0 for all."""
    with st.container(horizontal=True, vertical_alignment="bottom", height="content"):
        is_part = st.toggle(
            "Only a part of it",
            key="set_part",
            persist_state="session",
            help="A part trains sooner. The download is the same, and the rest can be added later.",
        )
        if not is_part:
            return 0
        most = st.number_input(
            "Photos of each class, at most",
            min_value=1,
            max_value=5000,
            value=PART,
            step=10,
            key="set_most",
            persist_state="session",
            width=220,
        )
        return int(most)


def _draw_card(target: Target, versions: list[KnownSet], most: int) -> None:
    known = versions[0]
    st.markdown(f"**{known.title}**")
    st.caption(known.sentence)
    if len(versions) > 1:
        names = {one.version: one for one in versions}
        chosen = st.segmented_control(
            "Size of its photos",
            list(names),
            default=known.version,
            required=True,
            key=f"set_version_{known.group}",
            persist_state="session",
            label_visibility="collapsed",
        )
        known = names[chosen or known.version]
    st.markdown(
        f"{_amount(known, most)}  \n{_download(known)}  \n"
        f"Disk: about {in_size(room_needed(known, most))} meanwhile"
    )
    licence = f"**{known.licence}.** " if known.licence else ""
    st.caption(f"{licence}{known.terms} [Terms]({known.terms_url}) · [About the set]({known.home})")
    is_flat = known.has_class_in_names and st.checkbox(
        IN_NAMES,
        key=f"set_flat_{known.name}",
        persist_state="session",
        help="To learn to sort photos by a pattern in their names, as great_pyrenees_173.jpg. "
        "They arrive without a class.",
    )
    _draw_buttons(target, known, most, is_flat=is_flat)


def _draw_buttons(target: Target, known: KnownSet, most: int, *, is_flat: bool) -> None:
    why_not = _why_not(target, known, most)
    with st.container(horizontal=True):
        pressed = st.button(
            f"Get {known.title}",
            key=f"set_get_{known.group}",
            icon=":material/download:",
            disabled=why_not is not None,
            help=why_not,
        )
        if downloaded_bytes(known):
            st.button(
                "Delete the download",
                key=f"set_delete_{known.name}",
                type="tertiary",
                help="Photos that are in a data set stay there.",
                on_click=_delete,
                args=(known,),
            )
    if pressed:
        arguments = {"name": known.name, "most": most, "flat": is_flat}
        made_here.begin(target, JOB, arguments, name=known.name)


def _amount(known: KnownSet, most: int) -> str:
    classes = count(known.classes, "class", "classes")
    if most and most * known.classes < known.photos:
        return f"At most {most * known.classes:,} of {count(known.photos, 'photo')} · {classes}"
    return f"{count(known.photos, 'photo')} · {classes}"


def _download(known: KnownSet) -> str:
    have = downloaded_bytes(known)
    size = in_size(known.download_bytes)
    if not have:
        return f"Download: {size}"
    if have < 0.999 * known.download_bytes:
        return f"Download: {size}, of which {in_size(have)} are here"
    return f"Downloaded already ({size})"


def _why_not(target: Target, known: KnownSet, most: int) -> str | None:
    if made_here.is_busy(target):
        return "Other photos are still arriving. Wait for them, or stop them."
    free = free_bytes(cache_folder(known))
    needed = room_needed(known, most)
    if free < needed:
        return (
            f"It needs about {in_size(needed)} on the disk while it is prepared; "
            f"{in_size(free)} are free."
        )
    return None


def _delete(known: KnownSet) -> None:
    try:
        delete_download(known)
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
