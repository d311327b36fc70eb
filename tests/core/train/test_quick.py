import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.dataset import Dataset
from core.dataset.alike import save_groups
from core.dataset.verdicts import StoredVerdict, save_verdicts
from core.errors import NetworkError, TrainingError
from core.jobs.progress import Progress
from core.networks import embed as embedding
from core.networks.features import FeatureStore
from core.runs import latest_run, load_curve, load_predictions, load_tensors
from core.train.quick import train_quick, train_quick_job
from tests.trained_sets import finish, make_features, train_on_made_features

ROOT = Path(__file__).parents[3]


def opened(root):
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return dataset


@pytest.fixture
def pretend_network(monkeypatch):
    """Embed without a network: colours averaged over a grid of patches, as 1,280 numbers."""

    def features_of(batch):
        small = batch[:, ::32, ::32].reshape(len(batch), -1).astype(np.float32) / 64
        return np.pad(small, ((0, 0), (0, 1280 - small.shape[1])))

    class PretendEngine:
        kind = "pretended"
        threads = 2
        backbone = type("PretendBackbone", (), {"size": 224})
        features_on_this_thread = staticmethod(features_of)

        @classmethod
        def loading(cls, backbone):
            yield Progress(phase="load", done=0, total=0, message="Loading.")
            return cls()

    monkeypatch.setattr(embedding, "Engine", PretendEngine)


def test_training_keeps_a_run_that_says_how_well_it_does(photo_set):
    root = photo_set({"cat": 30, "dog": 30})

    run = train_on_made_features(root, mistaken_every=6)

    home = Dataset.open(root).home
    assert latest_run(home) == run
    assert (run.classes, run.images, run.judged, run.folds) == (("cat", "dog"), 60, 60, 5)
    assert run.wrong == 10  # every sixth of 30, in both classes
    assert run.error_rate == pytest.approx(10 / 60)
    predictions = load_predictions(home, run.id)
    assert run.loss == pytest.approx(float(predictions.loss.mean()))
    assert set(run.seconds) == {"embed", "alike", "fit", "judge"}


def test_the_kept_heads_give_the_kept_probabilities(photo_set):
    root = photo_set({"cat": 30, "dog": 30})
    run = train_on_made_features(root)
    dataset = Dataset.open(root)
    predictions = load_predictions(dataset.home, run.id)
    tensors = load_tensors(dataset.home, run.id)

    features = FeatureStore(dataset.home, "lite0").get(predictions.content).mean(axis=1)
    weight = tensors["fold_weight"][predictions.fold]
    logits = np.einsum("nd,nkd->nk", features.astype(np.float32), weight)
    logits += tensors["fold_bias"][predictions.fold]

    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(predictions.probs, wanted, atol=1e-3)
    assert tensors["weight"].shape == (2, 1280)


def test_training_twice_gives_the_same(photo_set):
    root = photo_set({"cat": 30, "dog": 30})

    first = train_on_made_features(root)
    second = finish(train_quick(Dataset.open(root)))

    home = Dataset.open(root).home
    one, other = load_predictions(home, first.id), load_predictions(home, second.id)
    assert np.array_equal(one.probs, other.probs)
    assert first.loss == second.loss


def test_a_relabelled_photo_is_judged_by_a_head_that_still_has_not_seen_it(photo_set):
    root = photo_set({"cat": 30, "dog": 30})
    first = train_on_made_features(root)
    dataset = Dataset.open(root)
    row = dataset.rows(class_name="cat")[3]

    dataset.relabel([row.id], "dog")
    second = finish(train_quick(dataset))

    folds = []
    for run in (first, second):
        predictions = load_predictions(dataset.home, run.id)
        (at,) = np.flatnonzero(predictions.file_id == row.id)
        folds.append(predictions.fold[at])
    assert folds[0] == folds[1]
    assert second.step == dataset.history(1)[0].id
    assert first.step is None


def test_reports_show_the_losses_step_by_step_and_are_kept(photo_set):
    root = photo_set({"cat": 30, "dog": 30})
    dataset = opened(root)
    make_features(dataset, mistaken_every=6)

    reports = list(train_quick(dataset))

    fit = [report for report in reports if report.phase == "fit" and report.metrics]
    assert [report.metrics["step"] for report in fit] == list(range(1, len(fit) + 1))
    assert fit[-1].metrics["train_loss"] < fit[0].metrics["train_loss"]
    assert {"valid_loss", "error_rate"} <= set(fit[0].metrics)
    assert reports[-1].message == "Wrong on 10 of 60 photos it had not seen."
    kept = load_curve(dataset.home, latest_run(dataset.home).id)
    assert [row["step"] for row in kept if row["phase"] == "fit"] == [
        report.metrics["step"] for report in fit
    ]


def test_while_photos_are_embedded_a_learning_curve_grows(photo_set, pretend_network):
    dataset = opened(photo_set({"cat": 40, "dog": 40}))

    reports = list(train_quick(dataset))

    curve = [report.metrics for report in reports if "photos" in report.metrics]
    assert all(report.phase == "embed" for report in reports if "photos" in report.metrics)
    assert curve[-1]["photos"] == 80
    assert {"train_loss", "valid_loss", "error_rate"} <= set(curve[-1])


def test_how_fast_photos_are_embedded_cannot_change_the_result(
    photo_set, pretend_network, monkeypatch, tmp_path
):
    root = photo_set({"cat": 30, "dog": 30})
    copy = shutil.copytree(root, tmp_path / "copy")
    runs = []
    for folder, pause in ((root, 0.3), (copy, 0.0)):
        monkeypatch.setattr(embedding, "SECONDS_BETWEEN_REPORTS", pause)
        dataset = opened(folder)
        runs.append((dataset.home, finish(train_quick(dataset))))

    one, other = (load_predictions(home, run.id) for home, run in runs)

    assert np.array_equal(one.fold, other.fold)
    assert np.array_equal(one.probs, other.probs)


def test_photos_that_cannot_be_read_are_left_out_and_counted(photo_set, pretend_network):
    root = photo_set({"cat": 20, "dog": 20})
    for number in range(3):
        (root / "cat" / f"broken{number}.jpg").write_bytes(b"no photo" * (number + 1))

    run = finish(train_quick(opened(root)))

    assert run.images == 40
    assert len(run.settings["left_out"]) == 3
    assert run.warnings[0] == (
        "3 photos could not be read and were left out, such as cat/broken0.jpg. Check says why."
    )


def test_photos_that_check_found_unreadable_are_not_tried_again(photo_set, pretend_network):
    root = photo_set({"cat": 20, "dog": 20})
    (root / "cat" / "broken.jpg").write_bytes(b"no photo")
    dataset = opened(root)
    make_features(dataset, mistaken_every=50)
    row = dataset.find("cat/broken.jpg")
    # Its made-up features stand for a network that would be asked again.
    save_verdicts(
        dataset,
        [StoredVerdict(file_id=row.id, content=row.content, kind="corrupt", reason="Damaged.")],
    )

    run = finish(train_quick(dataset))

    assert run.settings["left_out"] == [row.id]
    assert run.images == 40


def test_photos_that_check_only_finds_odd_are_trained_on(photo_set):
    dataset = opened(photo_set({"cat": 20, "dog": 20}))
    make_features(dataset, mistaken_every=50)
    row = dataset.rows()[0]
    save_verdicts(
        dataset,
        [StoredVerdict(file_id=row.id, content=row.content, kind="too_small", reason="Small.")],
    )

    run = finish(train_quick(dataset))

    assert run.images == 40


def test_one_class_is_refused_before_anything_is_embedded(photo_set):
    dataset = opened(photo_set({"cat": 5}))

    with pytest.raises(TrainingError, match="one class"):
        finish(train_quick(dataset))

    assert not (dataset.home / "features").exists()


def test_three_photos_in_all_give_a_result(photo_set):
    root = photo_set({"cat": 2, "dog": 1})

    run = train_on_made_features(root, mistaken_every=9)

    assert (run.images, run.judged) == (3, 2)
    assert len(run.warnings) == 2


def test_a_class_of_one_photo_is_trained_on_and_not_judged(photo_set):
    root = photo_set({"cat": 20, "cow": 1, "dog": 20})

    run = train_on_made_features(root, mistaken_every=30)

    predictions = load_predictions(Dataset.open(root).home, run.id)
    assert (run.images, run.judged) == (41, 40)
    assert predictions.fold[predictions.given == 1].tolist() == [-1]


def test_a_class_of_two_photos_is_judged(photo_set):
    run = train_on_made_features(photo_set({"cat": 20, "dog": 2}), mistaken_every=30)

    assert run.judged == 22


def test_a_class_that_goes_away_while_training_embeds_is_no_class(photo_set, pretend_network):
    dataset = opened(photo_set({"cat": 10, "dog": 10}))
    ids = [row.id for row in dataset.rows(class_name="cat")][:5]
    dataset.relabel(ids, "brandnew", new=True)
    task = train_quick(dataset)
    next(task), next(task)
    dataset.undo()

    run = finish(task)

    assert (run.classes, run.images) == (("cat", "dog"), 20)
    assert not any("left out" in sentence for sentence in run.warnings)


def test_photos_gone_while_training_embeds_are_said_to_be_gone(photo_set, pretend_network):
    dataset = opened(photo_set({"cat": 10, "dog": 10}))
    removed, deleted = dataset.find("cat/0003.png"), dataset.find("dog/0004.png")
    task = train_quick(dataset)
    next(task), next(task)
    dataset.remove([removed.id])
    dataset.path_of(deleted).unlink()

    run = finish(task)

    assert run.images == 18
    assert run.settings["left_out"] == [removed.id, deleted.id]
    assert run.warnings[0] == (
        "2 photos were changed, moved or deleted while training ran, and left out, "
        "such as cat/0003.png."
    )


def test_an_emptied_class_is_left_out(photo_set):
    run = train_on_made_features(photo_set({"cat": 20, "cow": 0, "dog": 20}), mistaken_every=30)

    assert run.classes == ("cat", "dog")
    assert "“cow” has no photos" in run.warnings[0]


def test_very_uneven_classes_give_a_result_with_a_warning(photo_set):
    run = train_on_made_features(photo_set({"cat": 250, "dog": 6}), mistaken_every=300)

    assert run.judged == 256
    assert any("very uneven" in sentence for sentence in run.warnings)


def test_pictures_that_look_the_same_to_the_network_are_a_sentence(photo_set):
    dataset = opened(photo_set({"cat": 4, "dog": 4}))
    contents = [row.content for row in dataset.rows()]
    FeatureStore(dataset.home, "lite0").add(contents, np.full((8, 2, 1280), 0.3, np.float16))

    with pytest.raises(TrainingError, match="look exactly the same"):
        finish(train_quick(dataset))


def test_one_picture_in_two_classes_is_trained_on_in_both(photo_set, save_image):
    root = photo_set({"cat": 20, "dog": 20})
    save_image(root / "dog" / "copy.png", seed=0)  # cat/0000.png again

    run = train_on_made_features(root, mistaken_every=50)

    predictions = load_predictions(Dataset.open(root).home, run.id)
    twice = [at for at, one in enumerate(predictions.content) if predictions.content.count(one) > 1]
    assert len(twice) == 2
    assert len({int(predictions.fold[at]) for at in twice}) == 1
    assert any("more than one class" in sentence for sentence in run.warnings)


def test_an_unknown_network_is_a_sentence(photo_set):
    with pytest.raises(NetworkError, match="There is no network 'lite9'"):
        finish(train_quick(opened(photo_set({"cat": 3, "dog": 3})), backbone="lite9"))


def test_as_a_job_it_says_which_run_came_of_it(photo_set):
    root = photo_set({"cat": 20, "dog": 20})
    make_features(opened(root), mistaken_every=10)

    result = finish(train_quick_job(str(root)))

    run = latest_run(Dataset.open(root).home)
    assert result == {"run": run.id, "error_rate": 0.1, "wrong": 4, "judged": 40}


def test_training_again_imports_nothing_that_is_slow_to_import(photo_set):
    root = photo_set({"cat": 20, "dog": 20})
    dataset = opened(root)
    make_features(dataset, mistaken_every=10)
    save_groups(dataset, {}, compared=[row.content for row in dataset.rows()])
    script = (
        "import sys; from core.train.quick import train_quick_job\n"
        "for _ in train_quick_job(sys.argv[1]): pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(root)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )

    slow = {"torch", "timm", "sklearn", "scipy", "pandas", "onnxruntime", "PIL", "streamlit"}
    assert not slow & set(done.stdout.split())
