import numpy as np
import pytest
import torch

from core.train.learner import photos_at_once
from core.train.network import ConcatHead, DeepNetwork
from tests.core.train.toy import (
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
    return fitting.learner.network.state_dict()


@pytest.mark.parametrize(
    "settings", [{}, {"mixup": 0.4, "label_smoothing": 0.1}, {"freeze_to": 2}, {"batch": 13}]
)
def test_a_batch_in_parts_teaches_what_it_teaches_as_a_whole(tmp_path, settings):
    whole = toy_fitting(tmp_path / "whole", machine=PLAIN_MACHINE, **settings)
    parts = toy_fitting(tmp_path / "parts", machine=IN_PARTS, **settings)
    assert parts.position.at_once < whole.position.at_once

    finish(whole.run())
    finish(parts.run())

    one, other = weights(whole), weights(parts)
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-5
    for row, same in zip(whole.position.epochs, parts.position.epochs, strict=True):
        assert row["train_loss"] == pytest.approx(same["train_loss"], rel=1e-4)


def test_there_is_news_after_each_part_of_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("core.train.fit.SECONDS_BETWEEN_ROWS", 0.0)
    fitting = toy_fitting(tmp_path, machine=IN_PARTS, epochs=1)

    rows = [one.metrics for one in fitting.run() if one.metrics.get("kind") == "batch"]

    # 60 photos: three batches of 16 in four parts each, and one of 12 in three.
    assert [row["step"] for row in rows][:5] == [0.25, 0.5, 0.75, 1.0, 1.25]
    assert len(rows) == 15
    assert rows[-1]["epoch"] == 1.0
    assert len({row["train_loss"] for row in rows}) == 15


def test_a_stop_within_a_step_takes_none_of_it(tmp_path):
    fitting = toy_fitting(tmp_path, machine=IN_PARTS)
    before = {name: tensor.clone() for name, tensor in weights(fitting).items()}
    task = fitting.run()
    for _ in range(3):  # of four parts
        next(task)

    task.close()

    assert fitting.position.step == 0 and fitting.position.part == 0.0
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(fitting).items())


def concat_network():
    return DeepNetwork(toy_network().stages, ConcatHead(8, CLASSES))


@pytest.mark.parametrize(
    ("make", "settings", "divisible"),
    [
        (toy_network, {}, True),
        (toy_network_with_batch_norm, {}, True),  # it stays as it is
        (toy_network_with_batch_norm, {"batch_norm": True}, False),
        (toy_network_with_batch_norm, {"batch_norm": True, "freeze_to": 3}, True),
        (concat_network, {"head": "concat"}, False),
    ],
)
def test_batches_are_divided_unless_batch_norm_learns(tmp_path, make, settings, divisible):
    fitting = toy_fitting(tmp_path, network=make(), machine=IN_PARTS, **settings)
    batch = next(fitting._batches())

    parts = fitting.learner.begin(batch, 0, 4)

    assert fitting.learner.divisible == divisible
    assert [len(part.labels) for part in parts] == ([4] * 4 if divisible else [16])
    assert sum(part.share for part in parts) == pytest.approx(1)


@pytest.mark.parametrize(
    ("batch", "rate", "at_once"),
    [
        (32, 0.0, 32),  # not known
        (32, 1e9, 32),
        (32, 40.0, 16),  # two parts of 0.4 s
        (32, 27.0, 11),  # 11, 11 and 10
        (32, 0.01, 1),
        (1, 30.0, 1),
    ],
)
def test_photos_at_once_take_about_as_long_as_a_person_waits_for_news(batch, rate, at_once):
    assert photos_at_once(batch, rate) == at_once


def test_what_frozen_stages_take_is_not_counted_where_it_is_kept(tmp_path):
    """Of three stages the first works on all pixels; the others on a quarter."""
    data = toy_data()
    kept = type(data)(**{**vars(data), "cached": True})

    fresh = toy_fitting(tmp_path, freeze_to=2, size=32)
    late = toy_fitting(tmp_path, data=kept, freeze_to=2, size=32)
    head = toy_fitting(tmp_path, data=kept, freeze_to=3, size=32)

    assert fresh.learner.work() == 1.0
    # Multiplications and additions a pixel: 3 * 6 * 9, and 6 * 8 * 9 and 8 * 8 * 9 on a quarter.
    first, second, third = 4 * 3 * 6, 6 * 8, 8 * 8
    assert late.learner.work() == pytest.approx(third / (first + second + third), rel=0.02)
    assert 0 < head.learner.work() < 0.02
    assert np.isfinite(photos_at_once(32, 10 / head.learner.work()))
