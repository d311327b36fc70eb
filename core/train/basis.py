"""Features turned into the directions in which they vary, so that a head is found in few steps.

Rotating the features into the eigenbasis of their covariance changes neither the head that
fits best nor its L2 penalty; it only makes the curvature of the loss nearly diagonal.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from core.errors import TrainingError

ROWS_AT_ONCE = 4096  # bounds what is held beside the rotated features
SMALLEST_SHARE = 1e-6  # of the largest variance; float32 knows nothing below
SAME_PICTURE = "All photos look exactly the same to the network, so there is nothing to tell apart."

# Averaged views of rows start to stop, (stop - start, D) float32.
Reader = Callable[[int, int], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Basis:
    """N rows in R uncorrelated directions, the last column of ones for the bias."""

    rows: np.ndarray  # (N, R + 1) float32
    squares: np.ndarray  # (R + 1,) float32: sum of squares of each column
    mean: np.ndarray  # (D,) float32: of the raw features
    directions: np.ndarray  # (D, R) float32, orthonormal
    mean_square: float  # of a centred row's length: the unit of penalties

    def raw(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn heads (..., K, R + 1) into weight (..., K, D) and bias (..., K) on raw features."""
        weight = weights[..., :-1] @ self.directions.T
        return weight, weights[..., -1] - weight @ self.mean


def rotate(read: Reader, count: int, dimensions: int) -> Generator[int, None, Basis]:
    """Read all rows once and rotate them, yielding how many rows are dealt with, of 2 x count.

    Raises:
        TrainingError: If all rows are the same.
    """
    rows = np.empty((count, dimensions + 1), dtype=np.float32)
    total = np.zeros(dimensions, dtype=np.float64)
    for start, stop in _spans(count):
        rows[start:stop, :-1] = read(start, stop)
        total += rows[start:stop, :-1].sum(axis=0, dtype=np.float64)
        yield stop // 2
    mean = (total / count).astype(np.float32)

    rows[:, :-1] -= mean
    if count < dimensions:
        values, vectors = np.linalg.eigh(rows[:, :-1] @ rows[:, :-1].T)
        variances, vectors = _kept(values, vectors, mean, count)
        directions = np.ascontiguousarray((rows[:, :-1].T @ vectors) / np.sqrt(variances))
    else:
        covariance = yield from _covariance(rows[:, :-1])
        variances, directions = _kept(*np.linalg.eigh(covariance), mean, count)

    width = len(variances)
    for start, stop in _spans(count):
        rows[start:stop, :width] = rows[start:stop, :-1] @ directions
        rows[start:stop, width] = 1.0
        yield count + stop
    return Basis(
        rows=rows[:, : width + 1],
        squares=np.append(variances, count).astype(np.float32),
        mean=mean,
        directions=directions,
        mean_square=float(variances.sum(dtype=np.float64) / count),
    )


def _covariance(rows: np.ndarray) -> Generator[int, None, np.ndarray]:
    count, dimensions = rows.shape
    covariance = np.zeros((dimensions, dimensions), dtype=np.float64)
    for start, stop in _spans(count):
        covariance += rows[start:stop].T @ rows[start:stop]
        yield (count + stop) // 2
    return covariance.astype(np.float32)


def _kept(
    values: np.ndarray, vectors: np.ndarray, mean: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Drop directions without variance; largest first."""
    rounding = 1e-10 * count * float(mean @ mean)
    if not float(values[-1]) > rounding:
        raise TrainingError(SAME_PICTURE)
    keep = values > SMALLEST_SHARE * float(values[-1])
    return values[keep][::-1], np.ascontiguousarray(vectors[:, keep][:, ::-1])


def _spans(count: int) -> list[tuple[int, int]]:
    return [(start, min(start + ROWS_AT_ONCE, count)) for start in range(0, count, ROWS_AT_ONCE)]
