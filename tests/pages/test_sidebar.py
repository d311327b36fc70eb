"""Undo and redo in the sidebar: what they say, and which change they reach."""

from core.dataset import Dataset
from tests.trained_sets import finish
from ui.words import plain


def toasts(page) -> list[str]:
    return [toast.value for toast in page.toast]


def pets(photo_set) -> tuple[Dataset, list[int]]:
    dataset = Dataset.open(photo_set({"cat": 3, "dog": 2}))
    finish(dataset.reconcile())
    return dataset, [row.id for row in dataset.rows(class_name="cat")]


def test_undo_and_redo_say_which_way_they_went(open_page, photo_set):
    dataset, cats = pets(photo_set)
    dataset.remove(cats[:1])
    page = open_page("check", dataset.root)

    page.button(key="undo").click().run()
    assert toasts(page) == ["Undone: Removed 1 photo from cat"]
    assert dataset.removed_count() == 0

    page.button(key="redo").click().run()
    assert toasts(page) == ["Done again: Removed 1 photo from cat"]
    assert dataset.removed_count() == 1


def test_a_change_that_the_sidebar_did_not_show_yet_is_named_before_it_is_undone(
    open_page, photo_set
):
    dataset, cats = pets(photo_set)
    dataset.remove(cats[:1])
    page = open_page("check", dataset.root)
    dataset.relabel(cats[1:2], "dog")

    page.button(key="undo").click().run()
    assert "Another change was made since: Relabelled 1 photo" in toasts(page)[0]
    assert len(dataset.rows(class_name="dog")) == 3

    page.button(key="undo").click().run()
    assert toasts(page)[0].startswith("Undone: Relabelled 1 photo")
    assert len(dataset.rows(class_name="dog")) == 2
    assert dataset.removed_count() == 1


def test_an_undo_that_can_move_nothing_says_so_and_names_the_file(open_page, photo_set):
    dataset, cats = pets(photo_set)
    step = dataset.relabel(cats[:1], "dog")
    page = open_page("check", dataset.root)
    moved = dataset.root / step.changes[0].now
    moved.write_bytes(moved.read_bytes() + b"changed")

    page.button(key="undo").click().run()

    assert toasts(page)[0] == (
        "No photo could be moved, so nothing was undone: "
        f"{plain('Relabelled 1 photo: cat to dog')}. The next Undo goes on with another step."
    )
    assert "1 file left alone" in toasts(page)[1]
    assert "This file has been changed since" in toasts(page)[1]


def test_photos_that_arrived_can_be_undone_and_brought_back(open_page, photo_set, collect_photos):
    dataset, _ = pets(photo_set)
    collect_photos(dataset, {"cat": 2, "owl": 1})
    page = open_page("check", dataset.root)
    shown = [caption.value for caption in page.sidebar.caption]

    page.button(key="undo").click().run()
    undone = toasts(page), dataset.counts()
    page.button(key="redo").click().run()

    words = plain("Collected 3 photos: cat 2, owl 1")
    assert words in shown
    assert undone == ([f"Undone: {words}"], {"cat": 3, "dog": 2})
    assert toasts(page) == [f"Done again: {words}"]
    assert dataset.counts() == {"cat": 5, "dog": 2, "owl": 1}
    assert not page.exception
