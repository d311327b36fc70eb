"""Home, clicked through without a browser."""

import json
import os
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.clean.sweep import check
from core.dataset import Dataset
from core.dataset.recent import recent, remember
from core.train.quick import train_quick
from core.user_folders import user_data
from tests.trained_sets import finish, train_on_made_features

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '<img src=x onerror="alert(1)"> ![](https:/example.org/x) :smile: **b**'


def home(root: Path | None = None) -> AppTest:
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60)
    if root is not None:
        page.query_params["set"] = remember(root)
    return page.run()


def open_compare(root: Path) -> None:
    page = home(root).switch_page(str(ROOT / "pages/compare.py")).run()
    assert page.title[0].value == "Compare"


def words(page: AppTest) -> str:
    told = [*page.title, *page.markdown, *page.caption, *page.info, *page.warning, *page.error]
    return "\n".join(element.value for element in told)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def browse_to(page: AppTest, folder: Path) -> AppTest:
    return page.text_input(key="open_path").set_value(str(folder)).run()


def wait_for(page: AppTest, kind: str) -> AppTest:
    deadline = time.monotonic() + 60
    while (job := jobs.latest(user_data(), kind)) is None or jobs.alive(job):
        assert time.monotonic() < deadline, "the job never ended"
        time.sleep(0.05)
    return page.run()


def test_a_newcomer_reads_what_it_does_and_can_browse():
    page = home()

    assert page.title[0].value == "Winnow"
    assert "wrong labels" in words(page)
    assert page.text_input(key="open_path").value == str(Path.home())
    assert not page.exception


def test_a_newcomer_without_photos_is_led_to_collecting():
    page = home()

    page.button(key="collect_first").click().run()

    assert page.title[0].value == "Collect"
    assert not page.exception


def test_browsing_shows_what_each_folder_holds(photo_set, tmp_path):
    photo_set({"cat": 3, "dog": 2}, name="pets")
    (tmp_path / ".hidden").mkdir()

    page = browse_to(home(), tmp_path)

    rows = [label for label in labels(page) if label.startswith("pets")]
    assert rows == ["pets :gray[:small[5 photos in 2 folders]]"]
    assert not any("hidden" in label for label in labels(page))


def test_a_click_on_a_folder_goes_into_it_and_up_goes_back(photo_set, tmp_path):
    photo_set({"cat": 1, "dog": 1}, name="pets")
    page = browse_to(home(), tmp_path)

    page.button(key="open_row_0").click().run()

    assert page.text_input(key="open_path").value == str(tmp_path / "pets")
    page.button(key="open_up").click().run()
    assert page.text_input(key="open_path").value == str(tmp_path)


def test_a_path_that_is_no_folder_is_explained(tmp_path):
    page = browse_to(home(), tmp_path / "nowhere")

    assert "There is no folder" in words(page)
    assert page.text_input(key="open_path").value == str(Path.home())


def test_all_of_home_cannot_be_opened_as_one_data_set():
    page = browse_to(home(), Path.home())

    assert page.button(key="open_folder").disabled
    assert "more than one data set" in words(page)
    assert "** holds" not in words(page)


def test_opening_a_folder_puts_it_into_the_address_and_among_the_recent(photo_set):
    root = photo_set({"cat": 3, "dog": 2})
    page = browse_to(home(), root)

    page.button(key="open_folder").click().run()

    assert page.title[0].value == "photos"
    assert "5 photos in 2 classes" in words(page)
    assert recent()[0].root == root
    assert page.query_params["set"] == recent()[0].token


def test_working_on_a_copy_leaves_the_folder_alone(photo_set, tmp_path):
    root = photo_set({"cat": 3, "dog": 2})
    page = browse_to(home(), root)
    assert page.button(key="open_folder").label == "Open"
    page.radio(key="open_how").set_value("Work on a copy").run()
    assert page.button(key="open_folder").label == "Copy and open"

    page.button(key="open_folder").click().run()
    page = wait_for(page, "copy")

    assert page.title[0].value == "photos copy"
    assert sorted(os.listdir(root)) == ["cat", "dog"]
    assert len(list((tmp_path / "photos copy" / "cat").iterdir())) == 3


def test_a_new_data_set_gets_its_class_folders(tmp_path):
    page = home()
    page.text_input(key="new_name").set_value("birds")
    page.text_area(key="new_classes").set_value("owl\n\nwren")
    page.text_input(key="new_parent").set_value(str(tmp_path)).run()

    page.button(key="create").click().run()

    assert page.title[0].value == "birds"
    assert (tmp_path / "birds" / "owl").is_dir() and (tmp_path / "birds" / "wren").is_dir()
    assert "no photos yet" in words(page)
    assert page.button(key="next_step").label == "Collect photos"


@pytest.mark.parametrize("name", ["..", "a/b", "CON"])
def test_a_class_name_that_is_no_folder_name_is_refused_with_a_sentence(tmp_path, name):
    page = home()
    page.text_input(key="new_name").set_value("birds")
    page.text_area(key="new_classes").set_value(name)
    page.text_input(key="new_parent").set_value(str(tmp_path)).run()

    page.button(key="create").click().run()

    assert page.error
    assert not page.exception
    assert not (tmp_path.parent / "a").exists()


def test_a_new_data_set_never_takes_over_a_folder_with_files(photo_set, tmp_path):
    photo_set({"cat": 1}, name="pets")
    page = home()
    page.text_input(key="new_name").set_value("pets")
    page.text_input(key="new_parent").set_value(str(tmp_path)).run()

    page.button(key="create").click().run()

    assert "exists already" in words(page)


def test_an_unchecked_set_is_told_to_check_next(photo_set):
    page = home(photo_set({"cat": 3, "dog": 2}))

    assert page.button(key="next_step").label == "Go to Check"


def test_photos_of_one_class_only_are_told_what_is_missing(photo_set):
    page = home(photo_set({"cat": 3}))

    assert "at least two classes" in words(page)
    page.button(key="next_step").click().run()
    assert page.title[0].value == "Collect"
    assert page.query_params["set"]


def test_a_trained_set_says_how_often_it_is_wrong(photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)

    page = home(root)

    assert "wrong on 4 of 24" in words(page)


def test_a_folder_that_is_gone_is_explained(photo_set):
    root = photo_set({"cat": 1, "dog": 1})
    page = home(root)
    root.rename(root.with_name("elsewhere"))

    page.run()

    assert page.warning
    assert page.title[0].value == "Winnow"
    assert not page.exception


def test_an_address_with_an_unknown_set_is_explained():
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60)
    page.query_params["set"] = "0123456789abcdef"

    page.run()

    assert "not opened here before" in words(page)


def test_hostile_names_are_shown_as_they_are_written(tmp_path, save_image):
    root = tmp_path / HOSTILE.replace("/", "_")
    save_image(root / "![](x)" / "1.png")
    save_image(root / "a\n\u202eb" / "2.png", seed=1)

    page = home(root)

    assert not page.exception
    assert "<img" not in words(page).replace("\\<img", "")
    assert "![](" not in words(page)


def test_undo_in_the_sidebar_takes_back_the_last_step_and_redo_does_it_again(photo_set):
    root = photo_set({"cat": 3, "dog": 2})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    row = dataset.rows(class_name="cat")[0]
    dataset.relabel([row.id], "dog")
    page = home(root)

    page.button(key="undo").click().run()

    assert (root / row.path).exists()
    assert page.button(key="undo").disabled
    page.button(key="redo").click().run()
    assert not (root / row.path).exists()


def test_a_folder_that_takes_long_to_read_becomes_work_with_a_stop(photo_set, monkeypatch):
    monkeypatch.setattr("ui.state._is_read_in_time", lambda dataset: False)
    root = photo_set({"cat": 3, "dog": 2})

    page = home(root)

    catalogue = Dataset.open(root).home
    assert "Reading the photos" in words(page) + "".join(one.value for one in page.subheader)
    assert "next_step" not in [button.key for button in page.button]
    assert "Open another data set" in [expander.label for expander in page.expander]
    deadline = time.monotonic() + 60
    while jobs.alive(jobs.latest(catalogue, "index")):
        assert time.monotonic() < deadline, "the folder is never read"
        time.sleep(0.05)
    monkeypatch.setattr("ui.state._is_read_in_time", lambda dataset: True)
    page.run()
    assert page.button(key="next_step").label == "Go to Check"


def test_class_folders_that_differ_only_in_capitals_are_pointed_out(tmp_path, save_image):
    root = tmp_path / "pets"
    save_image(root / "cat" / "1.png")
    (root / "Cat").mkdir(exist_ok=True)
    if len(list(root.iterdir())) == 1:
        pytest.skip("this file system takes both for one folder")
    save_image(root / "Cat" / "2.png", seed=1)

    page = home(root)

    assert "differ only in capital letters" in words(page)


def test_links_that_were_passed_over_are_counted(photo_set, tmp_path):
    root = photo_set({"cat": 2, "dog": 2})
    try:
        (root / "cat" / "elsewhere").symlink_to(tmp_path)
    except OSError:
        pytest.skip("this system makes no links")

    page = home(root)

    assert "1 link to other places passed over" in words(page)


def test_a_file_rewritten_while_the_app_was_closed_is_noticed(photo_set, save_image):
    root = photo_set({"cat": 2, "dog": 2})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    before = dataset.rows()[0]
    save_image(root / before.path, size=(80, 80), seed=77)

    home(root)

    assert dataset.find(before.path).content != before.content


def test_the_steps_and_the_advice_follow_the_loop(photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    finish(check(Dataset.open(root)))

    assert home(root).button(key="next_step").label == "Review the photos"

    dataset = Dataset.open(root)
    dataset.relabel([dataset.rows(class_name="cat")[0].id], "dog")
    assert home(root).button(key="next_step").label == "Review and train again"

    finish(train_quick(dataset))
    assert home(root).button(key="next_step").label == "Compare before and after"

    open_compare(root)
    assert home(root).button(key="next_step").label == "Review the photos"


def test_photos_added_since_training_are_to_be_checked_and_trained_on(photo_set, collect_photos):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    dataset = Dataset.open(root)
    finish(check(dataset))
    dataset.relabel([dataset.rows(class_name="cat")[0].id], "dog")

    collect_photos(dataset, {"cat": 2, "dog": 1, None: 4})

    page = home(root)
    assert "3 photos have been added since the last training" in words(page)
    assert page.button(key="next_step").label == "Check them"
    finish(check(dataset))
    assert home(root).button(key="next_step").label == "Train again"
    dataset.undo()
    assert home(root).button(key="next_step").label == "Review and train again"
    dataset.undo()
    assert home(root).button(key="next_step").label == "Review the photos"


def test_training_twice_on_the_same_labels_leads_to_review(photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    finish(check(Dataset.open(root)))
    finish(train_quick(Dataset.open(root)))

    page = home(root)

    assert page.button(key="next_step").label == "Review the photos"
    assert "after training again" in words(page)


def test_once_all_planted_mistakes_are_found_compare_is_next_whether_seen_or_not(photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    dataset = Dataset.open(root)
    finish(check(dataset))
    row = dataset.rows(class_name="cat")[0]
    (dataset.home / "planted.json").write_text(json.dumps({row.content: "dog"}))
    dataset.relabel([row.id], "dog")
    finish(train_quick(dataset))
    open_compare(root)

    assert home(root).button(key="next_step").label == "Compare before and after"


def test_opening_another_set_closes_the_part_it_was_opened_in(photo_set):
    first = photo_set({"cat": 2, "dog": 2}, name="first")
    second = photo_set({"owl": 2, "wren": 2}, name="second")
    remember(second)
    page = home(first)
    page.session_state[f"another_{remember(first)}"] = True
    page.run()

    page.button(key=f"recent_{remember(second)}").click().run()

    assert page.title[0].value == "second"
    assert "open_folder" not in [button.key for button in page.button]
