"""The list of steps, for the History page: what each did, and going back or forward to it."""

import html
from collections.abc import Callable
from datetime import datetime

import streamlit as st

from core.dataset import Dataset, history
from core.dataset.history import Entry, Undoing, Undone
from core.dataset.steps import Skipped
from core.errors import WinnowError
from core.jobs.progress import Task
from ui.collecting.pictures import picture
from ui.words import ago, count, plain, shown

STEPS_A_PAGE = 20
PICTURE_PIXELS = 44
SAID = "history_said"  # session key: what the last act on this page came to
BACK = "history_back_to"  # session key: the step that the open dialog asks about
AT_START = 0  # stands for the time before the first step
FULL_TIME = "%A, %d %B %Y, %H:%M:%S"


def draw(dataset: Dataset) -> None:
    """Draw a page of the steps, newest first, each with the way back to it."""
    draw_said()
    if (asked := st.session_state.get(BACK)) is not None:
        _confirm_back(dataset, asked)
    number = history.count(dataset)
    if not number:
        st.info(
            "Nothing has been done yet. Whatever you relabel, remove, restore or collect is listed "
            "here and can be taken back, after a restart too."
        )
        return
    pages = -(-number // STEPS_A_PAGE)
    page = st.pagination(pages, key="history_page") if pages > 1 else 1
    last, following = dataset.next_undo(), dataset.next_redo()
    _draw_redo_all(dataset)
    for entry in history.page(dataset, skip=(page - 1) * STEPS_A_PAGE, limit=STEPS_A_PAGE):
        _draw_entry(
            dataset, entry, last=last.id if last else 0, following=following.id if following else 0
        )
    if page == pages:
        _draw_start(dataset, may_undo=last is not None)


def time_html(moment: float, *, lead: str = "") -> str:
    """How long ago a moment was, with the full time on hover."""
    when = datetime.fromtimestamp(moment)
    return (
        f'<time datetime="{when.isoformat(timespec="seconds")}" '
        f'title="{when.strftime(FULL_TIME)}" style="opacity:.75;font-size:.875rem;'
        f'white-space:nowrap">{lead}{html.escape(ago(moment))}</time>'
    )


def run_with_a_bar(task: Task[Undone]) -> Undone:
    """Run work that takes several steps back or forward, showing how far it is."""
    bar = st.progress(0.0)
    while True:
        try:
            report = next(task)
        except StopIteration as end:
            return end.value
        share = report.done / report.total if report.total else 0.0
        bar.progress(min(share, 1.0), text=plain(report.message, limit=100))


def ask(key: str, about: int) -> None:
    """Have a question asked in a dialog until it is answered, whatever reruns in between."""
    st.session_state[key] = about


def close(key: str) -> None:
    """Take a question back."""
    st.session_state.pop(key, None)


def say(words: str, skipped: tuple[Skipped, ...] = (), left_alone: int = 0) -> None:
    """Keep a sentence about what was done for the next drawing of the page."""
    st.session_state[SAID] = (words, skipped, max(left_alone, len(skipped)))


def draw_skipped(skipped: tuple[Skipped, ...] | list[Skipped], number: int) -> None:
    """Name files that were left alone, each with its reason."""
    lines = [f"- {plain(one.file, limit=80)}: {plain(one.reason)}" for one in skipped]
    if number > len(skipped):
        lines.append(f"- and {number - len(skipped):,} more")
    st.markdown("\n".join(lines))


def draw_said() -> None:
    """Say once what the last act on this page came to."""
    said = st.session_state.pop(SAID, None)
    if said is None:
        return
    words, skipped, left_alone = said
    st.success(words, icon=":material/check:")
    if skipped:
        with st.expander(
            f"{count(left_alone, 'file was', 'files were')} left alone", expanded=True
        ):
            draw_skipped(skipped, left_alone)


def _draw_entry(dataset: Dataset, entry: Entry, *, last: int, following: int) -> None:
    with st.container(key=f"history_step_{entry.id}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(_entry_html(dataset, entry), width="stretch")
            _draw_act(dataset, entry, last=last, following=following)
        if entry.left_alone:
            words = f"{count(entry.left_alone, 'file was', 'files were')} left alone"
            with st.expander(words, icon=":material/info:"):
                draw_skipped(history.left_alone(dataset, entry.id), entry.left_alone)


def _entry_html(dataset: Dataset, entry: Entry) -> str:
    strip = "".join(
        picture(dataset, content, "A photo of this step", pixels=PICTURE_PIXELS)
        for content in entry.pictures
    )
    state = " · <b>Undone</b>" if entry.undone else ""
    faded = "opacity:.65;" if entry.undone else ""
    why = f" · <small>{html.escape(entry.fixed)}</small>" if entry.fixed else ""
    return (
        f'<div style="{faded}display:flex;flex-direction:column;gap:.3rem">'
        f'<div style="overflow-wrap:anywhere"><b>{html.escape(shown(entry.words, limit=240))}</b>'
        f"{state}</div><div>{time_html(entry.time)}{why}</div>"
        + (f'<div style="display:flex;flex-wrap:wrap;gap:.25rem">{strip}</div>' if strip else "")
        + "</div>"
    )


def _draw_act(dataset: Dataset, entry: Entry, *, last: int, following: int) -> None:
    """The one button of a step: to take it back, to go back to it, or to do it again."""
    locked = dataset.read_only
    if entry.fixed is not None:
        return
    if entry.undone:
        label = "Redo" if entry.id == following else "Redo up to here"
        st.button(
            label,
            key=f"history_redo_{entry.id}",
            icon=":material/redo:",
            disabled=locked,
            on_click=_redo,
            args=(dataset, entry.id),
        )
    elif entry.id == last:
        st.button(
            "Undo",
            key=f"history_undo_{entry.id}",
            icon=":material/undo:",
            disabled=locked,
            on_click=_undo,
            args=(dataset, entry.id),
        )
    else:
        st.button(
            "Undo back to here",
            key=f"history_back_{entry.id}",
            icon=":material/history:",
            disabled=locked,
            help="Takes back every step above this one. This one stays.",
            on_click=ask,
            args=(BACK, entry.id),
        )


def _draw_start(dataset: Dataset, *, may_undo: bool) -> None:
    if not may_undo:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html("<b>The start</b>, before the first step", width="stretch")
        st.button(
            "Undo everything",
            key="history_back_0",
            icon=":material/history:",
            disabled=dataset.read_only,
            help="Takes back every step there is.",
            on_click=ask,
            args=(BACK, AT_START),
        )


def _draw_redo_all(dataset: Dataset) -> None:
    waiting = history.to_redo(dataset, named=0)
    if waiting.steps < 2:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Redo all {waiting.steps:,}",
            key="history_redo_all",
            icon=":material/redo:",
            disabled=dataset.read_only,
            on_click=_redo,
            args=(dataset, None),
        )
        st.caption(
            f"{waiting.steps:,} steps are undone. They can be done again, one by one or all, "
            "until you change something else."
        )


def _undo(dataset: Dataset, asked: int) -> None:
    """Take back one step, if it is still the last."""
    before = history.to_undo(dataset, asked - 1, named=1)
    _do(lambda: history.undo_back_to(dataset, asked - 1, newest=asked), "taken back", before)


def _redo(dataset: Dataset, asked: int | None) -> None:
    before = history.to_redo(dataset, asked, named=1)
    _do(lambda: history.redo_up_to(dataset, asked), "done again", before)


@st.dialog("Undo back to here", width="medium", on_dismiss=lambda: close(BACK))
def _confirm_back(dataset: Dataset, step_id: int) -> None:
    ahead = history.to_undo(dataset, step_id)
    if not ahead.steps:
        close(BACK)
        st.write("There is nothing to take back: this is how things are.")
        return
    st.markdown(
        f"This takes back **{count(ahead.steps, 'step')}**, which moved "
        f"{count(ahead.photos, 'photo')}, the newest first:"
    )
    lines = [f"- {plain(one.words, limit=160)} ({ago(one.time)})" for one in ahead.headings]
    if ahead.steps > len(ahead.headings):
        lines.append(f"- and {count(ahead.steps - len(ahead.headings), 'earlier step')}")
    st.markdown("\n".join(lines))
    st.caption(
        "Each can be done again afterwards. "
        "A photo changed or deleted since is left alone and named."
    )
    with st.container(horizontal=True):
        go = st.button(
            f"Undo {count(ahead.steps, 'step')}",
            key="history_back_confirm",
            type="primary",
            icon=":material/history:",
        )
        stay = st.button("Cancel", key="history_back_cancel")
    if go:
        _do(
            lambda: history.undo_back_to(dataset, step_id, newest=ahead.newest),
            "taken back",
            ahead,
        )
    if go or stay:
        close(BACK)
        st.rerun()


def _do(work: Callable[[], Task[Undone]], done: str, before: Undoing) -> None:
    """Go back or forward, and keep what to say of it."""
    try:
        result = run_with_a_bar(work())
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:", duration="long")
        return
    say(_told(result, done, before), result.skipped, result.left_alone)


def _told(result: Undone, done: str, before: Undoing) -> str:
    if not result.steps:
        return "Nothing was changed: it was done already."
    if result.steps == 1 and before.headings:
        which = f"**{plain(before.headings[0].words, limit=160)}** is {done}."
    else:
        which = f"{count(result.steps, 'step is', 'steps are')} {done}."
    if not result.photos and result.left_alone:
        return f"{which} But no photo could be moved: see why below."
    return which
