"""What the pages' tests share: a page of the app with a data set open, and a trained set."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.dataset.recent import remember
from tests.trained_sets import train_on_made_features

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """A page, run once, through the router: ``open_page("train", root)``.

    Further words go into the address.
    """

    def run(name: str, root: Path, **asked: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60)
        page.query_params["set"] = remember(root)
        for key, value in asked.items():
            page.query_params[key] = value
        return page.run().switch_page(str(ROOT / f"pages/{name}.py")).run()

    return run


@pytest.fixture
def trained(photo_set: Callable[..., Path]) -> Path:
    """Two classes of 12; photos 0 and 6 of each look like the other class: 4 mistakes."""
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    return root
