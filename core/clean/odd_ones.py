"""How much each photo has in common with the others of its class, as a network sees it.

A placeholder card or a paper model among photos of bears looks like few of them. So does a rare and
good photo, which is why this is a ranking to look through and nobody's verdict.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.clean.scores import LIKENESS, load_scores, replace_scores
from core.dataset import Dataset, FileRow
from core.jobs.progress import JobResult, Progress, Task
from core.networks.backbones import DEFAULT
from core.networks.embed import embed
from core.networks.features import FeatureStore
from core.runs import latest_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = 25  # a card that somebody used ten times still has strangers among so many
MOST_OTHERS = 2000  # of a large class, these stand for all
ROWS_AT_ONCE = 1024
FEWEST_OF_A_CLASS = 8  # fewer have no common look


def odd_ones_job(root: str) -> Task[JobResult]:
    """Pass photos without features through the network, then compare all within their classes."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    rows = [row for row in dataset.rows() if row.class_name is not None and row.content]
    yield from embed(dataset, backbone_for(dataset), rows)
    compared = yield from compare(dataset)
    return {"compared": compared}


def backbone_for(dataset: Dataset) -> str:
    """The network whose features this data set has, or will have."""
    run = latest_run(dataset.home)
    return DEFAULT if run is None else run.backbone


def compare(dataset: Dataset) -> Task[int]:
    """Score every photo that has features against its class; returns how many were scored.

    Scores of photos that left their class are taken away.
    """
    store = FeatureStore(dataset.home, backbone_for(dataset))
    by_class: dict[str, list[str]] = {}
    for row in dataset.rows():
        if row.class_name is not None and row.content:
            by_class.setdefault(row.class_name, []).append(row.content)
    missing = set(store.missing([content for one in by_class.values() for content in one]))
    scores: dict[str, float] = {}
    for number, contents in enumerate(by_class.values()):
        yield Progress(
            phase="compare", done=number, total=len(by_class), message="Comparing photos"
        )
        here = [content for content in dict.fromkeys(contents) if content not in missing]
        if len(here) < FEWEST_OF_A_CLASS:
            continue
        for content, score in zip(here, likeness(_looks(store, here)), strict=True):
            scores[content] = min(float(score), scores.get(content, 1.0))
    replace_scores(dataset, LIKENESS, scores)
    return len(scores)


def uncompared(dataset: Dataset, rows: Sequence[FileRow]) -> int:
    """How many photos with a class have no score yet, of classes large enough to compare in."""
    known = load_scores(dataset, LIKENESS)
    sizes: dict[str | None, int] = {}
    for row in rows:
        sizes[row.class_name] = sizes.get(row.class_name, 0) + 1
    return sum(
        row.class_name is not None
        and bool(row.content)
        and sizes[row.class_name] >= FEWEST_OF_A_CLASS
        and row.content not in known
        for row in rows
    )


def likeness(looks: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """How much each of the photos of a class looks like its nearest others, 0 to 1.

    1 is as much as half of them do, or more. 0.5 is one width of the class's middle half below
    that, 0.25 three widths: so the scores of a class of one breed and of a mixed one compare.

    Args:
        looks: (N, D), each of length 1; at least two.
    """
    count = min(NEIGHBOURS, max(1, len(looks) // 3))
    step = max(1, -(-len(looks) // MOST_OTHERS))
    others = looks[::step]
    near = np.empty(len(looks))
    for start in range(0, len(looks), ROWS_AT_ONCE):
        part = looks[start : start + ROWS_AT_ONCE] @ others.T
        own = np.arange(start, start + len(part))
        own = own[own % step == 0]
        part[own - start, own // step] = -1  # nothing is its own neighbour
        nearest = min(count, part.shape[1] - 1)
        near[start : start + len(part)] = np.partition(part, -nearest)[:, -nearest:].mean(axis=1)
    low, middle, high = np.quantile(near, [0.25, 0.5, 0.75])
    below = np.maximum(0.0, middle - near) / max(high - low, 1e-6)
    return np.asarray(1 / (1 + below))


def _looks(store: FeatureStore, contents: list[str]) -> "NDArray[np.float32]":
    """What the network said of photos, both views together, each of length 1."""
    parts = [
        store.get(contents[start : start + ROWS_AT_ONCE]).astype(np.float32).mean(axis=1)
        for start in range(0, len(contents), ROWS_AT_ONCE)
    ]
    looks = np.concatenate(parts)
    lengths = np.linalg.norm(looks, axis=1, keepdims=True)
    return np.asarray(looks / np.maximum(lengths, 1e-9), dtype=np.float32)
