"""Compare: what a round of corrections gained, told apart from what new labels alone change."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core import runs
from core.dataset import Dataset
from core.dataset.sources import sources_of
from core.errors import RunError
from core.review.compare import Comparison, compare
from core.runs.in_use import run_in_use
from core.runs.notes import note_of
from ui import navigation, overview, state, training
from ui.collecting import provenance
from ui.gallery import Tile, gallery
from ui.runs import words as run_words
from ui.words import count, plain, shown

SHOWN_PHOTOS = 60
LONGEST_NAME = 30  # characters of a run's name, so that its figures stand beside it


@st.cache_data(max_entries=8, show_spinner=False)
def compared(_dataset: Dataset, token: str, before: str, after: str) -> Comparison:
    """Two runs side by side; runs never change, so neither does this."""
    home = _dataset.home
    return compare(_dataset, runs.load_run(home, before), runs.load_run(home, after))


def empty_state(kept: Sequence[runs.Run]) -> None:
    """Say what is missing before there is anything to compare."""
    if not kept:
        st.info("Nothing to compare yet. Train once, mend some labels, then train again.")
        navigation.next_step("train", "Go to Train", key="compare_to_train")
        return
    st.info(
        "One training so far. Mend some labels in Review and train again: then this page says "
        "what it gained."
    )
    navigation.next_step("review", "Go to Review", key="compare_to_review")


def before_the_last_round(kept: Sequence[runs.Run], after: runs.Run) -> runs.Run:
    """The newest run made before the corrections that another one has learned from."""
    earlier = [run for run in kept if run.id < after.id]
    return next((run for run in earlier if run.step != after.step), earlier[0])


def choose(dataset: Dataset, kept: Sequence[runs.Run]) -> tuple[runs.Run, runs.Run]:
    """The two runs to compare, the earlier one first."""
    by_id = {run.id: run for run in kept}
    names = {run.id: title(dataset, run) for run in kept}
    used = run_in_use(dataset)
    # The oldest has no earlier one to be held against.
    start_after = kept[0] if used is None or used.id not in list(by_id)[:-1] else used
    start = before_the_last_round(kept, start_after)
    left, right = st.columns(2)
    before = left.selectbox(
        "Before",
        list(by_id)[1:],
        index=list(by_id)[1:].index(start.id),
        format_func=names.__getitem__,
        key="compare_before",
    )
    later = [run.id for run in kept if run.id > before]
    after = right.selectbox(
        "After",
        later,
        index=later.index(start_after.id) if start_after.id in later else 0,
        format_func=names.__getitem__,
        key="compare_after",
    )
    return by_id[before], by_id[after or later[0]]


def title(dataset: Dataset, run: runs.Run) -> str:
    """A run by its name or time, and its result."""
    note = note_of(dataset.home, run)
    when = datetime.fromtimestamp(run.created).strftime("%d %b %Y, %H:%M:%S")
    named = shown(note.name, limit=LONGEST_NAME) if note.name else when
    wrong, judged, _ = run_words.wrong_and_judged(run)
    deep = ", deep" if run.mode == "deep" else ""
    return f"{named}{deep} · wrong on {wrong:,} of {judged:,}{training.where(run)}"


def show_table(found: Comparison) -> None:
    """How often each model is wrong, by each set of labels."""
    rows = [("the labels as they were before", found.before_old, found.after_old)]
    if found.changed:
        rows.append(("the corrected labels", found.before_corrected, found.after_corrected))
    lines = [f"| {count(found.photos, 'photo')}, held against | Model before | Model after |"]
    lines += ["|:--|--:|--:|"]
    lines += [f"| {name} | {old:,} wrong | {new:,} wrong |" for name, old, new in rows]
    st.markdown("\n".join(lines))


def show_photos(dataset: Dataset, before: runs.Run, after: runs.Run, found: Comparison) -> None:
    """The photos that only one of the two models gets right."""
    for name, ids, words in (
        ("mended", found.mended, "Mended: wrong before, right now"),
        ("broken", found.broken, "Broken: right before, wrong now"),
    ):
        if not ids:
            continue
        st.subheader(words)
        more = f", the first {SHOWN_PHOTOS}" if len(ids) > SHOWN_PHOTOS else ""
        st.caption(f"{count(len(ids), 'photo')}{more}")
        tiles = photos(dataset, before, after, ids[:SHOWN_PHOTOS])
        gallery(dataset, tiles, key=f"compare_{name}", label=words, editable=False)


def photos(dataset: Dataset, before: runs.Run, after: runs.Run, ids: Sequence[int]) -> list[Tile]:
    """Tiles that say what each model takes the photo for."""
    then, now = (runs.load_predictions(dataset.home, run.id) for run in (before, after))
    at_then = {int(file_id): at for at, file_id in enumerate(then.file_id)}
    at_now = {int(file_id): at for at, file_id in enumerate(now.file_id)}
    known = sources_of(dataset, ids)
    tiles = []
    for file_id in ids:
        early, late = at_then[file_id], at_now[file_id]
        label = after.classes[now.given[late]]
        tiles.append(
            Tile(
                id=file_id,
                content=now.content[late],
                was=label,
                lines=(
                    f"Labelled {shown(label)}",
                    f"Before: {shown(before.classes[then.predicted[early]])}",
                    f"Now: {shown(after.classes[now.predicted[late]])}",
                ),
                more=provenance.lines(known[file_id]) if file_id in known else (),
            )
        )
    return tiles


def main() -> None:
    """Lay out the page."""
    dataset = state.require()
    st.title("Compare")
    kept = runs.list_runs(dataset.home)
    if len(kept) < 2:
        empty_state(kept)
        return
    overview.note_compared(dataset, kept[0])
    before, after = choose(dataset, kept)
    try:
        found = compared(dataset, dataset.token, before.id, after.id)
    except RunError as error:
        st.error(plain(str(error)))
        return
    verdict, *rest = found.words
    headline, _, figures = verdict.partition(": ")
    st.subheader(plain(headline))
    if figures:
        st.markdown(plain(figures[0].upper() + figures[1:]))
    if found.photos:
        show_table(found)
    for sentence in rest:
        st.markdown(plain(sentence))
    navigation.next_step("review", "Go on with Review", key="compare_next")
    show_photos(dataset, before, after, found)


main()
