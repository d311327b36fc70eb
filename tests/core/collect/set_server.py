"""A local site that serves small copies of the ready-made sets, in the formats of the real ones."""

import hashlib
import io
import json
import pickle
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from scipy.io import savemat

from tests.conftest import make_photo

PROGRAM = Path(__file__).with_name("set_process.py")


class SetServer:
    """Serves files from memory by name, with ranges; it can be made slow, and to fail."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []  # (name, range) of every request
        self.sent: dict[str, int] = {}  # bytes by name
        self.seconds_a_chunk = 0.0
        self.chunk = 2048
        self.status: int | None = None  # answered instead of the file
        self.cut_after: int | None = None  # bytes, then the connection ends
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def program(self, folder: Path) -> list[str]:
        """Runs the process that downloads, with torchvision's addresses changed to this site.

        The checksums are those of the files as they are now.
        """
        sums = folder / "sums.json"
        md5 = {name: hashlib.md5(data).hexdigest() for name, data in self.files.items()}
        sums.write_text(json.dumps(md5 | members_of_cifar(self.files)))
        return [sys.executable, str(PROGRAM), self.url, str(sums)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                site.asked.append((name, self.headers.get("Range")))
                data = site.files.get(name)
                if site.status or data is None:
                    self.send_error(site.status or 404)
                    return
                self._send(name, data)

            def _send(self, name: str, data: bytes) -> None:
                wanted = self.headers.get("Range")
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
                if wanted and start >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                end = len(data) if site.cut_after is None else min(len(data), site.cut_after)
                for at in range(start, end, site.chunk):
                    part = data[at : min(at + site.chunk, end)]
                    try:
                        self.wfile.write(part)
                    except OSError:
                        return  # the other side was ended
                    site.sent[name] = site.sent.get(name, 0) + len(part)
                    if site.seconds_a_chunk:
                        time.sleep(site.seconds_a_chunk)

            def log_message(self, *args: object) -> None:
                return

        return Handler


def members_of_cifar(files: dict[str, bytes]) -> dict[str, str]:
    """Checksums of the batches within, which torchvision looks at too."""
    if "cifar-10-python.tar.gz" not in files:
        return {}
    sums = {}
    with tarfile.open(fileobj=io.BytesIO(files["cifar-10-python.tar.gz"])) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                sums[Path(member.name).name] = hashlib.md5(file.read()).hexdigest()
    return sums


def jpeg(seed: int) -> bytes:
    out = io.BytesIO()
    make_photo(seed=seed).save(out, "JPEG", quality=90)
    return out.getvalue()


def tar_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pets(a_class: int = 3) -> dict[str, bytes]:
    """Two splits that share their classes; some stray files lie among the photos."""
    photos, lines = {"images/Abyssinian_100.mat": b"MATLAB 5.0"}, []
    for label, name in enumerate(("Abyssinian", "great_pyrenees", "yorkshire_terrier"), 1):
        for number in range(1, 2 * a_class + 1):
            photos[f"images/{name}_{number}.jpg"] = jpeg(100 * label + number)
            lines.append(f"{name}_{number} {label} {1 if name[0].isupper() else 2} 1")
    notes = {
        "annotations/list.txt": "\n".join(["#Image CLASS-ID SPECIES BREED ID", *lines]),
        "annotations/trainval.txt": "\n".join(lines[0::2]) + "\n",
        "annotations/test.txt": "\n".join(lines[1::2]) + "\n",
        "annotations/trimaps/Abyssinian_1.png": "not looked at",
    }
    encoded = {name: text.encode() for name, text in notes.items()}
    return {"images.tar.gz": tar_of(photos), "annotations.tar.gz": tar_of(encoded)}


def imagenette(size: str = "160") -> dict[str, bytes]:
    top = f"imagenette2-{size}"
    members = {f"{top}/noisy_imagenette.csv": b"path,noisy_labels_0\n"}
    for label, wnid in enumerate(("n01440764", "n03394916", "n03445777")):
        for number in range(4):
            members[f"{top}/train/{wnid}/{wnid}_{number}1.JPEG"] = jpeg(100 * label + number)
            name = f"ILSVRC2012_val_0000{label}{number}"
            members[f"{top}/val/{wnid}/{name}.JPEG"] = jpeg(100 * label + number + 50)
    return {f"{top}.tgz": tar_of(members)}


def flowers() -> dict[str, bytes]:
    count = 12
    members = {f"jpg/image_{at:05}.jpg": jpeg(at) for at in range(1, count + 1)}
    labels, splits = io.BytesIO(), io.BytesIO()
    savemat(labels, {"labels": np.array([[1, 10, 102] * 4], dtype=np.uint8)})
    ids = np.arange(1, count + 1, dtype=np.uint16)[None]
    savemat(splits, {"trnid": ids[:, :4], "valid": ids[:, 4:8], "tstid": ids[:, 8:]})
    return {
        "102flowers.tgz": tar_of(members),
        "imagelabels.mat": labels.getvalue(),
        "setid.mat": splits.getvalue(),
    }


def food() -> dict[str, bytes]:
    members, splits = {}, {"train": {}, "test": {}}
    for label, name in enumerate(("apple_pie", "fish_and_chips")):
        for number in range(6):
            key = f"{name}/{1000 + 7 * number}"
            members[f"food-101/images/{key}.jpg"] = jpeg(100 * label + number)
            splits["test" if number > 3 else "train"].setdefault(name, []).append(key)
    for split, keys in splits.items():
        members[f"food-101/meta/{split}.json"] = json.dumps(keys).encode()
    return {"food-101.tar.gz": tar_of(members)}


def eurosat() -> dict[str, bytes]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for label, name in enumerate(("AnnualCrop", "Forest", "SeaLake")):
            for number in range(1, 5):
                archive.writestr(f"2750/{name}/{name}_{number}.jpg", jpeg(100 * label + number))
    return {"EuroSAT.zip": out.getvalue()}


def cifar10() -> dict[str, bytes]:
    random = np.random.default_rng(0)
    names = ["airplane", "automobile", "bird", "cat", "deer"]
    names += ["dog", "frog", "horse", "ship", "truck"]
    members = {"batches.meta": {"label_names": names, "num_cases_per_batch": 10}}
    for batch in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"):
        members[batch] = _batch(random)
    members["test_batch"] = _batch(random)
    folder = "cifar-10-batches-py"
    return {
        "cifar-10-python.tar.gz": tar_of(
            {f"{folder}/{name}": pickle.dumps(held, 2) for name, held in members.items()}
        )
    }


def _batch(random: np.random.Generator) -> dict[str, object]:
    pixels = random.integers(0, 256, (10, 3072), dtype=np.uint8)
    return {"data": pixels, "labels": list(range(10))}


MADE: dict[str, Callable[[], dict[str, bytes]]] = {
    "pets": pets,
    "imagenette-160": imagenette,
    "imagenette-320": lambda: imagenette("320"),
    "flowers": flowers,
    "food": food,
    "eurosat": eurosat,
    "cifar10": cifar10,
}
