"""How each backbone is built in PyTorch, and where it can be cut.

Every stage takes and gives a map (N, C, h, w), so that a network can be cut after any of them.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from core.errors import NetworkError
from core.networks.backbones import Backbone, file_name, random_weights, weights_file

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS_PER_STAGE = 3  # of a vision transformer, all of whose blocks are alike
# Blocks of MobileNetV3-Large in torchvision's row that work at one resolution or width.
MOBILENET_STAGES = ((1, 2), (2, 4), (4, 7), (7, 11), (11, 13), (13, 16))

Stages = OrderedDict[str, nn.Module]


def pretrained_stages(backbone: Backbone) -> Stages:
    """The backbone's stages with its pretrained weights, to be put into an ``nn.Sequential``.

    Raises:
        NetworkError: If the weights are not here, or are damaged.
    """
    network = _whole(backbone)
    if random_weights(backbone):
        _spread(network)
    else:
        _load(backbone, network, weights_file(backbone))
    return _cut(backbone, network)


def random_stages(backbone: Backbone) -> Stages:
    """The same with seeded random weights: the same work, for measuring speed."""
    return _cut(backbone, _whole(backbone))


def _whole(backbone: Backbone) -> nn.Module:
    """The network as its library builds it, in the form that the file of weights fits."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        if backbone.library == "torchvision":
            from torchvision.models import get_model

            return cast(nn.Module, get_model(backbone.architecture, weights=None))
        import timm

        if not _is_transformer(backbone):
            return timm.create_model(backbone.architecture, pretrained=False)
        # A transformer keeps a place for each patch of photos of one size; this one stretches.
        return timm.create_model(
            backbone.architecture, pretrained=False, num_classes=0, dynamic_img_size=True
        )


def _spread(network: nn.Module) -> None:
    """Draw weights of convolutions anew, so that numbers neither vanish nor grow on their way.

    Libraries draw them for batch-norms that learn along; without, depthwise ones let them vanish.
    """
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear", generator=generator)


def _load(backbone: Backbone, network: nn.Module, weights: "Path") -> None:
    try:
        stored = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged file raises is open-ended
        raise _unfit(backbone, weights) from error
    wanted = network.state_dict()
    if backbone.package is not None:
        # The package names its tensors otherwise than timm, but in the same order.
        if len(stored) != len(wanted):
            raise _unfit(backbone, weights)
        stored = dict(zip(wanted, stored.values(), strict=True))
    # Older files lack counters that only training in its pretraining's way would need.
    missing = wanted.keys() - stored.keys()
    if any(not name.endswith("num_batches_tracked") for name in missing) or not _fit(
        stored, wanted
    ):
        raise _unfit(backbone, weights)
    network.load_state_dict(stored, strict=False)


def _fit(stored: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> bool:
    return all(
        name in wanted and tensor.shape == wanted[name].shape for name, tensor in stored.items()
    )


def _unfit(backbone: Backbone, weights: "Path") -> NetworkError:
    if backbone.package is not None:
        again = "Install Winnow's requirements again."
    else:
        again = f"Delete the file, then download {file_name(backbone)} again on the page Train."
    return NetworkError(f"The weights in {weights} do not fit {backbone.title}. {again}")


def _cut(backbone: Backbone, network: nn.Module) -> Stages:
    network.eval()
    if _is_transformer(backbone):
        return _cut_transformer(network)
    if backbone.library == "timm":
        return _cut_lite(network)
    if backbone.architecture.startswith("resnet"):
        return _cut_resnet(network)
    features = list(_part(network, "features").children())
    if backbone.architecture.startswith("convnext"):
        # After the stem every second one halves the resolution for the stage that follows.
        pairs = [features[at : at + 2] for at in range(2, len(features), 2)]
        norm = next(_part(network, "classifier").children())  # a layer norm over channels
        return _stages(features[0], [features[1:2], *pairs], norm)
    if backbone.architecture.startswith("mobilenet"):
        parts = [features[begin:end] for begin, end in MOBILENET_STAGES]
        return _stages(features[0], parts, features[-1])
    return _stages(features[0], ([one] for one in features[1:-1]), features[-1])


def _cut_lite(network: nn.Module) -> Stages:
    stem = nn.Sequential(_part(network, "conv_stem"), _part(network, "bn1"))
    last = nn.Sequential(_part(network, "conv_head"), _part(network, "bn2"))
    return _stages(stem, ([block] for block in _part(network, "blocks").children()), last)


def _cut_resnet(network: nn.Module) -> Stages:
    """There is nothing after the fourth stage but the average, so there is no "last"."""
    stem = nn.Sequential(*(_part(network, name) for name in ("conv1", "bn1", "relu", "maxpool")))
    return _stages(stem, ([_part(network, f"layer{number}")] for number in (1, 2, 3, 4)), None)


def _cut_transformer(network: nn.Module) -> Stages:
    blocks = list(_part(network, "blocks").children())
    parts: list[list[nn.Module]] = [
        [TokenBlocks(blocks[at : at + BLOCKS_PER_STAGE])]
        for at in range(0, len(blocks), BLOCKS_PER_STAGE)
    ]
    return _stages(TokenStem(network), parts, TokensToMap(_part(network, "norm")))


def _stages(stem: nn.Module, between: Iterable[list[nn.Module]], last: nn.Module | None) -> Stages:
    found = Stages(stem=stem)
    for number, parts in enumerate(between, start=1):
        found[f"stage{number}"] = parts[0] if len(parts) == 1 else nn.Sequential(*parts)
    if last is not None:
        found["last"] = last
    return found


def _part(network: nn.Module, name: str) -> nn.Module:
    return network.get_submodule(name)


def _is_transformer(backbone: Backbone) -> bool:
    return backbone.architecture.startswith("vit")


# A vision transformer works on tokens (N, T, C): one for the whole photo, then one for each patch.
# Between stages they are a map (N, C, T, 1), which is the same memory in channels-last order.


def _as_map(tokens: torch.Tensor) -> torch.Tensor:
    return tokens.transpose(1, 2).unsqueeze(3)


def _as_tokens(map_: torch.Tensor) -> torch.Tensor:
    return map_.squeeze(3).transpose(1, 2)


class TokenStem(nn.Module):
    """Pixels (N, 3, S, S) to tokens with their places, as a map (N, C, T, 1)."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.patch_embed = transformer.patch_embed
        self.cls_token = transformer.cls_token
        self.pos_embed = transformer.pos_embed

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        from timm.layers.pos_embed import resample_abs_pos_embed

        assert isinstance(self.cls_token, torch.Tensor)
        assert isinstance(self.pos_embed, torch.Tensor)
        patches = cast(nn.Module, self.patch_embed)(pixels)  # (N, h, w, C)
        photos, high, wide, _ = patches.shape
        places = resample_abs_pos_embed(self.pos_embed, (high, wide), num_prefix_tokens=1)
        whole = self.cls_token.expand(photos, -1, -1)
        return _as_map(torch.cat([whole, patches.flatten(1, 2)], dim=1) + places)


class TokenBlocks(nn.Module):
    """Some blocks of a transformer, from a map (N, C, T, 1) to one of the same shape."""

    def __init__(self, blocks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, map_: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        return _as_map(self.blocks(_as_tokens(map_)))


class TokensToMap(nn.Module):
    """Tokens (N, C, T, 1) laid out as a map (N, 2C, h, w).

    Each place holds what the network says of the whole photo, then what it says of that patch:
    DINO's own figures come from the former, and heat maps need the latter.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, map_: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        tokens = self.norm(_as_tokens(map_)).transpose(1, 2)  # (N, C, T)
        whole, patches = tokens[:, :, :1], tokens[:, :, 1:]
        side = math.isqrt(patches.shape[2])
        both = torch.cat([whole.expand_as(patches), patches], dim=1)
        # Not len(): the exporter would take it for a number that never changes.
        return both.reshape(both.shape[0], both.shape[1], side, side)
