"""Backbones in PyTorch, cut into stages; with random weights where none are here."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import NetworkError
from core.networks.backbones import BACKBONES, backbone_named, downloaded_file, weights_file
from core.networks.export import pytorch_network
from core.networks.stages import fold_batch_norm, normalise, trainable

SMALL = 96  # pixels: less work, and every network takes it

# How many stages there are between the stem and what follows them.
MIDDLE = {
    "lite0": 7,
    "lite1": 7,
    "lite2": 7,
    "resnet18": 4,
    "resnet34": 4,
    "resnet50": 4,
    "convnext_tiny": 4,
    "efficientnetv2_s": 6,
    "mobilenetv3": 6,
    "dino": 4,
}


@pytest.fixture(autouse=True)
def random_where_none_are_here(monkeypatch, tmp_path):
    monkeypatch.setenv("WINNOW_RANDOM_WEIGHTS", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path))


def photos(count=2, size=SMALL):
    random = np.random.default_rng(0)
    return torch.from_numpy(random.integers(0, 256, (count, 3, size, size), dtype=np.uint8))


def test_photos_are_normalised_by_channel():
    white, resnet = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8), backbone_named("resnet18")

    got = normalise(white, resnet).flatten().tolist()

    assert got == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], abs=1e-5)
    assert normalise(white, backbone_named("lite0")).flatten().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", BACKBONES)
@torch.no_grad()
def test_a_backbone_is_a_row_of_stages_each_of_which_gives_a_map(name):
    backbone = BACKBONES[name]
    stages = trainable(backbone)
    some = photos()

    maps = normalise(some, backbone)
    for stage in stages:
        maps = stage(maps)
        assert maps.ndim == 4  # so that it can be kept, and training can start from there

    middle = [f"stage{number}" for number in range(1, MIDDLE[name] + 1)]
    last = [] if name.startswith("resnet") else ["last"]
    assert list(dict(stages.named_children())) == ["stem", *middle, *last]
    assert maps.shape[:2] == (2, backbone.dimensions)
    assert maps.shape[2] == maps.shape[3] > 1
    assert not stages.training
    features, same = pytorch_network(backbone)(some.permute(0, 2, 3, 1))
    assert torch.allclose(same, maps, rtol=1e-4, atol=1e-5)
    assert torch.allclose(features, maps.mean((2, 3)), rtol=1e-4, atol=1e-5)
    assert torch.isfinite(features.half()).all() and features.half().std() > 0


@pytest.mark.parametrize("name", ["lite0", "resnet18", "resnet50", "mobilenetv3"])
@torch.no_grad()
def test_folded_batch_norms_change_no_number(name):
    backbone = BACKBONES[name]
    stages = trainable(backbone)
    pixels = normalise(photos(), backbone)

    folded = fold_batch_norm(stages)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in stages.modules())
    expected = stages(pixels)
    assert (folded(pixels) - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_every_stage_of_a_folded_network_learns():
    folded = fold_batch_norm(trainable(BACKBONES["resnet18"]))

    folded(normalise(photos(), BACKBONES["resnet18"])).mean().backward()

    for stage in folded:
        weights = list(stage.parameters())
        assert any(weight.ndim == 1 for weight in weights)  # biases, new with the folding
        assert all(weight.grad is not None for weight in weights)


def test_random_weights_are_the_same_each_time_and_leave_other_randomness_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)

    one, two = (trainable(BACKBONES["mobilenetv3"]) for _ in range(2))

    assert torch.rand(1) == expected
    assert all(map(torch.equal, one.state_dict().values(), two.state_dict().values()))


def test_without_random_ones_missing_weights_are_explained(monkeypatch):
    monkeypatch.delenv("WINNOW_RANDOM_WEIGHTS")

    with pytest.raises(NetworkError, match="not on this computer yet.*47 MB.*Train"):
        trainable(BACKBONES["resnet18"])


def test_weights_are_loaded_from_the_file_that_was_downloaded():
    from torchvision.models import resnet18

    torch.manual_seed(1)
    published = resnet18().state_dict()
    # Files of some years ago have none of these.
    published = {k: v for k, v in published.items() if not k.endswith("num_batches_tracked")}
    file = downloaded_file(BACKBONES["resnet18"])
    file.parent.mkdir(parents=True)
    torch.save(published, file)

    stages = trainable(BACKBONES["resnet18"])

    assert torch.equal(stages.stem[0].weight, published["conv1.weight"])
    assert torch.equal(stages.stage4[1].conv2.weight, published["layer4.1.conv2.weight"])


@pytest.mark.parametrize("damage", ["cut short", "another network"])
def test_weights_that_do_not_fit_are_explained(damage):
    from torchvision.models import resnet34

    file = downloaded_file(BACKBONES["resnet18"])
    file.parent.mkdir(parents=True)
    torch.save(resnet34().state_dict(), file)
    if damage == "cut short":
        file.write_bytes(file.read_bytes()[:1_000_000])

    with pytest.raises(NetworkError, match="do not fit ResNet-18. Delete the file"):
        trainable(BACKBONES["resnet18"])


def test_the_transformer_s_tokens_are_laid_out_where_their_patches_lie():
    import timm

    backbone = BACKBONES["dino"]
    torch.manual_seed(0)
    whole = timm.create_model(backbone.architecture, pretrained=False, num_classes=0).eval()
    file = downloaded_file(backbone)
    file.parent.mkdir(parents=True)
    torch.save(whole.state_dict(), file)
    pixels = normalise(photos(size=224), backbone)

    with torch.no_grad():
        maps, tokens = trainable(backbone)(pixels), whole.forward_features(pixels)

    assert weights_file(backbone) == file
    assert torch.allclose(maps[:, :384, 3, 5], tokens[:, 0], atol=1e-5)
    assert torch.allclose(maps[:, 384:, 3, 5], tokens[:, 1 + 3 * 14 + 5], atol=1e-5)
