"""Which fold judges a photo: dealt once by content, kept for good.

Copies of one photo and shots of one scene share a fold: a model that was trained on one of them
knows the others, so judging those would say nothing. Where copies are found of photos that have
folds already, the fewest that can are moved.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from core.dataset.alike import COPIES, kept_together
from core.dataset.dataset import Dataset


def folds(
    dataset: Dataset, contents: Sequence[str], class_names: Sequence[str], *, count: int = 5
) -> dict[str, int]:
    """The fold of each content, 0 to ``count - 1``.

    Contents not seen before are dealt in the order of their hashes to the fold that has the
    fewest photos of their class, so each class is spread evenly and the same photos always get the
    same folds. A content in two classes gets one fold, and so do contents that look alike, as far
    as the data set's groups know (see ``core.dataset.alike``).

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
    together = _together(dataset, classes)
    known = _known(dataset, count)
    if all(content in known for content in classes) and not _moved(together, known):
        return {content: known[content] for content in classes}
    with dataset.writing() as connection:
        known = _known(dataset, count)  # another process may have dealt in the meantime
        changed = _moved(together, known)
        known |= changed
        changed |= _deal(classes, together, known, count)
        connection.executemany(
            "INSERT OR REPLACE INTO fold(content, folds, fold) VALUES(?, ?, ?)",
            [(content, count, fold) for content, fold in changed.items()],
        )
    return {
        content: changed[content] if content in changed else known[content] for content in classes
    }


def _known(dataset: Dataset, count: int) -> dict[str, int]:
    rows = dataset.connection().execute("SELECT content, fold FROM fold WHERE folds=?", (count,))
    return dict(rows.fetchall())


def _together(dataset: Dataset, classes: Mapping[str, str]) -> list[list[str]]:
    """Those contents that share a fold, two and more each.

    A scene that is most of a class does not bind: held out as a whole, it would leave nothing to
    learn the class from. Its copies do.
    """
    sizes = Counter(classes.values())
    found: list[list[str]] = []
    for unit in _units(classes, kept_together(dataset)):
        inside = Counter(classes[content] for content in unit)
        if any(2 * number > sizes[name] for name, number in inside.items()):
            found += _units(unit, kept_together(dataset, COPIES))
        else:
            found.append(unit)
    return found


def _units(contents: Iterable[str], groups: Mapping[str, str]) -> list[list[str]]:
    """Those contents that share a fold, two and more each."""
    units: dict[str, list[str]] = defaultdict(list)
    for content in sorted(contents):
        if content in groups:
            units[groups[content]].append(content)
    return [unit for unit in units.values() if len(unit) > 1]


def _moved(together: Iterable[Sequence[str]], known: Mapping[str, int]) -> dict[str, int]:
    """New folds of contents that stand in another fold than most of their unit, or have none."""
    moved: dict[str, int] = {}
    for unit in together:
        folds = Counter(known[content] for content in unit if content in known)
        if not folds:
            continue
        most = max(folds.values())
        fold = min(fold for fold, number in folds.items() if number == most)
        moved |= {content: fold for content in unit if known.get(content) != fold}
    return moved


def _deal(
    classes: Mapping[str, str],
    together: Iterable[Sequence[str]],
    known: Mapping[str, int],
    count: int,
) -> dict[str, int]:
    """Folds for contents that have none, units first, since single ones fill up what is uneven."""
    filled: dict[str, Counter[int]] = defaultdict(Counter)
    overall: Counter[int] = Counter()
    for content, class_name in classes.items():
        if content in known:
            filled[class_name][known[content]] += 1
            overall[known[content]] += 1
    units = [unit for unit in together if unit[0] not in known]
    inside = {content for unit in units for content in unit}
    units += [[content] for content in classes.keys() - known.keys() - inside]
    dealt = {}
    for unit in sorted(units, key=lambda one: (-len(one), classes[one[0]], one)):
        own = Counter[int]()
        for class_name in {classes[content] for content in unit}:
            own.update(filled[class_name])
        fold = min(range(count), key=lambda fold: (own[fold], overall[fold], fold))
        for content in unit:
            filled[classes[content]][fold] += 1
            overall[fold] += 1
            dealt[content] = fold
    return dealt
