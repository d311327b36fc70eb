"""The Review page, driven by what its gallery sends, without a browser."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core import jobs, runs
from core.dataset import Dataset
from core.dataset.recent import remember
from core.review.listing import listed
from core.train.quick import train_quick
from tests.trained_sets import finish, train_on_made_features
from ui import review_tiles

ROOT = Path(__file__).resolve().parents[2]


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.success, *page.caption])


def worst(root: Path) -> list[int]:
    """Ids of the photos in the order the page lists them."""
    dataset = Dataset.open(root)
    predictions = runs.load_predictions(dataset.home, runs.latest_run(dataset.home).id)
    return predictions.file_id[listed(predictions, "wrong")].tolist()


def send(page: AppTest, *log: dict, client: str = "a tab") -> AppTest:
    """What the gallery would send: its whole log of edits."""
    page.session_state["review_gallery"] = {"edits": {"client": client, "log": list(log)}}
    return page.run()


def edit(number: int, op: str, file_id: int, shown_in: str, to: str | None = None) -> dict:
    return {
        "number": number,
        "op": op,
        "ids": [file_id],
        "class_name": to,
        "shown_in": {str(file_id): shown_in},
    }


def where(root: Path, file_id: int) -> str | None:
    row = Dataset.open(root).get([file_id]).get(file_id)
    return None if row is None else row.class_name


def test_without_a_run_the_page_leads_to_train(open_page, photo_set):
    root = photo_set({"cat": 2, "dog": 2})
    finish(Dataset.open(root).reconcile())

    page = open_page("review", root)

    assert "Nothing to review yet" in page.info[0].value
    assert page.button(key="review_to_train").label == "Go to Train"
    assert not page.exception


def test_it_says_how_many_photos_the_model_would_put_elsewhere(open_page, trained):
    page = open_page("review", trained)

    assert "**4 photos**" in words(page)
    assert not page.exception


def test_a_relabel_is_on_disk_when_it_is_acknowledged(open_page, trained):
    photo = worst(trained)[0]
    was = where(trained, photo)
    other = {"cat": "dog", "dog": "cat"}[was]

    page = send(open_page("review", trained), edit(1, "relabel", photo, was, other))

    assert where(trained, photo) == other
    assert page.session_state["review_gallery:answers"]["a tab"].acknowledged == 1
    assert "**1** marked" in words(page)


def test_an_edit_sent_again_is_done_once(open_page, trained):
    photo = worst(trained)[0]
    log = [edit(1, "remove", photo, where(trained, photo))]

    page = send(open_page("review", trained), *log)
    send(page, *log)
    send(open_page("review", trained), *log)

    assert Dataset.open(trained).removed_count() == 1
    assert len(Dataset.open(trained).history()) == 1


def test_an_undo_takes_back_the_mark_it_names_even_in_the_same_message(open_page, trained):
    photo = worst(trained)[0]
    was = where(trained, photo)
    undo = {"number": 2, "op": "undo", "ids": [], "class_name": None, "of": 1, "shown_in": {}}

    page = send(open_page("review", trained), edit(1, "remove", photo, was), undo)

    assert where(trained, photo) == was
    assert page.session_state["review_gallery:answers"]["a tab"].acknowledged == 2


def test_a_mark_for_a_photo_that_was_moved_meanwhile_is_refused_with_a_reason(open_page, trained):
    photo = worst(trained)[0]
    was = where(trained, photo)
    other = {"cat": "dog", "dog": "cat"}[was]
    Dataset.open(trained).relabel([photo], other)

    page = send(open_page("review", trained), edit(1, "remove", photo, was))

    refused = page.session_state["review_gallery:answers"]["a tab"].refused
    assert "moved" in refused[1][1]
    assert where(trained, photo) == other


def test_the_list_stays_as_it_is_while_photos_are_marked(open_page, trained):
    photo = worst(trained)[0]

    page = send(open_page("review", trained), edit(1, "remove", photo, where(trained, photo)))

    assert "**4 photos** · **1** marked" in words(page)


def test_a_cell_of_the_confusion_matrix_narrows_the_list(open_page, trained):
    page = open_page("review", trained)
    page.query_params["given"], page.query_params["predicted"] = "0", "1"
    page.run()

    assert "**2 photos**" in words(page)
    assert page.selectbox(key="review_given").value == 0
    assert page.selectbox(key="review_predicted").value == 1


def test_show_all_lets_go_of_the_cell(open_page, trained):
    page = open_page("review", trained)
    assert not [button for button in page.button if button.key == "review_show_all"]
    page.query_params["given"], page.query_params["predicted"] = "0", "1"
    page.run()

    page.button(key="review_show_all").click().run()

    assert page.selectbox(key="review_given").value == page.selectbox(key="review_predicted").value
    assert "**24 photos**" in words(page)
    assert "given" not in page.query_params
    assert not page.exception


def test_another_data_set_begins_afresh(open_page, trained, photo_set):
    other = photo_set({"cat": 12, "dog": 12}, name="other")
    train_on_made_features(other)
    page = open_page("review", trained)
    page.query_params["given"], page.query_params["predicted"] = "0", "1"
    page.session_state["review_before"] = "an earlier run"
    page.run()
    assert "Trained again, new order" in words(page)

    page.session_state["set"] = page.query_params["set"] = remember(other)
    for name in ("given", "predicted"):
        page.query_params.pop(name)
    page.run()

    assert "Trained again, new order" not in words(page)
    assert "**4 photos**" in words(page)
    assert page.selectbox(key="review_given").value == -1
    assert not page.exception


def test_a_removed_photo_has_no_heat_maps(trained):
    dataset = Dataset.open(trained)
    run = runs.latest_run(dataset.home)
    predictions = runs.load_predictions(dataset.home, run.id)
    dataset.remove([int(predictions.file_id[0])])

    removed, there = review_tiles.tiles(dataset, run, predictions, [0, 1])

    assert removed.heat == ()
    assert there.heat


def test_a_list_without_photos_says_so(open_page, trained):
    page = open_page("review", trained)
    page.selectbox(key="review_given").set_value(0).run()
    page.selectbox(key="review_predicted").set_value(0).run()

    assert "No photo here" in words(page)
    assert not page.exception


def test_a_chosen_class_is_kept_by_its_name_when_a_new_run_has_other_classes(open_page, photo_set):
    root = photo_set({"cat": 6, "dog": 6, "fox": 6})
    train_on_made_features(root, mistaken_every=3)
    dataset = Dataset.open(root)
    page = open_page("review", root)
    page.selectbox(key="review_given").set_value(2).run()

    dataset.relabel([row.id for row in dataset.rows(class_name="cat")], "dog")
    finish(train_quick(dataset))
    page.run()

    assert runs.latest_run(dataset.home).classes == ("dog", "fox")
    assert page.selectbox(key="review_given").value == 1
    assert not page.exception


def test_train_again_starts_a_job_and_says_so(open_page, trained):
    page = open_page("review", trained)

    page.button(key="review_train").click().run()

    job = jobs.latest(Dataset.open(trained).home, "train")
    assert job is not None
    assert not page.exception


def test_what_is_malformed_is_passed_over(open_page, trained):
    page = open_page("review", trained)

    for value in ("text", {"client": 3, "log": [{}]}, {"client": "a", "log": [{"number": "1"}]}):
        page.session_state["review_gallery"] = {"edits": value}
        page.run()

    assert Dataset.open(trained).history() == []
    assert not page.exception


def test_photos_that_arrived_since_the_run_do_not_count_as_marked(
    open_page, trained, collect_photos
):
    dataset = Dataset.open(trained)
    photo = worst(trained)[0]
    dataset.relabel([photo], "dog" if where(trained, photo) == "cat" else "cat")
    collect_photos(dataset, {"cat": 3})

    page = open_page("review", trained)

    assert "**1** marked" in words(page)
    assert not page.exception
