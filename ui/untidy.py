"""Odd files on the Check page: what is odd, the photos, and plain copies in their place."""

import streamlit as st

from core import jobs
from core.clean.scores import state_of_scores
from core.clean.untidy import BY_NAME, CUT_SHORT, untidy
from core.dataset import Dataset, FileRow
from ui import job_status
from ui.gallery import Tile, gallery
from ui.held_choice import hold_choice
from ui.words import count, plain, shown

TIDY, TIDY_JOB = "tidy", "core.clean.untidy:tidy_job"
MOST_SHOWN = 24
PROBLEMS_TOLD = 5


@st.cache_resource(max_entries=4, show_spinner=False)
def _listed(home: str, state: tuple[int, int], _dataset: Dataset) -> dict[str, list[FileRow]]:
    return untidy(_dataset)


def draw(dataset: Dataset) -> None:
    """Draw what is odd about files, where anything is."""
    job = job_status.draw(dataset.home, TIDY)
    if job is not None and jobs.alive(job):
        return
    listed = _listed(str(dataset.home), state_of_scores(dataset), dataset)
    if not listed:
        return
    st.subheader("Odd files", anchor=False)
    st.markdown(
        "Winnow reads these photos and shows them right; other programs may not. It can put plain "
        "copies in their place: upright, 8 bits, in colours for screens. The photos themselves go "
        "to the removed ones, and Undo brings them back."
    )
    if job is not None and job.state == "done":
        _say_problems((job.result or {}).get("problems", []))
    hold_choice("untidy_kind", listed, next(iter(listed)))
    chosen = st.pills(
        "What is odd",
        list(listed),
        required=True,
        format_func=lambda name: f"{BY_NAME[name].title} ({len(listed[name]):,})",
        key="untidy_kind",
    )
    rows, oddity = listed[chosen], BY_NAME[chosen]
    st.markdown(f"**{oddity.title}.** {oddity.explanation}")
    number = count(len(rows), "photo")
    st.button(
        f"Keep what is there of {number}" if chosen == CUT_SHORT else f"Rewrite {number}",
        key="untidy_rewrite",
        icon=":material/auto_fix_high:",
        disabled=dataset.read_only,
        on_click=job_status.start,
        args=(dataset.home, TIDY, TIDY_JOB, {"root": str(dataset.root), "oddity": chosen}),
    )
    gallery(
        dataset,
        [_tile(dataset, row) for row in rows[:MOST_SHOWN]],
        key=f"untidy_{dataset.token}",
        label=f"{oddity.title}: photos",
        editable=False,
        small=True,
    )
    if len(rows) > MOST_SHOWN:
        st.markdown(f"and {count(len(rows) - MOST_SHOWN, 'more photo')}")


def _say_problems(problems: list[str]) -> None:
    if not problems:
        return
    told = "\n".join(f"- {plain(one, limit=200)}" for one in problems[:PROBLEMS_TOLD])
    more = len(problems) - PROBLEMS_TOLD
    rest = f"\n- and {count(more, 'more file')}" if more > 0 else ""
    st.warning(f"These were left as they are:\n\n{told}{rest}", icon=":material/info:")


def _tile(dataset: Dataset, row: FileRow) -> Tile:
    class_name = row.class_name or dataset.unsorted
    return Tile(
        id=row.id,
        content=row.content,
        was=class_name,
        lines=(shown(class_name, limit=40), shown(row.path.rpartition("/")[2], limit=28)),
    )
