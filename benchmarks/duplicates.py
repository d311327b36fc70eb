"""How many changed copies of photos Winnow finds, how few others, and how fast; peers beside it.

    python benchmarks/duplicates.py FOLDER... [--photos 1000] [--peer-python PYTHON]
    python benchmarks/duplicates.py --large 100000
    python benchmarks/duplicates.py FOLDER... --time 10000 [--copies]

Of up to so many photos in the folders it makes six copies each: cropped to 80 % of both sides,
mirrored, turned by 10 degrees, saved again badly, with a border, brighter or darker. What is found
is counted in pairs of files within groups: a pair is right if both come from one photo. Two photos
of a folder that show the same thing count as wrong, whatever they are.

Peers get the same files. PYTHON is an interpreter that has imagededup and CleanVision, which are no
part of Winnow; without it, they are left out. Their pairs are joined to groups as ours are counted.

``--time`` fills a folder up to that many files with the quarters of its photos, enlarged, which are
no copies of them, then with resized copies, and times everything beyond the features; with
``--copies`` all are copies, in groups of five or so, which is more to look at. ``--large`` times
made-up features and hashes of so many photos, without pictures, and tells the memory; every
hundredth has a copy.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
RECALL_PROMISED, PRECISION_PROMISED = 0.80, 0.99
SECONDS_FOR_10_000, SECONDS_FOR_100_000, MB_FOR_100_000 = 40.0, 300.0, 2000.0
SEED = 20261122
QUARTERS = 4

Result = TypeVar("Result")
Change = Callable[[Image.Image, random.Random], Image.Image]


def cropped(image: Image.Image, chance: random.Random) -> Image.Image:
    """Four fifths of both sides, anywhere."""
    width, height = int(0.8 * image.width), int(0.8 * image.height)
    left = chance.randint(0, image.width - width)
    top = chance.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def framed(image: Image.Image, chance: random.Random) -> Image.Image:
    """A black or white border of a sixteenth of the longer side."""
    border = max(4, round(0.06 * max(image.size)))
    return ImageOps.expand(image, border, fill=chance.choice(["black", "white"]))


CHANGES: dict[str, Change] = {
    "cropped": cropped,
    "mirrored": lambda image, _: ImageOps.mirror(image),
    "turned": lambda image, chance: image.rotate(
        chance.choice([-10, 10]), Image.Resampling.BICUBIC
    ),
    "saved": lambda image, _: image,
    "framed": framed,
    "brightness": lambda image, chance: ImageEnhance.Brightness(image).enhance(
        chance.choice([0.6, 1.4])
    ),
}


def main() -> int:
    """Measure, print, and fail if a promise is broken."""
    arguments = _arguments()
    if arguments.as_peer:
        print(json.dumps(peer_pairs(arguments.as_peer, arguments.folders[0])))
        return 0
    kept = []
    if arguments.large:
        kept.append(large(arguments.large))
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.time:
            kept.append(
                timed(arguments.folders, Path(scratch), arguments.time, copies=arguments.copies)
            )
        elif arguments.folders:
            kept.append(transformed(arguments, Path(scratch)))
    return 0 if all(kept) else 1


def transformed(arguments: argparse.Namespace, scratch: Path) -> bool:
    """Find copies of all kinds, and print how many pairs are found and right."""
    photos = _photos(arguments.folders, arguments.photos)
    make_copies(photos, scratch / "set")
    per_photo = len(CHANGES) + 1
    wanted = len(photos) * per_photo * (per_photo - 1) // 2
    print(f"{len(photos)} photos, {len(photos) * per_photo} files, {wanted:,} pairs")
    groups, seconds = our_groups(scratch / "set")
    recall, precision = told("Winnow", groups, wanted, seconds)
    _tell_kinds(groups, len(photos))
    if arguments.peer_python is None:
        print("imagededup, CleanVision: left out, no --peer-python given")
    else:
        for peer in PEERS:
            _tell_peer(peer, arguments.peer_python, scratch / "set", wanted)
    return recall >= RECALL_PROMISED and precision >= PRECISION_PROMISED


def make_copies(photos: Sequence[Path], folder: Path) -> None:
    """Write each photo and its copies into one class, named after the photo's number."""
    (folder / "photos").mkdir(parents=True)
    with ProcessPoolExecutor() as processes:
        numbered = [(at, path, folder / "photos") for at, path in enumerate(photos)]
        for _ in processes.map(_copy_one, numbered, chunksize=16):
            pass


def _copy_one(task: tuple[int, Path, Path]) -> None:
    number, path, folder = task
    chance = random.Random(SEED + number)
    image = Image.open(path).convert("RGB")
    (folder / f"{number:05}_original{path.suffix}").write_bytes(path.read_bytes())
    for name, change in CHANGES.items():
        quality = chance.choice([30, 50, 70]) if name == "saved" else 90
        change(image, chance).save(folder / f"{number:05}_{name}.jpg", quality=quality)


def our_groups(root: Path) -> tuple[list[list[str]], float]:
    """Groups of file names without their endings, and the seconds beyond features."""
    from core.clean.duplicates import find_duplicates
    from core.dataset import Dataset

    dataset = Dataset.open(root)
    finished(dataset.reconcile())
    found = finished(find_duplicates(dataset))
    return [[Path(file).stem for file in group] for group in found.near], found.seconds


def told(
    name: str, groups: Iterable[Sequence[str]], wanted: int, seconds: float
) -> Sequence[float]:
    """Print recall and precision in pairs within groups, and return them."""
    right = wrong = 0
    for group in groups:
        size = len(group)
        same = Counter(file.partition("_")[0] for file in group).values()
        inside = sum(number * (number - 1) // 2 for number in same)
        right += inside
        wrong += size * (size - 1) // 2 - inside
    recall, precision = right / wanted, right / max(1, right + wrong)
    print(
        f"{name:32} recall {recall:.3f}, precision {precision:.4f} "
        f"({right:,} right, {wrong:,} wrong), {seconds:.1f} s"
    )
    return recall, precision


def _tell_kinds(groups: Iterable[Sequence[str]], photos: int) -> None:
    """Print how often a copy of each kind stands with its original."""
    found: Counter[str] = Counter()
    for group in groups:
        originals = {file.partition("_")[0] for file in group if file.endswith("_original")}
        for file in group:
            number, _, kind = file.partition("_")
            found[kind] += number in originals
    for kind in CHANGES:
        print(f"    {kind:28} with its original: {found[kind] / photos:.3f}")


PEERS = ("imagededup PHash", "imagededup DHash", "imagededup CNN", "CleanVision")


def _tell_peer(peer: str, python: str, folder: Path, wanted: int) -> None:
    command = [python, str(Path(__file__).resolve()), str(folder / "photos"), "--as-peer", peer]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no word"])[-1]
        print(f"{peer:32} could not be run: {reason}")
        return
    pairs = json.loads(done.stdout.splitlines()[-1])
    told(peer, joined(pairs), wanted, time.perf_counter() - begin)


def peer_pairs(peer: str, folder: Path) -> list[tuple[str, str]]:
    """Run in the peer's Python: the pairs it finds with its defaults, names without endings."""
    if peer == "CleanVision":
        from cleanvision import Imagelab

        lab = Imagelab(data_path=str(folder))
        lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
        sets = [
            group
            for kind in ("exact_duplicates", "near_duplicates")
            for group in lab.info[kind]["sets"]
        ]
        return [(Path(g[0]).stem, Path(one).stem) for g in sets for one in g[1:]]
    from imagededup import methods

    method = getattr(methods, peer.split()[1])()
    found = method.find_duplicates(image_dir=str(folder))
    return [(Path(one).stem, Path(other).stem) for one, others in found.items() for other in others]


def joined(pairs: Iterable[Sequence[str]]) -> list[list[str]]:
    """Groups that pairs make."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in pairs:
        parent[root(one)] = root(other)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in parent:
        groups[root(name)].append(name)
    return list(groups.values())


def _variant(source: Path, turn: int, *, copies: bool) -> Image.Image:
    """A resized copy of a photo, or from the first turn to the fourth one of its quarters."""
    image = Image.open(source).convert("RGB")
    if copies or turn > QUARTERS:
        share = 1 - 0.03 * turn
        return image.resize((round(image.width * share), round(image.height * share)))
    down, right = divmod(turn - 1, 2)
    left, top = right * image.width / 2, down * image.height / 2
    box = (left, top, left + image.width / 2, top + image.height / 2)
    return image.resize(image.size, box=box)


def timed(folders: Sequence[Path], scratch: Path, count: int, *, copies: bool) -> bool:
    """Time all but the features on so many photos: mostly different ones, or nothing but copies."""
    photos = _photos(folders, count)
    root = scratch / "set"
    (root / "photos").mkdir(parents=True)
    for at in range(count):
        turn, place = divmod(at, len(photos))
        source = photos[place]
        target = root / "photos" / f"{at:06}{source.suffix}"
        if turn == 0:
            target.write_bytes(source.read_bytes())
        else:
            _variant(source, turn, copies=copies).save(target)
    found, seconds = our_groups(root)
    what = "resized copies" if copies else "their quarters, which are no copies of them"
    print(
        f"{count:,} files, {len(photos):,} photos and {what}: {seconds:.1f} s beyond the features"
    )
    print(f"  {len(found):,} groups")
    limit = SECONDS_FOR_10_000 * max(1.0, count / 10_000)
    print(f"  promised for 10,000: {SECONDS_FOR_10_000:.0f} s")
    return seconds <= limit


def large(count: int) -> bool:
    """Time the search among made-up features and hashes, and tell the memory."""
    from core.images import groups, growing, scenes
    from core.images.similar import HASH_BYTES

    chance = np.random.default_rng(SEED)
    features = np.empty((count, 1280), dtype=np.float16)
    kinds = chance.normal(size=(50, 1280))  # photos of a class are somewhat alike
    for start in range(0, count, 4096):
        part = chance.normal(size=(min(4096, count - start), 1280))
        features[start : start + len(part)] = (
            part + 0.7 * kinds[chance.integers(50, size=len(part))]
        )
    hashes = [chance.bytes(HASH_BYTES) for _ in range(count)]
    copies = [(at, at + 1) for at in range(0, count - 1, 100)]
    for one, other in copies:
        features[other] = 0.9 * features[one] + 0.4 * chance.normal(size=1280)
        hashes[other] = hashes[one]
    begin = time.perf_counter()
    ready = groups.prepared(features)
    suggested = finished(groups.alike_pairs(ready, least=scenes.SUGGESTED, most_each=12))
    by_hash = finished(groups.hash_pairs(hashes, ready))
    likely = suggested.only(suggested.alike >= groups.LEAST_ALIKE)
    pairs = groups.merged(groups.best_pairs(likely, most_each=groups.MOST_EACH), by_hash, count)
    sure = groups.surely_same(hashes, pairs)
    real = set(copies)
    grown = finished(growing.grown(count, pairs, sure, lambda some: [one in real for one in some]))
    found = grown.all()
    shots = scenes.scenes(ready, suggested, found)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} made-up features and hashes: {seconds:.0f} s, {peak:,.0f} MB at most")
    print(f"  {len(pairs):,} pairs suggested, {len(found):,} groups of {len(copies):,}")
    print(f"  {len(suggested):,} pairs looked at for scenes, {len(shots):,} found")
    print(f"  promised: {SECONDS_FOR_100_000:.0f} s and {MB_FOR_100_000:,.0f} MB for 100,000")
    return seconds <= SECONDS_FOR_100_000 and peak <= MB_FOR_100_000 and len(found) == len(copies)


def finished(task: Generator[Any, None, Result]) -> Result:
    """Run a task to its end and give its result."""
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def _photos(folders: Sequence[Path], most: int) -> list[Path]:
    """Photos of all folders in turn, spread over each folder's classes."""
    by_folder = []
    for folder in folders:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        random.Random(SEED).shuffle(paths)
        by_folder.append(paths)
    if len(by_folder) == 2 and most == 1000:  # 900 of imagenette, 100 of cats_kittens
        return [*by_folder[0][:900], *by_folder[1][:100]]
    return [path for paths in by_folder for path in paths][:most]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--peer-python", metavar="PYTHON")
    parser.add_argument("--time", type=int, default=0, metavar="FILES")
    parser.add_argument("--copies", action="store_true", help="with --time: nothing but copies")
    parser.add_argument("--large", type=int, default=0, metavar="PHOTOS")
    parser.add_argument("--as-peer", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
