"""Duplicates: files with the same bytes or pixels, copies of one photo, shots of one scene."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.dataset import Dataset
from core.dataset.alike import Kind, load_groups
from core.jobs.progress import JobResult, Task
from core.networks.alike import find_alike
from core.networks.backbones import DEFAULT


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Groups of present files, relative to the data set; each group and the groups by name."""

    exact: tuple[tuple[str, ...], ...]  # the same bytes, or the same pixels in other bytes
    near: tuple[tuple[str, ...], ...]  # one photo in several forms, exact copies among them
    scenes: tuple[tuple[str, ...], ...]  # other shots of one scene; no copies
    compared: int  # contents
    seconds: float  # beyond features


def find_duplicates(dataset: Dataset, *, backbone: str = DEFAULT) -> Task[Duplicates]:
    """Compare all photos, those in no class too, and keep the groups."""
    found = yield from find_alike(dataset, backbone=backbone)
    files: dict[str, list[str]] = defaultdict(list)
    for row in dataset.rows():
        if row.content:
            files[row.content].append(row.path)
    in_exact = {content for group in found.exact for content in group}
    same_bytes = [(content,) for content in files if content not in in_exact]
    return Duplicates(
        exact=_named([*found.exact, *same_bytes], files),
        near=_named(found.near, files),
        scenes=_named(found.scenes, files),
        compared=found.compared,
        seconds=found.seconds,
    )


def duplicates_job(root: str, backbone: str = DEFAULT) -> Task[JobResult]:
    """As ``find_duplicates``, for a process of its own; the result holds how many groups."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    found = yield from find_duplicates(dataset, backbone=backbone)
    return {
        "compared": found.compared,
        "exact": len(found.exact),
        "near": len(found.near),
        "scenes": len(found.scenes),
        "seconds": found.seconds,
    }


def groups_of_files(dataset: Dataset, kind: Kind) -> list[list[int]]:
    """Ids of the present files in each group of a kind; groups of a single file are left out."""
    by_content: dict[str, list[int]] = defaultdict(list)
    for row in dataset.rows():
        by_content[row.content].append(row.id)
    groups = [
        [file_id for content in group for file_id in by_content.get(content, ())]
        for group in load_groups(dataset, kind)
    ]
    return [group for group in groups if len(group) > 1]


def _named(
    groups: Iterable[Sequence[str]], files: dict[str, list[str]]
) -> tuple[tuple[str, ...], ...]:
    named = (
        sorted(file for content in group for file in files.get(content, ())) for group in groups
    )
    return tuple(sorted(tuple(group) for group in named if len(group) > 1))
