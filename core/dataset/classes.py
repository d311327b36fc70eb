"""Classes made, renamed, merged, split, deleted and put in order: each call one step to undo."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from core.dataset import plans
from core.dataset.class_acts import ClassAct, load_order
from core.dataset.intended import Wish
from core.dataset.journal import Journal
from core.dataset.names import (
    canonical,
    check_class_name,
    decoded,
    folder_of,
    name_of,
    shown,
)
from core.dataset.parts import split_parts
from core.dataset.rows import FileRow
from core.dataset.steps import Edit, Kind, Step
from core.errors import DatasetError

if TYPE_CHECKING:
    from core.dataset.dataset import Dataset

LARGEST_NAMED = 3  # classes of a merge that its words name


def class_order(dataset: "Dataset") -> list[str]:
    """The classes in the order of the digit keys: as chosen, then the others by name."""
    there = dataset.classes()
    chosen = [name for name in load_order(dataset.connection()) if name in there]
    known = set(chosen)
    return chosen + [name for name in there if name not in known]


def check_new_class(dataset: "Dataset", name: str) -> None:
    """Refuse a name that no new class of this data set can have.

    Raises:
        DatasetError: With what is wrong and what to do.
    """
    _check_name(dataset, name, dataset.classes())
    folder = dataset.folder_for(name)
    _check_free(dataset, folder)
    _check_reading(dataset, added=[folder])


def add_class(dataset: "Dataset", name: str) -> Step:
    """Make an empty class. Its digit key is the next free one.

    Raises:
        DatasetError: If its name is refused, or its folder cannot be made.
    """
    with dataset.editing() as journal:
        check_new_class(dataset, name)
        act = ClassAct(words=f"Added class {shown(name)}", order=(*class_order(dataset), name))
        return _done(
            journal.perform(
                "add_class",
                [],
                unsorted=dataset.unsorted,
                creates=_with_parents(dataset, dataset.folder_for(name)),
                act=act,
            ),
            f"The folder {shown(name)} could not be made. Check that you may write there.",
        )


def rename_class(dataset: "Dataset", name: str, new_name: str) -> Step:
    """Give a class another name. Its digit key stays.

    Its folder is renamed as a whole, with whatever else lies in it. Photos removed from it are
    restored to the class by its new name.

    Raises:
        DatasetError: If there is no such class, or the new name is refused.
    """
    with dataset.editing() as journal:
        folders = _folders_of(dataset, name)
        if new_name == name:
            return journal.nothing("rename_class")
        _check_name(dataset, new_name, [one for one in dataset.classes() if one != name])
        pairs = [(folder, _renamed(folder, new_name)) for folder in folders]
        for before, after in pairs:
            _check_free(dataset, after, unless=before)
        below = {
            after + one[len(before) :]
            for before, after in pairs
            for one in _known_folders(dataset)
            if f"{one}/".startswith(f"{before}/")
        }
        _check_reading(dataset, added=below, gone=folders)
        wishes = [
            _wish(row, f"{after}{row.path[len(before) :]}", source=name, target=new_name)
            for before, after in pairs
            for row in dataset.rows(class_name=name)
            if row.path.startswith(f"{before}/")
        ]
        order = [new_name if one == name else one for one in class_order(dataset)]
        act = ClassAct(
            words=f"Renamed class {shown(name)} to {shown(new_name)}",
            renames=tuple(pairs),
            order=tuple(order),
        )
        step = journal.perform("rename_class", wishes, unsorted=dataset.unsorted, act=act)
        return _done(
            step,
            f"The folder {shown(name)} could not be renamed. Check that no other program has it "
            "open and that you may write there.",
        )


def merge_classes(dataset: "Dataset", names: Sequence[str], into: str) -> Step:
    """Move all photos of some classes into another one, and take their folders away.

    A folder stays, as an empty class, where something else than photos lies in it.

    Raises:
        DatasetError: If there is no such class, or nothing to merge.
    """
    with dataset.editing() as journal:
        names = [name for name in dict.fromkeys(names) if name != into]
        _folders_of(dataset, into)
        if not names:
            raise DatasetError("Choose two classes at least to merge.")
        whole = f"{len(names):,} classes"
        if len(names) <= LARGEST_NAMED:
            whole = ("class " if len(names) == 1 else "classes ") + ", ".join(map(shown, names))
        return _dissolve(
            dataset, journal, "merge_class", names, into, f"Merged {whole} into {shown(into)}"
        )


def delete_class(dataset: "Dataset", name: str) -> Step:
    """Take a class away; its photos become unsorted. No photo is removed.

    Its folder stays, as an empty class, where something else than photos lies in it.

    Raises:
        DatasetError: If there is no such class.
    """
    with dataset.editing() as journal:
        return _dissolve(
            dataset,
            journal,
            "delete_class",
            [name],
            dataset.unsorted,
            f"Deleted class {shown(name)}",
        )


def split_off(
    dataset: "Dataset", ids: Iterable[int], name: str, *, edit: Edit | None = None
) -> Step:
    """Move some photos, of whatever classes, into a new class.

    Args:
        dataset: The data set.
        ids: The photos.
        name: Of the new class.
        edit: The gallery edit this carries out.

    Raises:
        DatasetError: If the new name is refused, or none of the photos is there any more.
    """
    with dataset.editing() as journal:
        check_new_class(dataset, name)
        rows = list(dataset.get(ids).values())
        if not rows:
            raise DatasetError("Choose the photos for the new class first.")
        wishes = plans.relabel(rows, name, unsorted=dataset.unsorted, parts=dataset.parts())
        act = ClassAct(
            words=f"Split off the new class {shown(name)}", order=(*class_order(dataset), name)
        )
        return _done(
            journal.perform(
                "split_class",
                wishes,
                unsorted=dataset.unsorted,
                edit=edit,
                creates=plans.missing_folders(dataset.root, wishes),
                act=act,
            ),
            f"The folder {shown(name)} could not be made. Check that you may write there.",
        )


def order_classes(dataset: "Dataset", names: Sequence[str]) -> Step:
    """Choose which class has which digit key; classes not named come after those named.

    Raises:
        DatasetError: If a name is no class's.
    """
    with dataset.editing() as journal:
        for name in names:
            _folders_of(dataset, name)
        before = class_order(dataset)
        first = list(dict.fromkeys(names))
        order = first + [name for name in before if name not in first]
        if order == before:
            return journal.nothing("order_classes")
        act = ClassAct(words="Changed which class has which key", order=tuple(order))
        return journal.perform("order_classes", [], unsorted=dataset.unsorted, act=act)


def relabel_each(dataset: "Dataset", goals: Mapping[int, str]) -> Step:
    """Move photos each into a class of its own, all as one step.

    Args:
        dataset: The data set.
        goals: Photos with the class for each. Those in it already, or no longer there, stay.

    Raises:
        DatasetError: If there is no such class; if the data set is read-only.
    """
    with dataset.editing() as journal:
        classes, unsorted, parts = dataset.classes(), dataset.unsorted, dataset.parts()
        by_class: dict[str, list[FileRow]] = {}
        for row in dataset.get(goals).values():
            by_class.setdefault(goals[row.id], []).append(row)
        wishes = []
        for name, rows in by_class.items():
            plans.require_class(name, classes, unsorted=unsorted, new=False)
            wishes += plans.relabel(rows, name, unsorted=unsorted, parts=parts)
        creates = plans.missing_folders(dataset.root, wishes)
        return journal.perform("relabel", wishes, unsorted=unsorted, creates=creates)


def left_over(dataset: "Dataset", names: Iterable[str]) -> list[str]:
    """Those of some dissolved classes whose folder stayed, as something else lies in it."""
    there = set(dataset.classes())
    return [name for name in names if name in there]


def _dissolve(
    dataset: "Dataset",
    journal: Journal,
    kind: Kind,
    names: Sequence[str],
    into: str,
    words: str,
) -> Step:
    folders = [folder for name in names for folder in _folders_of(dataset, name)]
    _check_reading(dataset, gone=folders)
    rows = [row for name in names for row in dataset.rows(class_name=name)]
    wishes = plans.relabel(rows, into, unsorted=dataset.unsorted, parts=dataset.parts())
    act = ClassAct(
        words=words,
        clears=tuple(folders),
        order=tuple(one for one in class_order(dataset) if one not in names),
    )
    return _done(
        journal.perform(
            kind,
            wishes,
            unsorted=dataset.unsorted,
            creates=plans.missing_folders(dataset.root, wishes),
            act=act,
        ),
        f"The folder {shown(names[0])} holds something else than photos, so it was left there. "
        "Look into it in your file manager.",
    )


def _done(step: Step, otherwise: str) -> Step:
    if not step.id:
        raise DatasetError(otherwise)
    return step


def _wish(row: FileRow, after: str, *, source: str, target: str) -> Wish:
    return Wish(
        file_id=row.id,
        before=row.path,
        after=after,
        source=source,
        target=target,
        content=row.content,
    )


def _check_name(dataset: "Dataset", name: str, others: Iterable[str]) -> None:
    check_class_name(name, [*others, dataset.unsorted])


def _check_free(dataset: "Dataset", folder: str, *, unless: str | None = None) -> None:
    """Refuse a folder whose place is taken by something that is no class."""
    try:
        neighbours = os.listdir(dataset.root / folder_of(folder))
    except OSError:
        return
    name, own = name_of(folder), None if unless is None else name_of(unless)
    for other in neighbours:
        if other != own and canonical(other) == canonical(name):
            raise DatasetError(
                f"There is something called {shown(other)} in the folder already. "
                "Choose another name, or move it away."
            )


def _check_reading(
    dataset: "Dataset", *, added: Iterable[str] = (), gone: Iterable[str] = ()
) -> None:
    """Refuse a change by which the folders would come to be read in another way.

    Folders called train and valid alone are a split, and the classes lie in them: see ``parts``.
    """
    folders = _known_folders(dataset)
    lost = tuple(f"{folder}/" for folder in gone)
    left = {one for one in folders if not (f"{one}/").startswith(lost)} if lost else set(folders)
    before = split_parts(folders, unsorted=dataset.unsorted)
    after = split_parts(left | set(added), unsorted=dataset.unsorted)
    if bool(before) == bool(after):
        return
    if after:
        raise DatasetError(
            "With that name all folders would be called as the parts of a split are (train, "
            "valid, test), and Winnow would look for the classes in them. Choose another name."
        )
    raise DatasetError(
        "This is the last class in the training part. Without it Winnow would take the parts "
        "themselves for classes. Add another class first."
    )


def _folders_of(dataset: "Dataset", name: str) -> list[str]:
    """Where a class's photos lie: one folder, or one in each part.

    Raises:
        DatasetError: If there is no such class.
    """
    plans.require_class(name, dataset.classes(), unsorted=dataset.unsorted, new=False)
    if name == dataset.unsorted:
        raise DatasetError(
            f"{shown(name)} is where photos without a class lie. It cannot be changed here."
        )
    parts = dataset.parts()
    wanted = [f"{part}/{name}" for part in parts] or [name]
    there = _known_folders(dataset)
    return [folder for folder in wanted if folder in there]


def _known_folders(dataset: "Dataset") -> set[str]:
    rows = dataset.connection().execute("SELECT path FROM folder")
    return {decoded(path) for (path,) in rows}


def _renamed(folder: str, name: str) -> str:
    parent = folder_of(folder)
    return f"{parent}/{name}" if parent else name


def _with_parents(dataset: "Dataset", folder: str) -> list[str]:
    wanted = [one for one in (folder_of(folder), folder) if one]
    return [one for one in wanted if not os.path.isdir(dataset.root / one)]
