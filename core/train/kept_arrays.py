"""Arrays of one shape on disk, by key: small copies of photos, activations of frozen stages.

A row is flushed before the index names it, and index records carry a checksum, so a process killed
in mid-write leaves rows that nobody names. All of it can be made again: delete it at will.
"""

import os
import shutil
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xxhash
from filelock import FileLock

from core.dataset.deleting import size
from core.errors import TrainingError

RECORD = np.dtype([("key", "V16"), ("row", "<u4"), ("checksum", "<u4")])
LOCK_TIMEOUT_SECONDS = 600
SPARE_BYTES = 200_000_000  # for checkpoints and the run, and the rest of the computer


class KeptArrays:
    """Rows of one shape and type. One process writes at a time; rows are never changed."""

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: type) -> None:
        self.folder, self.shape, self.dtype = folder, shape, np.dtype(dtype)
        self.row_bytes = int(np.prod(shape)) * self.dtype.itemsize
        self._rows: dict[bytes, int] = {}
        self._mapped: np.ndarray | None = None
        self._read_index()

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those keys without a row, each once, in order."""
        return [key for key in dict.fromkeys(keys) if _digest(key) not in self._rows]

    def places(self, keys: Sequence[str]) -> np.ndarray:
        """(n,) int64: the rows of these keys, for ``rows``; KeyError if one is missing."""
        return np.fromiter((self._rows[_digest(key)] for key in keys), np.int64, len(keys))

    def rows(self, places: np.ndarray) -> np.ndarray:
        """(n, *shape): a copy of these rows."""
        needed = int(places.max()) + 1 if len(places) else 0
        if self._mapped is None or len(self._mapped) < needed:
            count = self._data.stat().st_size // self.row_bytes
            self._mapped = np.memmap(self._data, self.dtype, "r", shape=(count, *self.shape))
        found: np.ndarray = self._mapped[places]
        return found

    def refuse_if_no_room(self, count: int) -> None:
        """Say so before long work if so many more rows will not fit on the disk.

        Raises:
            TrainingError: With what to do.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        needed = count * self.row_bytes + SPARE_BYTES
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise TrainingError(
                f"Training needs {size(needed)} of free disk in {self.folder}, for what it keeps "
                f"of the photos and of itself; there is only {size(free)}. Make room, choose a "
                "smaller image size, or try on a part of the photos."
            )

    def add(self, keys: Sequence[str], rows: np.ndarray) -> None:
        """Keep rows (n, *shape); once this returns, a crash leaves them.

        Raises:
            OSError: If the disk is full, for example.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock", timeout=LOCK_TIMEOUT_SECONDS):
            self._read_index()
            new = [at for at, key in enumerate(keys) if _digest(key) not in self._rows]
            first = self._next_row()
            with self._data.open("r+b" if self._data.exists() else "w+b") as file:
                file.seek(first * self.row_bytes)
                file.write(np.ascontiguousarray(rows[new], dtype=self.dtype).data)
                file.flush()
                os.fsync(file.fileno())
            self._write_index((keys[at], first + place) for place, at in enumerate(new))

    @property
    def _data(self) -> Path:
        return self.folder / "rows"

    @property
    def _index(self) -> Path:
        return self.folder / "index"

    def _next_row(self) -> int:
        return max(self._rows.values(), default=-1) + 1

    def _read_index(self) -> None:
        try:
            raw = self._index.read_bytes()
            available = self._data.stat().st_size // self.row_bytes
        except FileNotFoundError:
            self._rows = {}
            return
        records = np.frombuffer(raw[: len(raw) // RECORD.itemsize * RECORD.itemsize], RECORD)
        self._rows = {
            bytes(key): int(row)
            for key, row, checksum in records.tolist()
            if row < available and checksum == _checksum(bytes(key), row)
        }

    def _write_index(self, places: Iterable[tuple[str, int]]) -> None:
        digests = [(_digest(key), row) for key, row in places]
        raw = b"".join(
            digest + row.to_bytes(4, "little") + _checksum(digest, row).to_bytes(4, "little")
            for digest, row in digests
        )
        with self._index.open("ab") as file:
            torn = file.tell() % RECORD.itemsize
            file.truncate(file.tell() - torn)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        self._rows.update(digests)


def _digest(key: str) -> bytes:
    return xxhash.xxh3_128_digest(key.encode())


def _checksum(digest: bytes, row: int) -> int:
    return zlib.crc32(digest + row.to_bytes(4, "little"))
