"""What may be wrong with photos that can be used: findings, each a ranking with a line drawn in it.

A finding turns one stored measure of all photos into scores, 0 to 1, where low is suspect. Photos
below the line are named, except those that somebody said are fine.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.clean.scores import LIKENESS, load_scores, said_fine
from core.dataset import Dataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

TINY_SIDE = 256.0  # pixels a side; from here on a photo is not small at all
GREY = 0.2  # what a photo without colour scores at most
LEAST_SPREAD = 1 / 3  # in doublings: a set of one size is no reason to name half or twice of it


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that may be wrong with a photo, and how it is told."""

    name: str
    title: str
    explanation: str  # one line
    threshold: float  # a good place for the line
    measure: str
    reading: Callable[[float], str] | None = None  # what a score stands for, in words
    of_the_set: "Callable[[Scores], Scores] | None" = None  # where all photos decide about each


def _tiny(sizes: "Scores") -> "Scores":
    import numpy as np

    return np.minimum(1.0, 2.0 ** (sizes * 16) / TINY_SIDE)


def _odd_size(sizes: "Scores") -> "Scores":
    """1 at the usual size; 0.5 three times as far from it as the middle half of the photos is."""
    import numpy as np

    doublings = sizes * 16
    low, middle, high = np.quantile(doublings, [0.25, 0.5, 0.75])
    return np.asarray(
        1 / (1 + np.abs(doublings - middle) / (3 * max(high - low, LEAST_SPREAD))), dtype=float
    )


def _grey_among_coloured(coloured: "Scores") -> "Scores":
    """As it is, unless most photos are grey: then that is what the set is like."""
    import numpy as np

    return np.ones_like(coloured) if np.median(coloured) < GREY else coloured


FINDINGS: tuple[Finding, ...] = (
    Finding(
        name="odd_one",
        title="Unlike its class",
        explanation="A network sees little in common with the others of its class: a card, a "
        "drawing, another thing, or a rare but good photo.",
        threshold=0.35,
        measure=LIKENESS,
    ),
    Finding(
        name="blurry",
        title="Blurry",
        explanation="Even the sharpest edges are soft, in a picture as small as a network sees.",
        threshold=0.55,
        measure="sharp",
    ),
    Finding(
        name="dark",
        title="Dark",
        explanation="Even the brightest parts are dark.",
        threshold=0.4,
        measure="bright",
    ),
    Finding(
        name="overexposed",
        title="Overexposed",
        explanation="Nearly all of it is white.",
        threshold=0.06,
        measure="shaded",
    ),
    Finding(
        name="empty",
        title="Little to see",
        explanation="Few levels of grey: blank pictures, placeholder cards, logos, plain drawings.",
        threshold=0.35,
        measure="detail",
    ),
    Finding(
        name="few_colours",
        title="Few colours",
        explanation="Eight colours make up nearly all of it: cards, logos, drawings, screens of "
        "text; also things on a plain ground.",
        threshold=0.1,
        measure="colours",
    ),
    Finding(
        name="grey",
        title="No colour",
        explanation="Greyscale, in a set where most photos have colour.",
        threshold=GREY,
        measure="coloured",
        of_the_set=_grey_among_coloured,
    ),
    Finding(
        name="odd_shape",
        title="Long or wide",
        explanation="One side is much longer than the other; training cuts or squeezes it.",
        threshold=0.4,
        measure="shape",
        reading=lambda score: f"1 to {1 / max(score, 0.001):.1f}",
    ),
    Finding(
        name="tiny",
        title="Tiny",
        explanation="Too few pixels to see much.",
        threshold=0.3,
        measure="size",
        reading=lambda score: f"{score * TINY_SIDE:.0f} pixels a side",
        of_the_set=_tiny,
    ),
    Finding(
        name="odd_size",
        title="Odd size",
        explanation="Much smaller or larger than most photos of this set.",
        threshold=0.4,
        measure="size",
        of_the_set=_odd_size,
    ),
)
BY_NAME = {finding.name: finding for finding in FINDINGS}


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The present photos by one finding's score, the most suspect first."""

    finding: Finding
    ids: "NDArray[np.int64]"
    scores: "Scores"  # of the same photos, ascending
    fine: int  # photos left out because somebody said that they are fine

    def found(self, threshold: float) -> int:
        """How many photos lie below a line."""
        return int(bisect_left(self.scores, threshold))

    def just_below(self, threshold: float, number: int) -> list[int]:
        """Positions of the found photos that lie nearest to the line, from the line down."""
        end = self.found(threshold)
        return list(range(end - 1, max(-1, end - 1 - number), -1))

    def just_above(self, threshold: float, number: int) -> list[int]:
        """Positions of the kept photos that lie nearest to the line, from the line up."""
        start = self.found(threshold)
        return list(range(start, min(len(self.ids), start + number)))


def rankings(dataset: Dataset) -> dict[str, Ranking]:
    """Every finding whose measure was taken, by name."""
    import numpy as np

    rows = dataset.rows()
    found: dict[str, Ranking] = {}
    values: dict[str, dict[str, float]] = {}
    for finding in FINDINGS:
        by_content = values.setdefault(finding.measure, {})
        by_content = by_content or load_scores(dataset, finding.measure)
        values[finding.measure] = by_content
        here = [row for row in rows if row.content in by_content]
        if not here:
            continue
        scores = np.array([by_content[row.content] for row in here])
        if finding.of_the_set is not None:
            scores = finding.of_the_set(scores)
        fine = said_fine(dataset, finding.name)
        asked = np.array([row.content not in fine for row in here])
        ids = np.array([row.id for row in here])[asked]
        order = np.argsort(scores[asked], kind="stable")
        found[finding.name] = Ranking(
            finding=finding,
            ids=ids[order],
            scores=scores[asked][order],
            fine=int((~asked).sum()),
        )
    return found


def threshold_of(dataset: Dataset, finding: Finding) -> float:
    """Where the line was left for this data set, else its good place."""
    kept = dataset.setting(f"threshold:{finding.name}")
    try:
        value = float(kept) if kept is not None else finding.threshold
    except ValueError:
        return finding.threshold
    return value if math.isfinite(value) and 0 <= value <= 1 else finding.threshold


def keep_threshold(dataset: Dataset, finding: Finding, threshold: float) -> None:
    """Remember where the line was left for this data set."""
    dataset.set_setting(f"threshold:{finding.name}", f"{threshold:g}")
