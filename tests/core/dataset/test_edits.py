import pytest

from core.dataset import Dataset, GalleryEdit
from core.errors import DatasetError

CLIENT = "5f1d0c"


def relabel(number, photo, class_name):
    return GalleryEdit(
        number=number,
        op="relabel",
        ids=(photo.id,),
        class_name=class_name,
        shown_in={photo.id: photo.class_name},
    )


def remove(number, *photos):
    shown_in = {photo.id: photo.class_name for photo in photos}
    return GalleryEdit(number=number, op="remove", ids=tuple(shown_in), shown_in=shown_in)


def undo(number, step):
    return GalleryEdit(number=number, op="undo", step=step, shown_in={})


def test_edits_are_carried_out_in_order_each_as_one_step(make_set):
    dataset = make_set({"cat": 3, "dog": 0})
    first, second, third = dataset.rows()

    outcome = dataset.apply_edits(CLIENT, [remove(2, second, third), relabel(1, first, "dog")])

    assert outcome.acknowledged == 2
    assert [step.words for step in outcome.steps] == [
        "Relabelled 1 photo: cat to dog",
        "Removed 2 photos from cat",
    ]
    assert outcome.refused == ()
    assert dataset.counts() == {"cat": 0, "dog": 1}
    assert {step.client for step in dataset.history()} == {CLIENT}


def test_an_edit_sent_again_after_a_restart_is_acknowledged_and_not_done_twice(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = dataset.rows()
    dataset.apply_edits(CLIENT, [relabel(1, first, "dog")])
    dataset.relabel([first.id], "cat")

    outcome = Dataset.open(dataset.root).apply_edits(
        CLIENT, [relabel(1, first, "dog"), relabel(2, second, "dog")]
    )

    assert outcome.acknowledged == 2
    assert [step.changes[0].file_id for step in outcome.steps] == [first.id, second.id]
    assert outcome.refused == ()
    assert dataset.get([first.id])[first.id].class_name == "cat"
    assert len(dataset.history()) == 3


def test_the_same_number_of_another_client_is_another_edit(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = dataset.rows()

    dataset.apply_edits("one", [relabel(1, first, "dog")])
    dataset.apply_edits("other", [relabel(1, second, "dog")])

    assert dataset.counts() == {"cat": 0, "dog": 2}


def test_an_edit_of_a_photo_moved_since_is_refused_with_a_sentence(make_set):
    dataset = make_set({"cat": 2, "dog": 0, "bird": 0})
    moved, still = dataset.rows()
    dataset.relabel([moved.id], "bird")

    outcome = dataset.apply_edits(CLIENT, [remove(1, moved, still)])

    (refused,) = outcome.refused
    assert (refused.number, refused.ids) == (1, (moved.id,))
    assert refused.reason == "0.jpg was moved to bird in the meantime."
    assert [change.file_id for change in outcome.steps[0].changes] == [still.id]
    again = dataset.apply_edits(CLIENT, [remove(1, moved, still)])
    assert again.acknowledged == 1
    assert dataset.counts() == {"bird": 1, "cat": 0, "dog": 0}


def test_an_edit_of_a_photo_taken_away_by_hand_is_refused(make_set, run):
    dataset = make_set({"cat": 2, "dog": 0})
    unseen, seen = dataset.rows()
    (dataset.root / unseen.path).unlink()

    outcome = dataset.apply_edits(CLIENT, [relabel(1, unseen, "dog")])
    run(dataset.reconcile())
    later = dataset.apply_edits(CLIENT, [relabel(2, unseen, "dog"), relabel(3, seen, "dog")])

    assert [(one.ids, one.reason) for one in outcome.refused] == [
        ((unseen.id,), "0.jpg: This file is no longer there.")
    ]
    assert [one.number for one in later.refused] == [2]
    assert later.acknowledged == 3
    assert dataset.counts() == {"cat": 0, "dog": 1}


def test_an_unknown_class_is_refused_and_later_edits_go_on(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = dataset.rows()

    outcome = dataset.apply_edits(CLIENT, [relabel(1, first, "bird"), relabel(2, second, "dog")])

    assert [(one.number, one.ids) for one in outcome.refused] == [(1, (first.id,))]
    assert outcome.acknowledged == 2
    assert dataset.counts() == {"cat": 1, "dog": 1}


def test_the_gallery_undoes_only_the_step_it_shows(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = dataset.rows()
    (step,) = dataset.apply_edits(CLIENT, [relabel(1, first, "dog")]).steps
    dataset.remove([second.id])

    refused = dataset.apply_edits(CLIENT, [undo(2, step.id)])
    dataset.undo()
    undone = dataset.apply_edits(CLIENT, [undo(3, step.id)])

    assert "Removed 1 photo from cat" in refused.refused[0].reason
    assert refused.steps == ()
    assert undone.steps[0].undone
    assert undone.steps[0].changes[0].now == "cat/0.jpg"
    assert dataset.counts() == {"cat": 2, "dog": 0}


def test_an_undo_sent_again_is_not_done_twice(make_set):
    dataset = make_set({"cat": 2, "dog": 0})
    first, second = dataset.rows()
    dataset.relabel([first.id], "dog")
    (step,) = dataset.apply_edits(CLIENT, [relabel(1, second, "dog")]).steps
    dataset.apply_edits(CLIENT, [undo(2, step.id)])

    outcome = dataset.apply_edits(CLIENT, [undo(2, step.id)])

    assert outcome.acknowledged == 2
    assert dataset.counts() == {"cat": 1, "dog": 1}


def test_nothing_to_undo_is_refused_with_a_sentence(make_set):
    dataset = make_set({"cat": 1})

    outcome = dataset.apply_edits(CLIENT, [undo(1, 7)])

    assert outcome.refused[0].reason == "Nothing left to undo."
    assert outcome.acknowledged == 1


def test_no_edits_acknowledge_what_was_seen_before(make_set):
    dataset = make_set({"cat": 1})
    dataset.apply_edits(CLIENT, [remove(4, *dataset.rows())])

    assert dataset.apply_edits(CLIENT, []).acknowledged == 4


def test_a_read_only_data_set_acknowledges_nothing(make_set):
    dataset = make_set({"cat": 1})
    read_only = Dataset(dataset.root, dataset.home, read_only=True)

    with pytest.raises(DatasetError, match="Work on a copy"):
        read_only.apply_edits(CLIENT, [remove(1, *dataset.rows())])

    assert dataset.apply_edits(CLIENT, []).acknowledged == 0


def test_a_photo_shown_without_a_class_may_be_named_by_the_unsorted_folder(make_set):
    dataset = make_set({"cat": 0, "unsorted": 2})
    first, second = dataset.rows()
    edits = [
        GalleryEdit(
            number=1,
            op="relabel",
            ids=(first.id,),
            class_name="cat",
            shown_in={first.id: "unsorted"},
        ),
        GalleryEdit(
            number=2, op="relabel", ids=(second.id,), class_name="cat", shown_in={second.id: None}
        ),
    ]

    assert dataset.apply_edits(CLIENT, edits).refused == ()
    assert dataset.counts() == {"cat": 2}
