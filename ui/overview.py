"""Where an open data set stands in the loop, and what is next: the heart of Home."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core import runs
from core.clean.kept import Checked, checked
from core.dataset import Dataset, FileRow
from core.dataset.planted import found, planted
from core.runs import Run
from core.runs.in_use import run_in_use
from ui import given_split, media, navigation, open_sets, training
from ui.runs import words as run_words
from ui.words import count, percent, plain, shown

MOST_CLASSES = 12
PHOTOS_A_CLASS = 6
PICTURE_PIXELS = 44
COMPARED = "compared"  # setting: the newest run when Compare was last looked at


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a data set is, in numbers."""

    counts: dict[str, int]
    unsorted: int
    checked: Checked
    runs: Sequence[Run]  # newest first
    used: Run | None  # the one in use
    corrected: bool  # labels changed since the run in use
    added: int  # photos with a class that the run in use knows nothing of
    found: tuple[int, int] | None  # planted mistakes set right, and how many there are
    compared: bool  # Compare has shown what the newest run gained

    @property
    def photos(self) -> int:
        return sum(self.counts.values())

    @property
    def classes_with_photos(self) -> int:
        return sum(number > 0 for number in self.counts.values())

    @property
    def can_compare(self) -> bool:
        """Whether there are runs that have learned from different labels."""
        return len({run.step for run in self.runs}) > 1

    @property
    def all_found(self) -> bool:
        """Whether mistakes were planted and every one is set right."""
        return self.found is not None and self.found[0] == self.found[1]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the loop as the stepper shows it."""

    title: str
    words: str
    done: bool
    page: str  # that does it


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to do next, why, and the page that does it."""

    why: str
    label: str
    page: str


def standing(dataset: Dataset) -> Standing:
    """Look up how far a data set is."""
    kept = runs.list_runs(dataset.home)
    used = run_in_use(dataset)
    counts = dataset.counts()
    mistakes = planted(dataset)
    return Standing(
        counts=counts,
        unsorted=dataset.unsorted_count(),
        checked=checked(dataset),
        runs=kept,
        used=used,
        corrected=used is not None and dataset.edited_since(used.step),
        added=max(0, sum(counts.values()) - _known_to(used)) if used else 0,
        found=found(dataset) if mistakes else None,
        compared=bool(kept) and dataset.setting(COMPARED) == kept[0].id,
    )


def _known_to(run: Run) -> int:
    """How many photos a run was about, those it could not read and those it held out too."""
    if run.split is None:
        about = run.images
    else:
        about = sum(figure["photos"] for figure in run.split["parts"].values())
    return about + len(run.settings.get("left_out", ()))


def note_compared(dataset: Dataset, newest: Run) -> None:
    """Remember that Compare was looked at since the newest run, so that Home can go on."""
    if dataset.setting(COMPARED) != newest.id:
        dataset.set_setting(COMPARED, newest.id)


def steps(now: Standing) -> list[Step]:
    """The steps of the loop with what each has come to."""
    return [
        Step(
            title="Collect",
            words=_collect_words(now),
            done=now.classes_with_photos >= 2,
            page="collect",
        ),
        Step(title="Check", words=_check_words(now.checked), done=_is_clean(now), page="check"),
        Step(title="Train", words=_train_words(now), done=bool(now.runs), page="train"),
        Step(title="Review", words=_review_words(now), done=_is_reviewed(now), page="review"),
        Step(
            title="Compare",
            words="before and after" if now.can_compare else "after training again",
            done=now.can_compare,
            page="compare",
        ),
    ]


def advice(now: Standing) -> Advice:
    """The one thing to do next."""
    if not now.photos and not now.unsorted:
        return Advice(
            why="There are no photos yet. Collect them from the web, upload them, or put a folder "
            "of photos for each class into this folder.",
            label="Collect photos",
            page="collect",
        )
    if now.classes_with_photos < 2:
        return Advice(
            why="To learn, photos of at least two classes are needed. Collect more, or sort those "
            "you have into one folder for each class.",
            label="Collect photos",
            page="collect",
        )
    if not now.checked.complete and not now.runs:
        return Advice(
            why="First find the files that cannot be used, such as damaged ones.",
            label="Go to Check",
            page="check",
        )
    if now.checked.rejected:
        return Advice(
            why=f"{count(now.checked.rejected, 'file')} cannot be used as "
            f"{'it is' if now.checked.rejected == 1 else 'they are'}.",
            label="See what to remove",
            page="check",
        )
    if not now.runs:
        return Advice(
            why="The photos are fine. Training takes seconds to a few minutes.",
            label="Go to Train",
            page="train",
        )
    if now.added:
        return _advice_on_new_photos(now)
    if now.corrected:
        return Advice(
            why=f"Labels have changed since {_the_training(now)}.",
            label="Review and train again",
            page="review",
        )
    if now.can_compare and (now.all_found or not now.compared):
        return Advice(
            why="You have trained again on a changed data set. See what that gained.",
            label="Compare before and after",
            page="compare",
        )
    return Advice(
        why="Go through the photos the model got most wrong; some are labelled wrongly.",
        label="Review the photos",
        page="review",
    )


def _advice_on_new_photos(now: Standing) -> Advice:
    photos = count(now.added, "photo has", "photos have")
    why = f"{photos} been added since {_the_training(now)}."
    if not now.checked.complete:
        return Advice(why=why, label="Check them", page="check")
    return Advice(why=why, label="Train again", page="train")


def _the_training(now: Standing) -> str:
    """What changes are counted from."""
    newest = now.runs[0] if now.runs else None
    is_newest = newest is None or now.used is None or newest.id == now.used.id
    return "the last training" if is_newest else "the training in use"


def draw(dataset: Dataset) -> None:
    """Draw where the data set stands, what is next, and its classes."""
    now = standing(dataset)
    _draw_remarks(dataset)
    if words := given_split.sentence(dataset):
        st.caption(f":material/call_split: {words}")
    next_one = advice(now)
    _draw_steps(steps(now), next_one.page)
    _draw_advice(next_one)
    _draw_classes(dataset, now)


def _collect_words(now: Standing) -> str:
    if not now.photos and not now.unsorted:
        return "no photos yet"
    parts = []
    if now.photos or not now.unsorted:
        classes = count(now.classes_with_photos, "class", "classes")
        parts.append(f"{count(now.photos, 'photo')} in {classes}")
    if now.unsorted:
        parts.append(f"{now.unsorted:,} unsorted")
    return ", ".join(parts)


def _check_words(state: Checked) -> str:
    if not state.judged:
        return "not yet"
    if state.rejected:
        return f"{count(state.rejected, 'file')} to look at"
    if not state.complete:
        return f"{state.judged:,} of {state.photos:,} checked"
    return "all fine"


def _is_clean(now: Standing) -> bool:
    return now.checked.complete and not now.checked.rejected


def _train_words(now: Standing) -> str:
    if now.used is None:
        return "not yet"
    wrong, judged, share = run_words.wrong_and_judged(now.used)
    if not judged:
        return "nothing to judge yet"
    return f"wrong on {wrong:,} of {judged:,}{training.where(now.used)} ({percent(share)})"


def _review_words(now: Standing) -> str:
    if now.found is not None:
        right, there = now.found
        return f"{right:,} of {there:,} planted mistakes found"
    if now.corrected:
        return "corrected since training"
    return "after training" if not now.runs else "waiting for you"


def _is_reviewed(now: Standing) -> bool:
    if now.found is not None:
        return now.all_found
    return now.corrected or now.can_compare


def _draw_remarks(dataset: Dataset) -> None:
    """Say what the last look at the folders found that a person should know."""
    found = open_sets.last_look(dataset)
    if found is None:
        return
    for names in found.look_alikes:
        listed = " and ".join(plain(name, limit=60) for name in names)
        st.warning(
            f"The class folders {listed} differ only in capital letters or in how their letters "
            "are encoded. Other computers may take them for one folder: rename one of them.",
            icon=":material/warning:",
        )
    if found.unreadable:
        first = found.unreadable[0]
        st.warning(
            f"{count(len(found.unreadable), 'file or folder', 'files or folders')} could not be "
            f"read, such as {plain(first.file, limit=80)}: {plain(first.reason)}",
            icon=":material/warning:",
        )
    if found.links:
        st.caption(f"{count(found.links, 'link')} to other places passed over.")


def _draw_steps(listed: Sequence[Step], current: str) -> None:
    with st.grid(5, min_column_width=150):
        for number, step in enumerate(listed, 1):
            with st.container(border=True, gap=None, height="stretch"):
                mark = ":material/check_circle:" if step.done else ":material/circle:"
                colour = "primary" if step.done or step.page == current else "gray"
                st.markdown(f":{colour}[{mark}] **{number} · {step.title}**")
                st.caption(plain(step.words))
                if step.page == "collect" and step.done:
                    navigation.link("collect", label="Add photos", icon=":material/add:")


def _draw_advice(next_one: Advice) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        navigation.next_step(next_one.page, next_one.label)
        st.markdown(next_one.why, width="content")


def _draw_classes(dataset: Dataset, now: Standing) -> None:
    st.subheader("Photos", anchor=False)
    largest = max([*now.counts.values(), now.unsorted, 1])
    # The largest first: with many classes, those are the ones worth a picture.
    listed: list[tuple[str | None, int]] = sorted(now.counts.items(), key=lambda one: -one[1])
    more = listed[MOST_CLASSES:]
    listed = sorted(listed[:MOST_CLASSES], key=lambda one: str(one[0]).casefold())
    if now.unsorted:
        listed.append((None, now.unsorted))
    rows = [_class_row(dataset, name, number, number / largest) for name, number in listed]
    if rows:
        st.html("".join(rows))
    if more:
        with st.expander(f"{count(len(more), 'more class', 'more classes')}"):
            st.dataframe(
                {"Class": [shown(name) for name, _ in more], "Photos": [n for _, n in more]},
                hide_index=True,
                key="more_classes",
            )


def _class_row(dataset: Dataset, name: str | None, number: int, share: float) -> str:
    title = "unsorted" if name is None else shown(name, limit=60)
    some = _spread(dataset.rows(class_name=name))
    pictures = "".join(_picture(dataset, row, title) for row in some)
    return (
        '<div style="display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1rem;'
        'padding:.35rem 0;border-bottom:1px solid rgba(128,128,128,.2)">'
        f'<div style="width:11rem;overflow-wrap:anywhere"><b>{html.escape(title)}</b></div>'
        '<div style="width:12rem;display:flex;align-items:center;gap:.5rem">'
        f'<span style="height:.6rem;border-radius:.3rem;background:#0e9384;'
        f'width:{max(share * 8, 0.15):.2f}rem"></span><span>{number:,}</span></div>'
        f'<div style="display:flex;gap:.25rem;min-height:{PICTURE_PIXELS}px">{pictures}</div></div>'
    )


def _spread(rows: Sequence[FileRow]) -> list[FileRow]:
    """A few photos from all over a class, because neighbours by name are often alike."""
    if len(rows) <= PHOTOS_A_CLASS:
        return list(rows)
    return [rows[number * len(rows) // PHOTOS_A_CLASS] for number in range(PHOTOS_A_CLASS)]


def _picture(dataset: Dataset, row: FileRow, title: str) -> str:
    return (
        f'<img src="{html.escape(media.thumb_url(dataset, row.content))}" loading="lazy" '
        f'alt="{html.escape(f"A photo of {title}", quote=True)}" width="{PICTURE_PIXELS}" '
        f'height="{PICTURE_PIXELS}" style="object-fit:cover;border-radius:.35rem">'
    )
