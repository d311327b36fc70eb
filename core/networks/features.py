"""What a network said about each photo, kept on disk so that no photo passes it twice.

One folder per backbone holds an index and shards of a fixed number of rows; a row holds the
features of one photo and of its mirror image. Rows are flushed to disk before the index names
them, and each index record carries a checksum: a process killed in mid-write leaves rows that
nobody names and that the next writer writes over.
"""

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.errors import NetworkError
from core.networks.backbones import FEATURES_VERSION, backbone_named, random_weights

VIEWS = 2  # the photo, then its mirror image
ROWS_PER_SHARD = 4096  # about 21 MB
LOCK_TIMEOUT_SECONDS = 120

# One record of the index: which content lies in which row.
RECORD = np.dtype([("content", "V16"), ("row", "<u4"), ("checksum", "<u4")])
FORGOTTEN = 0xFFFFFFFF  # in place of a row: what an earlier record says of this content is void


class FeatureStore:
    """Features by content, in ``home/features/<backbone>-<version>``.

    Several processes may read and add at once; what another one added shows at the next call.
    Threads need a store each.
    """

    def __init__(self, home: Path, backbone: str) -> None:
        chosen = backbone_named(backbone)
        self.dimensions = chosen.dimensions
        # What random weights say in a test must never be taken for what the real ones say.
        after = "-random" if random_weights(chosen) else ""
        self.folder = home / "features" / f"{backbone}-{FEATURES_VERSION}{after}"
        self._begin_anew(None)

    def missing(self, contents: Sequence[str]) -> list[str]:
        """Those contents that are not here yet, each once, in order.

        Raises:
            NetworkError: If the folder cannot be read.
        """
        with self._as_network_error():
            self._read_index()
        return [c for c in dict.fromkeys(contents) if bytes.fromhex(c) not in self._rows]

    def get(self, contents: Sequence[str]) -> np.ndarray:
        """Features in the order asked for: (N, views, D) float16. KeyError if one is missing.

        Raises:
            NetworkError: If they cannot be read. Damaged ones are missing from then on.
        """
        with self._as_network_error():
            self._read_index()
            rows = np.fromiter((self._rows[bytes.fromhex(c)] for c in contents), np.int64)
            found = np.empty((len(rows), VIEWS, self.dimensions), np.float16)
            shards, places = np.divmod(rows, ROWS_PER_SHARD)
            for shard in sorted(set(shards.tolist())):  # np.unique imports numpy.ma: 0.05 s
                here = np.flatnonzero(shards == shard)
                # Mapped one at a time, so that all of them never count as this process's memory.
                found[here] = self._mapped(shard, int(places[here].max()) + 1)[places[here]]
            self._refuse_damaged(contents, found)
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
            self._write_index(zip(fresh, count(first), strict=False))

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
            if zlib.crc32(content + row.to_bytes(4, "little")) != checksum:
                continue
            if row == FORGOTTEN:
                self._rows.pop(content, None)
                continue
            self._next_row = max(self._next_row, row + 1)
            if self._is_on_disk(row):
                self._rows[content] = row

    def _is_on_disk(self, row: int) -> bool:
        """Whether the row's shard is there and long enough; someone may have deleted it."""
        shard, place = divmod(row, ROWS_PER_SHARD)
        if shard not in self._shard_rows:
            self._shard_rows[shard] = self._rows_in_file(shard)
        return place < self._shard_rows[shard]

    def _rows_in_file(self, shard: int) -> int:
        try:
            return self._shard(shard).stat().st_size // self._row_bytes
        except FileNotFoundError:
            return 0

    @property
    def _row_bytes(self) -> int:
        return VIEWS * self.dimensions * 2

    def _mapped(self, shard: int, rows: int) -> np.ndarray:
        """The first rows of a shard."""
        if self._rows_in_file(shard) < rows:
            self._begin_anew(None)  # someone cut it since; what is left is looked up anew
            raise NetworkError(self._damaged())
        return np.memmap(self._shard(shard), "<f2", "r", shape=(rows, VIEWS, self.dimensions))

    def _refuse_damaged(self, contents: Sequence[str], features: np.ndarray) -> None:
        """Refuse numbers that no network said, and have the index forget them."""
        # Exponent bits all set: not finite. Four times as fast as np.isfinite on float16.
        if not ((features.view(np.uint16) & 0x7C00) == 0x7C00).any():
            return
        finite = np.isfinite(features).all(axis=(1, 2)).tolist()
        damaged = [bytes.fromhex(c) for c, good in zip(contents, finite, strict=True) if not good]
        with FileLock(self.folder / "lock", timeout=LOCK_TIMEOUT_SECONDS):
            self._drop_torn_record()
            self._write_index((key, FORGOTTEN) for key in dict.fromkeys(damaged))
        raise NetworkError(self._damaged())

    def _damaged(self) -> str:
        return (
            f"Some of what the network said is damaged in {self.folder}. "
            "Train again: Winnow then looks at those photos anew."
        )

    @contextmanager
    def _as_network_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise NetworkError(
                f"What the network said cannot be read from {self.folder}: "
                f"{error.strerror or error}. Move away whatever lies there; then train again."
            ) from error

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

    def _write_index(self, places: Iterable[tuple[bytes, int]]) -> None:
        named = [key + row.to_bytes(4, "little") for key, row in places]
        raw = b"".join(record + zlib.crc32(record).to_bytes(4, "little") for record in named)
        with self._index.open("ab") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        self._read_index()
