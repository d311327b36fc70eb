"""Review: the photos the model got most wrong, marked with the keyboard; then train again."""

from pathlib import Path

import numpy as np
import streamlit as st

from core import jobs, runs
from core.dataset import Dataset
from core.dataset.planted import found, planted
from core.dataset.steps import EDITS
from core.review.listing import Which, listed
from core.runs.in_use import run_in_use
from core.runs.split import judged_itself
from ui import job_status, navigation, review_tiles, state, training
from ui.gallery import bring_to_disk, gallery
from ui.runs import words
from ui.words import count, plain, shown

PER_PAGE = 200
GALLERY = "review_gallery"
POLL_SECONDS = 0.2  # a retraining of a second should not wait for the next look
CHOICES: dict[Which, str] = {"wrong": "Model disagrees", "unsure": "Model unsure", "all": "All"}
ANY = -1  # no class chosen
OF_ONE_SET = ("before", "which", "given", "predicted", "address", "classes", "page_")


@st.cache_resource(max_entries=4, show_spinner=False)
def judged(home: Path, run_id: str) -> runs.Predictions:
    """A run's predictions; they never change once they are saved."""
    return runs.load_predictions(home, run_id)


def forget_other_sets(dataset: Dataset) -> None:
    """Let go of what the session remembers of another data set's review."""
    if st.session_state.get("review_set") == dataset.token:
        return
    st.session_state["review_set"] = dataset.token
    kept_of_it = tuple(f"review_{name}" for name in OF_ONE_SET)
    for key in [key for key in st.session_state if str(key).startswith(kept_of_it)]:
        del st.session_state[key]


def empty_state() -> None:
    """Lead to Train where there is nothing to review yet."""
    st.info(
        "Nothing to review yet. Train once: the photos the model gets most wrong appear here, "
        "the likeliest mistakes first.",
        icon=":material/info:",
    )
    navigation.next_step("train", "Go to Train", key="review_to_train")


def train_again(dataset: Dataset, run: runs.Run) -> None:
    """The button that learns from the marks, its progress, and what came of it."""
    job = training.latest_job(dataset)
    running = job is not None and jobs.alive(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Train again",
            type="primary",
            icon=":material/model_training:",
            key="review_train",
            disabled=running,
            on_click=start_training,
            args=(dataset, run),
            help="Learns from your marks and puts the list in a new order. Takes seconds."
            if run.mode == "quick"
            else "Quick training learns from your marks, in seconds, and comes into use. To train "
            "in depth again, choose that under Runs.",
        )
        if running:
            st.fragment(watch, run_every=POLL_SECONDS)(dataset)
        else:
            say_outcome(dataset, run)
    if not running and job is not None and job.state in ("failed", "crashed", "stopped"):
        job_status.ended(dataset, job)


def start_training(dataset: Dataset, run: runs.Run) -> None:
    """Start before the page is drawn again: the work and the drawing go on side by side."""
    bring_to_disk(dataset, key=GALLERY)  # a mark and this click may have travelled together
    if training.start(dataset, backbone=run.backbone):
        st.session_state["review_before"] = run.id


def watch(dataset: Dataset) -> None:
    """Show the training that goes on; when it ends, run the whole page again."""
    job = training.latest_job(dataset)
    if job is None or not jobs.alive(job):
        st.rerun()
    share = min(1.0, job.done / job.total) if job.total else 0.0
    st.progress(share, text=plain(job.message or "Starting"))


def say_outcome(dataset: Dataset, run: runs.Run) -> None:
    """How often the run in use is wrong, and the run before this one where there was one."""
    st.markdown(words.outcome(run))
    before = st.session_state.get("review_before")
    if before and before != run.id:
        st.badge("Trained again, new order", icon=":material/check:", color="green")
        navigation.link("compare", label="See what it gained")


def say_deep(dataset: Dataset, run: runs.Run) -> None:
    """Which photos a deep run judged itself, and whose heat maps are drawn."""
    if run.judged_folds is None:
        return
    predictions = judged(dataset.home, run.id)
    itself = int(judged_itself(predictions, run.judged_folds).sum())
    others = int(predictions.judged.sum()) - itself
    told = f"Deep training judged {count(itself, 'photo')}"
    told += f"; the other {others:,} are judged by quick training." if others else "."
    st.caption(f"{told} Heat maps show what quick training goes by, for all photos.")


def take_filter(run: runs.Run) -> None:
    """Narrow the list to the cell of the confusion matrix that somebody came from, once."""
    wanted = st.session_state.pop("review_filter", None)
    if wanted is None:
        address = [st.query_params.get("given"), st.query_params.get("predicted")]
        if None in address or st.session_state.get("review_address") == address:
            return
        st.session_state["review_address"] = address
        chosen = [int(part) if part.isdecimal() else ANY for part in address]
    else:
        chosen = [run.classes.index(name) if name in run.classes else ANY for name in wanted]
    given, predicted = (index if index < len(run.classes) else ANY for index in chosen)
    st.session_state["review_which"] = "all" if wanted or given != ANY else "wrong"
    st.session_state["review_given"] = given
    st.session_state["review_predicted"] = predicted


def follow_classes(run: runs.Run) -> None:
    """Keep the chosen classes by name where another run numbers its classes otherwise."""
    known = st.session_state.get("review_classes", run.classes)
    st.session_state["review_classes"] = run.classes
    if known == run.classes:
        return
    for key in ("review_given", "review_predicted"):
        index = st.session_state.get(key, ANY)
        name = None if index == ANY else known[index]
        st.session_state[key] = run.classes.index(name) if name in run.classes else ANY


def filter_changed() -> None:
    """Let go of what the address asked for."""
    for name in ("given", "predicted"):
        st.query_params.pop(name, None)


def show_all() -> None:
    """Clear both class filters."""
    st.session_state["review_given"] = st.session_state["review_predicted"] = ANY
    filter_changed()


def choose(run: runs.Run) -> tuple[Which, int | None, int | None]:
    """What to list: which photos, of which class, taken for which."""
    options = [ANY, *range(len(run.classes))]
    st.session_state.setdefault("review_which", "wrong")
    narrowed = any(
        st.session_state.get(key, ANY) != ANY for key in ("review_given", "review_predicted")
    )
    shares = [4, 2, 2, 1.4] if narrowed else [2, 1, 1]
    left, middle, right, *end = st.columns(shares, vertical_alignment="bottom")
    which = left.segmented_control(
        "Show",
        list(CHOICES),
        required=True,
        format_func=CHOICES.__getitem__,
        key="review_which",
        on_change=filter_changed,
    )
    chosen = [
        place.selectbox(
            label,
            options,
            format_func=lambda index: "Any class" if index == ANY else shown(run.classes[index]),
            key=key,
            on_change=filter_changed,
        )
        for place, label, key in (
            (middle, "Labelled", "review_given"),
            (right, "Model says", "review_predicted"),
        )
    ]
    for place in end:
        place.button("Show all", key="review_show_all", on_click=show_all, width="stretch")
    given, predicted = (None if index in (ANY, None) else index for index in chosen)
    return which or "wrong", given, predicted


def say_where(dataset: Dataset, run: runs.Run, listed_photos: int) -> None:
    """How many photos the list holds, how many were marked, how many mistakes were found.

    One short line that is there from the start, so that a mark moves nothing below it.
    """
    parts = [f"**{count(listed_photos, 'photo')}**"]
    if not dataset.read_only:
        parts.append(f"**{marked_since(dataset, run):,}** marked")
    if planted(dataset):
        mended, mistakes = found(dataset)
        parts.append(f"**{mended:,}** of {mistakes:,} planted mistakes found")
    st.markdown(" · ".join(parts))


def marked_since(dataset: Dataset, run: runs.Run) -> int:
    """Photos that edits since the run changed and that stand so still."""
    since = run.step or 0
    edits = dataset.history(limit=500, kinds=EDITS)
    steps = (step for step in edits if step.id > since and not step.undone)
    return len({change.file_id for step in steps for change in step.changes})


@st.fragment
def work(dataset: Dataset, run: runs.Run) -> None:
    """The list with its filters; a mark reruns this part of the page alone."""
    which, given, predicted = choose(run)
    predictions = judged(dataset.home, run.id)
    positions = listed(predictions, which, given=given, predicted=predicted)
    if len(positions) == 0:
        st.success("No photo here. Choose another list above, or go on with Compare.")
        return
    # Another list has a key of its own, so it begins at its first page.
    page_key = f"review_page_{run.id}_{which}_{given}_{predicted}"
    page = max(1, min(st.session_state.get(page_key, 1), pages_of(positions)))
    here = positions[(page - 1) * PER_PAGE : page * PER_PAGE]
    if dataset.read_only:
        st.info("This data set can only be read. Open a copy from Home to mend its labels.")
    else:
        bring_to_disk(dataset, key=GALLERY)  # the line above the photos counts the latest mark
    say_where(dataset, run, len(positions))
    gallery(
        dataset,
        review_tiles.tiles(dataset, run, predictions, here.tolist()),
        key=GALLERY,
        label="Photos, worst first",
        editable=not dataset.read_only,
        autofocus=True,
        since=run.step,
    )
    if pages_of(positions) > 1:
        st.pagination(pages_of(positions), key=page_key)


def pages_of(positions: np.ndarray) -> int:
    """How many pages the list fills."""
    return -(-len(positions) // PER_PAGE)


def main() -> None:
    """Lay out the page."""
    dataset = state.require()
    st.title("Review")
    run = run_in_use(dataset)
    if run is None:
        empty_state()
        return
    forget_other_sets(dataset)
    train_again(dataset, run)
    say_deep(dataset, run)
    follow_classes(run)
    take_filter(run)
    work(dataset, run)


main()
