"""The head: multinomial logistic regression with L2 on the features of every photo.

Its strength is chosen by cross-validation: from strong to weak, each fit starting where the last
ended, until the loss on held-out photos has risen clearly, or twice; the smallest wins, ties to
the stronger.
The penalty is weighed against the *sum* of the losses, so that a strength keeps its meaning for
four folds, for all photos and for a part of them.

Measured on five photo sets, eight deals of the folds each: training on photo and mirror as rows
of their own gained 0.2 points of error at most over averaging their features, and costs twice as
much; features scaled to unit variance, or photos to unit length, helped some sets and hurt others
by about half a point. So views are averaged and features stay as they are.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from core.train.basis import Basis, Reader, rotate
from core.train.solver import Block, Step, Team, blocks_of, minimise, team

# Relative to the mean squared length of a centred row; half a decade apart.
STRENGTHS = tuple(10.0**exponent for exponent in np.arange(0.5, -4.6, -0.5))
WORSE_BEFORE_STOPPING, CLEARLY_WORSE = 2, 1.01
ROWS_TO_CHOOSE_ON = 3000  # more than this, and the strength is chosen on an even part of them
NUMBERS_AT_ONCE = 8_000_000  # problems x classes x rows held at a time; 32 MB an array
LOOSE, TIGHT = 1e-3, 2e-7  # share of the loss still to be gained: while choosing, in the end
SHARE_OF_CHOOSING = 0.8  # of a fit's time, roughly

# A relative strength, the folds' weights at it, and (l2, held-out loss) of all that were tried.
Chosen = tuple[float, np.ndarray, tuple[tuple[float, float], ...]]


@dataclass(frozen=True, kw_only=True)
class FitStep:
    """One step of the fit. Losses are mean cross-entropies per photo."""

    step: int  # counted from 1
    train_loss: float  # mean over the folds' training photos
    valid_loss: float  # of every judged photo, under the head that did not see it
    error_rate: float  # likewise, 0 to 1
    share: float  # of the fit that is behind, 0 to 1, roughly


@dataclass(frozen=True, kw_only=True)
class Heads:
    """A head from all photos, one per fold, and what the folds' heads say of photos unseen."""

    weight: np.ndarray  # (K, D): logits are features @ weight.T + bias, on raw features
    bias: np.ndarray  # (K,)
    fold_weight: np.ndarray  # (F, K, D)
    fold_bias: np.ndarray  # (F, K)
    probs: np.ndarray  # (N, K) out of fold; of the head from all photos where fold is -1
    l2: float  # penalty on half the squared weights, against the summed loss
    path: tuple[tuple[float, float], ...]  # (l2, held-out loss) of every strength tried

    def tensors(self) -> dict[str, np.ndarray]:
        """What a run keeps of them."""
        names = ("weight", "bias", "fold_weight", "fold_bias")
        return {name: getattr(self, name) for name in names}


def fit_heads(
    read: Reader, labels: np.ndarray, fold: np.ndarray, *, dimensions: int, folds: int
) -> Generator[FitStep | None, None, Heads]:
    """Choose a strength, then fit all heads with it.

    Args:
        read: Gives the features of rows start to stop.
        labels: (N,) class of each row, each of 0 to K - 1 at least once.
        fold: (N,) which head must not see a row; -1 for rows that every head sees.
        dimensions: D.
        folds: F.

    Yields:
        A step of the fit, or None while features are being read.
    """
    with one_thread_per_product():
        reading = rotate(read, len(labels), dimensions)
        basis = yield from _silently(reading)
        return (yield from _Fit(basis, labels, fold, folds=folds).run())


def fit_once(
    features: np.ndarray, labels: np.ndarray, fold: np.ndarray, *, folds: int, strength: float
) -> FitStep:
    """How well the folds' heads do at one relative strength: a point of the learning curve."""
    with one_thread_per_product():
        reading = _silently(rotate(lambda start, stop: features[start:stop], *features.shape))
        return _Fit(_result(reading), labels, fold, folds=folds).once(strength)


def _silently(task: Generator[int, None, Basis]) -> Generator[None, None, Basis]:
    while True:
        try:
            next(task)
        except StopIteration as end:
            basis: Basis = end.value
            return basis
        yield None


def _result(task: Generator[None, None, Basis]) -> Basis:
    while True:
        try:
            next(task)
        except StopIteration as end:
            basis: Basis = end.value
            return basis


@contextmanager
def one_thread_per_product() -> Iterator[None]:
    """Keep matrix products on the thread that asks for them; see ``solver.team``."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


class _Fit:
    def __init__(self, basis: Basis, labels: np.ndarray, fold: np.ndarray, *, folds: int) -> None:
        self.basis, self.labels, self.fold, self.folds = basis, labels, fold, folds
        self.classes = int(labels.max()) + 1
        self.threads = min(8, os.cpu_count() or 1)
        self.steps = 0
        self.share = 0.0

    def run(self) -> Generator[FitStep, None, Heads]:
        strength, weights, path = yield from self._choose()
        self.share = SHARE_OF_CHOOSING
        every = np.concatenate([weights, weights.mean(axis=0, keepdims=True)])
        every, probs = yield from self._settle(every, strength)
        weight, bias = self.basis.raw(every)
        return Heads(
            weight=weight[-1],
            bias=bias[-1],
            fold_weight=weight[:-1],
            fold_bias=bias[:-1],
            probs=probs,
            l2=strength * self.basis.mean_square,
            path=path,
        )

    def once(self, strength: float) -> FitStep:
        blocks = self._blocks(np.arange(len(self.labels)), problems=self.folds)
        with team(blocks, self.threads) as crew:
            for _ in self._minimise(
                crew, strength, self._nothing_learnt(self.folds), tolerance=LOOSE
            ):
                pass
            return self._report(crew)

    def _choose(self) -> Generator[FitStep, None, Chosen]:
        """The strength with the smallest held-out loss, the folds' weights there, and the path."""
        part = even_part(self.labels, self.fold, ROWS_TO_CHOOSE_ON)
        # With very many classes, fewer folds must do: all at once would not fit in memory.
        problems = min(self.folds, self._together(len(part)))
        blocks = self._blocks(part, problems=problems)
        weights = best_weights = self._nothing_learnt(problems)
        best, best_loss, worse = STRENGTHS[0], np.inf, 0
        path = []
        with team(blocks, self.threads) as crew:
            for tried, strength in enumerate(STRENGTHS, start=1):
                for step in self._minimise(crew, strength, weights, tolerance=LOOSE):
                    weights = step.weights
                    report = self._report(crew)
                    yield report
                loss = report.valid_loss
                self.share = SHARE_OF_CHOOSING * tried / len(STRENGTHS)
                path.append((strength * self.basis.mean_square, loss))
                if loss < best_loss * (1 - 1e-6):
                    best, best_weights, best_loss, worse = strength, weights, loss, 0
                else:
                    worse += 1
                if worse == WORSE_BEFORE_STOPPING or loss > best_loss * CLEARLY_WORSE:
                    break
        mean = best_weights.mean(axis=0, keepdims=True)
        others = np.repeat(mean, self.folds - problems, axis=0)
        return best, np.concatenate([best_weights, others]), tuple(path)

    def _settle(
        self, weights: np.ndarray, strength: float
    ) -> Generator[FitStep, None, tuple[np.ndarray, np.ndarray]]:
        """Bring the folds' heads and the one from all photos, the last, to their minimum."""
        count = len(self.labels)
        settled = np.empty_like(weights)
        probs = np.empty((count, self.classes), dtype=np.float32)
        together = self._together(count)
        for start in range(0, len(weights), together):
            group = slice(start, min(start + together, len(weights)))
            blocks = self._blocks(np.arange(count), first=start, problems=group.stop - start)
            with team(blocks, self.threads) as crew:
                for step in self._minimise(crew, strength, weights[group], tolerance=TIGHT):
                    settled[group] = step.weights
                    if start < self.folds:
                        yield self._report(crew)
            here = (self.fold >= start) & (self.fold < group.stop)
            if group.stop == len(weights):
                here |= self.fold < 0
            probs[here] = np.concatenate([_unseen(block) for block in blocks])[here]
            self.share += (1 - SHARE_OF_CHOOSING) * (group.stop - start) / len(weights)
        return settled, probs

    def _together(self, rows: int) -> int:
        """How many heads to fit at once on so many rows."""
        return max(1, NUMBERS_AT_ONCE // (self.classes * rows))

    def _blocks(self, part: np.ndarray, *, problems: int, first: int = 0) -> list[Block]:
        """Blocks of some rows, for so many heads from the one of fold ``first`` on."""
        held = self.fold[part] - first
        held[(held < 0) | (held >= problems) | (self.fold[part] < 0)] = -1
        whole = len(part) == len(self.labels)
        rows = self.basis.rows if whole else self.basis.rows[part]
        return blocks_of(rows, self.labels[part], held, problems=problems, classes=self.classes)

    def _minimise(
        self, crew: Team, strength: float, weights: np.ndarray, *, tolerance: float
    ) -> Generator[Step, None, np.ndarray]:
        count = sum(len(block.labels) for block in crew.blocks)
        penalty = np.full(weights.shape[-1], strength * self.basis.mean_square, dtype=np.float32)
        penalty[-1] = 0.0  # the bias
        squares = self.basis.squares * np.float32(count / len(self.labels))
        return minimise(crew, squares, penalty, weights, tolerance=tolerance)

    def _nothing_learnt(self, problems: int) -> np.ndarray:
        shape = (problems, self.classes, self.basis.rows.shape[1])
        return np.zeros(shape, dtype=np.float32)

    def _report(self, crew: Team) -> FitStep:
        self.steps += 1
        train, trained, valid, wrong, judged = crew.total(_score)
        return FitStep(
            step=self.steps,
            train_loss=float(train / max(1, trained)),
            valid_loss=float(valid / max(1, judged)),
            error_rate=float(wrong / max(1, judged)),
            share=self.share,
        )


def even_part(labels: np.ndarray, fold: np.ndarray, most: int) -> np.ndarray:
    """Rows to choose a strength on: about ``most``, classes and folds in proportion.

    Every class keeps at least 20 rows a fold, or 4 where classes are very many, if it has them.
    """
    count = len(labels)
    if count <= most:
        return np.arange(count)
    order = np.lexsort((np.arange(count), fold, labels))
    changes = (np.diff(labels[order]) != 0) | (np.diff(fold[order]) != 0)
    groups = np.split(order, np.flatnonzero(changes) + 1)
    least = int(np.clip(most / len(groups), 4, 20))
    parts = []
    for rows in groups:
        wanted = max(min(least, len(rows)), round(len(rows) * most / count))
        parts.append(rows[np.linspace(0, len(rows) - 1, wanted).round().astype(int)])
    return np.sort(np.concatenate(parts))


def _score(block: Block) -> np.ndarray:
    """Sums: training loss and how many it is of, held-out loss, wrong ones, and how many."""
    judged = np.flatnonzero(block.held >= 0)
    held = block.held[judged]
    predicted = block.probs[held, :, judged].argmax(axis=1)
    return np.array(
        [
            -(block.log_given * block.trained).sum(dtype=np.float64),
            block.trained.sum(dtype=np.float64),
            -block.log_given[held, judged].sum(dtype=np.float64),
            (predicted != block.labels[judged]).sum(),
            len(judged),
        ]
    )


def _unseen(block: Block) -> np.ndarray:
    """(n, K): what the head that did not train on a row says; the last head's where all did."""
    probs: np.ndarray = block.probs[block.held, :, np.arange(len(block.labels))]
    return probs
