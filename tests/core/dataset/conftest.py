"""Small data sets to move about, and what lies in them on disk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.dataset import Dataset


def finish(task):
    """Run long work to its end and return its result."""
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="session")
def run() -> Callable:
    """Run long work to its end and return its result."""
    return finish


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., Dataset]:
    """Make and open a data set: ``make_set({"cat": 3, "unsorted": 1})``.

    Its files hold their own first path, which no other file holds.
    """

    def make(counts: dict[str, int], *, name: str = "photos") -> Dataset:
        root = tmp_path / name
        for folder, count in counts.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                path = f"{folder}/{number}.jpg" if folder else f"{number}.jpg"
                (root / path).write_text(path)
        dataset = Dataset.open(root)
        finish(dataset.reconcile())
        return dataset

    return make


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, str]]:
    """What lies in a data set on disk, the removed files too: path to text."""

    def read(root: Path) -> dict[str, str]:
        found = {}
        for path in root.rglob("*"):
            relative = path.relative_to(root).as_posix()
            own = relative.startswith(".winnow") and not relative.startswith(".winnow/removed/")
            if path.is_file() and not own:
                found[relative] = path.read_text()
        return found

    return read


@pytest.fixture(scope="session")
def catalogued() -> Callable[[Dataset], set[str]]:
    """The paths the catalogue has for present and removed files."""

    def read(dataset: Dataset) -> set[str]:
        rows = dataset.connection().execute("SELECT path FROM file WHERE place<2")
        return {path.decode() for (path,) in rows}

    return read
