"""The Check page, clicked through without a browser."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.clean.sweep import check
from core.dataset import Dataset
from core.dataset.recent import remember
from tests.trained_sets import finish

ROOT = Path(__file__).resolve().parents[2]


def check_page(root: Path) -> AppTest:
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60)
    page.query_params["set"] = remember(root)
    return page.run().switch_page(str(ROOT / "pages/check.py")).run()


def words(page: AppTest) -> str:
    told = [*page.title, *page.markdown, *page.caption, *page.info, *page.warning, *page.success]
    return "\n".join(element.value for element in told)


def numbers(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def swept(root: Path) -> Dataset:
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    return dataset


@pytest.fixture
def partly_broken(photo_set) -> Path:
    root = photo_set({"cat": 4, "dog": 4})
    (root / "cat" / "page.jpg").write_text("<html>not found</html>")
    (root / "dog" / "empty.jpg").touch()
    return root


def test_a_check_is_run_in_a_process_of_its_own_and_its_result_shown(partly_broken):
    page = check_page(partly_broken)

    page.button(key="check").click().run()
    home = Dataset.open(partly_broken).home
    deadline = time.monotonic() + 60
    while (job := jobs.latest(home, "check")) is None or jobs.alive(job):
        assert time.monotonic() < deadline, "the check never ended"
        time.sleep(0.05)
    page.run()

    assert job.state == "done", job.log_tail
    assert numbers(page) == {"Fine": "8", "Cannot be used": "2"}
    assert not page.exception


def test_all_can_be_moved_to_removed_and_restored(partly_broken):
    swept(partly_broken)
    page = check_page(partly_broken)

    page.button(key="remove_all").click().run()

    assert not (partly_broken / "cat" / "page.jpg").exists()
    assert not (partly_broken / "dog" / "empty.jpg").exists()
    assert "All fine" in words(page)
    page.button(key="undo").click().run()
    assert (partly_broken / "cat" / "page.jpg").exists()


def test_only_one_reason_can_be_chosen_for_removal(partly_broken):
    swept(partly_broken)
    page = check_page(partly_broken)

    page.button_group(key="kinds").set_value(["empty"]).run()
    page.button(key="remove_all").click().run()

    assert not (partly_broken / "dog" / "empty.jpg").exists()
    assert (partly_broken / "cat" / "page.jpg").exists()


def test_a_set_that_is_fine_says_so_and_leads_on_to_training(photo_set):
    root = photo_set({"cat": 2, "dog": 2})
    swept(root)

    page = check_page(root)

    assert "All fine: 4 photos checked" in words(page)
    assert page.button(key="next_step").label == "Go to Train"


def test_if_most_files_fail_the_page_warns_before_it_offers_to_remove(photo_set):
    root = photo_set({"cat": 2, "dog": 2})
    for number in range(12):
        (root / "cat" / f"broken {number}.jpg").write_text("x")
    swept(root)
    page = check_page(root)

    assert "something else may be wrong" in words(page)
    assert page.button(key="remove_all").disabled
    page.checkbox(key="looked").check().run()
    assert not page.button(key="remove_all").disabled


def test_new_photos_are_asked_to_be_checked_too(photo_set, save_image):
    root = photo_set({"cat": 2, "dog": 2})
    swept(root)
    save_image(root / "cat" / "new.png", seed=99)

    page = check_page(root)

    assert page.button(key="check").label == "Check the new photos"
    assert numbers(page)["Not checked yet"] == "1"


def test_an_empty_data_set_is_explained(tmp_path):
    Dataset.create(tmp_path / "empty", ["cat", "dog"])

    page = check_page(tmp_path / "empty")

    assert "no photos" in words(page)
    assert not page.exception


def test_without_a_data_set_the_page_leads_home():
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60).run()

    page.switch_page(str(ROOT / "pages/check.py")).run()

    assert "No data set is open here" in words(page)
