"""Results: how often the model is wrong, which classes it mixes up, and the photos behind it."""

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from core import runs
from core.dataset import Dataset
from core.dataset.parts import Part
from core.errors import RunError
from core.review.changes import Changes, changes_since
from core.review.listing import listed
from core.review.metrics import Results, results
from core.runs.in_use import run_in_use
from core.runs.split import in_part, judged_itself, other_parts
from ui import charts, media, navigation, state
from ui.review_tiles import sure
from ui.runs import again, words
from ui.words import count, percent, plain, shown

SHOWN_PHOTOS = 48
SHOWN_PAIRS = 5
MORE_PAIRS = 20  # behind a click, so that the photos come right below the matrix
LONGEST_NAME = 32  # characters of a class name on a button

Cell = tuple[int, int]  # (given, predicted), as indices into the run's classes


@st.cache_resource(max_entries=4, show_spinner=False)
def judged(home: Path, run_id: str) -> tuple[runs.Run, runs.Predictions, Results]:
    """A run with all that was computed from it; runs never change once they are saved."""
    run, predictions = runs.load_run(home, run_id), runs.load_predictions(home, run_id)
    return run, predictions, results(run, predictions)


@st.cache_resource(max_entries=4, show_spinner=False)
def of_part(home: Path, run_id: str, part: Part) -> tuple[np.ndarray, Results]:
    """Which photos of a run are the judged ones of one part, and the figures for them."""
    run, predictions, _ = judged(home, run_id)
    among = in_part(predictions, part, folds=run.folds)
    return among, results(run, predictions, among=among)


@st.cache_data(max_entries=8, show_spinner=False)
def changes(_dataset: Dataset, home: Path, run_id: str, version: int) -> Changes:
    """What changed since the run; counted once per version of the data set."""
    run, predictions, _ = judged(home, run_id)
    return changes_since(run, predictions, _dataset)


def empty_state() -> None:
    """Lead to Train where there is nothing to show yet."""
    st.info("There are no results yet. Train once, and they appear here.", icon=":material/info:")
    navigation.next_step("train", "Go to Train", key="results_to_train")


def headline(run: runs.Run, found: Results) -> None:
    """The result in one sentence and three numbers."""
    st.markdown(f"**{words.outcome(run)}** Below is which classes it mixes up, and the photos.")
    for sentence in (words.beside_quick(run), words.about(run), *other_parts(run)):
        if sentence:
            st.markdown(plain(sentence))
    row = st.container(horizontal=True)
    row.metric("Wrong", percent(found.error_rate), border=True)
    row.metric(
        "Loss",
        f"{found.loss:.3f}",
        border=True,
        help="How surprised the model is by the labels. Near 0 is good.",
    )
    row.metric(
        "Photos judged",
        f"{found.judged:,}",
        border=True,
        help=about_judged(run),
    )


def about_judged(run: runs.Run) -> str:
    """Which photos the figures are about."""
    if told := words.about(run):
        return told
    if run.split is not None and run.split["judged_on"] != "train":
        part = run.split["judged_on"]
        return f"Those in {part}: this data set keeps them apart, so none was trained on."
    more = run.images - run.judged
    return "Each by a model that had not seen it. " + (
        f"{more:,} more were trained on and could not be judged."
        if more
        else "That is all photos with a class."
    )


def choose_part(run: runs.Run) -> Part | None:
    """Which part to look at, where the data set brings its own split."""
    if run.split is None:
        return None
    parts = [part for part, figure in run.split["parts"].items() if figure["judged"]]
    return st.segmented_control(
        "Photos in",
        parts,
        default=run.split["judged_on"],
        required=True,
        key=f"results_part_{run.id}",
        on_change=choose_cell,
        args=(None,),
        kwargs={"from_chart": False},
        help="Photos in train are each judged by a model that had not seen them.",
    )


def note_changes(dataset: Dataset, run: runs.Run) -> None:
    """Say how many photos changed since this run, and offer to train again as it was trained."""
    since = changes(dataset, dataset.home, run.id, dataset.version())
    if since.total == 0:
        return
    parts = [
        (since.relabelled, "relabelled"),
        (since.gone, "removed or without a class now"),
        (since.added, "new"),
        (since.edited, "edited"),
    ]
    told = ", ".join(f"{number:,} {what}" for number, what in parts if number)
    photos = count(since.total, "photo has", "photos have")
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/update: **{photos} changed** since this run: {told}.")
        if st.button("Train again", icon=":material/model_training:", key="results_train_again"):
            if again.train_again(dataset, run):
                navigation.go("train")


def choose_cell(cell: Cell | None, *, from_chart: bool) -> None:
    """Remember which cell's photos to show."""
    st.session_state["results_cell"] = cell
    if not from_chart:  # a new key clears the mark in the chart, which is on another cell
        st.session_state["results_chart"] = st.session_state.get("results_chart", 0) + 1


def take_click(key: str) -> None:
    """Read the cell from the chart that was clicked; a click on nothing closes the photos."""
    choose_cell(charts.clicked_cell(st.session_state[key]), from_chart=True)


def show_matrix(run: runs.Run, found: Results) -> None:
    """The confusion matrix; a click on a cell shows its photos."""
    shares = st.toggle("Shares of each class instead of counts", key="results_shares")
    key = f"results_matrix_{st.session_state.get('results_chart', 0)}"
    st.plotly_chart(
        charts.confusion_figure(found.confusion, run.classes, shares=shares, ink=charts.ink()),
        key=key,
        on_select=lambda: take_click(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Confusion matrix: labels down, what the model says across. "
        "The list of most confused classes says the same in words.",
    )
    st.caption(
        "Green: the model agrees with the label. Orange: it does not. "
        "Click a cell to see its photos."
    )


def show_pairs(run: runs.Run, found: Results) -> None:
    """The most confused pairs, as buttons that do what a click on their cell does."""
    st.subheader("Most confused")
    if not found.most_confused:
        st.markdown("No class was taken for another.")
    show_pair_buttons(run, found.most_confused[:SHOWN_PAIRS])
    more = found.most_confused[SHOWN_PAIRS:]
    if not more:
        return
    with st.expander(count(len(more), "more pair"), key="results_more_pairs"):
        show_pair_buttons(run, more[:MORE_PAIRS])
        if len(more) > MORE_PAIRS:
            st.caption(f"{len(more) - MORE_PAIRS:,} more are in the matrix.")


def show_pair_buttons(run: runs.Run, pairs: Sequence[tuple[int, int, int]]) -> None:
    """A button for each (given, predicted, photos)."""
    for actual, predicted, photos in pairs:
        pair = f"{named(run, actual)} taken for {named(run, predicted)}"
        st.button(
            f"{pair} · {count(photos, 'photo')}",
            key=f"results_pair_{actual}_{predicted}",
            help="The label, then what the model says. Shows the photos.",
            on_click=choose_cell,
            args=((actual, predicted),),
            kwargs={"from_chart": False},
            width="stretch",
        )


def named(run: runs.Run, index: int) -> str:
    """A class name that a label can bear."""
    return plain(run.classes[index], limit=LONGEST_NAME)


def show_cell(
    dataset: Dataset,
    run: runs.Run,
    predictions: runs.Predictions,
    cell: Cell,
    among: np.ndarray | None,
) -> None:
    """The photos of one cell, worst first, and the way to Review."""
    actual, predicted = cell
    positions = listed(predictions, given=actual, predicted=predicted, among=among)
    given_as = f"**{named(run, actual)}**"
    if actual == predicted:
        st.subheader(f"{named(run, actual)}, recognised")
    else:
        st.subheader(f"{named(run, actual)}, taken for {named(run, predicted)}")
    present = dataset.get(predictions.file_id[positions].tolist())
    here = [at for at in positions.tolist() if int(predictions.file_id[at]) in present]
    if not here:
        st.caption("No photos here." if not len(positions) else "These photos are all gone.")
        return
    drawn = here[:SHOWN_PHOTOS]
    with st.container(horizontal=True, vertical_alignment="center"):
        extent = f", the {len(drawn)} with the highest loss" if len(here) > len(drawn) else ""
        st.markdown(f"{count(len(here), 'photo')} labelled {given_as}{extent}.")
        if st.button(
            "Open these in Review",
            icon=":material/fact_check:",
            key="results_review",
            help=None if among is None else "Review lists those of other parts too.",
        ):
            st.session_state["review_filter"] = (run.classes[actual], run.classes[predicted])
            navigation.go("review", given=str(actual), predicted=str(predicted))
    st.html(thumbnails(dataset, predictions, drawn, present))


def thumbnails(
    dataset: Dataset, predictions: runs.Predictions, positions: list[int], present: dict
) -> str:
    """Thumbnails with captions as HTML; every name in it is escaped."""
    figures = []
    for at in positions:
        row = present[int(predictions.file_id[at])]
        file = html.escape(shown(Path(row.path).name))
        figures.append(
            '<figure role="listitem" style="margin:0;min-width:0">'
            f'<img src="{html.escape(media.thumb_url(dataset, row.content))}" alt="{file}" '
            'loading="lazy" style="width:100%;aspect-ratio:1;object-fit:contain;'
            'border-radius:0.4rem;background:rgba(128,128,128,0.12)">'
            '<figcaption style="font-size:0.8rem;overflow:hidden;text-overflow:ellipsis;'
            f'white-space:nowrap" title="{file}">{file}<br>'
            f"{sure(float(predictions.probs[at].max()))} sure</figcaption></figure>"
        )
    return (
        '<div role="list" aria-label="Photos" style="display:grid;gap:0.8rem;'
        'grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr))">'
        f"{''.join(figures)}</div>"
    )


@st.fragment
def matrix_and_photos(
    dataset: Dataset,
    run: runs.Run,
    predictions: runs.Predictions,
    found: Results,
    among: np.ndarray | None,
) -> None:
    """The matrix beside its most confused pairs, and below them the photos that were asked for."""
    left, right = st.columns([2, 1], gap="large")
    with left:
        st.subheader("Confusion matrix")
        show_matrix(run, found)
    with right:
        show_pairs(run, found)
    cell = st.session_state.get("results_cell")
    if cell is not None and max(cell) < len(run.classes):
        show_cell(dataset, run, predictions, cell, among)


def class_table(found: Results) -> None:
    """One line per class: how many photos, how many wrong, what it is taken for."""
    st.subheader("By class", anchor=False)
    st.dataframe(
        {
            "Class": [shown(row.class_name, limit=LONGEST_NAME) for row in found.per_class],
            "Photos": [row.photos for row in found.per_class],
            "Wrong": [row.wrong for row in found.per_class],
            "Error": [100 * row.error_rate for row in found.per_class],
            "Most often taken for": [
                shown(row.confused_with or "", limit=LONGEST_NAME) for row in found.per_class
            ],
        },
        column_config={
            "Error": st.column_config.ProgressColumn(
                format="%.1f %%", min_value=0.0, max_value=100.0
            ),
        },
        hide_index=True,
        key="results_classes",
    )


def main() -> None:
    """Lay out the page."""
    dataset = state.require()
    st.title("Results", anchor=False)
    used = run_in_use(dataset)
    if used is None:
        empty_state()
        return
    if st.session_state.get("results_run") != used.id:  # a cell of another run says nothing
        st.session_state["results_run"] = used.id
        st.session_state["results_cell"] = None
    try:
        run, predictions, found = judged(dataset.home, used.id)
    except RunError as error:
        st.error(plain(str(error)), icon=":material/error:")
        navigation.next_step("train", "Go to Train", key="results_to_train")
        return
    headline(run, found)
    navigation.next_step("review", "Review the likeliest mistakes", key="results_next")
    note_changes(dataset, run)
    among = None if run.judged_folds is None else judged_itself(predictions, run.judged_folds)
    if part := choose_part(run):
        among, found = of_part(dataset.home, run.id, part)
    matrix_and_photos(dataset, run, predictions, found, among)
    class_table(found)


main()
