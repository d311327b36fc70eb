"""What a run's model would call each photo, and how sure it is.

A photo that the run judged keeps what the head said that had not seen it; any other, such as an
unsorted one, is asked of the head from all photos, by its kept features. No network runs here.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.dataset import FileRow
from core.networks.features import FeatureStore
from core.runs import Run, load_predictions, load_tensors

ROWS_AT_ONCE = 2048  # bounds the memory: 10 MB of features


@dataclass(frozen=True, kw_only=True, eq=False)
class Suggested:
    """What the model says of some photos, in the order they were asked for."""

    classes: tuple[str, ...]  # of the run
    best: np.ndarray  # (N,) int32: index of the most probable class; -1 where it was not asked
    probability: np.ndarray  # (N,) float32: of that class; NaN where it was not asked

    def name(self, at: int) -> str | None:
        """The class it would give to one of the photos."""
        index = int(self.best[at])
        return None if index < 0 else self.classes[index]


class Suggester:
    """A run's model, with its answers kept by content. Threads may share one."""

    def __init__(self, home: Path, run: Run) -> None:
        self.run = run
        tensors = load_tensors(home, run.id)
        self._weight = np.asarray(tensors["weight"], np.float32)
        self._bias = np.asarray(tensors["bias"], np.float32)
        predictions = load_predictions(home, run.id)
        order = np.argsort(predictions.file_id, kind="stable")
        self._ids = predictions.file_id[order]
        self._contents = [predictions.content[at] for at in order]
        self._judged = predictions.judged[order]
        self._best = predictions.predicted[order].astype(np.int32)
        self._probability = predictions.probs.max(axis=1)[order].astype(np.float32)
        self._store = FeatureStore(home, run.backbone)
        self._said: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def of(self, rows: Sequence[FileRow]) -> Suggested:
        """What it says of these photos; nothing of those without kept features.

        Raises:
            NetworkError: If the features cannot be read.
        """
        best = np.full(len(rows), -1, np.int32)
        probability = np.full(len(rows), np.nan, np.float32)
        ids = np.fromiter((row.id for row in rows), np.int64, len(rows))
        found = np.searchsorted(self._ids, ids)
        known = found < len(self._ids)
        known[known] = self._ids[found[known]] == ids[known]
        for at in np.flatnonzero(known).tolist():
            place = found[at]
            if self._judged[place] and self._contents[place] == rows[at].content:
                best[at], probability[at] = self._best[place], self._probability[place]
        asked = np.flatnonzero(best < 0).tolist()
        with self._lock:
            self._ask([rows[at].content for at in asked])
            for at in asked:
                said = self._said.get(rows[at].content)
                if said is not None:
                    best[at], probability[at] = said
        return Suggested(classes=self.run.classes, best=best, probability=probability)

    def _ask(self, contents: Sequence[str]) -> None:
        new = [one for one in dict.fromkeys(contents) if one and one not in self._said]
        if not new:
            return
        missing = set(self._store.missing(new))
        new = [one for one in new if one not in missing]
        for start in range(0, len(new), ROWS_AT_ONCE):
            some = new[start : start + ROWS_AT_ONCE]
            features = self._store.get(some).mean(axis=1, dtype=np.float32)
            probs = _softmax(features @ self._weight.T + self._bias)
            best = probs.argmax(axis=1)
            sure = probs[np.arange(len(some)), best]
            self._said.update(
                zip(some, zip(best.tolist(), sure.tolist(), strict=True), strict=True)
            )


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = raised / raised.sum(axis=1, keepdims=True)
    return probs
