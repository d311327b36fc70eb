"""How much sooner Winnow's first result is there than a plain fastai run's, and which errs less.

    python benchmarks/first_result.py FOLDER --peer-python PYTHON [--rounds 3] [--peer both]

FOLDER holds class folders; it is copied, so that nothing is kept from an earlier run. PYTHON is an
interpreter that has fastai 2.8.12, timm and torch: fastai is no part of Winnow, so it gets a
virtual environment of its own. Both sides start from the same pretrained weights, each in a fresh
process that is timed from start to end, the reading of the photos included.

fastai keeps a random fifth of the photos (seed 42) for judging, and both errors are of exactly
those photos. Ours is given twice: from the out-of-fold answers, whose heads saw four fifths of all
photos, and from a head trained on nothing but fastai's own training photos, which is the fair one.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

BACKBONE = "lite0"
VARIANTS = {"frozen": "5 frozen epochs", "fine_tune": "fine_tune(3)"}
SOONER_PROMISED = 12.0


@dataclass(frozen=True, kw_only=True)
class Ours:
    """A finished run of ours."""

    seconds: float
    root: Path  # the copy it was trained on


def main() -> int:
    """Run both sides, print the ratios, and fail if a promise is broken."""
    arguments = _arguments()
    if arguments.as_peer:
        print(json.dumps(peer(arguments.folder, arguments.weights, arguments.as_peer)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        runs = [
            first_result(arguments.folder, Path(scratch) / str(number))
            for number in range(arguments.rounds)
        ]
        ours = statistics.median(run.seconds for run in runs)
        print(f"Winnow, {BACKBONE}: {ours:.1f} s, median of {arguments.rounds}")
        chosen = VARIANTS if arguments.peer == "both" else [arguments.peer]
        kept = [judge(variant, ours, runs[-1].root, arguments) for variant in chosen]
    return 0 if all(kept) else 1


def first_result(folder: Path, copy: Path) -> Ours:
    """Train on a fresh copy in a fresh process."""
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*"))
    command = [sys.executable, "-m", "core", "train", str(copy), "--backbone", BACKBONE, "--json"]
    begin = time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return Ours(seconds=time.perf_counter() - begin, root=copy)


def judge(variant: str, ours: float, root: Path, arguments: argparse.Namespace) -> bool:
    """Run one variant of the peer, and print how both did on its validation photos."""
    from core.networks.backbones import backbone_named, weights_file

    command = [arguments.peer_python, str(Path(__file__).resolve()), str(arguments.folder)]
    weights = weights_file(backbone_named(BACKBONE))
    command += ["--as-peer", variant, "--weights", str(weights)]
    begin = time.perf_counter()
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.perf_counter() - begin
    peer_run = json.loads(said.splitlines()[-1])
    valid = set(peer_run["valid"])
    unseen, fair = our_errors(root, valid)
    sooner = seconds / ours
    print(f"fastai {peer_run['version']}, {VARIANTS[variant]}: {seconds:.1f} s")
    print(f"  sooner: {sooner:.1f} times (promised {SOONER_PROMISED:.0f})")
    print(f"  wrong of fastai's {len(valid)} validation photos:")
    print(
        f"    fastai                              {peer_run['wrong']:3}  {share(peer_run, valid)}"
    )
    print(f"    Winnow, out of fold                 {unseen:3}  {unseen / len(valid):.1%}")
    print(f"    Winnow, on fastai's training photos {fair:3}  {fair / len(valid):.1%}")
    return sooner >= SOONER_PROMISED and max(unseen, fair) < peer_run["wrong"]


def share(peer_run: dict[str, Any], valid: set[str]) -> str:
    """The peer's error rate."""
    return f"{peer_run['wrong'] / len(valid):.1%}"


def our_errors(root: Path, valid: set[str]) -> tuple[int, int]:
    """How many of some photos we get wrong: out of fold, and trained on all others alone."""
    import numpy as np

    from core.dataset import Dataset
    from core.networks.features import FeatureStore
    from core.runs import latest_run, load_predictions
    from core.train.head import fit_heads

    dataset = Dataset.open(root)
    run = latest_run(dataset.home)
    assert run is not None
    predictions = load_predictions(dataset.home, run.id)
    rows = dataset.get(predictions.file_id.tolist())
    is_valid = np.array([rows[one].path in valid for one in predictions.file_id.tolist()])
    unseen = (predictions.predicted != predictions.given)[is_valid].sum()

    features = FeatureStore(dataset.home, BACKBONE).get(predictions.content)
    mean = features.mean(axis=1, dtype=np.float32)
    known = mean[~is_valid]
    fitting = fit_heads(
        lambda start, stop: known[start:stop],
        predictions.given[~is_valid],
        predictions.fold[~is_valid],
        dimensions=mean.shape[1],
        folds=run.folds,
    )
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            heads = end.value
            break
    answers = (mean[is_valid] @ heads.weight.T + heads.bias).argmax(axis=1)
    return int(unseen), int((answers != predictions.given[is_valid]).sum())


def peer(folder: Path, weights: Path, variant: str) -> dict[str, Any]:
    """A plain fastai run, as in its lessons, from the same weights; runs under the peer's Python.

    ``vision_learner`` would download its own weights; what it does beside that is done here with
    its parts.
    """
    import fastai
    import torch
    from fastai.vision.all import (
        ImageDataLoaders,
        Learner,
        Normalize,
        Resize,
        default_split,
        error_rate,
    )
    from fastai.vision.learner import create_timm_model

    loaders = ImageDataLoaders.from_folder(
        folder,
        valid_pct=0.2,
        seed=42,
        item_tfms=Resize(224),
        batch_tfms=Normalize.from_stats([0.5] * 3, [0.5] * 3),  # what the weights were trained with
    )
    model, _ = create_timm_model("tf_efficientnet_lite0", loaders.c, pretrained=False)
    _load_by_position(model[0].model, torch.load(weights, map_location="cpu"))
    learner = Learner(loaders, model, splitter=default_split, metrics=error_rate)
    with learner.no_bar():
        if variant == "frozen":
            learner.freeze()
            learner.fit_one_cycle(5)
        else:
            learner.fine_tune(3)
    probs, given = learner.get_preds()
    valid = [Path(item).relative_to(folder).as_posix() for item in loaders.valid_ds.items]
    return {
        "version": fastai.__version__,
        "wrong": int((probs.argmax(dim=1) != given).sum()),
        "valid": valid,
    }


def _load_by_position(network: "torch.nn.Module", kept: dict[str, "torch.Tensor"]) -> None:
    """Load weights whose names differ but whose order and shapes agree, but for the classifier."""
    own = network.state_dict()
    paired = dict(zip(own, kept.values(), strict=False))
    assert all(own[name].shape == tensor.shape for name, tensor in paired.items())
    network.load_state_dict(paired)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--peer-python", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--peer", choices=(*VARIANTS, "both"), default="both")
    parser.add_argument("--rounds", type=int, default=3, help="of ours")
    parser.add_argument("--as-peer", choices=tuple(VARIANTS), help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
