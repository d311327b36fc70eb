import pytest
import torch

from core.train.lr_find import STEPS, sweep
from tests.core.train.toy import toy_data, toy_fitting, toy_network, toy_network_with_batch_norm
from tests.trained_sets import finish


def bits(fitting):
    return {name: tensor.clone() for name, tensor in fitting.learner.network.state_dict().items()}


@pytest.mark.parametrize("freeze_to", [0, 3])  # all stages, the head alone
@pytest.mark.parametrize("photos", [6, 24, 300])
def test_suggestions_are_finite_and_the_same_each_time(tmp_path, photos, freeze_to):
    results = [
        finish(sweep(toy_fitting(tmp_path, data=toy_data(photos), freeze_to=freeze_to)))
        for _ in range(2)
    ]

    assert results[0] == results[1]
    for name in ("valley", "slide", "minimum", "steepest"):
        rate = results[0][name]
        assert rate is not None and 1e-7 < rate < 10, name
    assert len(results[0]["lrs"]) == len(results[0]["losses"]) <= STEPS


@pytest.mark.parametrize("batch_norm", [False, True])
def test_weights_are_the_same_bit_for_bit_before_and_after(tmp_path, batch_norm):
    network = toy_network_with_batch_norm() if batch_norm else toy_network()
    fitting = toy_fitting(tmp_path, network=network, batch_norm=batch_norm)
    before, random = bits(fitting), torch.random.get_rng_state()

    finish(sweep(fitting))

    after = bits(fitting)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not fitting.learner.optimiser.state
    assert torch.equal(random, torch.random.get_rng_state())


@pytest.mark.parametrize("steps", [1, 40])
def test_weights_are_put_back_when_the_finder_is_stopped(tmp_path, steps):
    fitting = toy_fitting(tmp_path)
    before = bits(fitting)
    task = sweep(fitting)
    for _ in range(steps):
        next(task)

    task.close()

    assert all(torch.equal(before[name], tensor) for name, tensor in bits(fitting).items())


def test_weights_are_put_back_when_a_step_fails(tmp_path, monkeypatch):
    fitting = toy_fitting(tmp_path)
    before = bits(fitting)
    task = sweep(fitting)
    for _ in range(30):
        next(task)

    def fails(*arguments):
        raise RuntimeError("the network breaks")

    monkeypatch.setattr(fitting, "try_step", fails)
    with pytest.raises(RuntimeError, match="breaks"):
        next(task)

    assert all(torch.equal(before[name], tensor) for name, tensor in bits(fitting).items())


def test_a_sweep_ends_where_the_loss_has_grown_fourfold_and_says_so(tmp_path):
    fitting = toy_fitting(tmp_path)

    result = finish(sweep(fitting))

    assert len(result["lrs"]) < STEPS
    assert "fourfold" in result["stopped"]


def test_training_after_a_sweep_is_as_if_there_had_been_none(tmp_path):
    plain, swept = toy_fitting(tmp_path / "plain"), toy_fitting(tmp_path / "swept")
    finish(plain.run())

    finish(sweep(swept))
    finish(swept.run())

    one, other = bits(plain), bits(swept)
    assert all(torch.equal(one[name], other[name]) for name in one)
