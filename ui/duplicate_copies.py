"""Groups of copies: look at them, keep the best of one or of all, undo."""

from collections.abc import Sequence

import streamlit as st

from core.clean.copies import RULES, Choice, Copies, Rule, what_to_keep
from core.dataset import Dataset
from core.errors import WinnowError
from ui import duplicate_pictures, sidebar
from ui.words import count, plain

A_PAGE = 10
IN_REVIEW = 8  # groups on a page of the dialog
GOING = "duplicates_going"  # session key: ids of files that the dialog decided to remove


def draw(dataset: Dataset, groups: Sequence[Copies], *, across: bool) -> None:
    """Draw groups of copies, page by page.

    Args:
        dataset: Holds them.
        groups: All within a class, or all across classes.
        across: Which of the two.
    """
    if not groups:
        where = "in two classes" if across else "twice in a class"
        st.success(f"No photo stands {where}.", icon=":material/check_circle:")
        return
    if across:
        st.markdown(
            "The same photo stands in several classes, so **one of the labels is wrong**. Choose "
            "the photo that lies in the right class; the others are moved to removed."
        )
    rule = _chosen_rule()
    if dataset.read_only:
        st.info("This folder cannot be written. Open a copy of it to remove copies.")
    if not across:
        _offer_all(dataset, groups, rule)
    pages = -(-len(groups) // A_PAGE)
    key = f"duplicates_page_{'across' if across else 'within'}"
    page = min(st.session_state.get(key, 1), pages)
    part = groups[(page - 1) * A_PAGE : page * A_PAGE]
    known = duplicate_pictures.known_of(dataset, part)
    for choice in what_to_keep(dataset, part, rule):
        _draw_group(dataset, choice, known)
    if pages > 1:
        st.pagination(pages, key=key)


def _chosen_rule() -> Rule:
    rules: list[Rule] = list(RULES)
    return st.selectbox(
        "Which copy is the best",
        rules,
        format_func=lambda rule: RULES[rule].removeprefix("the ").capitalize(),
        key="duplicates_rule",
        persist_state="session",
        help="Best source: one with a licence before one whose page or address is known. What the "
        "rule leaves open is decided by size.",
        width=260,
    )


def _offer_all(dataset: Dataset, groups: Sequence[Copies], rule: Rule) -> None:
    going = sum(len(group.files) - 1 for group in groups)
    if st.button(
        f"Keep {RULES[rule]} of all {len(groups):,}…" if len(groups) > 1 else "Keep the best…",
        key="keep_all",
        type="primary",
        icon=":material/filter_1:",
        disabled=dataset.read_only,
        help=f"Shows the {count(going, 'file')} that would go before anything happens.",
    ):
        _review(dataset, list(groups), rule)


@st.dialog("Which files go", width="large")
def _review(dataset: Dataset, groups: list[Copies], rule: Rule) -> None:
    choices = what_to_keep(dataset, groups, rule)
    going = [row.id for choice in choices for row in choice.go]
    st.markdown(
        f"Of {count(len(choices), 'photo')} with copies, {RULES[rule]} stays. "
        f"**{count(len(going), 'file')}** {'goes' if len(going) == 1 else 'go'} to removed, "
        "as one step that can be undone."
    )
    buttons = st.container(horizontal=True)
    pages = -(-len(choices) // IN_REVIEW)
    page = st.pagination(pages, key="duplicates_review_page") if pages > 1 else 1
    part = choices[(page - 1) * IN_REVIEW : page * IN_REVIEW]
    known = duplicate_pictures.known_of(dataset, [choice.group for choice in part])
    for choice in part:
        with st.container(border=True):
            duplicate_pictures.draw(dataset, choice.group, known, stays=choice.keep.id)
    with buttons:
        if st.button(
            f"Move {count(len(going), 'file')} to removed",
            key="keep_all_confirmed",
            type="primary",
            icon=":material/delete:",
            on_click=_note,
            args=(going,),
        ):
            st.rerun()  # the whole page: it closes the dialog and carries out what was noted
        if st.button("Cancel", key="keep_all_cancelled"):
            st.rerun()


def _note(ids: list[int]) -> None:
    """Have the page remove files in its next run; within a dialog nothing can be said of it."""
    st.session_state[GOING] = ids


def carry_out(dataset: Dataset) -> None:
    """Remove what was decided in the dialog. Call it before anything is counted."""
    ids = st.session_state.pop(GOING, None)
    if ids:
        _remove(dataset, ids)
        st.rerun()  # the side was drawn before, and offers to undo this step


def _draw_group(dataset: Dataset, choice: Choice, known: duplicate_pictures.Known) -> None:
    group = choice.group
    ids = [row.id for row in group.files]
    key = f"keep_{dataset.token}_{group.key}"
    picked_key = f"{key}_which"
    numbers = list(range(1, len(ids) + 1))
    default = ids.index(choice.keep.id) + 1
    with st.container(border=True):
        st.caption(f"{duplicate_pictures.KINDS[group.kind]}, {count(len(ids), 'file')}")
        place = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            picked = st.segmented_control(
                "Keep number",
                numbers[: duplicate_pictures.MOST_PICTURES],
                # A choice belongs to the rule it was made under.
                default=default if default <= duplicate_pictures.MOST_PICTURES else None,
                key=f"{picked_key}_{default}",
            )
            keep = ids[picked - 1] if picked else choice.keep.id
            going = [file_id for file_id in ids if file_id != keep]
            st.button(
                f"Remove the other {len(going):,}" if len(going) > 1 else "Remove the other",
                key=key,
                icon=":material/delete:",
                disabled=dataset.read_only,
                on_click=_remove,
                args=(dataset, going),
            )
        with place:
            duplicate_pictures.draw(dataset, group, known, numbered=True, stays=keep)


def _remove(dataset: Dataset, ids: Sequence[int]) -> None:
    try:
        sidebar.say_step(dataset.remove(ids))
    except WinnowError as error:
        st.toast(plain(str(error)), icon=":material/error:")
