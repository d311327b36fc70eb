"""Which head must not see which photo, in one run."""

from collections.abc import Mapping, Sequence

import numpy as np

NOT_JUDGED = -1


def folds_for_run(
    contents: Sequence[str], labels: np.ndarray, kept: Mapping[str, int], *, count: int
) -> np.ndarray:
    """The fold of each row, (N,) int8; -1 for rows that every head trains on.

    A content's rows share a fold, in whichever classes they stand. A content keeps the fold it
    has in the data set, unless a class has come to lie in a single fold (after relabels, say):
    no head could learn that class while its fold is held out, so its contents are dealt anew for
    this run. A class of a single content cannot be judged.
    """
    fold = {content: kept[content] for content in contents}
    members: dict[int, set[str]] = {}
    for content, label in zip(contents, labels.tolist(), strict=True):
        members.setdefault(label, set()).add(content)

    alone = {next(iter(group)) for group in members.values() if len(group) == 1}
    fold.update(dict.fromkeys(alone, NOT_JUDGED))
    # Contents set aside can leave others alone, and a content may stand in two classes: dealing
    # one class anew can gather another. Each round settles at least one class or ends it.
    for _ in range(len(members) + 1):
        gathered = [group for group in members.values() if _in_one_fold(group, fold)]
        if not gathered:
            break
        for group in gathered:
            _deal(group, fold, count)
    else:
        for group in members.values():
            if _in_one_fold(group, fold):
                fold.update(dict.fromkeys(group, NOT_JUDGED))
    return np.array([fold[content] for content in contents], dtype=np.int8)


def _in_one_fold(group: set[str], fold: Mapping[str, int]) -> bool:
    """Whether holding out one fold would take the whole class away."""
    folds = {fold[content] for content in group}
    return len(folds) == 1 and NOT_JUDGED not in folds


def _deal(group: set[str], fold: dict[str, int], count: int) -> None:
    first = min(fold[content] for content in group)
    for place, content in enumerate(sorted(group)):
        fold[content] = (first + place) % count
