"""How much faster Winnow embeds photos than the same network in eager PyTorch.

    python benchmarks/embed.py [FOLDER] [--backbone lite0] [--photos 256] [--rounds 5]

Two comparisons, each interleaved round by round in one process, medians over rounds:

- same batches: decoded photos in, features out;
- end to end: files in, features of each photo and of its mirror image out.

The peer is what a careful person would write: Pillow decodes and resizes to the same part of the
photo, PyTorch runs float32 in batches of 32 with its default number of threads, in inference mode.
FOLDER is any folder of photos; without it, drawn circles and noise are made on the spot.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.dataset import Dataset
from core.errors import WinnowError
from core.jobs.progress import Task
from core.networks.embed import embed
from core.networks.engine import Engine
from core.networks.export import pytorch_network
from core.networks.features import FeatureStore
from core.networks.preprocessing import crop_of

BATCH = 32
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
SAME_BATCHES_PROMISED, END_TO_END_PROMISED, COSINE_PROMISED = 3.0, 2.4, 0.999


def main() -> int:
    """Measure, print, and fail if a promise is broken."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        photos = _photos(arguments.folder, Path(scratch), arguments.photos)
        engine = Engine.load(arguments.backbone)
        peer = Peer(engine)
        print(f"{len(photos)} photos, {arguments.backbone}, {arguments.rounds} rounds")
        print(f"Winnow: {engine.kind}, {engine.threads} threads of one call each")
        print(f"Peer:   PyTorch {torch.__version__}, {torch.get_num_threads()} threads, eager")

        items = np.stack([peer.decoded(path) for path in photos])
        cosine = _cosine(engine.features(items), peer.features(items))
        same = _ratio(
            "same batches",
            len(items),
            lambda: engine.features(items),
            lambda: peer.features(items),
            arguments.rounds,
        )
        sets = Sets(photos, Path(scratch), arguments.backbone)
        end = _ratio(
            "end to end", len(photos), sets.embed, lambda: peer.embed(photos), arguments.rounds
        )
        whole = _cosine(sets.kept().reshape(-1, 1280), peer.embed(photos).reshape(-1, 1280))
    print(f"features agree: cosine at least {cosine:.6f} on the same batches")
    print(f"                            and {whole:.6f} end to end, kept as float16")
    kept = (
        same >= SAME_BATCHES_PROMISED
        and end >= END_TO_END_PROMISED
        and min(cosine, whole) >= COSINE_PROMISED
    )
    print("Promises kept." if kept else "A promise is BROKEN.")
    return 0 if kept else 1


class Peer:
    """The same network in eager float32 PyTorch, and the plain way from files to features."""

    def __init__(self, engine: Engine) -> None:
        self.network = pytorch_network(engine.backbone)
        self.size = engine.backbone.size

    def decoded(self, path: Path) -> np.ndarray:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
        box = crop_of(*upright.size)
        square = upright.resize((self.size, self.size), Image.Resampling.BICUBIC, box=box)
        return np.asarray(square)

    def features(self, items: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            parts = [
                self.network(torch.from_numpy(items[at : at + BATCH]))[0].numpy()
                for at in range(0, len(items), BATCH)
            ]
        return np.concatenate(parts)

    def embed(self, photos: list[Path]) -> np.ndarray:
        """(N, 2, D): each photo and its mirror image, from one decoding."""
        parts = []
        for at in range(0, len(photos), BATCH // 2):
            items = np.stack([self.decoded(path) for path in photos[at : at + BATCH // 2]])
            mirrored = np.ascontiguousarray(items[:, :, ::-1])
            both = self.features(np.concatenate([items, mirrored]))
            parts.append(np.stack([both[: len(items)], both[len(items) :]], axis=1))
        return np.concatenate(parts)


class Sets:
    """The photos as data sets, a fresh one for every round so that nothing is kept yet."""

    def __init__(self, photos: list[Path], scratch: Path, backbone: str) -> None:
        self.photos = photos
        self.backbone = backbone
        root = scratch / "set"
        for number, path in enumerate(photos):
            copy = root / "all" / f"{number:05}{path.suffix}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        self.dataset = Dataset.open(root)
        _finish(self.dataset.reconcile())
        self.rows = self.dataset.rows()
        self.store = FeatureStore(self.dataset.home, backbone)

    def embed(self) -> None:
        """As in the app: files in, features on disk."""
        if self.store.folder.is_dir():
            for file in self.store.folder.iterdir():
                file.unlink()
        _finish(embed(self.dataset, self.backbone, self.rows))

    def kept(self) -> np.ndarray:
        return self.store.get([row.content for row in self.rows])


def _finish(task: Task[Any]) -> None:
    for _ in task:
        pass


def _ratio(
    name: str, count: int, ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> float:
    ours(), theirs()  # warm both
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(rounds):
        for who, work in (("ours", ours), ("theirs", theirs)):
            began = time.perf_counter()
            work()
            seconds[who].append(time.perf_counter() - began)
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)]
    ratio = statistics.median(ratios)
    our_rate, their_rate = (count / statistics.median(seconds[who]) for who in seconds)
    print(
        f"{name:13s} Winnow {our_rate:6.1f} photos/s, eager {their_rate:6.1f} photos/s: "
        f"{ratio:.2f}x (rounds {min(ratios):.2f} to {max(ratios):.2f})"
    )
    return ratio


def _cosine(ours: np.ndarray, theirs: np.ndarray) -> float:
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    products = (ours * theirs).sum(1)
    return float((products / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)).min())


def _photos(folder: Path | None, scratch: Path, count: int) -> list[Path]:
    """Up to ``count`` photos spread over a folder, or made ones."""
    if folder is None:
        return [_made_photo(scratch / f"made-{n:04}.jpg", seed=n) for n in range(count)]
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    found = [path for path in found if ".winnow" not in path.parts]
    if not found:
        sys.exit(f"No photos in {folder}.")
    chosen = np.linspace(0, len(found) - 1, min(count, len(found))).astype(int)
    unique = {found[at].read_bytes(): found[at] for at in chosen}
    return list(unique.values())


def _made_photo(path: Path, *, seed: int) -> Path:
    """A JPEG of 500 by 375: smooth colours, some discs, grain."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC)).astype(np.int16)
    y, x = np.mgrid[:375, :500]
    for _ in range(int(random.integers(1, 6))):
        centre, radius = random.integers(40, 330, 2), random.integers(15, 60)
        pixels[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2] = random.integers(0, 256, 3)
    pixels += random.integers(-12, 13, pixels.shape, dtype=np.int16)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=88)
    return path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--backbone", default="lite0")
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WinnowError as error:
        sys.exit(str(error))
