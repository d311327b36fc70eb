"""A network that trains in milliseconds, for tests of everything around it."""

import numpy as np
import torch
from torch import nn

from core.train.fit import Fitting, FoldData
from core.train.machine import Machine
from core.train.network import DeepNetwork, LinearHead
from core.train.settings import DeepSettings

PLAIN_MACHINE = Machine(device="cpu", channels_last=False, bf16=False)
CHANNELS_LAST = Machine(device="cpu", channels_last=True, bf16=False)
# Fast enough for four photos at once, so that a batch of 16 has four parts.
IN_PARTS = Machine(device="cpu", channels_last=False, bf16=False, rate=10.0)
SIDE, CLASSES = 8, 3


def toy_network(seed=0):
    """Three stages on (N, 3, 8, 8), and a head for three classes."""
    torch.manual_seed(seed)
    stages = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
    )
    return DeepNetwork(stages, LinearHead(8, CLASSES))


def toy_network_with_batch_norm(seed=0):
    """The toy network with a batch-norm after each convolution."""
    network = toy_network(seed)
    for stage, channels in zip(network.stages, (6, 8, 8), strict=True):
        stage.insert(1, nn.BatchNorm2d(channels))
    return network


def toy_photos(count, seed=0):
    """Noise (N, 3, 8, 8) that is strongest in the channel of its class, and the classes (N,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    photos = random.normal(0, 0.5, (count, 3, SIDE, SIDE)).astype(np.float32)
    photos[np.arange(count), labels] += 1.0
    return photos, labels


def toy_data(count=60, held=30):
    """Photos to learn from, each epoch a little different, and photos to judge."""
    photos, labels = toy_photos(count)
    valid, valid_labels = toy_photos(held, seed=1)

    def inputs(part, epoch):
        return torch.from_numpy(photos[part] * np.float32(1 + 0.1 * epoch))

    def valid_inputs(part, mirrored):
        chosen = torch.from_numpy(valid[part])
        return chosen.flip(3) if mirrored else chosen

    return FoldData(
        inputs=inputs,
        labels=labels,
        valid_inputs=valid_inputs,
        valid_labels=valid_labels,
        cached=False,
    )


def toy_fitting(folder, *, network=None, data=None, peak=0.02, machine=PLAIN_MACHINE, **settings):
    """A training of the toy network, not begun."""
    torch.set_num_threads(1)  # threads of so small a network do nothing but wait for each other
    chosen = {"epochs": 4, "batch": 16, "freeze_to": 0, "spread": 1.0, **settings}
    return Fitting(
        network or toy_network(),
        DeepSettings(**chosen),
        data or toy_data(),
        peak=peak,
        fold=0,
        machine=machine,
        folder=folder,
    )
