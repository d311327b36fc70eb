"""One data set: a folder of class folders, its catalogue, its journal.

``Dataset`` may be shared by the threads of a server. Several processes may work on one data set.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal

from core.dataset import listings, plans, steps
from core.dataset.catalogue import Catalogue
from core.dataset.edits import EditOutcome, GalleryEdit, apply_edits
from core.dataset.journal import Again, Journal
from core.dataset.locking import TreeLock
from core.dataset.moving import goes_through_link
from core.dataset.names import DEFAULT_UNSORTED, check_class_name, shown
from core.dataset.parts import folder_for, found_parts, load_parts, sort_anew
from core.dataset.places import CATALOGUE, absolute, not_winnows_own, place_of, token_of
from core.dataset.reconcile import Reconciled, Reconciler
from core.dataset.rows import (
    FileRow,
    Listing,
    RemovedRow,
    removed_rows,
    row_at,
    rows_by_id,
)
from core.dataset.settings import load_setting, save_setting
from core.dataset.steps import Edit, Heading, Kind, Step
from core.errors import DatasetError
from core.jobs.progress import Task


class Dataset:
    """A data set on disk. Make one with ``open`` or ``create``."""

    def __init__(self, root: Path, home: Path, *, read_only: bool) -> None:
        self.root = root
        self.home = home  # catalogue, runs, thumbnails; ``.winnow``, or its stand-in
        self.read_only = read_only  # edits are refused
        self.token = token_of(root)  # 16 hexadecimal digits; stands for it in addresses
        self.finished_on_opening: dict[Again, Step] = {}  # an undo or redo that was cut short
        self._lock = TreeLock(home)
        self._catalogue = Catalogue(home / CATALOGUE)
        self._journal = Journal(root, self._catalogue)
        self._listing = Listing(self._catalogue)

    @classmethod
    def open(cls, root: Path) -> "Dataset":
        """Open a folder as a data set, finishing what a crash left. The folder is not read yet.

        Raises:
            DatasetError: If there is no such folder, or its catalogue cannot be opened; if it is
                one of Winnow's own.
        """
        root = not_winnows_own(absolute(root))
        if not os.path.isdir(root):
            raise DatasetError(
                f"There is no folder {shown(str(root))}. Choose the folder that holds your "
                "class folders."
            )
        place = place_of(root)
        dataset = cls(root, place.home, read_only=place.read_only)
        dataset.finished_on_opening = dataset._recover_if_idle()
        return dataset

    @classmethod
    def create(cls, root: Path, classes: Sequence[str] = ()) -> "Dataset":
        """Make a folder with class folders and open it. An empty folder may be there already.

        Raises:
            DatasetError: If the folder holds something, or a class name is refused.
        """
        root = not_winnows_own(absolute(root))
        for index, name in enumerate(classes):
            check_class_name(name, [DEFAULT_UNSORTED, *classes[:index]])
        try:
            root.mkdir(parents=True, exist_ok=True)
            if any(not name.startswith(".") for name in os.listdir(root)):
                raise DatasetError(
                    f"{shown(str(root))} is not empty. Open it instead, or choose another name."
                )
            for name in classes:
                (root / name).mkdir(exist_ok=True)
        except OSError as error:
            raise DatasetError(
                f"{shown(str(root))} cannot be made ({error.strerror or error}). "
                "Choose another place."
            ) from error
        dataset = cls.open(root)
        for _ in dataset.refresh():
            pass
        return dataset

    # What is there

    @property
    def unsorted(self) -> str:
        """The name of the folder for photos without a class."""
        return self.setting("unsorted", DEFAULT_UNSORTED) or DEFAULT_UNSORTED

    def reconcile(self) -> Task[Reconciled]:
        """Look at every file and bring the catalogue up to the tree; phase ``index``.

        Stopping it loses nothing that was reported.
        """
        yield from ()
        self._recover_if_idle()
        return (yield from self._reconciler().run(everything=True))

    def refresh(self) -> Task[Reconciled]:
        """Look into the folders whose own time changed: quick enough for every click.

        It finds what was added, renamed or taken away by hand, not a file rewritten in place.
        On a data set never looked at before it looks at everything.
        """
        yield from ()
        self._recover_if_idle()
        return (yield from self._reconciler().run(everything=False))

    def version(self) -> int:
        """A number that grows with every change by anyone."""
        return self._catalogue.version()

    def classes(self) -> list[str]:
        """The class folders, emptied ones too, by name."""
        return listings.classes(self.connection(), self.unsorted)

    def parts(self) -> tuple[str, ...]:
        """The top folders of a data set that brings its own split, such as "train" and "valid".

        Class folders lie in them then; see ``core.dataset.parts``. Empty for all other data sets.
        """
        return load_parts(self.connection())

    def part_counts(self) -> dict[str, int]:
        """Present photos with a class in each of those folders."""
        return listings.part_counts(self.connection())

    def folder_for(self, class_name: str | None) -> str:
        """The folder that new photos of a class go to, relative to the data set.

        None stands for photos without a class. In a data set that brings its own split, new
        photos are for training.
        """
        return folder_for(class_name or self.unsorted, self.parts(), unsorted=self.unsorted)

    def counts(self) -> dict[str, int]:
        """Present photos of each class."""
        return listings.counts(self.connection(), self.classes())

    def unsorted_count(self) -> int:
        """How many present photos have no class."""
        return listings.unsorted_count(self.connection())

    def removed_count(self) -> int:
        """How many removed photos could be restored."""
        return listings.removed_count(self.connection())

    def rows(self, *, class_name: str | None | Literal["*"] = "*") -> list[FileRow]:
        """Present photos by path: all, those of a class, or with None those without."""
        if class_name == "*":
            return self._listing.all()
        return self._listing.of_class(class_name)

    def removed_rows(self) -> list[RemovedRow]:
        """The removed photos, last removed first."""
        return removed_rows(self.connection())

    def get(self, ids: Iterable[int]) -> dict[int, FileRow]:
        """The present ones among some photos."""
        return rows_by_id(self.connection(), ids)

    def find(self, path: str) -> FileRow:
        """The present photo at a path, relative to the data set or absolute inside it.

        Raises:
            DatasetError: If it lies outside, behind a link, or is no photo of the data set.
        """
        relative = self._relative(path)
        try:
            is_behind_link = goes_through_link(self.root, relative)
        except OSError as error:
            raise DatasetError(
                f"{shown(path)} cannot be looked up ({error.strerror or error}). Check the name."
            ) from error
        if is_behind_link:
            raise DatasetError(
                f"{shown(path)} is a link, or lies behind one. Winnow leaves links alone: "
                "name the file itself."
            )
        row = row_at(self.connection(), relative)
        if row is None:
            raise DatasetError(
                f"There is no photo {shown(path)} in this data set. Check the name; it is "
                "relative to the data set's folder."
            )
        return row

    def by_content(self, content: str) -> Path | None:
        """A file with this content: a present one, else a removed one, else None.

        One that came to lie behind a link since the last look is passed over.
        """
        for relative in listings.paths_by_content(self.connection(), content):
            if not goes_through_link(self.root, relative):
                return self.root / relative
        return None

    def path_of(self, row: FileRow) -> Path:
        """Where a photo lies on disk."""
        return self.root / row.path

    def connection(self) -> sqlite3.Connection:
        """This thread's connection to the catalogue; each statement commits by itself."""
        return self._catalogue.connection()

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """One transaction on the catalogue, for tables of one's own."""
        return self._catalogue.writing()

    def setting(self, key: str, default: str | None = None) -> str | None:
        """A setting kept with the data set."""
        return load_setting(self.connection(), key, default)

    def set_setting(self, key: str, value: str) -> None:
        """Keep a setting with the data set. ``unsorted`` names the folder without a class.

        Raises:
            DatasetError: If a name given for ``unsorted`` cannot be one.
        """
        with self._catalogue.writing() as connection:
            if key == "unsorted" and value != self.unsorted:
                check_class_name(value, [])
                parts = found_parts(self.root, connection, unsorted=value)
                version = self._catalogue.bump()
                sort_anew(connection, unsorted=value, parts=parts, version=version)
            save_setting(connection, key, value)

    # Edits, each call one step

    def relabel(
        self, ids: Iterable[int], class_name: str, *, new: bool = False, edit: Edit | None = None
    ) -> Step:
        """Move photos into a class, or with the unsorted folder's name out of any.

        Args:
            ids: The photos. Those in the class already stay as they are.
            class_name: A class there is, or with ``new`` one to make.
            new: Whether the class may be made.
            edit: The gallery edit this carries out.

        Raises:
            DatasetError: If the class is not known or its name is refused; if the data set is
                read-only.
        """
        with self._editing():
            plans.require_class(class_name, self.classes(), unsorted=self.unsorted, new=new)
            rows = self.get(ids).values()
            wishes = plans.relabel(rows, class_name, unsorted=self.unsorted, parts=self.parts())
            creates = plans.missing_folders(self.root, wishes)
            return self._journal.perform(
                "relabel", wishes, unsorted=self.unsorted, edit=edit, creates=creates
            )

    def remove(self, ids: Iterable[int], *, edit: Edit | None = None) -> Step:
        """Move photos to the removed ones.

        Raises:
            DatasetError: If the data set is read-only.
        """
        with self._editing():
            rows = self.get(ids).values()
            wishes = plans.remove(rows, unsorted=self.unsorted, parts=self.parts())
            return self._journal.perform("remove", wishes, unsorted=self.unsorted, edit=edit)

    def restore(self, ids: Iterable[int]) -> Step:
        """Put removed photos back where they were.

        Raises:
            DatasetError: If the data set is read-only.
        """
        with self._editing():
            wishes = plans.restore(
                self.connection(), list(ids), unsorted=self.unsorted, parts=self.parts()
            )
            return self._journal.perform("restore", wishes, unsorted=self.unsorted)

    def undo(self) -> Step:
        """Take back the data set's last step, whoever made it.

        A file changed or gone since is left alone and named in ``skipped``. An undo that was cut
        short is finished instead.

        Raises:
            DatasetError: If nothing is left to undo; if the data set is read-only.
        """
        with self._editing() as finished:
            return finished.get("undo") or self._journal.undo(unsorted=self.unsorted)

    def redo(self) -> Step:
        """Do again the step that was undone last. A redo that was cut short is finished instead.

        Raises:
            DatasetError: If nothing is left to redo; if the data set is read-only.
        """
        with self._editing() as finished:
            return finished.get("redo") or self._journal.redo(unsorted=self.unsorted)

    def next_undo(self) -> Heading | None:
        """The step that ``undo`` would take back."""
        return self._heading(steps.last_done(self.connection()))

    def next_redo(self) -> Heading | None:
        """The step that ``redo`` would do again."""
        return self._heading(steps.last_undone(self.connection()))

    def history(self, limit: int = 100, *, kinds: Collection[Kind] = steps.KINDS) -> list[Step]:
        """The last steps of some kinds, newest first, undone ones too."""
        connection = self.connection()
        return [
            steps.load_step(connection, step_id)
            for step_id in steps.newest(connection, limit, kinds)
        ]

    def edited_since(self, step: int | None) -> bool:
        """Whether a relabelling, removal or restoring after a step stands; None: any at all."""
        return steps.edited_since(self.connection(), step or 0)

    def apply_edits(self, client: str, edits: Sequence[GalleryEdit]) -> EditOutcome:
        """Carry out a gallery's edits in order, each once however often it is sent.

        Raises:
            DatasetError: If the data set is read-only. Nothing is acknowledged then.
        """
        with self._editing():
            return apply_edits(self, self._journal, client, edits)

    @contextmanager
    def editing(self) -> Iterator[Journal]:
        """Hold the lock, for edits of the ground's own: the journal, with nothing unfinished in it.

        Raises:
            DatasetError: If the data set is read-only.
        """
        with self._editing():
            yield self._journal

    # Inside

    def _heading(self, step_id: int | None) -> Heading | None:
        return None if step_id is None else steps.heading(self.connection(), step_id)

    def _reconciler(self) -> Reconciler:
        return Reconciler(self.root, self._catalogue, self._locked, unsorted=self.unsorted)

    @contextmanager
    def _locked(self) -> Iterator[dict[Again, Step]]:
        """Hold the lock, with whatever a crash left finished; yields what was."""
        with self._lock.held():
            yield self._journal.recover(unsorted=self.unsorted)

    @contextmanager
    def _editing(self) -> Iterator[dict[Again, Step]]:
        if self.read_only:
            raise DatasetError(
                f"{shown(str(self.root))} cannot be written, so nothing in it can be changed. "
                "Work on a copy instead."
            )
        with self._locked() as finished:
            yield finished

    def _recover_if_idle(self) -> dict[Again, Step]:
        """Finish what a crash left, unless a process is at work on it; returns what was."""
        if not self.read_only and self._journal.needs_recovery():
            with self._lock.tried() as is_held:
                if is_held:
                    return self._journal.recover(unsorted=self.unsorted)
        return {}

    def _relative(self, path: str) -> str:
        outside = DatasetError(
            f"{shown(path)} lies outside the data set {shown(str(self.root))}. "
            "Name a photo inside it."
        )
        if "\0" in path:
            raise outside
        place = Path(os.path.normpath(self.root / path))
        if not place.is_relative_to(self.root):
            place = Path(os.path.realpath(place.parent)) / place.name
        if not place.is_relative_to(self.root):
            raise outside
        return place.relative_to(self.root).as_posix()
