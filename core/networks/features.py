"""What a network said about each photo, kept on disk so that no photo passes it twice.

One folder per backbone holds an index and shards of a fixed number of rows; a row holds the
features of one photo and of its mirror image. Rows are flushed to disk before the index names
them, and each index record carries a checksum: a process killed in mid-write leaves rows that
nobody names and that the next writer writes over.
"""

import os
import zlib
from collections.abc import Sequence
from itertools import count
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
    Threads need a store each.
    """

    def __init__(self, home: Path, backbone: str) -> None:
        self.dimensions = backbone_named(backbone).dimensions
        self.folder = home / "features" / f"{backbone}-{FEATURES_VERSION}"
        self._begin_anew(None)

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
        for shard in sorted(set(shards.tolist())):  # np.unique imports numpy.ma: 0.05 s
            here = np.flatnonzero(shards == shard)
            # Mapped one shard at a time, so that all of them never count as this process's memory.
            found[here] = self._mapped(shard)[places[here]]
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
            first = self._first_free_row()
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

    def _begin_anew(self, index: int | None) -> None:
        self._index_file = index  # the file system's number of it
        self._rows: dict[bytes, int] = {}
        self._next_row = 0
        self._bytes_read = 0  # of the index
        self._shard_rows: dict[int, int] = {}  # rows that fit in each shard file as it is

    def _index_size(self) -> int:
        """Bytes in the index. Forgets what was read if the folder was deleted and begun anew."""
        try:
            found = self._index.stat()
        except FileNotFoundError:
            self._begin_anew(None)
            return 0
        if found.st_ino != self._index_file or found.st_size < self._bytes_read:
            self._begin_anew(found.st_ino)
        return found.st_size

    def _read_index(self) -> None:
        """Take in the records that were added since the last look."""
        size = self._index_size()
        if size - self._bytes_read < RECORD.itemsize:
            return
        with self._index.open("rb") as file:
            file.seek(self._bytes_read)
            raw = file.read((size - self._bytes_read) // RECORD.itemsize * RECORD.itemsize)
        self._bytes_read += len(raw)
        for content, row, checksum in np.frombuffer(raw, RECORD).tolist():
            if zlib.crc32(content + row.to_bytes(4, "little")) == checksum:
                self._next_row = max(self._next_row, row + 1)
                if self._is_on_disk(row):
                    self._rows[content] = row

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
        size = self._index_size()
        if size % RECORD.itemsize:
            os.truncate(self._index, size - size % RECORD.itemsize)

    def _first_free_row(self) -> int:
        """The row after the last; in a new shard if someone deleted or cut the last one.

        Made again, that shard would hold zeros where the index still names features.
        """
        shard, place = divmod(self._next_row, ROWS_PER_SHARD)
        self._shard_rows.pop(shard, None)
        if place and not self._is_on_disk((shard + 1) * ROWS_PER_SHARD - 1):
            return (shard + 1) * ROWS_PER_SHARD
        return self._next_row

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
        named = [
            key + row.to_bytes(4, "little") for key, row in zip(keys, count(first), strict=False)
        ]
        raw = b"".join(record + zlib.crc32(record).to_bytes(4, "little") for record in named)
        with self._index.open("ab") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        self._read_index()
