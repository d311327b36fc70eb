"""Odd files on the Check page, clicked through without a browser."""

import time
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import jobs
from core.clean.sweep import check
from core.dataset import Dataset
from core.dataset.recent import remember
from tests.conftest import make_photo
from tests.trained_sets import finish

ROOT = Path(__file__).resolve().parents[2]


def check_page(root: Path) -> AppTest:
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60)
    page.query_params["set"] = remember(root)
    return page.run().switch_page(str(ROOT / "pages/check.py")).run()


@pytest.fixture
def with_odd_files(photo_set) -> Dataset:
    root = photo_set({"cat": 3, "dog": 3})
    make_photo(size=(90, 60), seed=70).convert("CMYK").save(root / "cat" / "print.jpg")
    make_photo(size=(90, 60), seed=71).save(root / "dog" / "named.jpg", "PNG")
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    return dataset


def test_odd_files_are_rewritten_in_a_process_and_come_back_with_undo(with_odd_files):
    root = with_odd_files.root
    page = check_page(root)
    assert list(page.button_group(key="untidy_kind").options) == [
        "Wrong ending (1)",
        "Colours for print (1)",
    ]

    page.button_group(key="untidy_kind").set_value("print_colours").run()
    page.button(key="untidy_rewrite").click().run()
    deadline = time.monotonic() + 60
    while (job := jobs.latest(with_odd_files.home, "tidy")) is None or jobs.alive(job):
        assert time.monotonic() < deadline, "the rewriting never ended"
        time.sleep(0.05)
    page.run()

    assert job.state == "done", job.log_tail
    assert list(page.button_group(key="untidy_kind").options) == ["Wrong ending (1)"]
    (copy,) = (root / "cat").glob("print*")
    with Image.open(copy) as picture:
        assert picture.mode == "RGB"
    page.button(key="undo").click().run()
    with Image.open(root / "cat" / "print.jpg") as picture:
        assert picture.mode == "CMYK"
    assert not page.exception


def test_a_set_of_plain_files_says_nothing_of_odd_ones(photo_set):
    root = photo_set({"cat": 2})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))

    page = check_page(root)

    assert "Odd files" not in [heading.value for heading in page.subheader]
