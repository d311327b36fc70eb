"""How photos that are brought along will be sorted: shown, chosen and checked before it is done."""

import base64
import html
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pandas as pd
import streamlit as st

from core import jobs
from core.collect.imports import uploads
from core.collect.imports.arranging import Arranged, Plan, arrange
from core.collect.imports.bundles import open_bundle, reader_for
from core.collect.imports.layouts import Layout, Recognised, recognise
from core.collect.imports.names import is_passed_over, spread
from core.collect.imports.patterns import SECONDS_FOR_A_PREVIEW, class_by_pattern
from core.collect.imports.previews import examples, small_pictures
from core.collect.imports.trees import may_keep_parts
from core.dataset.names import DEFAULT_UNSORTED, canonical
from core.errors import WinnowError
from core.jobs.record import JobFolder
from ui import job_status
from ui.collecting.target import Target
from ui.words import count, plain, shown

KIND, JOB = "collect", "core.collect.imports.importing:import_job"
NAMES_IN_A_PREVIEW = 10
SENTENCES_AT_ONCE = 5
MOST_CLASSES_NAMED = 6
SECONDS_FOR_ALL_NAMES = 10.0  # for a pattern that did well on a few
OWN = "Another pattern"

TITLES: dict[Layout, str] = {
    "classes": "By their folders",
    "split": "By their folders, in train and valid",
    "flat": "By their names",
    "list": "By a list",
    "unsorted": "All alike",
}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was seen of photos that are to be brought in; kept in the session while they wait."""

    source: dict[str, str]
    names: tuple[str, ...]  # photos and tables
    photos: tuple[str, ...]
    found: Recognised
    pictures: dict[str, bytes]
    captions: dict[str, str | None]  # the class of each pictured photo
    left_out: tuple[str, ...]


def look_through(source: dict[str, str], *, unsorted: str = DEFAULT_UNSORTED) -> Looked:
    """Read the names of what is to be brought in, and a few of its pictures.

    Raises:
        WinnowError: If it cannot be opened, or must not be.
    """
    with open_bundle(source) as bundle:
        names = tuple(bundle.names)
        photos = tuple(name for name in names if not is_passed_over(name))
        found = recognise(names, unsorted=unsorted)
        captions = examples(photos, found, unsorted=unsorted)
        return Looked(
            source=source,
            names=names,
            photos=photos,
            found=found,
            pictures=dict(small_pictures(bundle, list(captions))),
            captions=captions,
            left_out=tuple(bundle.left_out),
        )


def draw(
    looked: Looked, target: Target, *, key: str, via: str
) -> Literal["started", "dropped", ""]:
    """Say what was found, let it be sorted otherwise, and offer to add it.

    Returns:
        Whether the work was started, or a person does not want it: what waited is used up then.
    """
    st.markdown(f"**{plain(looked.source['title'], limit=60)}** · {plain(looked.found.sentence)}")
    _draw_pictures(looked)
    plan = _choose(looked, target, key)
    arranged = None if plan is None else _arranged(looked, plan, target)
    if arranged is not None:
        _draw_what_will_be(looked, arranged)
    is_busy = target.dataset is not None and job_status.running(target.dataset.home, KIND)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            f"Add {count(len(looked.photos), 'photo')}",
            key=f"{key}_add",
            type="primary",
            icon=":material/add_photo_alternate:",
            disabled=arranged is None or is_busy,
            help="Other photos are still arriving: wait for them." if is_busy else None,
        )
        dropped = st.button("Do not add them", key=f"{key}_drop", type="tertiary")
    if dropped:
        uploads.discard(Path(looked.source["path"]))
        return "dropped"
    if not pressed or arranged is None or plan is None:
        return ""
    return "started" if _start(looked, plan, arranged, target, via) else ""


def _draw_pictures(looked: Looked) -> None:
    if not looked.pictures:
        return
    tiles = []
    for name, picture in looked.pictures.items():
        folder = looked.captions[name]
        number = looked.found.classes.get(folder or "")
        words = shown(name.rpartition("/")[2], limit=18)
        if folder is not None:
            words = f"{shown(folder, limit=18)} · {number:,}"
        title = html.escape(shown(name, limit=120), quote=True)
        data = base64.b64encode(picture).decode()
        tiles.append(
            f'<figure style="margin:0;width:96px" title="{title}">'
            f'<img src="data:image/jpeg;base64,{data}" alt="{title}" width="96" height="96" '
            'style="border-radius:.35rem;display:block">'
            '<figcaption style="font-size:.8rem;overflow:hidden;text-overflow:ellipsis;'
            f'white-space:nowrap">{html.escape(words)}</figcaption></figure>'
        )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.6rem">{"".join(tiles)}</div>')


def _choose(looked: Looked, target: Target, key: str) -> Plan | None:
    """The plan a person chose; None while something is missing."""
    found = looked.found
    offered: list[Layout] = ["flat", "list", "unsorted"]
    if found.layout == "split":
        offered.insert(0, "split")
    elif found.classes:
        offered.insert(0, "classes")
    layout = st.segmented_control(
        "How are they sorted into classes?",
        offered,
        default=found.layout,
        required=True,
        format_func=TITLES.__getitem__,
        key=f"{key}_layout",
    )
    plan = Plan(layout=layout, prefix=found.prefix)
    if layout == "split":
        return _for_split(plan, target, list(found.parts))
    if layout == "flat":
        return _for_names(plan, looked, key)
    if layout == "list":
        return _for_list(plan, looked, target, key)
    if layout == "unsorted":
        return _for_all(plan, target, key)
    return plan


def _for_split(plan: Plan, target: Target, parts: Sequence[str]) -> Plan:
    keeps = may_keep_parts(target.dataset, parts)
    if keeps:
        st.caption("Training and judging will keep to this division.")
    return replace(plan, keep_parts=keeps)


def _for_all(plan: Plan, target: Target, key: str) -> Plan:
    unsorted = target.unsorted
    chosen = st.selectbox(
        "Put all of them into",
        [unsorted, *target.classes],
        format_func=lambda name: "no class yet" if name == unsorted else shown(name),
        accept_new_options=True,
        key=f"{key}_class",
        help="Choose a class, or type the name of a new one.",
    )
    if chosen is None or canonical(chosen) == canonical(unsorted):
        return plan
    return replace(plan, class_name=chosen)


def _for_names(plan: Plan, looked: Looked, key: str) -> Plan | None:
    suggested = looked.found.patterns
    titles = [one.title for one in suggested]
    pattern_key = f"{key}_pattern"
    if suggested:
        chosen = st.selectbox(
            "The class is",
            [*titles, OWN],
            key=f"{key}_shape",
            format_func=lambda title: _with_example(title, looked),
        )
        if chosen != OWN:
            plan = replace(plan, pattern=suggested[titles.index(chosen)].pattern)
            _draw_preview(plan.pattern, looked)
            return plan
    st.session_state.setdefault(pattern_key, suggested[0].pattern if suggested else "")
    pattern = st.text_input(
        "Pattern",
        key=pattern_key,
        placeholder=r"^(.+)_\d+",
        help="A regular expression that is looked for in each name. What its first bracket "
        "matches is the class; without a bracket, all that it matches.",
    )
    if not pattern:
        st.caption("Such as `^(.+)_\\d+` for great_pyrenees_173.jpg, or `^[a-z]+` for cat.123.jpg.")
        return None
    return replace(plan, pattern=pattern) if _draw_preview(pattern, looked) else None


def _with_example(title: str, looked: Looked) -> str:
    for one in looked.found.patterns:
        if one.title == title:
            name, class_name = one.examples[0]
            return f"{title.lower()}: {shown(class_name, limit=30)} in {shown(name, limit=40)}"
    return OWN


def _draw_preview(pattern: str, looked: Looked) -> bool:
    """Show the classes in ten names; say what is wrong with a pattern that cannot be used."""
    names = spread(looked.photos, NAMES_IN_A_PREVIEW)
    try:
        found = class_by_pattern(pattern, names, seconds=SECONDS_FOR_A_PREVIEW)
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    st.dataframe(
        pd.DataFrame(
            {
                "Name": [shown(name.rpartition("/")[2], limit=60) for name in names],
                "Class": ["not matched" if one is None else shown(one) for one in found],
            }
        ),
        hide_index=True,
        height="content",
    )
    return True


def _for_list(plan: Plan, looked: Looked, target: Target, key: str) -> Plan | None:
    lists = looked.found.lists
    if lists:
        chosen = st.selectbox(
            "The list",
            lists,
            key=f"{key}_list",
            format_func=lambda name: shown(name, limit=60),
        )
        plan = replace(plan, list_name=chosen)
    else:
        plan = replace(plan, list_path=_uploaded_list(key))
        if not plan.list_path:
            return None
    if target.classes:
        plan = replace(
            plan,
            make_new=st.checkbox(
                "Make classes that the data set does not have yet", key=f"{key}_make_new"
            ),
        )
    return plan


def _uploaded_list(key: str) -> str:
    """The path of a table uploaded by itself; empty while there is none."""
    kept_key = f"{key}_list_kept"
    file = st.file_uploader(
        "A list of file names and classes",
        type=["csv", "tsv", "txt"],
        key=f"{key}_list_file",
        help="A table with a column of file names and one of classes, with a header or without.",
    )
    kept: tuple[str, str] = st.session_state.get(kept_key, ("", ""))
    if file is None:
        return ""
    if kept[0] != file.file_id:
        try:
            upload = uploads.keep_files("list", [(file.name, file.getbuffer())])
        except WinnowError as error:
            st.error(plain(str(error)))
            return ""
        kept = st.session_state[kept_key] = (file.file_id, str(upload.path / "0"))
    return kept[1]


def _arranged(looked: Looked, plan: Plan, target: Target) -> Arranged | None:
    """What the plan means for these photos; None where it cannot be used, and says why."""
    known = target.classes
    asked = (looked.source["path"], plan, tuple(known))
    kept = st.session_state.get("arranged")
    if kept is not None and kept[0] == asked:
        known_before: Arranged = kept[1]
        return known_before

    try:
        arranged = arrange(
            looked.names,
            plan,
            known=known,
            unsorted=target.unsorted,
            read=_reader(looked, plan),
            seconds=SECONDS_FOR_ALL_NAMES,
        )
    except WinnowError as error:
        if plan.layout == "list" and not plan.make_new and (new := _new_classes(looked, plan)):
            named = ", ".join(plain(name, limit=40) for name in new[:MOST_CLASSES_NAMED])
            more = " and others" if len(new) > MOST_CLASSES_NAMED else ""
            st.info(
                f"The data set has none of the list's classes: {named}{more}. Tick the box above "
                "to make them.",
                icon=":material/info:",
            )
        else:
            st.error(plain(str(error)), icon=":material/error:")
        return None
    st.session_state["arranged"] = (asked, arranged)
    return arranged


def _reader(looked: Looked, plan: Plan) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        with open_bundle(looked.source) as bundle:  # only for a table: its list may be long
            return reader_for(bundle, plan)(name)

    return read


def _new_classes(looked: Looked, plan: Plan) -> list[str]:
    """The classes that a list names, were they made; none where it cannot be used even so."""
    made = replace(plan, make_new=True)
    try:
        arranged = arrange(
            looked.names, made, known=[], unsorted=DEFAULT_UNSORTED, read=_reader(looked, made)
        )
    except WinnowError:
        return []
    return list(arranged.classes)


def _draw_what_will_be(looked: Looked, arranged: Arranged) -> None:
    parts = [f"{plain(name, limit=40)} {number:,}" for name, number in arranged.classes.items()]
    words = ", ".join(parts[:12]) + (f" and {len(parts) - 12:,} more" if len(parts) > 12 else "")
    unsorted = arranged.unsorted
    if parts and looked.found.classes != arranged.classes:
        st.markdown(f"{count(len(parts), 'class', 'classes')}: {words}.")
    if unsorted:
        st.caption(f"{count(unsorted, 'photo')} will be unsorted: without a class for now.")
    if looked.found.odd:
        st.caption(
            f"{count(looked.found.odd, 'file')} may be no picture, going by the name. It is added "
            "too, and counted afterwards."
            if looked.found.odd == 1
            else f"{count(looked.found.odd, 'file')} may be no pictures, going by their names. "
            "They are added too, and counted afterwards."
        )
    draw_sentences((*looked.left_out, *arranged.sentences))


def draw_sentences(sentences: Sequence[str]) -> None:
    """Some sentences, the first few at once and the others folded."""
    if not sentences:
        return
    lines = [f"- {plain(one, limit=400)}" for one in sentences]
    st.warning("\n".join(lines[:SENTENCES_AT_ONCE]))
    if len(lines) > SENTENCES_AT_ONCE:
        with st.expander(f"{len(lines) - SENTENCES_AT_ONCE:,} more"):
            st.markdown("\n".join(lines[SENTENCES_AT_ONCE:]))


def _start(looked: Looked, plan: Plan, arranged: Arranged, target: Target, via: str) -> bool:
    try:
        dataset = target.settle([] if plan.keep_parts else list(arranged.classes))
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    arguments: dict[str, Any] = {
        "root": str(dataset.root),
        "collection": uuid4().hex,
        "source": looked.source,
        "plan": asdict(plan),
        "via": via,
    }
    try:
        job = jobs.start(dataset.home, KIND, JOB, arguments)
        asked = JobFolder(dataset.home, job.id).read_request().arguments
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return False
    if asked.get("collection") != arguments["collection"]:  # another tab was first
        st.warning("Other photos are arriving just now. Wait for them, then add these.")
        return False
    st.session_state.pop("arranged", None)
    return True
