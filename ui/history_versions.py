"""Named versions, for the History page: naming how things are, and comparing it with later."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from core.dataset import Dataset, versions
from core.dataset.versions import Comparison, Difference, Version, Way
from core.errors import WinnowError
from ui.gallery import Tile, gallery
from ui.held_choice import hold_choice
from ui.words import ago, count, plain, shown

PHOTOS_A_PAGE = 60
NOW = 0  # stands for the photos as they are
TITLES: dict[Way, str] = {
    "moved": "Moved to another class",
    "gone": "Gone",
    "came": "New",
    "rewritten": "Changed in place",
}


def draw(dataset: Dataset) -> None:
    """Draw the named versions, a way to name one, and what changed since one of them."""
    _draw_naming(dataset)
    kept = versions.versions(dataset)
    if not kept:
        return
    before, after = _choose(kept)
    _draw_comparison(dataset, before, after)
    _draw_list(dataset, kept)


def _draw_naming(dataset: Dataset) -> None:
    st.markdown(
        "Give how things are a name, such as *before cleaning*. Later you see what was moved, what "
        "is gone and what came. A version keeps no copies of the photos."
    )
    with st.form("history_naming", clear_on_submit=True, border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(
                "Name of this version",
                key="history_version_name",
                max_chars=versions.MOST_CHARACTERS,
                placeholder="before cleaning",
            )
            named = st.form_submit_button(
                "Name this version", key="history_name_it", icon=":material/bookmark_add:"
            )
    if named:
        try:
            made = versions.name_version(dataset, name)
        except WinnowError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.success(
            f"**{plain(made.name)}** holds where {count(made.photos, 'photo')} "
            f"{'is' if made.photos == 1 else 'are'} now.",
            icon=":material/bookmark_added:",
        )


def _choose(kept: Sequence[Version]) -> tuple[Version, Version | None]:
    by_id = {version.id: version for version in kept}
    left, right = st.columns(2)
    before = left.selectbox(
        "What changed since",
        list(by_id),
        format_func=lambda one: _title(by_id[one]),
        key="history_before",
    )
    later = [NOW, *(one for one in by_id if one > before)]
    after = right.selectbox(
        "Until",
        later,
        format_func=lambda one: "Now" if one == NOW else _title(by_id[one]),
        key="history_after",
    )
    return by_id[before], by_id.get(after or NOW)


def _draw_comparison(dataset: Dataset, before: Version, after: Version | None) -> None:
    found = versions.compare(dataset, before.id, after.id if after else None)
    if found.is_same:
        st.info(
            f"Nothing differs: the same {count(found.after, 'photo')} in the same classes.",
            icon=":material/check:",
        )
        return
    with st.grid(4, min_column_width=140):
        st.metric(
            "Photos",
            f"{found.after:,}",
            _signed(found.after - found.before),
            border=True,
            delta_color="off",
            height="stretch",
        )
        st.metric("Moved", f"{found.moves:,}", border=True, height="stretch")
        st.metric("Gone", f"{found.gone:,}", border=True, height="stretch")
        st.metric("New", f"{found.came:,}", border=True, height="stretch")
    if found.rewritten:
        st.caption(f"{count(found.rewritten, 'photo was', 'photos were')} changed in place.")
    _draw_classes(dataset, found)
    _draw_photos(dataset, before, after, found)


def _draw_classes(dataset: Dataset, found: Comparison) -> None:
    st.subheader("Class by class", anchor=False)
    changed = [one for one in found.classes if _is_changed(one)]
    st.dataframe(
        pd.DataFrame(
            {
                "Class": [_class(dataset, one.class_name) for one in changed],
                "Before": [one.before for one in changed],
                "After": [one.after for one in changed],
                "Moved in": [one.moved_in for one in changed],
                "Moved out": [one.moved_out for one in changed],
                "New": [one.came for one in changed],
                "Gone": [one.gone for one in changed],
            }
        ),
        hide_index=True,
        key="history_classes",
    )
    same = len(found.classes) - len(changed)
    if same:
        st.caption(f"{count(same, 'more class', 'more classes')} did not change.")


def _is_changed(one: versions.ClassChange) -> bool:
    return bool(one.moved_in or one.moved_out or one.came or one.gone)


def _draw_photos(
    dataset: Dataset, before: Version, after: Version | None, found: Comparison
) -> None:
    numbers: dict[Way, int] = {
        "moved": found.moves,
        "gone": found.gone,
        "came": found.came,
        "rewritten": found.rewritten,
    }
    there: list[Way] = [way for way, number in numbers.items() if number]
    st.subheader("Photos", anchor=False)
    key = f"history_way_{'_'.join(there)}"
    hold_choice(key, there, there[0])
    way = st.segmented_control(
        "Which photos",
        there,
        format_func=lambda one: f"{TITLES[one]} ({numbers[one]:,})",
        key=key,
        label_visibility="collapsed",
    )
    way = way or there[0]
    ways = {"source": "*", "target": "*"}
    number = numbers[way]
    if way == "moved" and len(found.moved) > 1:
        at = st.selectbox(
            "From class to class",
            range(-1, len(found.moved)),
            format_func=lambda one: _way_title(dataset, found, one),
            key=f"history_pair_{before.id}_{len(found.moved)}",
        )
        if at >= 0:
            one = found.moved[at]
            ways, number = {"source": one.source, "target": one.target}, one.photos
    pages = -(-number // PHOTOS_A_PAGE)
    key = f"history_photos_{way}_{before.id}_{after.id if after else NOW}"
    page = st.pagination(pages, key=f"{key}_page") if pages > 1 else 1
    listed = versions.differences(
        dataset,
        before.id,
        after.id if after else None,
        way,
        **ways,
        skip=(page - 1) * PHOTOS_A_PAGE,
        limit=PHOTOS_A_PAGE,
    )
    shown_ones = [one for one in listed if one.is_there]
    tiles = [_tile(dataset, one, way) for one in shown_ones]
    if tiles:
        gallery(dataset, tiles, key=key, label=TITLES[way], editable=False)
    lost = [one for one in listed if not one.is_there]
    if lost:
        st.caption(
            f"{count(len(lost), 'more photo', 'more photos')} cannot be shown, since no file of it "
            "is left: "
            + "; ".join(plain(one.path, limit=60) for one in lost[:10])
            + ("…" if len(lost) > 10 else "")
        )


def _tile(dataset: Dataset, one: Difference, way: Way) -> Tile:
    source, target = _class(dataset, one.source), _class(dataset, one.target)
    lines = {
        "moved": (f"Was {source}", f"Now {target}"),
        "gone": (f"Was {source}", "Can be restored" if one.is_restorable else "No longer there"),
        "came": (f"New in {target}",),
        "rewritten": (f"In {target}", "Its file was changed"),
    }[way]
    return Tile(
        id=one.file_id,
        content=one.content,
        was=(one.source if way == "gone" else one.target) or dataset.unsorted,
        lines=lines,
        more=(f"File: {shown(one.path)}",),
    )


def _draw_list(dataset: Dataset, kept: Sequence[Version]) -> None:
    st.subheader("Named versions", anchor=False)
    for version in kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{plain(version.name)}** · {count(version.photos, 'photo')} · "
                f"{ago(version.time)}",
                width="stretch",
            )
            st.button(
                "Delete the name",
                key=f"history_forget_{version.id}",
                icon=":material/bookmark_remove:",
                type="tertiary",
                help="Forgets this version. No photo is touched.",
                on_click=versions.forget_version,
                args=(dataset, version.id),
            )


def _way_title(dataset: Dataset, found: Comparison, at: int) -> str:
    if at < 0:
        return f"All ({found.moves:,})"
    one = found.moved[at]
    return f"{_class(dataset, one.source)} to {_class(dataset, one.target)} ({one.photos:,})"


def _title(version: Version) -> str:
    when = datetime.fromtimestamp(version.time).strftime("%d %b %Y, %H:%M")
    return f"{shown(version.name)} · {when}"


def _class(dataset: Dataset, name: str | None) -> str:
    return shown(dataset.unsorted if name is None else name)


def _signed(number: int) -> str | None:
    return f"{number:+,}" if number else None
