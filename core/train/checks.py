"""What can be said of a data set before it is trained on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.dataset import Dataset, FileRow
from core.dataset.parts import Part
from core.errors import TrainingError
from core.train.given_split import about_split, by_part, with_classes

FEW_PHOTOS = 20  # a class below this is judged roughly
UNEVEN = 10  # times as many photos in the largest class as in the smallest
NAMES_TOLD = 5
NONE_TO_JUDGE = (
    "Every class has a single photo, so none is left to judge the model on. "
    "Add at least one more photo to each class."
)

TOO_FEW_IN_TRAIN = (
    "Every class has a single photo in train, which is too little to learn from. "
    "Add at least one more photo to each class."
)


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a run would train on."""

    rows: tuple[FileRow, ...]  # photos in classes, by path
    classes: tuple[str, ...]  # classes with photos, in the data set's order
    warnings: tuple[str, ...]  # sentences
    # What the data set's own split keeps for judging, part by part: no head trains on it.
    held: Mapping[Part, tuple[FileRow, ...]]


def before_training(dataset: Dataset) -> list[str]:
    """Sentences the user should read before training.

    Raises:
        TrainingError: If nothing can be learnt as the data set stands; says what to do.
    """
    return list(material(dataset, dataset.rows()).warnings)


def material(dataset: Dataset, rows: Iterable[FileRow]) -> Material:
    """Those of some photos that can be trained on, in classes; see ``before_training``."""
    parts = dataset.parts()
    apart = by_part((row for row in rows if row.class_name is not None), parts)
    photos = apart.pop("train", ())
    filled = {row.class_name for row in photos}
    every = dataset.classes()
    every += sorted(str(name) for name in filled.difference(every))  # gone since the rows were read
    distinct = _distinct(photos)
    where = " in train" if parts else ""
    _refuse_if_hopeless(dataset, photos, distinct, where)
    classes = tuple(name for name in every if name in filled)
    elsewhere = {row.class_name for held in apart.values() for row in held}
    empty = [name for name in every if name not in filled | elsewhere]
    return Material(
        rows=photos,
        classes=classes,
        warnings=(
            *_warnings(photos, empty, distinct, where),
            *(about_split(photos, apart, classes) if parts else ()),
        ),
        held=with_classes(apart, classes),
    )


def _distinct(rows: Sequence[FileRow]) -> dict[str, int]:
    """Different contents per class."""
    contents: dict[str, set[str]] = {}
    for row in rows:
        contents.setdefault(str(row.class_name), set()).add(row.content)
    return {name: len(group) for name, group in contents.items()}


def _refuse_if_hopeless(
    dataset: Dataset, rows: Sequence[FileRow], distinct: dict[str, int], where: str
) -> None:
    if not rows:
        raise TrainingError(
            f"No photos in classes{where} in {dataset.root}. "
            "Put photos into a folder for each class, then train."
        )
    if len(distinct) == 1:
        raise TrainingError(
            f"All photos{where} are in one class, “{next(iter(distinct))}”. "
            "Training needs at least two classes: put photos of something else into a second one."
        )
    if len({row.content for row in rows}) == 1:
        raise TrainingError(
            f"All {len(rows)} photos{where} are copies of the same picture, "
            "so there is nothing to tell apart. Add different photos to the classes."
        )
    if max(distinct.values()) == 1:
        raise TrainingError(TOO_FEW_IN_TRAIN if where else NONE_TO_JUDGE)


def _warnings(
    rows: Sequence[FileRow], empty: Sequence[str], distinct: dict[str, int], where: str
) -> list[str]:
    said = []
    if empty:
        said.append(f"{_named(empty)} no photos and {_be(empty)} left out.")
    alone = [name for name, count in distinct.items() if count == 1]
    if alone:
        said.append(
            f"{_named(alone)} a single photo{where}: the model trains on it, but cannot be judged "
            "on it. Add more photos."
        )
    few = [name for name, count in distinct.items() if 1 < count < FEW_PHOTOS]
    if few:
        said.append(
            f"{_named(few)} fewer than {FEW_PHOTOS} different photos{where}: "
            "what the model says there is rough."
        )
    counts = Counter(str(row.class_name) for row in rows)
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[largest] >= UNEVEN * counts[smallest]:
        said.append(
            f"Classes are very uneven: {counts[largest]:,} photos in “{largest}”, "
            f"{counts[smallest]:,} in “{smallest}”. The model will lean towards the larger ones."
        )
    said += _shared(rows)
    return said


def _shared(rows: Sequence[FileRow]) -> list[str]:
    """A sentence if the same picture stands in more than one class."""
    homes: dict[str, set[str]] = {}
    for row in rows:
        homes.setdefault(row.content, set()).add(str(row.class_name))
    shared = [row for row in rows if len(homes[row.content]) > 1]
    if not shared:
        return []
    pictures = len({row.content for row in shared})
    what = "One picture stands" if pictures == 1 else f"{pictures:,} pictures stand"
    return [
        f"{what} in more than one class (such as {shared[0].path}): "
        "in all but one of them it is counted as wrong. Remove it from the others."
    ]


def _named(names: Sequence[str]) -> str:
    told = ", ".join(f"“{name}”" for name in names[:NAMES_TOLD])
    more = f" and {len(names) - NAMES_TOLD} more" if len(names) > NAMES_TOLD else ""
    if len(names) == 1:
        return f"The class {told} has"
    return f"The classes {told}{more} have"


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
