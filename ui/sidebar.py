"""What every page shows at its side: the data set, the pages, undo and redo, work going on."""

from itertools import groupby
from pathlib import Path

import streamlit as st

from core import jobs
from core.dataset import Dataset, Heading, Step
from core.dataset.steps import CLASS_ACTS
from core.errors import WinnowError
from core.jobs import JobStatus
from ui import navigation, quitting, state
from ui.job_status import share_done
from ui.step_bar import StepBar
from ui.words import count, plain

SECONDS_BETWEEN_LOOKS = 1.0
# Kinds of work with the page that shows more of it, and what it is called in a badge.
WORK = {
    "index": ("home", "Reading photos"),
    "collect": ("collect", "Collecting photos"),
    "check": ("check", "Checking photos"),
    "compare": ("check", "Comparing photos"),
    "tidy": ("check", "Rewriting photos"),
    "train": ("train", "Training"),
    "lrfind": ("train", "Finding a rate"),
}
MOST_SKIPPED_NAMED = 3
SHOWN_LAST = "shown_last"  # session key: the page of the run before
FOLD = """<script>
if (window.innerWidth < 768)
  document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
</script>"""


def draw(page: str) -> None:
    """Draw the sidebar of the running page, given by its name."""
    dataset = state.current()
    with st.sidebar:
        if dataset is not None:
            _draw_set(dataset)
        _draw_pages(dataset)
        if dataset is not None:
            _draw_work(dataset)
            _draw_undo(dataset)
        st.space("small")
        quitting.draw_button()
        _fold_on_narrow_screens(page)


def say_step(step: Step) -> None:
    """Say in a toast what a step did, and which files it had to leave alone."""
    st.toast(plain(step.words), icon=":material/check:")
    _say_skipped(step)


def _say_skipped(step: Step) -> None:
    if not step.skipped:
        return
    named = "; ".join(
        f"{plain(one.file, limit=60)}: {plain(one.reason)}"
        for one in step.skipped[:MOST_SKIPPED_NAMED]
    )
    more = len(step.skipped) - MOST_SKIPPED_NAMED
    rest = f" and {count(more, 'more file')}" if more > 0 else ""
    st.toast(
        f"{count(len(step.skipped), 'file')} left alone. {named}{rest}",
        icon=":material/info:",
        duration="long",
    )


def _draw_set(dataset: Dataset) -> None:
    st.markdown(f"**{plain(dataset.root.name or str(dataset.root), limit=40)}**")
    if not state.is_read():
        return  # numbers that are not yet true would only confuse
    counts = dataset.counts()
    words = [count(sum(counts.values()), "photo"), count(len(counts), "class", "classes")]
    if unsorted := dataset.unsorted_count():
        words.append(f"{unsorted:,} unsorted")
    if removed := dataset.removed_count():
        words.append(f"{removed:,} removed")
    st.caption(" · ".join(words))
    if dataset.read_only:
        st.badge("Read only", icon=":material/lock:", color="orange")


def _draw_pages(dataset: Dataset | None) -> None:
    for section, pages in groupby(navigation.PAGES.values(), key=lambda page: page.section):
        if dataset is None and section:
            continue
        if section:
            st.caption(section)
        for page in pages:
            navigation.link(page.name)


def _draw_work(dataset: Dataset) -> None:
    if any(_living(dataset.home)):
        st.fragment(_badges, run_every=SECONDS_BETWEEN_LOOKS)(dataset.home)


def _badges(home: Path) -> None:
    living = _living(home)
    if not living:
        st.rerun()  # once: the page may show what has come of the work, and looking ends
    for kind, job in living:
        _, words = WORK[kind]
        share = f" · {share_done(job):.0%}" if job.total else ""
        st.badge(f"{words}{share}", icon=":material/autorenew:", color="blue")


def _living(home: Path) -> list[tuple[str, JobStatus]]:
    found = [(kind, jobs.latest(home, kind)) for kind in WORK]
    return [(kind, job) for kind, job in found if job is not None and jobs.alive(job)]


def _draw_undo(dataset: Dataset) -> None:
    undo, redo = dataset.next_undo(), dataset.next_redo()
    if undo is None and redo is None:
        return
    st.caption("Last change")
    left, right = st.columns(2)
    left.button(
        "Undo",
        key="undo",
        icon=":material/undo:",
        disabled=undo is None,
        help=f"Undo: {plain(undo.words)}" if undo else None,
        on_click=_undo,
        args=(dataset, undo.id if undo else None),
        width="stretch",
    )
    right.button(
        "Redo",
        key="redo",
        icon=":material/redo:",
        disabled=redo is None,
        help=f"Redo: {plain(redo.words)}" if redo else None,
        on_click=_redo,
        args=(dataset, redo.id if redo else None),
        width="stretch",
    )
    if undo is not None:
        st.caption(plain(undo.words, limit=120))


def _undo(dataset: Dataset, asked: int | None) -> None:
    """Take back the step that the button named, unless another one came after it."""
    bar = StepBar()
    try:
        last = dataset.next_undo()
        if last is not None and last.id != asked:
            newer = asked is None or last.id > asked
            lead = "Another change was made since" if newer else "That is undone. Before it"
            _say_other(f"{lead}: {_named(last)}. Press Undo again to take it back.")
            return
        with bar.drawn():
            step = dataset.undo()
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    _say_went(step, f"Undone: {plain(step.words)}", "undone", ":material/undo:")
    bar.give_way()


def _redo(dataset: Dataset, asked: int | None) -> None:
    """Do again the step that the button named, unless another one came up meanwhile."""
    bar = StepBar()
    try:
        following = dataset.next_redo()
        if following is not None and following.id != asked:
            _say_other(f"Another change is next: {_named(following)}. Press Redo again to redo it.")
            return
        with bar.drawn():
            step = dataset.redo()
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    _say_went(step, f"Done again: {plain(step.words)}", "redone", ":material/redo:")
    bar.give_way()


def _say_went(step: Step, said: str, done: str, icon: str) -> None:
    """Say what an undo or redo did; where it moved nothing, why, and what that leaves."""
    if step.changes or step.kind in CLASS_ACTS:  # a class is made or taken away without a photo
        st.toast(said, icon=icon)
    else:
        why = "" if step.skipped else " None of its photos lies where it had put them."
        st.toast(
            f"No photo could be moved, so nothing was {done}: {plain(step.words)}.{why} "
            f"The next {'Undo' if done == 'undone' else 'Redo'} goes on with another step.",
            icon=":material/info:",
            duration="long",
        )
    _say_skipped(step)


def _say_other(words: str) -> None:
    st.toast(words, icon=":material/info:", duration="long")


def _named(step: Heading) -> str:
    return plain(step.words).rstrip(".")


def _fold_on_narrow_screens(page: str) -> None:
    """Where the sidebar lies over the page, close it when a link in it was followed.

    Streamlit's own list of pages does so; links in the sidebar do not.
    """
    last = st.session_state.get(SHOWN_LAST, page)
    st.session_state[SHOWN_LAST] = page
    if last != page:
        st.html(FOLD, unsafe_allow_javascript=True)
