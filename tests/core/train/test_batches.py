import numpy as np
import torch

from core.train.batches import batches, order_of
from core.train.schedules import steps_of


def inputs(part, epoch):
    return torch.from_numpy(part.astype(np.float32) + 1000 * epoch)


def all_batches(count, *, batch=4, epoch=0, first=0, seed=7):
    labels = np.arange(count) % 3
    return list(batches(inputs, labels, batch=batch, seed=seed, epoch=epoch, first=first))


def test_every_photo_comes_once_an_epoch_with_its_label():
    seen = all_batches(11)

    photos = torch.cat([one.inputs for one in seen]).to(torch.int64)
    labels = torch.cat([one.labels for one in seen])
    assert sorted(photos.tolist()) == list(range(11))
    assert labels.tolist() == (photos % 3).tolist()


def test_each_epoch_has_an_order_of_its_own_and_the_same_one_again():
    orders = [order_of(20, seed=1, epoch=epoch).tolist() for epoch in (0, 1, 0)]

    assert orders[0] == orders[2] != orders[1]


def test_an_epoch_begun_in_the_middle_goes_on_with_the_same_batches():
    whole, rest = all_batches(18, epoch=2), all_batches(18, epoch=2, first=3)

    assert [one.inputs.tolist() for one in whole[3:]] == [one.inputs.tolist() for one in rest]


def test_a_last_batch_of_one_photo_is_left_out():
    assert [steps_of(count, 4) for count in (1, 4, 5, 6, 8, 9)] == [1, 1, 1, 2, 2, 2]
    assert [len(one.labels) for one in all_batches(9)] == [4, 4]


def test_a_single_photo_is_a_batch():
    assert len(all_batches(1)) == 1


def test_leaving_early_ends_the_threads():
    task = batches(inputs, np.zeros(400, np.int64), batch=2, seed=0, epoch=0, first=0)
    next(task)

    task.close()
