"""Photos on their way into training: small copies, activations of frozen stages, and batches."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from core.dataset import Dataset
from core.errors import TrainingError
from core.jobs.progress import Task
from core.networks.backbones import backbone_named
from core.runs.store import network_files
from core.train.activations import (
    MIRROR,
    PLAIN,
    Activations,
    activations_folder,
    keep_activations,
    open_activations,
)
from core.train.augment_choices import AugmentChoices, choices_of
from core.train.batches import Inputs, from_activations, from_copies
from core.train.fit import FoldData
from core.train.kept_arrays import KeptArrays
from core.train.machine import Machine
from core.train.material import Photos, contents_at
from core.train.network import DeepNetwork, frozen_stages
from core.train.seeds import photo_seed
from core.train.settings import DeepSettings
from core.train.working_copies import copies_of, make_copies

VIEWS = 4  # augmented ones kept of each photo, unless somebody chooses
NOTHING = AugmentChoices()


class Feed:
    """Feeds one training, fold by fold."""

    def __init__(
        self, dataset: Dataset, photos: Photos, settings: DeepSettings, machine: Machine
    ) -> None:
        self.dataset, self.photos, self.settings, self.machine = dataset, photos, settings, machine
        self.size = settings.size or backbone_named(settings.backbone).size
        self.choices = choices_of(settings.augment)

    @property
    def copies(self) -> KeptArrays:
        """The small copies, looked up anew."""
        return copies_of(self.dataset.home, self.size)

    @property
    def mirrors(self) -> bool:
        """Whether a mirror image shows the same class."""
        return self.choices.flip

    def make_copies(self) -> Task[Photos]:
        """Make small copies of all photos; those that cannot be read are unusable from then on."""
        made = yield from make_copies(self.dataset, self.photos.rows, self.size)
        usable = np.array([content not in made.failed for content in self.photos.contents])
        self.photos = replace(self.photos, usable=usable)
        return self.photos

    def of_fold(self, fold: int, network: DeepNetwork) -> Task[FoldData]:
        """What is trained on and judged by when a fold is held out.

        Raises:
            TrainingError: If too little is left to learn from or to judge.
        """
        learnt, judged = self.photos.learnt(fold, self.settings), self.photos.judged(fold)
        labels = self.photos.said.given
        _refuse_if_hopeless(labels[learnt], judged)
        frozen = frozen_stages(self.settings, len(network.stages))
        cached = frozen > 0 and self.settings.views != 0
        contents, held = contents_at(self.photos, learnt), contents_at(self.photos, judged)
        if cached:
            kept = yield from self._activations(frozen, network, contents, held)
            inputs = from_activations(kept, contents, self._views(), seed=self.settings.seed)
            judging = _held_activations(kept, held, mirrors=self.mirrors)
        else:
            inputs = self._from_copies(contents)
            judging = _held_copies(self.copies, held)
        return FoldData(
            inputs=inputs,
            labels=labels[learnt].astype(np.int64),
            valid_inputs=judging,
            valid_labels=labels[judged].astype(np.int64),
            cached=cached,
        )

    def _from_copies(self, contents: list[str]) -> Inputs:
        return from_copies(self.copies, contents, self.choices, seed=self.settings.seed)

    def _views(self) -> list[int]:
        """The views to train on: the photo, its mirror image, augmented ones."""
        views = [PLAIN, *([MIRROR] if self.mirrors else [])]
        if self.choices == NOTHING:
            return views
        more = VIEWS if self.settings.views is None else self.settings.views
        return [*views, *range(MIRROR + 1, MIRROR + 1 + more)]

    def _activations(
        self, frozen: int, network: DeepNetwork, contents: list[str], held: list[str]
    ) -> Task[Activations]:
        stages = self.machine.module(network.frozen(frozen)).eval()
        shape = self._shape(stages)
        kept = open_activations(self._folder(frozen), shape)
        judging = [PLAIN, *([MIRROR] if self.mirrors else [])]
        wanted = [(content, view) for view in self._views() for content in contents]
        wanted += [(content, view) for view in judging for content in held]
        yield from keep_activations(
            kept,
            stages,
            self.copies,
            wanted,
            seeds=[photo_seed(self.settings.seed, *one) for one in wanted],
            backbone=self.settings.backbone,
            choices=self.choices,
            machine=self.machine,
        )
        return kept

    def _folder(self, frozen: int) -> Path:
        """Decided by all that the numbers depend on; the photos are the keys."""
        start = self.settings.start_from
        made_by = {
            "backbone": self.settings.backbone,
            "size": self.size,
            "frozen": frozen,
            "batch_norm": self.settings.batch_norm,  # apart from the convolutions, it rounds anew
            "augment": repr(self.choices),
            "seed": self.settings.seed,
            "machine": self.machine.words,
            # A run's own stages may differ from the pretrained ones.
            "start": start and _changed_stages(self.dataset.home, start, frozen),
        }
        return activations_folder(self.dataset.home, made_by)

    def _shape(self, stages: torch.nn.Module) -> tuple[int, int, int]:
        pixels = torch.zeros((1, 3, self.size, self.size))
        with torch.inference_mode(), self.machine.computing():
            made = stages(self.machine.tensor(pixels))
        _, channels, height, width = made.shape
        return channels, height, width


def _changed_stages(home: Path, run_id: str, frozen: int) -> str | None:
    """A run's id if it changed any of the first stages; None if they are the pretrained ones."""
    from core.runs import load_run

    settings = DeepSettings.from_json(load_run(home, run_id).settings["deep"])
    stages = _stages_of(home, run_id)
    if frozen_stages(settings, stages) >= frozen:
        return settings.start_from and _changed_stages(home, settings.start_from, frozen)
    return run_id


def _stages_of(home: Path, run_id: str) -> int:
    from safetensors import safe_open

    file = next(iter(network_files(home, run_id).values()))
    with safe_open(str(file), framework="np") as kept:
        names = {name.split(".")[1] for name in kept.keys() if name.startswith("stages.")}
    return len(names)


def _held_activations(
    kept: Activations, contents: list[str], *, mirrors: bool
) -> Callable[[slice, bool], torch.Tensor]:
    plain = kept.places(contents, PLAIN)
    mirrored = kept.places(contents, MIRROR) if mirrors else plain

    def make(part: slice, mirror: bool) -> torch.Tensor:
        return kept.rows((mirrored if mirror else plain)[part])

    return make


def _held_copies(copies: KeptArrays, contents: list[str]) -> Callable[[slice, bool], torch.Tensor]:
    places = copies.places(contents)

    def make(part: slice, mirror: bool) -> torch.Tensor:
        pixels = torch.from_numpy(copies.rows(places[part])).permute(0, 3, 1, 2)
        return pixels.flip(3) if mirror else pixels

    return make


def _refuse_if_hopeless(labels: np.ndarray, judged: np.ndarray) -> None:
    if not len(judged):
        raise TrainingError(
            "No photo is left to judge deep training on. Add photos, or choose another held-out "
            "part."
        )
    if len(np.unique(labels)) < 2:
        raise TrainingError(
            "All photos left to train on are in one class. Put photos of something else into a "
            "second one, and at least two into each."
        )
