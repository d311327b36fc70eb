"""What a network said about each photo, kept on disk so that no photo passes it twice.

One folder per backbone holds an index and shards of a fixed number of rows; a row holds the
features of one photo and of its mirror image. Rows are flushed to disk before the index names
them, and each index record carries a checksum: a process killed in mid-write leaves rows that
nobody names and that the next writer writes over.
"""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.networks.backbones import FEATURES_VERSION, backbone_named

VIEWS = 2  # the photo, then its mirror image
ROWS_PER_SHARD = 4096  # about 21 MB
LOCK_TIMEOUT_SECONDS = 120

# One record of the index: which content lies in which row.
RECORD = np.dtype([("content", "V16"), ("row", "<u4"), ("checksum", "<u4")])


class FeatureStore:
    """Features by content, in ``home/features/<backbone>-<version>``.

    Several processes may read and add at once; what another one added shows at the next call.
    """

    def __init__(self, home: Path, backbone: str) -> None:
        self.dimensions = backbone_named(backbone).dimensions
        self.folder = home / "features" / f"{backbone}-{FEATURES_VERSION}"
        self._rows: dict[bytes, int] = {}
        self._bytes_read = 0  # of the index
        self._shard_rows: dict[int, int] = {}  # rows that fit in each shard file as it is

    def missing(self, contents: Sequence[str]) -> list[str]:
        """Those contents that are not here yet, each once, in order."""
        self._read_index()
        return [c for c in dict.fromkeys(contents) if bytes.fromhex(c) not in self._rows]

    def get(self, contents: Sequence[str]) -> np.ndarray:
        """Features in the order asked for: (N, views, D) float16. KeyError if one is missing."""
        self._read_index()
        rows = np.fromiter((self._rows[bytes.fromhex(c)] for c in contents), np.int64)
        found = np.empty((len(rows), VIEWS, self.dimensions), np.float16)
        shards, places = np.divmod(rows, ROWS_PER_SHARD)
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            # Mapped one shard at a time, so that all of them never count as this process's memory.
            found[here] = self._mapped(int(shard))[places[here]]
        return found

    def add(self, contents: Sequence[str], features: np.ndarray) -> None:
        """Keep features (N, views, D) for N contents; once this returns, a crash leaves them."""
        wanted = (len(contents), VIEWS, self.dimensions)
        if features.shape != wanted:
            raise ValueError(f"expected features of shape {wanted}, got {features.shape}")
        if not contents:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock", timeout=LOCK_TIMEOUT_SECONDS):
            self._drop_torn_record()
            self._read_index()
            fresh: dict[bytes, int] = {}
            for position, content in enumerate(contents):
                fresh.setdefault(bytes.fromhex(content), position)
            fresh = {key: at for key, at in fresh.items() if key not in self._rows}
            first = self._index_bytes() // RECORD.itemsize
            self._write_rows(first, features[list(fresh.values())].astype("<f2", copy=False))
            self._write_index(first, list(fresh))

    def __len__(self) -> int:
        self._read_index()
        return len(self._rows)

    @property
    def _index(self) -> Path:
        return self.folder / "index"

    def _shard(self, number: int) -> Path:
        return self.folder / f"shard-{number:05d}"

    def _index_bytes(self) -> int:
        try:
            return self._index.stat().st_size
        except FileNotFoundError:
            return 0

    def _read_index(self) -> None:
        """Take in the records that were added since the last look."""
        size = self._index_bytes()
        if size < self._bytes_read:  # the folder was deleted and begun anew
            self._rows, self._bytes_read, self._shard_rows = {}, 0, {}
        if size - self._bytes_read < RECORD.itemsize:
            return
        with self._index.open("rb") as file:
            file.seek(self._bytes_read)
            raw = file.read((size - self._bytes_read) // RECORD.itemsize * RECORD.itemsize)
        self._bytes_read += len(raw)
        records = np.frombuffer(raw, RECORD)
        checks = (
            zlib.crc32(raw[at : at + 20]) for at in range(0, len(raw), RECORD.itemsize)
        )  # the checksum covers what stands before it
        sound = zip(
            records["content"].tolist(),
            records["row"].tolist(),
            records["checksum"].tolist(),
            checks,
            strict=True,
        )
        self._rows.update(
            (content, row)
            for content, row, checksum, wanted in sound
            if checksum == wanted and self._is_on_disk(row)
        )

    def _is_on_disk(self, row: int) -> bool:
        """Whether the row's shard is there and long enough; someone may have deleted it."""
        shard, place = divmod(row, ROWS_PER_SHARD)
        if shard not in self._shard_rows:
            try:
                size = self._shard(shard).stat().st_size
            except FileNotFoundError:
                size = 0
            self._shard_rows[shard] = size // self._row_bytes
        return place < self._shard_rows[shard]

    @property
    def _row_bytes(self) -> int:
        return VIEWS * self.dimensions * 2

    def _mapped(self, shard: int) -> np.ndarray:
        rows = np.memmap(self._shard(shard), "<f2", "r")
        return rows.reshape(-1, VIEWS, self.dimensions)

    def _drop_torn_record(self) -> None:
        torn = self._index_bytes() % RECORD.itemsize
        if torn:
            os.truncate(self._index, self._index_bytes() - torn)

    def _write_rows(self, first: int, features: np.ndarray) -> None:
        at = 0
        while at < len(features):
            shard, place = divmod(first + at, ROWS_PER_SHARD)
            part = features[at : at + ROWS_PER_SHARD - place]
            path = self._shard(shard)
            # "r+b" keeps what is there; a new shard gets its full length at once, so that a
            # mapped one never grows under its readers.
            with path.open("r+b" if path.exists() else "w+b") as file:
                file.truncate(ROWS_PER_SHARD * self._row_bytes)
                file.seek(place * self._row_bytes)
                file.write(np.ascontiguousarray(part).data)
                file.flush()
                os.fsync(file.fileno())
            self._shard_rows[shard] = ROWS_PER_SHARD
            at += len(part)

    def _write_index(self, first: int, keys: Sequence[bytes]) -> None:
        records = np.zeros(len(keys), RECORD)
        records["content"] = np.frombuffer(b"".join(keys), "V16")
        records["row"] = np.arange(first, first + len(keys))
        raw = bytearray(records.tobytes())
        for at in range(0, len(raw), RECORD.itemsize):
            raw[at + 20 : at + 24] = zlib.crc32(raw[at : at + 20]).to_bytes(4, "little")
        with self._index.open("ab") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        self._read_index()
