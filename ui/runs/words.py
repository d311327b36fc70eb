"""A run in words: what it is called, how it went, and which photos its figures are about."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from core.networks.backbones import BACKBONES
from ui import training
from ui.words import count, percent

if TYPE_CHECKING:
    from core.runs import Run
    from core.runs.notes import Note
    from core.runs.run import Answer

ANSWERS: dict[Answer, str] = {
    "quick": "quick training",
    "deep": "deep training",
    "blend": "the mean of both",
}
MODES = {"quick": "Quick", "deep": "Deep"}


def title(run: Run, note: Note) -> str:
    """What a run is called: its name as it was written, or when it was made."""
    return note.name or made(run)


def made(run: Run) -> str:
    """When a run was made: "28 Nov 2026, 14:03"."""
    return datetime.fromtimestamp(run.created).strftime("%d %b %Y, %H:%M").lstrip("0")


def network(run: Run) -> str:
    """What pages call the network of a run; the name it has, where it is not known here."""
    known = BACKBONES.get(run.backbone)
    return known.title if known else run.backbone


def seconds(run: Run) -> float:
    """How long a run took in all."""
    return float(sum(run.seconds.values()))


def answering(run: Run) -> Answer | None:
    """Whose answers a deep run's predictions are where it judged; None of a quick run.

    One that did not beat quick training shows what deep training said: what quick training says is
    a run of its own.
    """
    if run.mode != "deep" or run.kept is None:
        return None
    return "deep" if run.kept == "quick" else run.kept


def outcome(run: Run) -> str:
    """How often a run's model is wrong: "Wrong on 17 of 480 photos it had not seen, 3.5 %."."""
    answer = answering(run)
    score = (run.answers or {}).get(answer or "")
    if score is None:
        return training.outcome(run)
    judged = count(score["judged"], "photo")
    if score["wrong"] == 0:
        return f"Right on all {judged} it had not seen."
    wrong = f"{score['wrong']:,} of {judged}"
    return f"Wrong on {wrong} it had not seen, {percent(score['error_rate'])}."


def wrong_and_judged(run: Run) -> tuple[int, int, float]:
    """The figures of ``outcome``: photos it is wrong on, photos judged, and the share."""
    score = (run.answers or {}).get(answering(run) or "")
    if score is None:
        return run.wrong, run.judged, run.error_rate
    return score["wrong"], score["judged"], score["error_rate"]


def beside_quick(run: Run) -> str | None:
    """What a deep run's training was worth, beside quick training on the same photos."""
    if run.mode != "deep" or not run.answers or run.kept is None:
        return None
    wrong = {name: run.answers[name]["wrong"] for name in ANSWERS if name in run.answers}
    if len(wrong) < len(ANSWERS):
        return None
    figures = (
        f"on the same photos quick training is wrong on {wrong['quick']:,}, deep training on "
        f"{wrong['deep']:,}, and the mean of both on {wrong['blend']:,}"
    )
    if run.kept == "quick":
        return f"Deep training did not beat quick training: {figures}. Shown is what deep says."
    chosen = "deep training is kept" if run.kept == "deep" else "the mean of both is kept"
    return (
        f"{figures[0].upper()}{figures[1:]}; {chosen}. The best was chosen on these very photos, "
        "which flatters it a little."
    )


def about(run: Run) -> str | None:
    """Which photos a deep run's figures are about."""
    if run.judged_folds is None:
        return None
    photos = count(wrong_and_judged(run)[1], "photo")
    if run.split is not None and run.split["judged_on"] != "train":
        return f"These {photos} are in {run.split['judged_on']}, which no training saw."
    if len(run.judged_folds) >= run.folds:
        return f"These {photos} are all that can be judged: each was held out of training once."
    parts = "one of" if len(run.judged_folds) == 1 else f"{len(run.judged_folds)} of"
    return (
        f"These {photos} are {parts} {run.folds} parts of the data set, held out of deep training. "
        "All others are judged by quick training."
    )


def figures_of(run: Run) -> str:
    """The figure in few words: "3.5 % (17 of 480)"."""
    wrong, judged, share = wrong_and_judged(run)
    return f"{percent(share)} ({wrong:,} of {judged:,})" if judged else "none judged"
