"""What deep training and the learning-rate finder have in common: the network they begin with."""

from pathlib import Path

from core.errors import RunError
from core.runs.store import load_run, network_files
from core.train.material import Photos
from core.train.network import DeepNetwork, load_weights, new_network
from core.train.settings import DeepSettings


def built_network(home: Path, settings: DeepSettings, photos: Photos, fold: int) -> DeepNetwork:
    """The pretrained network with quick training's head, or that of the run to start from.

    Raises:
        RunError: If that run has no network for this fold, or another kind of network.
    """
    classes = len(photos.quick.classes)
    network = new_network(settings, classes, photos.quick_head(fold))
    if settings.start_from is not None:
        files = network_files(home, settings.start_from)
        if fold not in files:
            raise RunError(
                "The run to start from held out other photos, which this one would judge although "
                "that one has learnt them. Choose the same held-out part, or start anew."
            )
        _refuse_other_batch_norm(home, settings)
        load_weights(network, files[fold])
    return network


def _refuse_other_batch_norm(home: Path, settings: DeepSettings) -> None:
    assert settings.start_from is not None
    start = DeepSettings.from_json(load_run(home, settings.start_from).settings["deep"])
    if start.batch_norm != settings.batch_norm:
        learnt = "learnt its batch-norm" if start.batch_norm else "left its batch-norm as it was"
        choose = "on" if start.batch_norm else "off"
        raise RunError(
            f"The run to start from {learnt}. Turn that {choose} here too, or start anew."
        )
