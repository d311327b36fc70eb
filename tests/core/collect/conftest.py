"""A local server that plays Bing, and data sets to collect into."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.collect.collecting import Wanted, collect
from core.dataset import Dataset
from tests.search_server import Item, SearchServer


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[SearchServer]:
    """A server that plays Bing, which Bing's engine asks."""
    with SearchServer() as server:
        monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
        monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", server.url)
        yield server


@pytest.fixture
def empty(tmp_path: Path) -> Dataset:
    """A data set without photos."""
    return Dataset.create(tmp_path / "photos")


@pytest.fixture
def photos(tmp_path: Path, save_image) -> Callable[..., list[Path]]:
    """Photos to serve, each another picture: ``photos(3)``, ``photos(2, first=10)``."""

    def make(count: int, *, first: int = 0, size=(160, 120)) -> list[Path]:
        return [
            save_image(tmp_path / "served" / f"{number}.jpg", size=size, seed=number)
            for number in range(first, first + count)
        ]

    return make


@pytest.fixture
def items(photos) -> Callable[..., list[Item]]:
    """As ``photos``, as results of a search."""
    return lambda count, **options: [Item.photo(path) for path in photos(count, **options)]


@pytest.fixture(scope="session")
def search_for() -> Callable:
    """Collect from Bing to the end: ``search_for(dataset, 10, "cat", "dog")``, 10 of each class."""

    def run(dataset, most, *classes, collection="c0ffee", **options):
        wanted = [Wanted(class_name=c, query=c, engine="bing", most=most) for c in classes]
        return finish(collect(dataset, wanted, collection=collection, **options))

    return run


def finish(task):
    """Run long work to its end and return its result."""
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="session")
def run_to_end() -> Callable:
    """Run long work to its end and return its result."""
    return finish


@pytest.fixture(scope="session")
def on_disk() -> Callable[[Dataset], list[str]]:
    """The photos that lie in a data set's class folders."""

    def read(dataset: Dataset) -> list[str]:
        return sorted(
            path.relative_to(dataset.root).as_posix()
            for path in dataset.root.rglob("*")
            if path.is_file() and ".winnow" not in path.parts
        )

    return read
