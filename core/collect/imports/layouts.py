"""How photos that are brought along are sorted, told from their paths alone.

A path is relative, with forward slashes; zip members, uploaded files and files in a folder look
alike here, and nothing is read but names.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.collect.folders import PICTURE_SUFFIXES
from core.collect.imports.names import is_label_list, is_passed_over
from core.collect.imports.patterns import Suggestion, suggest_patterns
from core.dataset.names import DEFAULT_UNSORTED, canonical, photos, shown
from core.dataset.parts import meaning

Layout = Literal["classes", "split", "flat", "list", "unsorted"]

MOST_NAMED = 6
MOSTLY = 0.9  # of the names: then classes are read out of them


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """What a look at the paths found."""

    layout: Layout
    prefix: str  # folders that wrap everything, such as "photos/"; else empty
    photos: int
    classes: dict[str, int]  # photos by class folder, by name; "classes" and "split"
    parts: dict[str, int]  # photos by train, valid, test; "split" alone
    loose: int  # photos in no class folder
    odd: int  # files whose names are not of pictures; they are brought along too
    lists: tuple[str, ...]  # tables that may name classes
    patterns: tuple[Suggestion, ...]  # ways to read classes out of the names
    sentence: str


def recognise(names: Sequence[str], *, unsorted: str = DEFAULT_UNSORTED) -> Recognised:
    """Tell how photos are sorted: "3 classes, 600 photos: cat 200, dog 300, fox 100."

    Args:
        names: Paths of all files; those that are no photos, such as hidden ones, count for nothing.
        unsorted: The folder that is no class.
    """
    lists = tuple(name for name in names if is_label_list(name))
    names = [name for name in names if not is_passed_over(name)]
    prefix = wrapper(names)
    inside = [name[len(prefix) :] for name in names]
    patterns: tuple[Suggestion, ...] = ()
    parts: dict[str, int] = {}
    layout: Layout
    if is_split(inside):
        layout = "split"
        parts = dict(Counter(name.partition("/")[0] for name in inside))
        classes = _classes([name.partition("/")[2] for name in inside], unsorted)
    else:
        classes = _classes(inside, unsorted)
        if len(classes) < 2:
            patterns = tuple(suggest_patterns(inside))
        layout = _layout(classes, inside, lists, patterns)
    loose = len(inside) - sum(classes.values())
    return Recognised(
        layout=layout,
        prefix=prefix,
        photos=len(inside),
        classes=classes,
        parts=parts,
        loose=loose,
        odd=sum(not _is_named_as_picture(name) for name in inside),
        lists=lists,
        patterns=patterns,
        sentence=_sentence(layout, len(inside), classes, parts, loose),
    )


def wrapper(names: Sequence[str]) -> str:
    """The folders that hold everything and are no class: "archive/photos/", or nothing."""
    prefix = ""
    while names and not is_split(names):
        tops = {name.partition("/")[0] for name in names}
        below = [name.partition("/")[2] for name in names]
        # A folder right around the photos is their class; around folders it is a wrapper.
        if len(tops) > 1 or not any("/" in name for name in below) or not all(below):
            break
        prefix += f"{tops.pop()}/"
        names = below
    return prefix


def is_split(names: Sequence[str]) -> bool:
    """Whether all top folders are parts such as train and valid, each with class folders in it.

    A class of trains exists: one other folder, or a photo beside them, and they are classes.
    """
    if not names:
        return False
    with_folders = set()
    tops = set()
    for name in names:
        top, _, rest = name.partition("/")
        tops.add(top)
        if "/" in rest:
            with_folders.add(top)
    return tops == with_folders and all(meaning(top) for top in tops)


def class_folder(name: str, *, split: bool, unsorted: str) -> str | None:
    """The class a path inside the wrapping folders stands for; None without one."""
    if split:
        name = name.partition("/")[2]
    top, slash, _ = name.partition("/")
    return None if not slash or canonical(top) == canonical(unsorted) else top


def _classes(inside: Sequence[str], unsorted: str) -> dict[str, int]:
    folders = (class_folder(name, split=False, unsorted=unsorted) for name in inside)
    counted = Counter(folder for folder in folders if folder is not None)
    return dict(sorted(counted.items()))


def _layout(
    classes: dict[str, int],
    inside: Sequence[str],
    lists: Sequence[str],
    patterns: Sequence[Suggestion],
) -> Layout:
    if len(classes) > 1:
        return "classes"
    if lists:
        return "list"
    # One folder of photos that are named after classes is a folder of everything.
    if patterns and patterns[0].matched >= MOSTLY * patterns[0].looked_at:
        return "flat"
    return "classes" if classes else "unsorted"


def _is_named_as_picture(name: str) -> bool:
    return f".{name.rpartition('.')[2].lower()}" in PICTURE_SUFFIXES


def _sentence(
    layout: Layout, total: int, classes: dict[str, int], parts: dict[str, int], loose: int
) -> str:
    if not total:
        return "There are no photos in it."
    if layout not in ("classes", "split"):
        return f"{photos(total)} in no class folders."
    number = f"{len(classes)} class" if len(classes) == 1 else f"{len(classes):,} classes"
    words = f"{number}, {photos(total)}: {_counted(classes)}."
    if layout == "split":
        words += f" They come divided: {_counted(parts)}."
    if loose:
        words += f" {photos(loose)} in no class folder."
    return words


def _counted(numbers: dict[str, int]) -> str:
    named = [f"{shown(name)} {number:,}" for name, number in list(numbers.items())[:MOST_NAMED]]
    more = len(numbers) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")
