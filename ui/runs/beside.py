"""One run whole, or several laid over one another: curves, figures and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core import runs as kept_runs
from core.errors import RunError
from core.runs.exported import settings_as_json
from core.runs.notes import Note, note_of
from ui import navigation
from ui.runs import curves, setting_words, words
from ui.training_deep import outcome
from ui.words import duration, percent, plain, shown

if TYPE_CHECKING:
    from core.dataset import Dataset
    from core.runs import Run

COLUMN = 140  # pixels, so that two or three runs stand beside their settings
LONGEST_TITLE = 40  # characters, in legends and at the heads of columns


@st.cache_data(max_entries=32, show_spinner=False)
def curve_of(home: Path, run_id: str) -> list[dict[str, float]]:
    """The points of a run's curve; a run never changes."""
    return curves.points(kept_runs.load_curve(home, run_id))


def draw_one(dataset: Dataset, run: Run, *, lead: str | None = None) -> None:
    """Draw one run: how it went, its curve, its settings, and the way to export them."""
    note = note_of(dataset.home, run)
    st.subheader(plain(words.title(run, note)), anchor=False)
    if lead:
        st.caption(lead)
    st.markdown(f"**{words.outcome(run)}**")
    for sentence in (words.beside_quick(run), words.about(run)):
        if sentence:
            st.markdown(plain(sentence))
    if note.text:
        st.markdown(f":material/sticky_note_2: {plain(note.text)}")
    outcome.draw_answers(run)
    _draw_curves(dataset, {_short(run, note): run})
    with st.expander("Settings", key=f"runs_settings_{run.id}"):
        told = setting_words.told(run)
        st.dataframe(
            {"Setting": list(told), "Value": list(told.values())},
            hide_index=True,
            height="content",
            key=f"runs_settings_table_{run.id}",
        )
        st.caption(f"Time taken: {_times(run)}")
    st.download_button(
        "Export settings",
        settings_as_json(run, note),
        file_name=f"winnow-settings-{run.id}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        key=f"runs_export_{run.id}",
        help="A JSON file with what was asked for and what came of it.",
    )


def draw_several(dataset: Dataset, several: Sequence[Run]) -> None:
    """Draw runs over one another, their figures, and the settings in which they differ."""
    named = _named(dataset, several)
    st.subheader(f"{len(several)} runs over one another", anchor=False)
    if len(several) > curves.MOST:
        st.caption(f"The chart holds the {curves.MOST} that were chosen last.")
    _draw_curves(dataset, dict(list(named.items())[-curves.MOST :]))
    _draw_figures(named)
    differing = setting_words.differing(several)
    st.markdown("**Settings that differ**")
    if differing:
        heads = [shown(name) for name in named]
        columns = {name: [row[at] for row in differing.values()] for at, name in enumerate(heads)}
        st.dataframe(
            {"Setting": list(differing), **columns},
            hide_index=True,
            height="content",
            column_config={name: st.column_config.TextColumn(width=COLUMN) for name in heads},
            key="runs_differing",
        )
    else:
        st.caption("None: they had the same settings.")
    if len(several) == 2:
        _offer_compare(several)


def _draw_curves(dataset: Dataset, named: Mapping[str, Run]) -> None:
    found: dict[str, list[dict[str, float]]] = {}
    for name, run in named.items():
        try:
            found[shown(name)] = curve_of(dataset.home, run.id)
        except RunError as error:
            st.warning(plain(str(error)), icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        figure = st.segmented_control(
            "Curve",
            list(curves.FIGURES),
            default="valid_loss",
            required=True,
            format_func=curves.FIGURES.__getitem__,
            key="runs_figure",
            label_visibility="collapsed",
        )
        trained = st.toggle(
            "Photos trained on, too",
            key="runs_trained",
            disabled=figure != "valid_loss",
            help="Dashed. Where the two lines part, the model learns photos by heart.",
        )
    modes = {run.mode for run in named.values()}
    mixed = len(modes) > 1
    titles = {"deep": "Epoch", "quick": "Step"}
    curves.draw(
        found,
        figure=figure or "valid_loss",
        x_title="Share of the training (%)" if mixed else titles[modes.pop()],
        shares=mixed,
        trained=trained and figure == "valid_loss",
        key="runs_curves",
    )
    st.caption(_about_curves(list(named.values())))


def _about_curves(several: Sequence[Run]) -> str:
    said = []
    if any(run.mode == "deep" for run in several):
        said.append("Deep: photos of the parts it held out, after each epoch.")
    if any(run.mode == "quick" for run in several):
        said.append("Quick: all photos, each held out once, at each step of the fit.")
    return "On photos not trained on. " + " ".join(said)


def _draw_figures(named: Mapping[str, Run]) -> None:
    lines = ["| Run | Error | Wrong | Time |", "|:--|--:|--:|--:|"]
    for name, run in named.items():
        wrong, judged, share = words.wrong_and_judged(run)
        figures = (percent(share), f"{wrong:,} of {judged:,}", duration(words.seconds(run)))
        unbroken = (one.replace(" ", "\u00a0") for one in figures)
        lines.append(f"| {plain(name)} | {' | '.join(unbroken)} |")
    st.markdown("\n".join(lines))


def _offer_compare(several: Sequence[Run]) -> None:
    before, after = sorted(several, key=lambda run: run.id)
    st.caption(
        "The figures above may be about different photos or labels. Compare holds both runs "
        "against the same ones."
    )
    if st.button(
        "Compare on the same photos", icon=":material/compare_arrows:", key="runs_compare"
    ):
        st.session_state["compare_before"] = before.id
        st.session_state["compare_after"] = after.id
        navigation.go("compare")


def _named(dataset: Dataset, several: Sequence[Run]) -> dict[str, Run]:
    """Runs by a name, as it was written, that none of the others has."""
    named: dict[str, Run] = {}
    for run in several:
        name = _short(run, note_of(dataset.home, run))
        if name in named:
            name = f"{name} ({run.id[9:15]})"
        while name in named:
            name += "'"
        named[name] = run
    return named


def _short(run: Run, note: Note) -> str:
    title = words.title(run, note)
    if len(title) > LONGEST_TITLE:
        title = f"{title[: LONGEST_TITLE - 1]}…"
    return f"{title}, {words.MODES[run.mode].lower()}"


def _times(run: Run) -> str:
    steps: dict[str, Any] = dict(run.seconds)
    parts = [f"{STEPS.get(name, name)} {duration(float(one))}" for name, one in steps.items()]
    return plain(", ".join(parts) or "unknown")


STEPS = {
    "embed": "looking at the photos",
    "alike": "finding copies",
    "fit": "learning the classes",
    "judge": "judging",
    "quick": "quick training first",
    "copies": "making small copies",
    "cache": "keeping what frozen stages say",
    "train": "training",
}
