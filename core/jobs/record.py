"""What a job keeps on disk: ``<home>/jobs/<id>/`` with its request, status, metrics and log.

The request is written once by who starts the job; after that only the worker writes, except
for the stop flag, which anyone may set.
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from core.errors import JobError

State = Literal["starting", "running", "stopping", "done", "stopped", "failed", "crashed"]
FINISHED: frozenset[State] = frozenset({"done", "stopped", "failed", "crashed"})

LOG_TAIL_BYTES = 4000
LOG_TAIL_LINES = 20
BUSY_FILE_SECONDS = 2.0
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """Where a job stands, as last reported by its worker."""

    id: str
    kind: str
    state: State
    phase: str = ""
    done: int = 0
    total: int = 0  # 0 when unknown
    message: str = ""
    started_at: float | None = None
    updated_at: float | None = None
    finished_at: float | None = None
    result: dict[str, Any] | None = None
    error: str | None = None  # one sentence, when failed
    log_tail: str = ""  # last lines of the log, when failed or crashed
    pid: int | None = None  # of the worker

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in FINISHED


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a job was asked to do; enough to ask again."""

    kind: str
    target: str  # "module:function"
    arguments: Mapping[str, Any]


class JobFolder:
    """The files of one job."""

    def __init__(self, home: Path, job_id: str) -> None:
        if not _SAFE_NAME.fullmatch(job_id):
            raise JobError(f"There is no work by the name {job_id!r}.")
        self.id = job_id
        self.path = jobs_folder(home) / job_id
        self.status_file = self.path / "status.json"
        self.request_file = self.path / "request.json"
        self.metrics_file = self.path / "metrics.jsonl"
        self.stop_flag = self.path / "stop"
        self.lock_file = self.path / "lock"
        self.log_file = self.path / "log"

    def write_status(self, status: JobStatus) -> None:
        """Replace the status; a reader sees the old one or the new one, never a part."""
        _write_json(self.status_file, asdict(status))

    def read_status(self) -> JobStatus:
        """The status as written, which may be older than the truth.

        Raises:
            JobError: If there is no such job.
        """
        try:
            kept = json.loads(patiently(self.status_file.read_bytes))
            return JobStatus(**{name: kept[name] for name in _STATUS_FIELDS if name in kept})
        except (OSError, ValueError, TypeError) as error:
            raise JobError("The record of this work is gone. Start it again.") from error

    def write_request(self, request: Request) -> None:
        """Keep what was asked, for the worker and for resuming."""
        _write_json(self.request_file, asdict(request))

    def read_request(self) -> Request:
        """What the job was asked to do.

        Raises:
            JobError: If there is no such job.
        """
        try:
            return Request(**json.loads(self.request_file.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise JobError("The record of this work is gone. Start it again.") from error

    def log_tail(self) -> str:
        """The last lines of what the worker printed; empty if it printed nothing."""
        try:
            with self.log_file.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                text = log.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-LOG_TAIL_LINES:])


_STATUS_FIELDS = tuple(field.name for field in fields(JobStatus))


def jobs_folder(home: Path) -> Path:
    """Where the jobs of one home lie; it need not exist."""
    return home / "jobs"


def new_id(kind: str) -> str:
    """An id that sorts by time and ends in the kind.

    Raises:
        ValueError: If the kind is not a plain lower-case word.
    """
    if not _SAFE_NAME.fullmatch(kind):
        raise ValueError(f"A kind is a plain lower-case word, got {kind!r}")
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{int(now % 1 * 1e6):06d}-{kind}"


def ids_of_kind(home: Path, kind: str) -> list[str]:
    """Ids of the jobs of a kind, newest first."""
    try:
        names = os.listdir(jobs_folder(home))
    except OSError:
        return []
    pattern = re.compile(rf"\d{{8}}-\d{{6}}-\d{{6}}-{re.escape(kind)}")
    return sorted((name for name in names if pattern.fullmatch(name)), reverse=True)


def all_ids(home: Path) -> list[str]:
    """Ids of all jobs of a home, newest first."""
    try:
        names = os.listdir(jobs_folder(home))
    except OSError:
        return []
    return sorted((name for name in names if re.match(r"\d{8}-\d{6}-\d{6}-", name)), reverse=True)


def patiently(action: Callable[[], T]) -> T:
    """Do something to a file that Windows may hold busy for a moment."""
    deadline = time.monotonic() + BUSY_FILE_SECONDS
    while True:
        try:
            return action()
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def plain_value(value: object) -> object:
    """The Python number in a NumPy one, for ``json.dumps``; paths become text."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        number: object = value.tolist()
        return number
    raise TypeError(f"{type(value).__name__} cannot be kept in a job's record")


def _write_json(path: Path, value: dict[str, Any]) -> None:
    # Plain ASCII keeps names that are not valid UTF-8 reversible.
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(value, default=plain_value), encoding="ascii")
    try:
        patiently(lambda: scratch.replace(path))
    except OSError:
        with suppress(OSError):
            scratch.unlink()
        raise
