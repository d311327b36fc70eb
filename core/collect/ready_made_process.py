"""The process in which torchvision downloads and unpacks a ready-made set, and lists its photos.

``python -m core.collect.ready_made_process NAME FOLDER MOST``. It prints one JSON object a line:
``{"phase", "done", "total"}`` while it works and ``{"listing"}`` or ``{"problem", ...}`` last. It
ends with whoever started it, who holds its standard input open.

torchvision is the one that knows addresses, checksums and formats. What reads from the network is
replaced in it, so that a download of gigabytes tells how far it is and goes on where it stopped.
"""

import contextlib
import errno
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

TIMEOUT_SECONDS = 30
CHUNK_BYTES = 256 * 1024
SECONDS_BETWEEN_REPORTS = 0.4
USER_AGENT = "Winnow/0.1 (local image collection; torchvision)"
LISTING = "listing.json"
PICTURES = "pictures"  # folder of those a set holds as numbers
# Where torchvision puts what it downloads of each set.
DOWNLOADS = {
    "pets": ("oxford-iiit-pet/images.tar.gz", "oxford-iiit-pet/annotations.tar.gz"),
    "imagenette-160": ("imagenette2-160.tgz",),
    "imagenette-320": ("imagenette2-320.tgz",),
    "flowers": (
        "flowers-102/102flowers.tgz",
        "flowers-102/imagelabels.mat",
        "flowers-102/setid.mat",
    ),
    "food": ("food-101.tar.gz",),
    "eurosat": ("eurosat/EuroSAT.zip",),
    "cifar10": ("cifar-10-python.tar.gz",),
}
# Told by their names when the rest is cleared: the pets' photos have ".mat" files beside them too.
NAMES = frozenset(path.rpartition("/")[2] for paths in DOWNLOADS.values() for path in paths)


@dataclass(frozen=True)
class Photo:
    """One photo of an unpacked set."""

    key: str  # names it within the set
    class_name: str
    path: str  # of its file
    save: Callable[[str], None] | None = None  # writes it to a path, where the set has no file


class Broken(Exception):
    """A download that failed; not an OSError, which torchvision would try again without TLS."""

    def __init__(self, problem: str, **more: object) -> None:
        super().__init__(problem)
        self.told = {"problem": problem, **more}


class Reporter:
    """Prints how far the work is, twice a second, whatever the main thread is doing."""

    def __init__(self) -> None:
        self.phase, self.done, self.total = "start", 0, 0
        self.count: Callable[[], int] | None = None
        self.fetched: list[Path] = []
        self._printing = threading.Lock()

    def start(self) -> None:
        """Begin to report."""
        threading.Thread(target=self._report, daemon=True).start()

    def enter(self, phase: str, total: int = 0, count: Callable[[], int] | None = None) -> None:
        """Begin a phase; ``count`` tells how much is done where nobody else does."""
        self.count = None
        self.phase, self.done, self.total = phase, 0, total
        self.count = count

    def tell(self, **told: object) -> None:
        """Print one object."""
        with self._printing:
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()

    def _report(self) -> None:
        while True:
            count = self.count
            done = count() if count is not None else self.done
            self.tell(phase=self.phase, done=done, total=self.total)
            time.sleep(SECONDS_BETWEEN_REPORTS)


reporter = Reporter()


def main(name: str, folder: Path, most: int) -> None:
    """Do the work; whatever happens ends in a last line."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    reporter.start()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        told: dict[str, object] = {"listing": str(prepare(name, folder, most))}
    except Broken as error:
        told = error.told
    except OSError as error:
        if error.errno == errno.ENOSPC:
            told = {"problem": "full"}
        else:
            traceback.print_exc()
            told = {"problem": "unwritable", "why": error.strerror or str(error)}
    reporter.tell(**told)


def prepare(name: str, folder: Path, most: int) -> Path:
    """Download and unpack a set as far as that is not done; returns the list of its photos."""
    reporter.enter("load")
    import torchvision.datasets.utils as theirs  # 4 s; this process is the only one that pays

    theirs._urlretrieve = fetch
    # It would ask for every file once more, only to see where the address leads.
    theirs._get_redirect_url = lambda url, max_hops=3: url
    unpack = theirs.extract_archive

    def extract(archive: str, to: str | None = None, remove: bool = False) -> None:
        reporter.enter("unpack", count=lambda: _files_below(folder))
        unpack(archive, to, remove)

    theirs.extract_archive = extract
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / LISTING).exists():
        deque(clear_unpacked(folder), maxlen=0)
    reporter.enter("check")
    try:
        photos = list(_READERS[name](folder))
    except RuntimeError as error:  # what torchvision raises when a checksum is not as expected
        for path in reporter.fetched:
            path.unlink(missing_ok=True)
        deque(clear_unpacked(folder), maxlen=0)
        raise Broken("damaged", why=str(error)) from error
    return _list(folder, chosen(photos, most))


def chosen(photos: Iterable[Photo], most: int) -> list[Photo]:
    """At most ``most`` photos of each class, all if 0: a fixed choice that a larger one holds."""
    classes: dict[str, list[Photo]] = {}
    for photo in photos:
        classes.setdefault(photo.class_name, []).append(photo)
    if not most:
        return [photo for group in classes.values() for photo in group]
    mixed = [
        sorted(group, key=lambda photo: xxhash.xxh3_64_intdigest(photo.key.encode()))[:most]
        for group in classes.values()
    ]
    return [photo for group in mixed for photo in sorted(group, key=lambda photo: photo.key)]


def fetch(url: str, filename: str | Path, chunk_size: int = CHUNK_BYTES) -> None:
    """Download a file, going on where an earlier download of it was stopped."""
    path = Path(filename)
    have = path.stat().st_size if path.exists() else 0
    reporter.fetched.append(path)
    try:
        with _open(url, have) as response:
            goes_on = response.status == 206
            have = have if goes_on else 0
            reporter.enter("download", total=have + (response.length or 0))
            reporter.done = have
            with path.open("ab" if goes_on else "wb") as file:
                while chunk := response.read(CHUNK_BYTES):
                    file.write(chunk)
                    reporter.done += len(chunk)
        if reporter.total and reporter.done < reporter.total:
            raise Broken("unreachable", why="the connection was cut", host=_host(url))
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise Broken("refused", code=error.code, host=_host(url)) from error
        path.unlink()  # as long as the whole or longer, and yet not it
        fetch(url, filename)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        why = str(getattr(error, "reason", error))
        raise Broken("unreachable", why=why, host=_host(url)) from error
    except http.client.HTTPException as error:
        raise Broken("unreachable", why=str(error), host=_host(url)) from error
    reporter.enter("check")


def _open(url: str, have: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": USER_AGENT}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    return response


def plain_class(name: str) -> str:
    """A class's name as people write it and as every system can name a folder."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " "))
    kept = re.sub(r'[<>:"/\\|?*]', "", spaced)
    return " ".join(kept.split()).strip(". ")


def _pets(folder: Path) -> Iterator[Photo]:
    from torchvision.datasets import OxfordIIITPet

    for split in ("trainval", "test"):
        part = OxfordIIITPet(folder, split=split, download=True)
        names = [plain_class(name).lower() for name in part.classes]
        for path, label in zip(part._images, part._labels, strict=True):
            yield Photo(key=Path(path).name, class_name=names[label], path=str(path))


def _imagenette(folder: Path, size: str) -> Iterator[Photo]:
    from torchvision.datasets import Imagenette

    for split in ("train", "val"):
        part = Imagenette(folder, split=split, size=size, download=True)
        names = [plain_class(several[0]) for several in part.classes]
        for path, label in part._samples:
            key = f"{split}/{Path(path).parent.name}/{Path(path).name}"
            yield Photo(key=key, class_name=names[label], path=path)


def _flowers(folder: Path) -> Iterator[Photo]:
    from torchvision.datasets import Flowers102

    for split in ("train", "val", "test"):
        part = Flowers102(folder, split=split, download=True)
        for path, label in zip(part._image_files, part._labels, strict=True):
            yield Photo(
                key=Path(path).name, class_name=plain_class(part.classes[label]), path=str(path)
            )


def _food(folder: Path) -> Iterator[Photo]:
    from torchvision.datasets import Food101

    for split in ("train", "test"):
        part = Food101(folder, split=split, download=True)
        names = [plain_class(name) for name in part.classes]
        for path, label in zip(part._image_files, part._labels, strict=True):
            key = f"{Path(path).parent.name}/{Path(path).name}"
            yield Photo(key=key, class_name=names[label], path=str(path))


def _eurosat(folder: Path) -> Iterator[Photo]:
    from torchvision.datasets import EuroSAT

    part = EuroSAT(folder, download=True)
    names = [plain_class(name).lower() for name in part.classes]
    for path, label in part.samples:
        yield Photo(key=Path(path).name, class_name=names[label], path=path)


def _cifar10(folder: Path) -> Iterator[Photo]:
    from PIL import Image
    from torchvision.datasets import CIFAR10

    number = 0
    for train in (True, False):
        part = CIFAR10(folder, train=train, download=True)
        names = [plain_class(name) for name in part.classes]
        for pixels, label in zip(part.data, part.targets, strict=True):
            key = f"{number:05}.png"
            path = str(folder / PICTURES / key)
            save = Image.fromarray(pixels).save
            yield Photo(key=key, class_name=names[label], path=path, save=save)
            number += 1


_READERS: dict[str, Callable[[Path], Iterator[Photo]]] = {
    "pets": _pets,
    "imagenette-160": lambda folder: _imagenette(folder, "160px"),
    "imagenette-320": lambda folder: _imagenette(folder, "320px"),
    "flowers": _flowers,
    "food": _food,
    "eurosat": _eurosat,
    "cifar10": _cifar10,
}


def _list(folder: Path, photos: Sequence[Photo]) -> Path:
    """Write those that are no files yet, and then the list: where it stands, all is unpacked."""
    to_save = [photo for photo in photos if photo.save is not None]
    if to_save:
        (folder / PICTURES).mkdir(exist_ok=True)
        reporter.enter("unpack", total=len(to_save))
    for photo in to_save:
        if photo.save is not None and not os.path.exists(photo.path):
            draft = f"{photo.path}.part.png"
            photo.save(draft)
            os.replace(draft, photo.path)
        reporter.done += 1
    rows = [[photo.key, photo.class_name, photo.path] for photo in photos]
    draft = f"{folder / LISTING}.part"
    Path(draft).write_text(json.dumps(rows), encoding="ascii")
    os.replace(draft, folder / LISTING)
    return folder / LISTING


def clear_unpacked(folder: Path) -> Iterator[None]:
    """Leave nothing but downloads: torchvision takes a folder that is there for a whole one.

    Yields after every folder.
    """
    (folder / LISTING).unlink(missing_ok=True)  # first, since it says that all is there
    for directory, _, files in os.walk(folder, topdown=False):
        for file in files:
            if file not in NAMES:
                os.unlink(os.path.join(directory, file))
        if Path(directory) != folder:
            with contextlib.suppress(OSError):  # it holds a download
                os.rmdir(directory)
        yield


def _files_below(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or url


def _end_with_the_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
