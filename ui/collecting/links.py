"""A list of links: pasted, or uploaded as a text or csv file."""

from collections import Counter
from dataclasses import asdict

import streamlit as st

from core.collect.engines.url_list import UrlList, read_list, text_of
from core.dataset.names import check_class_name
from core.errors import WinnowError
from ui.collecting import arriving
from ui.collecting.search import SIDES, USUAL_SIDE
from ui.collecting.target import Target
from ui.words import count, plain, shown

MOST_BYTES_MB = 20
MOST_PROBLEMS = 8
MOST_CLASSES_NAMED = 8

# Session keys.
BEGUN = "collect_links_begun"  # the links were handed over
ROUND = "collect_links_round"  # a new number makes a new, empty uploader


@st.fragment  # what is typed draws nothing else anew
def draw(target: Target) -> None:
    """Draw where links are given, what they hold, and the button that fetches them."""
    if st.session_state.pop(BEGUN, False):  # those were used up: fetched twice, nothing comes
        st.session_state["collect_links"] = ""
        st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    pasted = st.text_area(
        "Links, one a line",
        key="collect_links",
        height=150,
        placeholder="https://example.org/a.jpg\nhttps://example.org/b.jpg, muffin",
        help="A class may stand after a link, with a comma or a tab between.",
        persist_state="session",
    )
    file = st.file_uploader(
        "Or a file with links",
        type=["txt", "csv", "tsv"],
        key=f"collect_links_file_{st.session_state.get(ROUND, 0)}",
        max_upload_size=MOST_BYTES_MB,
        help="A text with a link a line, or a table with a column of links and one of classes.",
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    class_name = left.text_input(
        "Class of the links that name none",
        key="collect_links_class",
        placeholder="none: they become unsorted",
        persist_state="session",
    ).strip()
    min_side = right.selectbox(
        "Set aside if smaller than",
        list(SIDES),
        index=list(SIDES).index(USUAL_SIDE),
        format_func=SIDES.__getitem__,
        key="collect_links_side",
        persist_state="session",
    )
    lists = [read_list(pasted)] if pasted.strip() else []
    if file is not None:
        lists.append(read_list(text_of(file.getvalue()), name=file.name))
    _draw_problems(lists)
    found = [asdict(row) for one in lists for row in one.rows]
    for row in found:
        row["class_name"] = row["class_name"] or class_name or None
    _draw_what(Counter(row["class_name"] for row in found))
    clicked = st.button(
        f"Fetch {count(len(found), 'photo')}" if found else "Fetch the photos",
        key="collect_fetch",
        type="secondary" if arriving.leads_on(target.dataset) else "primary",
        icon=":material/download:",
    )
    if clicked:
        _begin(target, found, min_side, list_name=file.name if file is not None else "")


def _draw_problems(lists: list[UrlList]) -> None:
    problems = [problem for one in lists for problem in one.problems]
    if not problems:
        return
    listed = "\n".join(f"- {plain(problem, limit=200)}" for problem in problems[:MOST_PROBLEMS])
    more = len(problems) - MOST_PROBLEMS
    rest = f"\n- and {count(more, 'more line')}" if more > 0 else ""
    st.warning(f"Some lines hold no link that can be used:\n{listed}{rest}")


def _draw_what(by_class: Counter[str | None]) -> None:
    if not by_class:
        return
    named = [
        f"{'unsorted' if name is None else shown(name, limit=40)} {number:,}"
        for name, number in by_class.most_common(MOST_CLASSES_NAMED)
    ]
    more = len(by_class) - MOST_CLASSES_NAMED
    rest = f" and {count(more, 'more class', 'more classes')}" if more > 0 else ""
    total = sum(by_class.values())
    st.markdown(f"**{count(total, 'link')}**: {plain(', '.join(named))}{rest}")


def _begin(
    target: Target, found: list[dict[str, object]], min_side: int, *, list_name: str
) -> None:
    classes = [str(row["class_name"]) for row in found if row["class_name"]]
    try:
        if not found:
            raise WinnowError("Paste some links first, or upload a file with links.")
        _check_names(target, list(dict.fromkeys(classes)))
        dataset = target.settle(list(dict.fromkeys(classes)))
    except WinnowError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state[BEGUN] = True
    arriving.begin(dataset, urls=found, min_side=min_side, list_name=list_name)
    st.rerun()


def _check_names(target: Target, classes: list[str]) -> None:
    existing = target.dataset.classes() if target.dataset else []
    new = [name for name in classes if name not in existing]
    unsorted = target.dataset.unsorted if target.dataset else "unsorted"
    for position, name in enumerate(new):
        check_class_name(name, [unsorted, *existing, *new[:position]])
