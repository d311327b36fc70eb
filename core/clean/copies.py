"""Groups of copies as files, which of them to keep, and what then goes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.dataset import Dataset, FileRow
from core.dataset.alike import load_groups
from core.dataset.catalogue import PRESENT
from core.dataset.facts import Facts, load_facts
from core.dataset.parts import Part, part_of
from core.dataset.rows import chunks
from core.dataset.sources import Source, sources_of

Rule = Literal["largest", "sharpest", "oldest", "source"]
RULES: Mapping[Rule, str] = {
    "largest": "the largest",
    "sharpest": "the sharpest",
    "oldest": "the oldest",
    "source": "the best source",
}


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Present files that show one photo, or one scene."""

    kind: Literal["exact", "near", "scene"]  # "exact": all of them have the same bytes or pixels
    files: tuple[FileRow, ...]  # two and more, by path

    @property
    def key(self) -> str:
        """Names the group as long as its files are the same."""
        return f"{self.kind}-{self.files[0].id}-{len(self.files)}"

    @property
    def classes(self) -> tuple[str | None, ...]:
        """The classes its files stand in; None for files in no class."""
        return tuple(sorted({row.class_name for row in self.files}, key=lambda name: name or ""))

    @property
    def across(self) -> bool:
        """Whether its files stand in several classes, of which one must be wrong."""
        return len([name for name in self.classes if name is not None]) > 1


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is kept of one group of copies."""

    group: Copies
    keep: FileRow
    go: tuple[FileRow, ...]


def copies(dataset: Dataset) -> list[Copies]:
    """All groups of copies, those across classes first, then by how many files they hold."""
    near, exact = load_groups(dataset, "near"), load_groups(dataset, "exact")
    same_pixels = {content: at for at, group in enumerate(exact) for content in group}
    return _ordered(_grouped(dataset, near, "near", same_pixels, twice=True))


def shots(dataset: Dataset) -> list[Copies]:
    """All scenes of which several photos are present; copies of each other count as one."""
    same = {
        content: at for at, group in enumerate(load_groups(dataset, "near")) for content in group
    }
    found = _grouped(dataset, load_groups(dataset, "scene"), "scene", {}, twice=False)
    return _ordered(
        [
            group
            for group in found
            if len({same.get(row.content, row.content) for row in group.files}) > 1
        ]
    )


def _grouped(
    dataset: Dataset,
    groups: Sequence[Sequence[str]],
    kind: Literal["near", "scene"],
    same_pixels: Mapping[str, int],
    *,
    twice: bool,
) -> list[Copies]:
    wanted = {content: at for at, group in enumerate(groups) for content in group}
    files: dict[int | str, list[FileRow]] = defaultdict(list)
    for row in _rows(dataset, [*wanted, *(_several(dataset) if twice else ())]):
        files[wanted.get(row.content, row.content)].append(row)
    found = []
    for rows in files.values():
        if len(rows) > 1:
            pixels = {same_pixels.get(row.content, row.content) for row in rows}
            exact = kind == "near" and len(pixels) == 1
            rows.sort(key=lambda row: row.path)
            found.append(Copies(kind="exact" if exact else kind, files=tuple(rows)))
    return found


def _several(dataset: Dataset) -> list[str]:
    """Contents that stand in several present files."""
    rows = dataset.connection().execute(
        f"SELECT content FROM file WHERE place={PRESENT} AND content<>'' "
        "GROUP BY content HAVING count(*)>1"
    )
    return [content for (content,) in rows]


def _rows(dataset: Dataset, contents: Sequence[str]) -> list[FileRow]:
    connection, ids = dataset.connection(), []
    for chunk in chunks(contents):
        marks = ",".join("?" * len(chunk))
        ids += connection.execute(
            f"SELECT id FROM file WHERE place={PRESENT} AND content IN ({marks})", chunk
        ).fetchall()
    return list(dataset.get(file_id for (file_id,) in ids).values())


def _ordered(groups: list[Copies]) -> list[Copies]:
    return sorted(groups, key=lambda one: (not one.across, -len(one.files), one.files[0].path))


def what_to_keep(dataset: Dataset, groups: Sequence[Copies], rule: Rule) -> list[Choice]:
    """The best file of each group by a rule, and the others, which would go.

    What the rule leaves open is settled by size in pixels, then in bytes, then by whether a file
    is in a class, then by the path.

    Raises:
        ValueError: If a group is a scene: its photos are no copies, and none of them is to go.
    """
    rows = [row for group in groups for row in group.files]
    facts = load_facts(dataset, {row.content for row in rows})
    sources = sources_of(dataset, (row.id for row in rows))
    since = _since(dataset, rows, sources) if rule == "oldest" else {}
    chosen = []
    for group in groups:
        if group.kind == "scene":
            raise ValueError("photos of one scene are no copies")

        def worth(row: FileRow) -> tuple[float, ...]:
            known = facts.get(row.content, Facts(0, 0, 0.0))
            by_rule = {
                "largest": 0.0,
                "sharpest": known.sharpness,
                "oldest": -since.get(row.id, 0.0),
                "source": float(_trust(sources.get(row.id))),
            }[rule]
            return (by_rule, known.pixels, row.bytes, row.class_name is not None)

        # The first by path among equals: max keeps the first.
        keep = max(group.files, key=worth)
        others = tuple(row for row in group.files if row is not keep)
        chosen.append(Choice(group=group, keep=keep, go=others))
    return chosen


def _trust(source: Source | None) -> int:
    """How well it is known where a photo came from: with a licence, a page, an address, or not."""
    if source is None:
        return 0
    return max(4 * bool(source.licence), 3 * bool(source.page), 2 * bool(source.url), 1)


def _since(
    dataset: Dataset, rows: Sequence[FileRow], sources: Mapping[int, Source]
) -> dict[int, float]:
    """Seconds since 1970 of the earliest that is known of each file."""
    since: dict[int, float] = {}
    for chunk in chunks(row.id for row in rows):
        marks = ",".join("?" * len(chunk))
        since |= {
            file_id: mtime_ns / 1e9
            for file_id, mtime_ns in dataset.connection().execute(
                f"SELECT id, mtime_ns FROM file WHERE id IN ({marks})", chunk
            )
        }
    for file_id, source in sources.items():
        since[file_id] = min(since.get(file_id, source.at), source.at)
    return since


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Files that look alike and stand on two sides of a data set's own split."""

    group: Copies
    train: tuple[FileRow, ...]
    held: tuple[FileRow, ...]  # in valid or test
    parts: tuple[Part, ...]  # that those are in


def leaks(dataset: Dataset) -> list[Leak]:
    """Copies, then scenes, that cross the split that a data set brings; none without one."""
    names = dataset.parts()
    if not names:
        return []
    found = []
    for group in (*copies(dataset), *shots(dataset)):
        sides: dict[Part, list[FileRow]] = defaultdict(list)
        for row in group.files:
            part = part_of(row.path, names)
            if part is not None:
                sides[part].append(row)
        if len(sides) > 1:
            # Between valid and test, test is what must stay unseen.
            first: Part = "train" if "train" in sides else "valid"
            held = tuple(part for part in sides if part != first)
            found.append(
                Leak(
                    group=group,
                    train=tuple(sides[first]),
                    held=tuple(row for part in held for row in sides[part]),
                    parts=held,
                )
            )
    return found


def crossing_pairs(leak: Leak) -> list[tuple[FileRow, FileRow]]:
    """Each file on the one side with each on the other."""
    return [(one, other) for one in leak.train for other in leak.held]
