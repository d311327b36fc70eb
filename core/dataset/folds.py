"""Which fold judges a photo: dealt once by content, kept for good."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from core.dataset.dataset import Dataset


def folds(
    dataset: Dataset, contents: Sequence[str], class_names: Sequence[str], *, count: int = 5
) -> dict[str, int]:
    """The fold of each content, 0 to ``count - 1``.

    Contents not seen before are dealt in the order of their hashes to the fold that has the
    fewest photos of their class, so each class is spread evenly and the same photos always get the
    same folds. A content in two classes gets one fold.

    Args:
        dataset: Keeps the folds.
        contents: One a photo; may repeat.
        class_names: The class of each, in the same order.
        count: How many folds.

    Raises:
        ValueError: If the two lists differ in length, or ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    classes: dict[str, str] = {}
    for content, class_name in zip(contents, class_names, strict=True):
        classes[content] = min(class_name, classes.get(content, class_name))
    known = _known(dataset, count)
    if all(content in known for content in classes):
        return {content: known[content] for content in classes}
    with dataset.writing() as connection:
        known = _known(dataset, count)  # another process may have dealt in the meantime
        dealt = _deal(classes, known, count)
        connection.executemany(
            "INSERT INTO fold(content, folds, fold) VALUES(?, ?, ?)",
            [(content, count, fold) for content, fold in dealt.items()],
        )
    return {content: known[content] if content in known else dealt[content] for content in classes}


def _known(dataset: Dataset, count: int) -> dict[str, int]:
    rows = dataset.connection().execute("SELECT content, fold FROM fold WHERE folds=?", (count,))
    return dict(rows.fetchall())


def _deal(classes: dict[str, str], known: dict[str, int], count: int) -> dict[str, int]:
    filled: dict[str, Counter[int]] = defaultdict(Counter)
    overall: Counter[int] = Counter()
    for content, class_name in classes.items():
        if content in known:
            filled[class_name][known[content]] += 1
            overall[known[content]] += 1
    dealt = {}
    for content in sorted(classes.keys() - known.keys(), key=lambda one: (classes[one], one)):
        own = filled[classes[content]]
        fold = min(range(count), key=lambda fold: (own[fold], overall[fold], fold))
        own[fold] += 1
        overall[fold] += 1
        dealt[content] = fold
    return dealt
