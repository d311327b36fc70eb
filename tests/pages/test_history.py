"""The History page, clicked through without a browser."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.dataset import Dataset
from core.dataset.arrivals import Aside, take_in
from core.dataset.verdicts import StoredVerdict, save_verdicts
from core.dataset.versions import name_version
from tests.trained_sets import finish


def words(page: AppTest) -> str:
    told = [*page.markdown, *page.caption, *page.info, *page.warning, *page.success, *page.error]
    bodies = [element.value for element in told]
    bodies += [element.proto.body for element in page.get("html")]
    return "\n".join(bodies)


def buttons(page: AppTest) -> dict[str, str]:
    return {button.key: button.label for button in page.button if button.key}


@pytest.fixture
def worked_on(photo_set) -> Dataset:
    """Two classes; steps 1 relabel, 2 remove, 3 remove."""
    dataset = Dataset.open(photo_set({"cat": 4, "dog": 2}))
    finish(dataset.reconcile())
    cats = [row.id for row in dataset.rows(class_name="cat")]
    dataset.relabel(cats[:1], "dog")
    dataset.remove(cats[1:2])
    dataset.remove(cats[2:3])
    return dataset


@pytest.fixture
def history(open_page) -> Callable[..., AppTest]:
    def run(dataset: Dataset, show: str = "steps") -> AppTest:
        return open_page("history", dataset.root, show=show)

    return run


def test_before_the_first_step_the_page_says_what_will_be_listed(history, photo_set):
    dataset = Dataset.open(photo_set({"cat": 1}))

    assert "Nothing has been done yet" in words(history(dataset))


def test_steps_are_told_newest_first_with_their_time_and_the_ways_back(history, worked_on):
    page = history(worked_on)

    told = words(page)
    assert told.index("Removed 1 photo from cat") < told.index("Relabelled 1 photo: cat to dog")
    assert "just now</time>" in told
    assert (
        buttons(page).items()
        >= {
            "history_undo_3": "Undo",
            "history_back_2": "Undo back to here",
            "history_back_1": "Undo back to here",
            "history_back_0": "Undo everything",
        }.items()
    )
    assert not page.exception


def test_the_last_step_is_undone_and_redone(history, worked_on):
    page = history(worked_on)

    page.button(key="history_undo_3").click().run()
    assert worked_on.removed_count() == 1
    assert "is taken back" in words(page)
    assert buttons(page)["history_redo_3"] == "Redo"

    page.button(key="history_redo_3").click().run()
    assert worked_on.removed_count() == 2
    assert "is done again" in words(page)


def test_going_back_says_first_what_it_takes_back_and_redo_brings_all_back(history, worked_on):
    page = history(worked_on)

    page.button(key="history_back_1").click().run()
    assert worked_on.removed_count() == 2, "nothing may happen before it is confirmed"
    assert "This takes back **2 steps**, which moved 2 photos" in words(page)
    page.button(key="history_back_confirm").click().run()

    assert worked_on.removed_count() == 0
    assert worked_on.counts() == {"cat": 3, "dog": 3}
    assert "2 steps are taken back." in words(page)
    assert buttons(page)["history_redo_3"] == "Redo up to here"
    page.button(key="history_redo_all").click().run()
    assert worked_on.removed_count() == 2
    assert not page.exception


def test_everything_can_be_taken_back_at_once(history, worked_on):
    page = history(worked_on)

    page.button(key="history_back_0").click().run()
    page.button(key="history_back_confirm").click().run()

    assert worked_on.counts() == {"cat": 4, "dog": 2}
    assert worked_on.next_undo() is None


def test_what_an_undo_left_alone_is_named_with_the_reason(history, worked_on):
    page = history(worked_on)
    removed = next((worked_on.root / ".winnow/removed/cat").glob("0002*"))
    removed.write_bytes(removed.read_bytes() + b"more")

    page.button(key="history_undo_3").click().run()

    told = words(page)
    assert "But no photo could be moved: see why below." in told
    assert "This file has been changed since" in told
    assert "1 file was left alone" in [expander.label for expander in page.expander]


def test_a_step_that_came_meanwhile_is_not_taken_back_unseen(history, worked_on):
    page = history(worked_on)
    other = [row.id for row in worked_on.rows(class_name="dog")]
    worked_on.remove(other[:1])

    page.button(key="history_undo_3").click().run()

    assert "Something else was done meanwhile" in page.toast[0].value
    assert worked_on.removed_count() == 3


def test_removed_photos_show_why_they_are_there(history, photo_set, stage_aside):
    dataset = Dataset.open(photo_set({"cat": 3}))
    (dataset.root / "cat" / "broken.jpg").write_text("<html>")
    finish(dataset.reconcile())
    broken = dataset.find("cat/broken.jpg")
    verdict = StoredVerdict(
        file_id=broken.id, content=broken.content, kind="not_an_image", reason="This is no picture."
    )
    save_verdicts(dataset, [verdict])
    dataset.remove([broken.id])
    dataset.remove([dataset.rows()[0].id])
    stage_aside(dataset, "It is the same as one you have.")

    page = history(dataset, "removed")

    told = words(page)
    assert "It is the same as one you have" in told
    assert "This is no picture" in told
    assert "Removed by hand" in told
    labels = [option.content for option in page.button_group(key="history_why").proto.options]
    assert labels == ["Removed by you (1)", "Cannot be used (1)", "Set aside on arrival (1)"]
    page.button_group(key="history_why").set_value(["arrival"]).run()
    page.button(key="history_restore_all").click().run()
    assert dataset.removed_count() == 2
    assert not page.exception


def test_one_removed_photo_can_be_restored(history, worked_on):
    page = history(worked_on, "removed")
    key = next(
        key for key in buttons(page) if key.startswith("history_restore_") and key[-1] != "l"
    )

    page.button(key=key).click().run()

    assert worked_on.removed_count() == 1


def test_emptying_says_how_many_and_how_much_and_only_then_deletes(history, worked_on):
    page = history(worked_on, "removed")

    page.button(key="history_empty").click().run()
    assert worked_on.removed_count() == 2
    assert "This deletes **2 photos** from this computer and frees" in words(page)
    page.button(key="history_empty_confirm").click().run()

    assert worked_on.removed_count() == 0
    assert not list((worked_on.root / ".winnow").glob("removed/*"))
    assert "2 photos deleted for good" in words(page)
    page.segmented_control(key="history_show").set_value("steps").run()
    told = words(page)
    assert "Deleted 2 photos for good" in told
    assert told.count("Its photos were deleted for good") == 2
    assert buttons(page)["history_undo_1"] == "Undo"
    assert not page.exception


def test_a_version_is_named_and_compared_with_now(history, photo_set):
    dataset = Dataset.open(photo_set({"cat": 4, "dog": 2}))
    finish(dataset.reconcile())
    page = history(dataset, "versions")

    page.text_input(key="history_version_name").input("before cleaning")
    page.button(key="history_name_it").click().run()
    assert "holds where 6 photos are now" in words(page)
    assert "Nothing differs" in words(page)
    cats = [row.id for row in dataset.rows(class_name="cat")]
    dataset.relabel(cats[:2], "dog")
    dataset.remove(cats[2:3])
    page.run()

    assert {one.label: one.value for one in page.metric} == {
        "Photos": "5",
        "Moved": "2",
        "Gone": "1",
        "New": "0",
    }
    table = page.dataframe[0].value
    assert table.to_dict("list") == {
        "Class": ["cat", "dog"],
        "Before": [4, 2],
        "After": [1, 4],
        "Moved in": [0, 2],
        "Moved out": [2, 0],
        "New": [0, 0],
        "Gone": [1, 0],
    }
    assert not page.exception


def test_a_name_that_is_taken_or_empty_is_refused_in_a_sentence(history, worked_on):
    name_version(worked_on, "before")
    page = history(worked_on, "versions")

    page.text_input(key="history_version_name").input(" Before ")
    page.button(key="history_name_it").click().run()
    assert "There is a version called before already" in words(page)

    page.text_input(key="history_version_name").input("  ")
    page.button(key="history_name_it").click().run()
    assert "A version needs a name" in words(page)


def test_a_version_can_be_forgotten(history, worked_on):
    version = name_version(worked_on, "before *cleaning*")
    page = history(worked_on, "versions")

    page.button(key=f"history_forget_{version.id}").click().run()

    assert "before" not in "".join(buttons(page).values())
    assert not page.selectbox
    assert worked_on.counts() == {"cat": 1, "dog": 3}


@pytest.fixture
def stage_aside(save_image):
    """Have a photo of class cat be set aside on arrival for a reason."""
    from core.dataset.arrivals import Arrival, staging
    from core.images.identity import content_hash

    def make(dataset: Dataset, reason: str) -> None:
        staged = save_image(staging(dataset, "a51de") / "aside.png", seed=77)
        arrival = Arrival(
            staged=staged,
            name="aside.png",
            class_name="cat",
            content=content_hash(staged),
            aside=Aside(kind="duplicate", reason=reason),
        )
        take_in(dataset, [arrival], collection="a51de")

    return make
