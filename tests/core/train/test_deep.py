import numpy as np
import pytest
from PIL import Image

from core.dataset import Dataset
from core.errors import RunError, TrainingError
from core.runs import load_curve, load_predictions, load_tensors
from core.runs.store import network_files
from core.train import unfinished
from core.train.deep import train_deep, train_deep_job
from core.train.settings import DeepSettings
from tests.trained_sets import finish, make_features

# The real network, small enough that a test takes a second: 32 pixels, only its end trained.
SMALL = {"size": 32, "freeze_to": 8, "epochs": 2, "augment": "none", "batch": 16}


def prepared(root):
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=10)
    return dataset


def trained(root, **settings):
    dataset = prepared(root)
    return dataset, finish(train_deep(dataset, DeepSettings(**{**SMALL, **settings})))


def test_one_fold_is_judged_and_held_against_quick(photo_set):
    dataset, run = trained(photo_set({"cat": 20, "dog": 20}))

    assert (run.mode, run.judged_folds, run.judged) == ("deep", (0,), 8)
    assert run.answers["quick"]["judged"] == run.answers["blend"]["judged"] == 8
    assert run.error_rate == run.answers["deep"]["error_rate"]
    said = load_predictions(dataset.home, run.id)
    quick = load_predictions(dataset.home, run.settings["quick_run"])
    elsewhere = said.fold != 0
    assert np.array_equal(said.probs[elsewhere], quick.probs[elsewhere])
    assert not np.array_equal(said.probs[~elsewhere], quick.probs[~elsewhere])
    assert np.allclose(said.probs.sum(axis=1), 1, atol=1e-5)


def test_all_folds_judge_every_photo_by_a_network_that_did_not_see_it(photo_set):
    dataset, run = trained(photo_set({"cat": 10, "dog": 10}), all_folds=True, epochs=1)

    assert (run.judged_folds, run.judged) == ((0, 1, 2, 3, 4), 20)
    assert list(network_files(dataset.home, run.id)) == [0, 1, 2, 3, 4]
    assert unfinished.unfinished(dataset.home) is None


def test_what_is_kept_is_never_wrong_more_often_than_quick(photo_set):
    for seed in range(2):
        _, run = trained(photo_set({"cat": 12, "dog": 12}, name=str(seed)), seed=seed)

        assert run.answers[run.kept]["wrong"] <= run.answers["quick"]["wrong"]


def test_the_run_can_be_drawn_and_used(photo_set):
    dataset, run = trained(photo_set({"cat": 12, "dog": 12}))

    epochs = [row for row in load_curve(dataset.home, run.id) if row["kind"] == "epoch"]
    assert [row["epoch"] for row in epochs] == [1, 2]
    assert {"weight", "bias", "fold_weight"} <= set(load_tensors(dataset.home, run.id))
    assert DeepSettings.from_json(run.settings["deep"]).size == 32


def test_the_same_seed_gives_the_same_answers(photo_set):
    dataset, run = trained(photo_set({"cat": 12, "dog": 12}), augment="side", seed=3)

    again = finish(train_deep(dataset, DeepSettings.from_json(run.settings["deep"])))

    one, other = (load_predictions(dataset.home, each.id).probs for each in (run, again))
    assert np.array_equal(one, other)


def test_a_training_left_early_goes_on_where_it_was(photo_set):
    dataset, whole = trained(photo_set({"cat": 12, "dog": 12}), epochs=3)
    settings = DeepSettings.from_json(whole.settings["deep"])
    task = train_deep(dataset, settings)
    reports = []
    while not reports or not ended_epoch(reports[-1], 2):
        reports.append(next(task))
    task.close()
    assert unfinished.unfinished(dataset.home).epoch == 2

    resumed = list_reports(train_deep(dataset, settings))

    steps = [one.done for one in resumed if one.phase == "train"]
    assert min(steps) > 2  # the first two epochs' steps are not done again
    one, other = (network_files(dataset.home, each)[0] for each in (whole.id, newest(dataset)))
    assert same_network(one, other)


def test_what_was_learnt_so_far_can_be_kept_without_going_on(photo_set):
    dataset = prepared(photo_set({"cat": 12, "dog": 12}))
    settings = DeepSettings(**{**SMALL, "epochs": 50})
    task = train_deep(dataset, settings)
    while not ended_epoch(next(task), 2):
        pass
    task.close()

    run = finish(train_deep(dataset, settings, finish=True))

    assert len(run.settings["folds"]["0"]["epochs"]) == 2
    assert run.judged == len(run_fold(dataset, run))
    assert unfinished.unfinished(dataset.home) is None


def test_starting_afresh_forgets_what_was_left(photo_set):
    dataset = prepared(photo_set({"cat": 12, "dog": 12}))
    settings = DeepSettings(**SMALL)
    task = train_deep(dataset, settings)
    while not ended_epoch(next(task), 1):
        pass
    task.close()

    reports = list_reports(train_deep(dataset, settings, fresh=True))

    assert min(one.done for one in reports if one.phase == "train") == 1


def test_training_goes_on_from_another_run(photo_set):
    dataset, first = trained(photo_set({"cat": 12, "dog": 12}), freeze_to=99)

    second = finish(
        train_deep(dataset, DeepSettings(**{**SMALL, "freeze_to": 7, "start_from": first.id}))
    )

    assert second.settings["deep"]["start_from"] == first.id
    for changed, reason in (
        ({"fold": 1}, "held out other photos"),
        ({"batch_norm": True}, "left its batch-norm as it was"),
        ({"head": "concat"}, "another head"),
    ):
        settings = DeepSettings(**{**SMALL, **changed, "start_from": first.id})
        with pytest.raises(RunError, match=reason):
            finish(train_deep(dataset, settings))


def test_a_photo_that_cannot_be_read_any_more_is_left_out_and_named(photo_set):
    root = photo_set({"cat": 12, "dog": 12})
    dataset = prepared(root)
    finish(train_deep(dataset, DeepSettings(**{**SMALL, "size": 40})))  # quick has seen it
    (root / "cat" / "0003.png").write_bytes(b"no picture any more, of another length")

    run = finish(train_deep(dataset, DeepSettings(**SMALL)))

    assert any("0003.png" in sentence for sentence in run.warnings)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"cat": 12}, "at least two classes"),
        ({"cat": 1, "dog": 1}, "single photo"),
        ({"cat": 0, "dog": 0}, "No photos in classes"),
    ],
)
def test_a_set_that_teaches_nothing_is_refused_in_a_sentence(photo_set, counts, sentence):
    with pytest.raises(TrainingError, match=sentence):
        trained(photo_set(counts))


def test_three_photos_and_an_empty_class_are_trained_on(photo_set):
    root = photo_set({"cat": 2, "dog": 1, "empty": 0})

    _, run = trained(root)

    assert run.judged >= 1
    assert any("empty" in sentence for sentence in run.warnings)


def test_a_set_s_own_split_is_judged_in_valid(photo_set, save_image):
    root = photo_set({"train/cat": 10, "train/dog": 10, "valid/cat": 4, "valid/dog": 4})

    dataset, run = trained(root)

    assert (run.judged, run.judged_folds) == (8, (5,))
    said = load_predictions(dataset.home, run.id)
    assert int((said.fold == 5).sum()) == 8


def test_a_share_of_the_photos_is_enough_to_try_out(photo_set):
    dataset, run = trained(photo_set({"cat": 20, "dog": 20}), share=0.5, epochs=1, batch=8)

    steps = [row["steps"] for row in load_curve(dataset.home, run.id) if row["kind"] == "batch"]
    assert steps[0] == 4  # 16 of 32 photos, not 8 at a time but 4, since they are few


@pytest.mark.parametrize(
    "choices",
    [
        {"head": "concat"},
        {"views": 0, "augment": "side"},
        {"freeze_to": 0, "augment": "count", "epochs": 1},
        {"mixup": 0.4, "label_smoothing": 0.1},
        {"batch_norm": True},
        {"schedule": "sgdr", "epochs": 3},
        {"schedule": "constant", "lrs": (1e-5, 1e-4, 1e-3)},
        {"tta": False},
    ],
)
def test_every_choice_trains(photo_set, choices):
    _, run = trained(photo_set({"cat": 8, "dog": 8}), **choices)

    assert np.isfinite(run.loss)


def test_photos_larger_than_the_network_sees_are_scaled(tmp_path):
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        (tmp_path / name).mkdir()
        for number in range(8):
            picture = Image.new("RGB", (90 + number, 300), colour)
            picture.putpixel((number, number), (0, 0, 0))
            picture.save(tmp_path / name / f"{number}.png")

    _, run = trained(tmp_path)

    assert run.judged >= 2


def test_the_job_tells_what_came_of_it(photo_set):
    root = photo_set({"cat": 8, "dog": 8})
    prepared(root)

    result = finish(train_deep_job(str(root), {**SMALL, "epochs": 1}))

    assert set(result) == {"run", "kept", "error_rate", "quick_error_rate", "wrong", "judged"}


def ended_epoch(report, number):
    return report.metrics.get("kind") == "epoch" and report.metrics["epoch"] == number


def list_reports(task):
    return list(task)


def newest(dataset):
    from core.runs import latest_run

    return latest_run(dataset.home).id


def run_fold(dataset, run):
    said = load_predictions(dataset.home, run.id)
    return np.flatnonzero(np.isin(said.fold, run.judged_folds))


def same_network(one, other):
    from safetensors.numpy import load_file

    first, second = load_file(one), load_file(other)
    return all(np.abs(first[name] - second[name]).max() < 1e-5 for name in first)
