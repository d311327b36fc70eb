import errno
import os

import numpy as np
import pytest
import torch

from core.errors import TrainingError
from core.train import checkpoint, unfinished
from core.train.network import DeepNetwork, LinearHead
from tests.core.train.toy import (
    CHANNELS_LAST,
    CLASSES,
    IN_PARTS,
    PLAIN_MACHINE,
    toy_data,
    toy_fitting,
    toy_network,
    toy_network_with_batch_norm,
)
from tests.trained_sets import finish


def weights(fitting):
    return {name: tensor.clone() for name, tensor in fitting.learner.network.state_dict().items()}


def largest_difference(one, other):
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_training_learns_to_tell_classes_apart(tmp_path):
    fitting = toy_fitting(tmp_path, epochs=6)
    before, _ = finish(fitting.judge_loss())

    reports = list(fitting.run())

    after, wrong = finish(fitting.judge_loss())
    assert after < before / 2
    assert wrong < 0.1
    epochs = [one.metrics for one in reports if one.metrics.get("kind") == "epoch"]
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4, 5, 6]
    assert (reports[-1].done, reports[-1].total) == (24, 24)


def test_the_best_weights_are_kept_not_the_last(tmp_path):
    fitting = toy_fitting(tmp_path, epochs=5, schedule="constant", peak=0.05)

    finish(fitting.run())

    losses = [row["valid_loss"] for row in fitting.position.epochs]
    assert finish(fitting.judge_loss())[0] == pytest.approx(fitting.position.best_loss)
    assert fitting.position.best_loss == pytest.approx(min([*losses, fitting.position.best_loss]))


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    results = []
    for number, seed in enumerate((1, 1, 2)):
        fitting = toy_fitting(tmp_path / str(number), seed=seed)
        finish(fitting.run())
        results.append(weights(fitting))

    assert largest_difference(results[0], results[1]) == 0
    assert largest_difference(results[0], results[2]) > 0


@pytest.mark.parametrize("machine", [PLAIN_MACHINE, CHANNELS_LAST, IN_PARTS])
@pytest.mark.parametrize("reports_before_stop", [1, 3, 5, 6, 13])
def test_a_stopped_training_goes_on_exactly_where_it_was(tmp_path, reports_before_stop, machine):
    settings = {"mixup": 0.2, "label_smoothing": 0.1, "machine": machine}
    whole = toy_fitting(tmp_path / "whole", **settings)
    finish(whole.run())
    stopped = toy_fitting(tmp_path / "stopped", **settings)
    task = stopped.run()
    for _ in range(reports_before_stop):
        next(task)
    task.close()

    resumed = toy_fitting(tmp_path / "stopped", **settings)
    resumed.resume(checkpoint.read(tmp_path / "stopped"))
    finish(resumed.run())

    assert largest_difference(weights(whole), weights(resumed)) < 1e-6
    pairs = zip(whole.position.epochs, resumed.position.epochs, strict=True)
    for one, other in pairs:
        assert one["train_loss"] == pytest.approx(other["train_loss"])


@pytest.mark.parametrize("learns", [True, False])
def test_batch_norm_of_trained_stages_learns_only_where_it_is_asked_to(tmp_path, learns):
    fitting = toy_fitting(
        tmp_path, network=toy_network_with_batch_norm(), batch_norm=learns, freeze_to=1
    )
    before = weights(fitting)

    list(fitting.run())

    after = weights(fitting)
    means = [name for name in before if name.endswith("running_mean")]
    changed = [name for name in means if not torch.equal(before[name], after[name])]
    assert changed == (means[1:] if learns else [])


def test_a_stopped_training_with_batch_norm_goes_on_exactly_where_it_was(tmp_path):
    def begun(name):
        network = toy_network_with_batch_norm()
        return toy_fitting(tmp_path / name, network=network, batch_norm=True)

    whole, stopped, resumed = begun("whole"), begun("stopped"), begun("stopped")
    finish(whole.run())
    task = stopped.run()
    for _ in range(7):
        next(task)
    task.close()

    resumed.resume(checkpoint.read(tmp_path / "stopped"))
    finish(resumed.run())

    assert largest_difference(weights(whole), weights(resumed)) < 1e-6


def test_a_killed_training_goes_on_from_its_last_epoch(tmp_path):
    whole = toy_fitting(tmp_path / "whole")
    finish(whole.run())
    killed = toy_fitting(tmp_path / "killed")
    task = killed.run()
    for _ in range(12):  # 4 steps and a report an epoch: in the third
        next(task)
    task_left_alone = task  # a kill closes nothing: what is on disk is the last epoch's

    resumed = toy_fitting(tmp_path / "killed")
    resumed.resume(checkpoint.read(tmp_path / "killed"))

    assert (resumed.position.epoch, resumed.position.step) == (2, 0)
    finish(resumed.run())
    assert largest_difference(weights(whole), weights(resumed)) < 1e-6
    del task_left_alone


def test_what_was_left_unfinished_can_be_told(tmp_path):
    folder = unfinished.state_folder(tmp_path, {"epochs": 4}, "photos")
    fitting = toy_fitting(folder)
    task = fitting.run()
    for _ in range(7):
        next(task)
    task.close()

    found = unfinished.unfinished(tmp_path)

    assert (found.epoch, found.epochs, found.fold) == (1, 4, 0)
    assert found.settings["batch"] == 16
    unfinished.forget_others(tmp_path, tmp_path / "deep" / "another")
    assert unfinished.unfinished(tmp_path) is None


def test_a_rate_that_is_too_high_ends_in_a_sentence(tmp_path):
    fitting = toy_fitting(tmp_path, epochs=50, schedule="constant", peak=80.0)

    with pytest.raises(TrainingError, match="rate is too high: training diverged at step"):
        finish(fitting.run())


class Greedy(DeepNetwork):
    """Has memory for so many photos at a time."""

    def __init__(self, network, most):
        super().__init__(network.stages, network.head)
        self.head = GreedyHead(most)


class GreedyHead(LinearHead):
    def __init__(self, most):
        super().__init__(8, CLASSES)
        self.most = most

    def forward(self, maps):
        if self.training and len(maps) > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return super().forward(maps)


def test_fewer_photos_are_computed_at_once_where_memory_does_not_suffice(tmp_path):
    fitting = toy_fitting(tmp_path, network=Greedy(toy_network(), most=5))

    messages = [one.message for one in fitting.run()]

    assert (fitting.position.batch, fitting.position.at_once) == (16, 4)
    assert any("8 photos at a time" in one for one in messages)
    assert [row["epoch"] for row in fitting.position.epochs] == [1, 2, 3, 4]
    assert finish(fitting.judge_loss())[1] < 0.2


@pytest.mark.parametrize("machine", [PLAIN_MACHINE, IN_PARTS])
def test_batches_become_smaller_where_a_batch_has_to_be_computed_as_a_whole(tmp_path, machine):
    network = Greedy(toy_network_with_batch_norm(), most=5)
    fitting = toy_fitting(tmp_path, network=network, batch_norm=True, machine=machine)

    messages = [one.message for one in fitting.run()]

    assert fitting.position.batch == 4
    assert [one for one in messages if "Memory" in one] == [
        "Memory is short: batches of 8 now.",
        "Memory is short: batches of 4 now.",
    ]
    assert [row["epoch"] for row in fitting.position.epochs] == [1, 2, 3, 4]


def test_too_little_memory_for_one_photo_is_said(tmp_path):
    fitting = toy_fitting(tmp_path, network=Greedy(toy_network(), most=0))

    with pytest.raises(TrainingError, match="too little memory"):
        finish(fitting.run())


def test_other_errors_of_the_network_are_not_taken_for_memory(tmp_path):
    class Broken(LinearHead):
        def forward(self, maps):
            raise RuntimeError("shapes do not fit")

    network = toy_network()
    network.head = Broken(8, CLASSES)
    fitting = toy_fitting(tmp_path, network=network)

    with pytest.raises(RuntimeError, match="shapes"):
        finish(fitting.run())


def test_a_full_disk_ends_in_a_sentence_and_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    fitting = toy_fitting(tmp_path)
    task = fitting.run()
    for _ in range(5):  # one epoch is kept
        next(task)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left on device.*Make room"):
        finish(task)

    monkeypatch.undo()
    kept = checkpoint.read(tmp_path)
    assert kept.position.epoch == 1
    assert [file.name for file in tmp_path.glob("*.part")] == []


def test_a_damaged_checkpoint_is_none(tmp_path):
    (tmp_path / checkpoint.FILE).write_bytes(b"\x07" * 100)

    assert checkpoint.read(tmp_path) is None


def test_frozen_stages_stay_as_they_are(tmp_path):
    fitting = toy_fitting(tmp_path, freeze_to=2)
    before = weights(fitting)

    finish(fitting.run())

    after = weights(fitting)
    for name in before:
        changed = not torch.equal(before[name], after[name])
        assert changed == name.startswith(("stages.2", "head")), name


def test_rates_rise_from_the_first_trained_stage_to_the_head(tmp_path):
    even = toy_fitting(tmp_path, peak=1e-2, spread=100.0)
    groups = toy_fitting(tmp_path, lrs=(1e-4, 1e-3, 1e-2))
    ends = toy_fitting(tmp_path, lrs=(1e-4, 1e-1), freeze_to=1)

    assert np.allclose(
        even.learner.peaks, [1e-4, 1e-2 / 100 ** (2 / 3), 1e-2 / 100 ** (1 / 3), 1e-2]
    )
    assert groups.learner.peaks == [1e-4, 1e-4, 1e-3, 1e-2]
    assert np.allclose(ends.learner.peaks, [1e-4, 10**-2.5, 1e-1])


def test_rate_and_momentum_follow_the_schedule(tmp_path):
    fitting = toy_fitting(tmp_path, peak=0.04, spread=1.0)

    rows = [one.metrics for one in fitting.run() if one.metrics.get("kind") == "batch"]

    assert rows
    for row in rows:
        step = row["step"] - 1
        assert row["lr"] == pytest.approx(0.04 * fitting.schedule.factor(step))
        assert row["momentum"] == pytest.approx(fitting.schedule.momentum(step))


def test_a_fold_without_photos_is_our_own_mistake():
    with pytest.raises(ValueError, match="needs photos"):
        toy_data(held=0)


def test_while_photos_are_judged_the_loss_so_far_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("core.train.fit.SECONDS_BETWEEN_ROWS", 0.0)
    monkeypatch.setattr("core.train.fit.JUDGED_AT_ONCE", 8)
    fitting = toy_fitting(tmp_path, epochs=1)

    reports = list(fitting.run())

    assert reports[0].message == "As it is before training: judging held-out photos, 8 of 30."
    kinds = [one.metrics.get("kind") for one in reports]
    assert kinds == [None] * 3 + ["batch"] * 4 + ["judging"] * 3 + ["epoch"]
    judging = [one.metrics["valid_loss"] for one in reports[-4:]]
    assert len(set(judging)) == 4
    assert judging[0] == pytest.approx(judging[-1], rel=0.5)
    assert reports[-2].message == "Epoch 1 of 1: judging held-out photos, 24 of 30."


def test_a_training_that_is_stopped_while_it_judges_judges_again(tmp_path, monkeypatch):
    monkeypatch.setattr("core.train.fit.JUDGED_AT_ONCE", 8)
    whole = toy_fitting(tmp_path / "whole", epochs=2)
    finish(whole.run())
    stopped = toy_fitting(tmp_path / "stopped", epochs=2)
    task = stopped.run()
    for _ in range(3 + 4 + 2):  # judged at first, trained, in the middle of judging
        next(task)
    task.close()

    resumed = toy_fitting(tmp_path / "stopped", epochs=2)
    resumed.resume(checkpoint.read(tmp_path / "stopped"))

    assert (resumed.position.epoch, resumed.position.step) == (0, 4)
    finish(resumed.run())
    assert largest_difference(weights(whole), weights(resumed)) < 1e-6
    assert resumed.position.best_epoch == whole.position.best_epoch
