"""Small data sets to move about, and what lies in them on disk."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from core.dataset import Dataset
from core.dataset.arrivals import Arrival, Aside, staging
from core.dataset.sources import Source
from core.images.identity import content_hash


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


@pytest.fixture(scope="session")
def stage() -> Callable[..., list[Arrival]]:
    """Finish files for a data set to take in: ``stage(dataset, "cat", 3)``.

    Their text is their address, which no other file has.
    """

    def make(
        dataset: Dataset,
        class_name: str | None,
        count: int = 1,
        *,
        collection: str = "c0ffee",
        aside: Aside | None = None,
        name: str | None = None,
        **source,
    ) -> list[Arrival]:
        folder = staging(dataset, collection)
        arrivals = []
        for _ in range(count):
            number = uuid4().hex
            staged = folder / number
            url = f"http://pictures.example/{number}.jpg"
            staged.write_text(url)
            arrivals.append(
                Arrival(
                    staged=staged,
                    name=name or f"{class_name or 'photo'}_{number}.jpg",
                    class_name=class_name,
                    content=content_hash(staged),
                    source=Source(**{"via": "bing", "url": url, "at": 1.0, **source}),
                    aside=aside,
                )
            )
        return arrivals

    return make
