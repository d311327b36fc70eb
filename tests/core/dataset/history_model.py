"""A data set as a few dictionaries: where each photo is, what was done, what was undone."""

from dataclasses import dataclass, field

REMOVED = ".winnow/removed"
# Steps that are nothing but their photos' moves: without a photo left, they leave undo.
PLAIN = ("relabel", "remove", "restore", "collect")


@dataclass
class Photo:
    """Where a photo is, and what it holds."""

    path: str
    text: str

    @property
    def is_removed(self) -> bool:
        return self.path.startswith(f"{REMOVED}/")

    @property
    def folder(self) -> str:
        return REMOVED if self.is_removed else self.path.rpartition("/")[0]


@dataclass
class Moved:
    """One photo of a step: where undo must find it, or redo."""

    file_id: int
    before: str
    after: str
    text: str
    taken_back: bool = False


@dataclass
class Done:
    """One step."""

    id: int
    kind: str
    moved: list[Moved]


@dataclass
class Expected:
    """What taking a step back, or doing it again, must move and must leave alone."""

    step: Done
    there: list[Moved]
    left_alone: list[Moved]


@dataclass
class Model:
    """All that matters of a data set."""

    photos: dict[int, Photo] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    undone: list[Done] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)  # for good
    versions: dict[int, dict[int, Photo]] = field(default_factory=dict)

    def did(self, step_id: int, kind: str, moved: list[Moved]) -> None:
        """Something new was done: what is undone cannot be redone any more."""
        self.done.append(Done(step_id, kind, moved))
        self.undone.clear()

    def expect_undo(self) -> Expected:
        step = self.done.pop()
        self.undone.append(step)
        waiting = [one for one in step.moved if not one.taken_back]
        there = [one for one in waiting if self.stands(one, one.after)]
        return Expected(step, there, [one for one in waiting if one not in there])

    def undid(self, expected: Expected, now: dict[int, str]) -> None:
        for one in expected.there:
            one.before, one.taken_back = now[one.file_id], True
            self.photos[one.file_id].path = one.before

    def expect_redo(self) -> Expected:
        step = self.undone.pop()
        self.done.append(step)
        waiting = [one for one in step.moved if one.taken_back]
        there = [one for one in waiting if self.stands(one, one.before)]
        return Expected(step, there, [one for one in waiting if one not in there])

    def redid(self, expected: Expected, now: dict[int, str]) -> None:
        for one in expected.there:
            one.after, one.taken_back = now[one.file_id], False
            self.photos[one.file_id].path = one.after

    def stands(self, moved: Moved, path: str) -> bool:
        photo = self.photos.get(moved.file_id)
        return photo is not None and (photo.path, photo.text) == (path, moved.text)

    def delete(self, ids: list[int]) -> None:
        """Delete photos for good; steps with no photo left are neither undone nor redone."""
        for file_id in ids:
            del self.photos[file_id]
        self.deleted.update(ids)
        for steps in (self.done, self.undone):
            steps[:] = [
                step
                for step in steps
                if step.kind not in PLAIN
                or any(one.file_id not in self.deleted for one in step.moved)
            ]

    def name_version(self, version: int) -> None:
        self.versions[version] = {
            file_id: Photo(photo.path, photo.text)
            for file_id, photo in self.photos.items()
            if not photo.is_removed
        }

    def difference(self, version: int) -> dict[str, int]:
        """How many photos were moved to another class, are gone, came, or were rewritten."""
        then = self.versions[version]
        now = {one: photo for one, photo in self.photos.items() if not photo.is_removed}
        both = then.keys() & now.keys()
        return {
            "moved": sum(_class(then[one]) != _class(now[one]) for one in both),
            "gone": len(then.keys() - now.keys()),
            "came": len(now.keys() - then.keys()),
            "rewritten": sum(then[one].text != now[one].text for one in both),
        }


def _class(photo: Photo) -> str:
    return photo.folder.rpartition("/")[2]
