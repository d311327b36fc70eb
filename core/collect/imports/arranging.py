"""Which photo goes into which class: decided from names before a single photo is touched."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.collect.imports.csv_lists import read_class_list
from core.collect.imports.layouts import Layout, class_folder
from core.collect.imports.names import is_passed_over
from core.collect.imports.patterns import SECONDS_FOR_ALL, class_by_pattern
from core.dataset.names import canonical, check_class_name, photos, shown
from core.dataset.parts import meaning
from core.errors import DatasetError

MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How photos are to be sorted; chosen by a person, kept in a job's arguments."""

    layout: Layout
    prefix: str = ""  # folders that wrap everything
    pattern: str = ""  # "flat"
    list_name: str = ""  # "list": which of the files is the table
    list_path: str = ""  # "list": a table uploaded by itself, instead
    make_new: bool = True  # "list": whether classes may be made that the data set does not have
    class_name: str | None = None  # "unsorted": a class for all of them
    keep_parts: bool = False  # "split": keep train and valid apart, in a data set that is empty

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Plan":
        """A plan as a job's arguments hold it."""
        return cls(**arguments)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one photo goes."""

    name: str  # its path in what is brought in
    class_name: str | None  # None: unsorted
    part: str = ""  # "train", as the folder is called; empty where parts are not kept


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """What a plan means for these photos."""

    places: tuple[Place, ...]  # every photo, in the order of the names
    sentences: tuple[str, ...]  # what a person should know before it is done

    @property
    def classes(self) -> dict[str, int]:
        """Photos by class, by name."""
        named = (place.class_name for place in self.places)
        return dict(sorted(Counter(name for name in named if name is not None).items()))

    @property
    def unsorted(self) -> int:
        """How many go into no class."""
        return sum(place.class_name is None for place in self.places)


def arrange(
    names: Sequence[str],
    plan: Plan,
    *,
    known: Sequence[str],
    unsorted: str,
    read: Callable[[str], bytes],
    seconds: float = SECONDS_FOR_ALL,
) -> Arranged:
    """Give every photo its place.

    Args:
        names: Paths of all that is brought in.
        plan: How.
        known: Classes that the data set has.
        unsorted: Its folder that is no class.
        read: Gives what a table of classes holds.
        seconds: How long a pattern may take.

    Raises:
        WinnowError: If the pattern or the table cannot be used.
    """
    names = [name for name in names if not is_passed_over(name)]
    told: tuple[str, ...] = ()
    parts = [""] * len(names)
    found: Sequence[str | None]
    if plan.layout == "list":
        table = read_class_list(read(plan.list_name), names, known=known, make_new=plan.make_new)
        found = [table.classes.get(name) for name in names]
        told = table.sentences
        if table.unlisted:
            told += (f"{photos(len(table.unlisted))} not in the list: {_some(table.unlisted)}.",)
    elif plan.layout == "flat":
        found = class_by_pattern(plan.pattern, names, seconds=seconds)
        others = [name for name, one in zip(names, found, strict=True) if one is None]
        if others:
            told = (f"{photos(len(others))} not matched by the pattern: {_some(others)}.",)
    elif plan.layout == "unsorted":
        found = [plan.class_name] * len(names)
    else:
        found, parts = _by_folders(names, plan, unsorted)
        if plan.layout == "split" and not plan.keep_parts:
            told = (_merged(names, plan),)
    classes, refused = _settled(found, known, unsorted)
    return Arranged(
        places=tuple(
            Place(name=name, class_name=classes.get(one or ""), part=part)
            for name, one, part in zip(names, found, parts, strict=True)
        ),
        sentences=told + refused,
    )


def _by_folders(
    names: Sequence[str], plan: Plan, unsorted: str
) -> tuple[list[str | None], list[str]]:
    inside = [name.removeprefix(plan.prefix) for name in names]
    is_split = plan.layout == "split"
    found = [class_folder(name, split=is_split, unsorted=unsorted) for name in inside]
    if is_split and plan.keep_parts:
        return found, [name.partition("/")[0] for name in inside]
    return found, [""] * len(names)


def _merged(names: Sequence[str], plan: Plan) -> str:
    tops = {name.removeprefix(plan.prefix).partition("/")[0] for name in names}
    words = " and ".join(sorted(map(shown, tops)))
    if not any(meaning(top) == "train" for top in tops):
        return f"There is no folder train beside {words}: photos of one class come together."
    return (
        f"The division into {words} is not kept, since this data set has classes of its own: "
        "photos of one class come together."
    )


def _settled(
    found: Sequence[str | None], known: Sequence[str], unsorted: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The class that each name found stands for, and sentences on those that differ."""
    spelling = {canonical(name): name for name in known}
    counts = Counter(name for name in found if name)
    classes: dict[str, str] = {}
    sentences = []
    for name, count in counts.items():
        if canonical(name) == canonical(unsorted):
            continue
        same = spelling.get(canonical(name))
        if same is None:
            try:
                check_class_name(name, [])
            except DatasetError as error:
                sentences.append(f"{error} Its {photos(count)} will be unsorted.")
                continue
            same = spelling[canonical(name)] = name
        elif same != name:
            sentences.append(
                f"{shown(name)} and {shown(same)} differ only in capitals or accents' spelling; "
                f"they become one class, {shown(same)}."
            )
        classes[name] = same
    return classes, tuple(sentences)


def _some(names: Sequence[str]) -> str:
    words = ", ".join(shown(name) for name in names[:MOST_NAMED])
    return f"{words} and others" if len(names) > MOST_NAMED else words
