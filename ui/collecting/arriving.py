"""What arrives: photos as they come, what was not taken and why, and what to do next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal
from uuid import uuid4

import streamlit as st

from core import jobs
from core.clean.kept import checked
from core.collect import kept
from core.collect.engines.found import ENGINES
from core.collect.kept import ClassState
from core.collect.shortfalls import Shortfall, searches_for_more, shortfalls
from core.dataset import Dataset, arrivals, fetched, sources
from core.dataset.fetched import Fetched
from core.errors import JobError
from core.jobs import JobStatus
from core.jobs.record import JobFolder
from ui import job_status, media, navigation
from ui.collecting import brought
from ui.collecting.live_rows import LiveRow, Picture, live_rows
from ui.words import count, plain, shown

KIND = "collect"  # of every job that brings photos, so that one arrives at a time
TARGET = "core.collect.collecting:collect_job"
WAY = "collect_way"  # key of the page's choice of ways
SHOW_WAYS = "collect_show_ways"  # session key: a way was chosen up here, and lies further down
FETCHING = "Fetching"  # how what a search says begins while photos come

NEWEST = 16
MOST_REFUSED = 500
MOST_REASONS = 12
# Ways in that help where a search does not, with their icons: all of them, and without a network.
OTHER_WAYS = (("links", "Paste links", "link"), ("uploads", "Upload", "upload"))
OFFLINE_WAYS = (
    ("uploads", "Upload", "upload"),
    ("folders", "Folder on this computer", "folder_open"),
    ("generators", "Drawn by Winnow", "brush"),
)
MORE = 50  # proposed for "Get more"
MOST_CLASSES_NAMED = 4
MOST_CLASSES_SHOWN = 6  # of photos brought along


def begin(
    dataset: Dataset,
    *,
    wanted: Sequence[Mapping[str, Any]] = (),
    urls: Sequence[Mapping[str, Any]] = (),
    collection: str | None = None,
    filters: Mapping[str, str] | None = None,
    min_side: int = 0,
    key_name: str | None = None,
    list_name: str = "",
) -> None:
    """Start to collect, or to go on with a collection; says why where it cannot.

    Args:
        dataset: Where the photos go.
        wanted: Searches: ``class_name``, ``query``, ``engine`` and ``most`` of each.
        urls: Links: ``url`` and ``class_name`` of each.
        collection: One to go on with; otherwise a new one.
        filters: Of the search engines.
        min_side: Photos whose shorter side has fewer pixels are set aside.
        key_name: Of the key that an engine asks for, in ``core.collect.keys``.
        list_name: Where the links were listed.
    """
    arguments = {
        "root": str(dataset.root),
        "collection": collection or uuid4().hex,
        "wanted": [dict(one) for one in wanted],
        "urls": [dict(one) for one in urls],
        "filters": dict(filters or {}),
        "min_side": min_side,
        "key_name": key_name,
        "list_name": list_name,
    }
    job_status.start(dataset.home, KIND, TARGET, arguments)


def leads_on(dataset: Dataset | None) -> bool:
    """Whether what came shows a button to the next page, so that a form's own is second."""
    if dataset is None:
        return False
    job = jobs.latest(dataset.home, KIND)
    return job is not None and job.finished and _next(dataset) is not None


def draw(dataset: Dataset) -> Literal["nothing", "arriving", "arrived"]:
    """Draw what arrives, or arrived last, and say which of them it is."""
    job = jobs.latest(dataset.home, KIND)
    if job is None:
        return "nothing"
    arguments = _asked(dataset, job)
    collection = str(arguments.get("collection", ""))
    if jobs.alive(job):
        job_status.draw(
            dataset.home,
            KIND,
            while_running=lambda _: draw_rows(dataset, collection, live=True),
            told=lambda job: as_rows_say(dataset, collection, job),
        )
        return "arriving"
    job_status.draw(dataset.home, KIND)  # says how it ended early, and offers to go on
    with st.container(border=True):
        _draw_end(dataset, collection)
        draw_rows(dataset, collection, live=False)
        brought.draw(dataset, collection)
        for number, short in enumerate(shortfalls(kept.state(dataset, collection))):
            _draw_shortfall(dataset, short, arguments, number)
        draw_refused(dataset, collection, arguments)
        _draw_next(dataset, arguments, came=sources.arrived_count(dataset, collection) > 0)
    return "arrived"


def as_rows_say(dataset: Dataset, collection: str, job: JobStatus) -> JobStatus:
    """The status with the numbers of the rows below it, which are newer than the job's own."""
    if not job.message.startswith(FETCHING):
        return job
    states = kept.state(dataset, collection)
    if not states:
        return job
    return replace(
        job,
        message="Fetching photos",
        done=sum(min(one.kept, one.asked) for one in states),
        total=sum(one.asked for one in states),
    )


def _asked(dataset: Dataset, job: JobStatus) -> Mapping[str, Any]:
    try:
        return JobFolder(dataset.home, job.id).read_request().arguments
    except JobError:
        return {}


def _draw_end(dataset: Dataset, collection: str) -> None:
    """Say in one line and a sentence what came of it."""
    by_outcome = fetched.outcomes(dataset, collection)
    total = sources.arrived_count(dataset, collection)
    title = f"{count(total, 'photo')} came" if total else "No photo came"
    if not total and any(one.get("kept") for one in by_outcome.values()):
        title = "What came was taken away again"
    st.subheader(title, anchor=False)
    aside = len(arrivals.set_aside(dataset, collection))
    refused = sum(one.get("rejected", 0) for one in by_outcome.values())
    said = [f"{count(aside, 'photo')} set aside, see below"] if aside else []
    if refused:
        said.append(f"{count(refused, 'address', 'addresses')} gave no photo")
    if said:
        st.caption(". ".join(said) + ".")


def draw_rows(dataset: Dataset, collection: str, *, live: bool) -> None:
    """Draw the classes of a collection with their newest photos."""
    states = kept.state(dataset, collection)
    rows = [_row(dataset, collection, state) for state in worth_a_row(states)]
    if not rows:  # photos brought along, not searched for
        rows = _rows_brought(dataset, collection, live=live)
    if rows:
        live_rows(rows, key=f"collect_rows_{collection}", live=live)


def worth_a_row(states: Sequence[ClassState]) -> list[ClassState]:
    """The searches, without those in vain for classes that another one was made for since."""
    found = []
    for number, one in enumerate(states):
        others = [other for other in states[number + 1 :] if other.class_name == one.class_name]
        if one.found or not one.done or not others:
            found.append(one)
    return found


def _rows_brought(dataset: Dataset, collection: str, *, live: bool) -> list[LiveRow]:
    """The classes of photos that were not searched for; while they come, the newest of all."""
    if live:
        pictures = _newest(dataset, collection, "*")
        return [LiveRow(name="Newest", words="", counts="", pictures=pictures)] if pictures else []
    by_class = sources.arrived_by_class(dataset, collection)
    rows = [
        LiveRow(
            name=_named(name, limit=40),
            words=count(number, "photo"),
            counts="",
            pictures=_newest(dataset, collection, name),
        )
        for name, number in list(by_class.items())[:MOST_CLASSES_SHOWN]
    ]
    if (more := len(by_class) - MOST_CLASSES_SHOWN) > 0:
        rows.append(
            LiveRow(name="", words=f"and {count(more, 'more class', 'more classes')}", counts="")
        )
    return rows


def _row(dataset: Dataset, collection: str, state: ClassState) -> LiveRow:
    words = f"{_engine(state.engine)}: {shown(state.query, limit=40)}" if state.query else ""
    return LiveRow(
        name=_named(state.class_name, limit=40),
        words=words or _engine(state.engine),
        counts=_counts(state),
        kept=state.kept,
        asked=state.asked,
        pictures=_newest(dataset, collection, state.class_name),
    )


def _newest(dataset: Dataset, collection: str, class_name: str | None) -> list[Picture]:
    rows = sources.arrived(dataset, collection, class_name=class_name, limit=NEWEST)
    return [
        Picture(
            id=row.id,
            url=media.thumb_url(dataset, row.content),
            alt=f"A photo of {_named(row.class_name, limit=60)}",
        )
        for row in rows
    ]


def _counts(state: ClassState) -> str:
    """What else there was: "From 55 results · 3 not usable · 1 copy"."""
    parts = []
    if state.engine != kept.LIST:  # its number of links is the number asked for
        parts.append(f"From {count(state.found, 'result')}" if state.found else "No results")
        if not state.found and not state.done:
            parts = ["Searching"]
    if state.rejected:
        parts.append(f"{state.rejected:,} not usable")
    if state.duplicates:
        parts.append(count(state.duplicates, "copy", "copies"))
    if state.near:
        parts.append(count(state.near, "near copy", "near copies"))
    if state.small:
        parts.append(f"{state.small:,} too small")
    return " · ".join(parts)


def _draw_shortfall(
    dataset: Dataset, short: Shortfall, arguments: Mapping[str, Any], number: int
) -> None:
    names = [f"**{plain(_named(one.class_name, limit=40))}**" for one in short.searches]
    more = len(names) - MOST_CLASSES_NAMED
    listed = ", ".join(names[:MOST_CLASSES_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    st.warning(f"{listed}: {plain(short.problem)}", icon=":material/warning:")
    with st.container(horizontal=True):
        if not short.is_offline:
            for engine in short.next_best[:2]:
                st.button(
                    f"Try {plain(ENGINES[engine].title)}",
                    key=f"collect_try_{number}_{engine}",
                    icon=":material/search:",
                    on_click=_go_on,
                    args=(dataset, arguments, short.with_engine(engine)),
                )
        if short.engine != kept.LIST and short.may_mend:
            st.button(
                "Try again",
                key=f"collect_again_{number}",
                icon=":material/refresh:",
                on_click=_go_on,
                args=(dataset, arguments, short.again()),
            )
        for way, title, icon in OFFLINE_WAYS if short.is_offline else OTHER_WAYS:
            st.button(
                title,
                key=f"collect_{way}_{number}",
                icon=f":material/{icon}:",
                on_click=_choose,
                args=(way,),
            )


def _go_on(
    dataset: Dataset, arguments: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]
) -> None:
    kept_choices = {
        name: arguments[name] for name in ("filters", "min_side", "key_name") if name in arguments
    }
    begin(dataset, wanted=wanted, collection=arguments.get("collection"), **kept_choices)


def _choose(way: str) -> None:
    st.session_state[WAY] = way
    st.session_state[SHOW_WAYS] = True


def draw_refused(dataset: Dataset, collection: str, arguments: Mapping[str, Any]) -> None:
    """Draw the addresses that gave no photo with their reasons, folded; nothing without any."""
    refused = fetched.refused(dataset, collection, limit=MOST_REFUSED)
    if not refused:
        return
    with st.expander(
        f"Addresses that gave no photo ({len(refused):,})",
        icon=":material/link_off:",
        key=f"collect_refused_{collection}",
    ):
        _draw_reasons(refused)
        st.dataframe(
            {
                "Class": [_named(one.class_name, limit=60) for one in refused],
                "Reason": [shown(one.reason or "") for one in refused],
                "Address": [shown(one.url) for one in refused],
            },
            column_config={
                "Class": st.column_config.TextColumn(width="small"),
                "Reason": st.column_config.TextColumn(width="large"),
                "Address": st.column_config.TextColumn(width="large"),
            },
            hide_index=True,
            key=f"collect_refused_table_{collection}",
        )
        if arguments and any(one.again for one in refused):
            st.button(
                "Try again",
                key=f"collect_refused_again_{collection}",
                icon=":material/refresh:",
                help="Asks once more for those that may work at another time.",
                on_click=_again,
                args=(dataset, arguments),
            )


def _draw_reasons(refused: Sequence[Fetched]) -> None:
    """Draw how often each reason was met; in the table most of them would be cut off."""
    by_reason = Counter(one.reason or "No reason is known." for one in refused)
    listed = [
        f"- **{number:,}** · {plain(reason, limit=200)}"
        for reason, number in by_reason.most_common(MOST_REASONS)
    ]
    if len(by_reason) > MOST_REASONS:
        listed.append(f"- and {count(len(by_reason) - MOST_REASONS, 'more reason')}")
    st.markdown("\n".join(listed))


def _again(dataset: Dataset, arguments: Mapping[str, Any]) -> None:
    job_status.start(dataset.home, KIND, TARGET, arguments)


def _draw_next(dataset: Dataset, arguments: Mapping[str, Any], *, came: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if (following := _next(dataset)) is not None:
            navigation.next_step(*following, key="collect_next")
        if came and not _has_two_classes(dataset):
            st.markdown("To train, photos of at least two classes are needed.", width="content")
        if came and arguments.get("wanted"):
            draw_more(dataset, arguments)


def draw_more(dataset: Dataset, arguments: Mapping[str, Any], *, key: str = "collect") -> None:
    """Draw the button that asks for more photos of a collection."""
    with st.popover("Get more", icon=":material/add_photo_alternate:"):
        more = st.number_input(
            "More photos for each class",
            min_value=1,
            max_value=1000,
            value=MORE,
            step=10,
            key=f"{key}_more",
        )
        st.caption("What is there already is not fetched again.")
        st.button(
            "Get them",
            key=f"{key}_get_more",
            type="primary",
            on_click=_get_more,
            args=(dataset, arguments, int(more)),
        )


def _get_more(dataset: Dataset, arguments: Mapping[str, Any], more: int) -> None:
    states = kept.state(dataset, str(arguments["collection"]))
    _go_on(dataset, arguments, searches_for_more(states, more))


def _next(dataset: Dataset) -> tuple[str, str] | None:
    """The page that comes next and what its button says; None while photos are missing."""
    if not _has_two_classes(dataset):
        return ("label", "Label the photos") if dataset.unsorted_count() else None
    if not checked(dataset).complete:
        return "check", "Check the photos"
    return "train", "Go to Train"


def _has_two_classes(dataset: Dataset) -> bool:
    return sum(number > 0 for number in dataset.counts().values()) >= 2


def _named(class_name: str | None, *, limit: int) -> str:
    return "unsorted" if class_name is None else shown(class_name, limit=limit)


def _engine(name: str | None) -> str:
    return ENGINES[name].title if name in ENGINES else "List of links"
