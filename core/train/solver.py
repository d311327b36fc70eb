"""Several multinomial logistic regressions on the same rows, solved together.

The problems (one per fold) differ only in which rows they train on, so that one large matrix
product serves them all. L-BFGS, preconditioned with the curvature of each class and direction;
in the eigenbasis of the features (see ``basis``) that leaves few steps to do.

Shapes: P problems, K classes, N rows, R columns of which the last is ones (bias, unpenalised).
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

MEMORY = 10  # pairs kept by L-BFGS
ROWS_PER_BLOCK = 2048
MOST_STEPS = 200
ROUNDING = 1e-8  # loss per row below which float32 makes no headway
Answer = TypeVar("Answer")


@dataclass
class Block:
    """Some of the rows, and where the problems stand on them."""

    rows: np.ndarray  # (n, R)
    labels: np.ndarray  # (n,)
    held: np.ndarray  # (n,): the problem that must not train on a row, -1 if all do
    trained: np.ndarray  # (P, n): 1 where a problem trains on a row, else 0
    logits: np.ndarray  # (P, K, n)
    change: np.ndarray  # (P, K, n): of the logits along the direction being searched
    moved: np.ndarray  # (P, K, n): the logits at the step being tried
    probs: np.ndarray  # (P, K, n)
    log_given: np.ndarray  # (P, n): log probability of the label

    def look(self, logits: np.ndarray) -> None:
        """Take probabilities from logits."""
        probs = logits - logits.max(axis=1, keepdims=True)
        log_given = probs[:, self.labels, np.arange(len(self.labels))]
        np.exp(probs, out=probs)
        total = probs.sum(axis=1, keepdims=True)
        probs /= total
        self.log_given = log_given - np.log(total[:, 0])
        self.probs = probs


def blocks_of(
    rows: np.ndarray, labels: np.ndarray, held: np.ndarray, *, problems: int, classes: int
) -> list[Block]:
    """Cut rows (N, R) into blocks, for threads and caches."""
    count = len(labels)
    pieces = 1 if count <= ROWS_PER_BLOCK else 2 * -(-count // (2 * ROWS_PER_BLOCK))
    blocks = []
    for part in np.array_split(np.arange(count), pieces):
        span = slice(int(part[0]), int(part[-1]) + 1)
        trained = held[None, span] != np.arange(problems)[:, None]
        empty = np.zeros((problems, classes, len(part)), dtype=np.float32)
        blocks.append(
            Block(
                rows=rows[span],
                labels=labels[span].astype(np.intp),
                held=held[span].astype(np.intp),
                trained=trained.astype(np.float32),
                logits=empty,
                change=empty,
                moved=empty,
                probs=empty,
                log_given=empty[:, 0],
            )
        )
    return blocks


class Team:
    """Runs a function on every block, on as many threads as help; sums keep the blocks' order."""

    def __init__(self, blocks: Sequence[Block], pool: ThreadPoolExecutor | None) -> None:
        self.blocks = blocks
        self._pool = pool

    def each(self, work: Callable[[Block], Answer]) -> Iterable[Answer]:
        if self._pool is None or len(self.blocks) == 1:
            return [work(block) for block in self.blocks]
        return self._pool.map(work, self.blocks)

    def total(self, work: Callable[[Block], np.ndarray]) -> np.ndarray:
        total: np.ndarray = np.sum(list(self.each(work)), axis=0)
        return total


@contextmanager
def team(blocks: Sequence[Block], threads: int) -> Iterator[Team]:
    """A team for these blocks.

    Each thread's matrix products stay on that thread: a BLAS library's own threads spin while
    they wait, which on a busy machine was measured 10 times slower than a single thread.
    """
    if len(blocks) == 1 or threads == 1:
        yield Team(blocks, None)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield Team(blocks, pool)


@dataclass(frozen=True)
class Step:
    """One step of the solver; what the blocks hold belongs to it."""

    weights: np.ndarray  # (P, K, R)
    remaining: np.ndarray  # (P,): about twice the loss still to be gained, summed over rows


def minimise(
    crew: Team,
    squares: np.ndarray,
    penalty: np.ndarray,
    weights: np.ndarray,
    *,
    tolerance: float,
) -> Generator[Step, None, np.ndarray]:
    """Minimise summed cross-entropy plus half the penalised squares, from ``weights`` on.

    Args:
        crew: Its blocks are changed: on return they hold the final logits.
        squares: (R,) sum of squares of every column over the rows.
        penalty: (R,) L2 strength of every column.
        weights: (P, K, R) to start from.
        tolerance: Ends when ``Step.remaining`` is below this share of the loss, for every problem.
    """
    problems, classes, _ = weights.shape
    rows_in_all = sum(len(block.labels) for block in crew.blocks)
    history = _History()

    def begin(block: Block) -> None:
        block.logits = _times_rows(weights, block)
        block.look(block.logits)

    list(crew.each(begin))
    for _ in range(MOST_STEPS):
        curvature = crew.total(_curvature) / rows_in_all  # (P, K)
        slope = crew.total(_pull) + weights * penalty  # (P, K, R)
        scale = 1.0 / (curvature[:, :, None] * squares + penalty + np.float32(1e-6))
        history.learn(slope)
        remaining = _dot(slope, scale * slope)
        yield Step(weights, remaining)
        if (remaining < tolerance * crew.total(_loss) + ROUNDING * rows_in_all).all():
            break
        direction = -history.precondition(slope, scale)
        length = _search(crew, weights, direction, penalty, _dot(slope, direction))
        step = length[:, None, None] * direction
        history.keep(step, slope)
        weights = weights + step
    return weights


class _History:
    """The last steps and changes of slope: L-BFGS's idea of the curvature, per problem."""

    def __init__(self) -> None:
        self._pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def keep(self, step: np.ndarray, slope_before: np.ndarray) -> None:
        self._last = (step, slope_before)

    def learn(self, slope: np.ndarray) -> None:
        if self._last is None:
            return
        step, before = self._last
        change = slope - before
        product = _dot(step, change)
        # Rounding can turn the product of a tiny step negative; such a pair says nothing.
        inverse = np.where(product > 1e-20, 1.0 / np.maximum(product, 1e-20), 0.0)
        self._pairs.append((step, change, inverse.astype(np.float32)[:, None, None]))
        del self._pairs[:-MEMORY]

    def precondition(self, slope: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Nocedal and Wright, Numerical Optimization, algorithm 7.4, for all problems at once."""
        result = slope.copy()
        factors = []
        for step, change, inverse in reversed(self._pairs):
            factor = inverse * _dot(step, result)[:, None, None]
            factors.append(factor)
            result -= factor * change
        result *= scale
        for (step, change, inverse), factor in zip(self._pairs, reversed(factors), strict=True):
            result += (factor - inverse * _dot(change, result)[:, None, None]) * step
        return result


def _search(
    crew: Team,
    weights: np.ndarray,
    direction: np.ndarray,
    penalty: np.ndarray,
    slope_at_start: np.ndarray,
) -> np.ndarray:
    """Step length per problem, (P,), that does not overshoot; the blocks hold logits there.

    Slopes and not values are compared: near the minimum float32 cannot tell values apart.
    Logits are linear in the length, so a trial costs no matrix product.
    """
    along = _dot(weights * penalty, direction)
    bend = _dot(direction * penalty, direction)
    length = np.ones(len(weights), dtype=np.float32)

    def prepare(block: Block) -> None:
        block.change = _times_rows(direction, block)

    list(crew.each(prepare))
    for _ in range(12):
        tried = length

        def try_length(block: Block, tried: np.ndarray = tried) -> np.ndarray:
            block.moved = block.logits + tried[:, None, None] * block.change
            block.look(block.moved)
            return _slope_along(block)

        slope = crew.total(try_length) + along + length * bend
        too_far = slope > 0.5 * np.abs(slope_at_start)
        if not too_far.any():
            break
        secant = np.clip(slope_at_start / (slope_at_start - slope), 0.1, 0.7)
        length = np.where(too_far, length * secant, length).astype(np.float32)
    for block in crew.blocks:
        block.logits = block.moved
    return length


def _loss(block: Block) -> np.ndarray:
    """Summed over the rows each problem trains on, (P,)."""
    loss: np.ndarray = -(block.log_given * block.trained).sum(axis=1, dtype=np.float64)
    return loss


def _slope_along(block: Block) -> np.ndarray:
    given = block.change[:, block.labels, np.arange(len(block.labels))]
    expected = np.einsum("pkn,pkn->pn", block.probs, block.change)
    slope: np.ndarray = ((expected - given) * block.trained).sum(axis=1, dtype=np.float64)
    return slope


def _pull(block: Block) -> np.ndarray:
    """Slope of the rows' loss, (P, K, R)."""
    excess = block.probs.copy()
    excess[:, block.labels, np.arange(len(block.labels))] -= 1.0
    excess *= block.trained[:, None, :]
    problems, classes, count = excess.shape
    pull: np.ndarray = excess.reshape(problems * classes, count) @ block.rows
    return pull.reshape(problems, classes, -1)


def _curvature(block: Block) -> np.ndarray:
    spread = block.probs * (1.0 - block.probs)
    curvature: np.ndarray = np.einsum("pkn,pn->pk", spread, block.trained)
    return curvature


def _times_rows(weights: np.ndarray, block: Block) -> np.ndarray:
    problems, classes, width = weights.shape
    logits: np.ndarray = weights.reshape(problems * classes, width) @ block.rows.T
    return logits.reshape(problems, classes, -1)


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Inner product per problem, (P,)."""
    product: np.ndarray = np.einsum("pkr,pkr->p", one, other)
    return product
