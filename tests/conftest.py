"""What tests share: the photos they may read, copies to work on, and a user of their own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.dataset import Dataset
from core.dataset.arrivals import Arrival, TakenIn, staging, take_in
from core.dataset.sources import Source
from core.images.identity import content_hash


@pytest.fixture(autouse=True, scope="session")
def user_data_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the tests out of the user's recent data sets.

    The cache stays the user's: exporting the networks anew would cost every session minutes.
    """
    folder = tmp_path_factory.mktemp("user-data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINNOW_DATA_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photos, read-only: work on copies."""
    chosen = os.environ.get("WINNOW_TEST_DATA")
    if not chosen:
        pytest.skip("needs real photos: set WINNOW_TEST_DATA to the folder of test pictures")
    folder = Path(chosen).resolve()
    if not folder.is_dir():
        pytest.fail(f"WINNOW_TEST_DATA names no folder: {folder}")
    return folder


@pytest.fixture
def copied(test_data: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy a set of real photos, such as "bears", to a folder the test may change."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(test_data / name, tmp_path / Path(name).name, symlinks=True))

    return copy


def make_photo(*, size: tuple[int, int] = (64, 48), seed: int = 0) -> Image.Image:
    """A small picture that looks like no other seed's: smooth colours with some grain."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-12, 13, smooth.shape, dtype=np.int16)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def save_image() -> Callable[..., Path]:
    """Save a made-up photo at a path (folders are made) and return the path.

    ``save_image(tmp_path / "cat" / "1.jpg", size=(64, 48), seed=1)``: the same seed gives the
    same bytes, another seed another picture.
    """

    def save(path: Path, *, size: tuple[int, int] = (64, 48), seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        make_photo(size=size, seed=seed).save(path)
        return path

    return save


@pytest.fixture
def photo_set(tmp_path: Path, save_image: Callable[..., Path]) -> Callable[..., Path]:
    """Make a folder of class folders: ``photo_set({"cat": 3, "dog": 2})``."""

    def make(counts: dict[str, int], *, name: str = "photos") -> Path:
        root = tmp_path / name
        seed = 0
        for class_name, count in counts.items():
            (root / class_name).mkdir(parents=True)
            for number in range(count):
                save_image(root / class_name / f"{number:04}.png", seed=seed)
                seed += 1
        return root

    return make


@pytest.fixture
def collect_photos(save_image: Callable[..., Path]) -> Callable[..., TakenIn]:
    """Have made-up photos arrive in a data set: ``collect_photos(dataset, {"cat": 2})``."""

    def collect(dataset: Dataset, counts: dict[str | None, int]) -> TakenIn:
        folder = staging(dataset, "c0ffee")
        arrivals = []
        for class_name, count in counts.items():
            for number in range(count):
                name = f"{class_name or 'photo'}_{number:04}.png"
                staged = save_image(folder / name, seed=100_000 + len(arrivals))
                source = Source(via="bing", query=class_name, url=f"http://x/{name}", at=1.0)
                arrivals.append(
                    Arrival(
                        staged=staged,
                        name=name,
                        class_name=class_name,
                        content=content_hash(staged),
                        source=source,
                    )
                )
        return take_in(dataset, arrivals, collection="c0ffee")

    return collect
