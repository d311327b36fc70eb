"""What quick and deep training say of the same photos, each and together, and which is kept."""

from collections.abc import Mapping

import numpy as np

from core.runs.run import Answer, Score

# In this order where several are as often right and as sure: the cheaper first.
ANSWERS: tuple[Answer, ...] = ("quick", "blend", "deep")


def blend(quick: np.ndarray, deep: np.ndarray) -> np.ndarray:
    """(N, K) the mean of two models' probabilities."""
    mixed: np.ndarray = ((quick + deep) / 2).astype(np.float32)
    return mixed


def score(probs: np.ndarray, labels: np.ndarray) -> Score:
    """How well probabilities (N, K) fit the classes (N,)."""
    given = np.maximum(probs[np.arange(len(labels)), labels], np.finfo(np.float32).tiny)
    wrong = int((probs.argmax(axis=1) != labels).sum())
    return Score(
        wrong=wrong,
        judged=len(labels),
        error_rate=wrong / len(labels),
        loss=float(-np.log(given).mean(dtype=np.float64)),
    )


def best_of(scores: Mapping[str, Score]) -> Answer:
    """The answer that is wrong least often; among those, the one with the smallest loss.

    The choice is made on the photos it is then reported for, so of several equally good answers
    it flatters the winner a little; that is why there are only three to choose from.
    """
    return min(ANSWERS, key=lambda name: (scores[name]["wrong"], scores[name]["loss"]))


def kept_in_words(kept: Answer, scores: Mapping[str, Score]) -> str:
    """Which answer is kept, and why, in one or two sentences."""
    quick, deep, mixed = (scores[name]["wrong"] for name in ("quick", "deep", "blend"))
    figures = f"wrong on {deep:,}, quick training on {quick:,}, both together on {mixed:,}"
    where = f"of {scores['quick']['judged']:,} photos that neither had seen"
    if kept == "quick":
        return f"Deep training did not beat quick here: {figures}, {where}. Quick stays in use."
    name = "Deep training" if kept == "deep" else "The mean of quick and deep"
    why = "is wrong least often" if scores[kept]["wrong"] < quick else "is as often right and surer"
    return f"{name} {why}: deep is {figures}, {where}."


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, K) probabilities of logits."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return probs
