import pytest

from core.dataset import Dataset
from core.review.ranking import ranking
from core.runs import load_predictions
from tests.trained_sets import finish, train_on_made_features


@pytest.fixture
def trained(photo_set):
    """Thirty cats and dogs, of which every tenth looks like the other."""
    root = photo_set({"cat": 30, "dog": 30})
    run = train_on_made_features(root, mistaken_every=10)
    dataset = Dataset.open(root)
    return dataset, run, load_predictions(dataset.home, run.id)


def ranked(trained):
    dataset, run, predictions = trained
    return ranking(run, predictions, dataset)


def test_photos_that_look_like_another_class_come_first(trained):
    suspects = ranked(trained)

    looks_wrong = {f"{name}/{number:04}.png" for name in ("cat", "dog") for number in (0, 10, 20)}
    assert {suspect.file for suspect in suspects[:6]} == looks_wrong
    assert len(suspects) == 60


def test_a_suspect_says_what_the_model_thinks(trained):
    worst = ranked(trained)[0]

    assert worst.kind == "wrong class"
    assert worst.given == worst.trained_as != worst.suggested == worst.predicted
    assert worst.label_quality == worst.probability < 0.5 < worst.confidence


def test_quality_rises_down_the_list_and_loss_falls(trained):
    suspects = ranked(trained)

    qualities = [suspect.label_quality for suspect in suspects]
    losses = [suspect.loss for suspect in suspects]
    assert qualities == sorted(qualities)
    assert losses == sorted(losses, reverse=True)
    assert suspects[-1].kind == "fine"
    assert suspects[-1].suggested == suspects[-1].given


def test_a_relabelled_photo_is_measured_against_the_class_it_stands_in_now(trained):
    dataset = trained[0]
    before = ranked(trained)[0]

    dataset.relabel([before.file_id], before.suggested)

    (now,) = [suspect for suspect in ranked(trained) if suspect.file_id == before.file_id]
    assert (now.given, now.trained_as, now.kind) == (before.suggested, before.given, "fine")
    assert now.label_quality == pytest.approx(before.confidence)
    assert now.file.startswith(before.suggested)


def test_photos_the_run_cannot_speak_of_are_left_out(trained):
    dataset = trained[0]
    removed, unsorted, unknown, edited = ranked(trained)[:4]

    dataset.remove([removed.file_id])
    dataset.relabel([unsorted.file_id], dataset.unsorted)
    dataset.relabel([unknown.file_id], "cow", new=True)
    (dataset.root / edited.file).write_bytes(b"something else by now")
    finish(dataset.reconcile())

    left = {suspect.file_id for suspect in ranked(trained)}
    assert len(left) == 56
    assert not left & {removed.file_id, unsorted.file_id, unknown.file_id, edited.file_id}


def test_photos_that_were_only_trained_on_are_left_out(photo_set):
    root = photo_set({"cat": 20, "cow": 1, "dog": 20})
    run = train_on_made_features(root, mistaken_every=30)
    dataset = Dataset.open(root)

    suspects = ranking(run, load_predictions(dataset.home, run.id), dataset)

    assert len(suspects) == 40
    assert all(suspect.given != "cow" for suspect in suspects)
