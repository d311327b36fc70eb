"""Start, watch, stop and resume long work. Imports stay light: pages poll this.

A job is alive exactly while its worker holds the lock in the job's folder. The operating system
lets go of that lock when the process ends, however it ends, so a killed worker, or one from
before a restart of the computer, shows as crashed.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import JobError
from core.jobs.record import (
    JobFolder,
    JobStatus,
    Request,
    all_ids,
    ids_of_kind,
    jobs_folder,
    new_id,
)

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds ``core``
KEPT_OF_A_KIND = 20
START_TIMEOUT_SECONDS = 20.0

# Workers started by this process: a finished child must be waited for, or it stays a zombie.
_children: list["subprocess.Popen[bytes]"] = []


def start(home: Path, kind: str, target: str, arguments: Mapping[str, Any]) -> JobStatus:
    """Start work in a process of its own, unless work of this kind is already going on.

    Args:
        home: Folder whose ``jobs`` folder holds the record.
        kind: Plain lower-case word; at most one job of a kind is alive in a home.
        target: ``"module:function"``; called as ``function(**arguments)``, returns a task.
        arguments: JSON-able.

    Returns:
        Status of the new job, or of the one that is already alive.

    Raises:
        JobError: If the process cannot be started, or the folder cannot be written.
    """
    _reap()
    try:
        jobs_folder(home).mkdir(parents=True, exist_ok=True)
        # Two Starts at once stand in line here; the second finds the first one's worker alive.
        with FileLock(jobs_folder(home) / f"{kind}.lock", timeout=START_TIMEOUT_SECONDS):
            going_on = latest(home, kind)
            if going_on is not None and not going_on.finished:
                return going_on
            _clean_up(home, kind)
            return _spawn(home, Request(kind=kind, target=target, arguments=arguments))
    except Timeout as error:
        raise JobError("Another window is starting the same work. Try again.") from error
    except OSError as error:
        raise JobError(f"The work could not be started: {error}.") from error


def latest(home: Path, kind: str) -> JobStatus | None:
    """Status of the newest job of a kind, or None if there never was one."""
    for job_id in ids_of_kind(home, kind):
        try:
            return status(home, job_id)
        except JobError:
            continue  # a folder without a readable status, such as one being cleaned up
    return None


def status(home: Path, job_id: str) -> JobStatus:
    """Where a job stands now.

    Raises:
        JobError: If there is no such job.
    """
    folder = JobFolder(home, job_id)
    kept = folder.read_status()
    if kept.finished:
        return kept
    if _is_about_to_start(kept):
        return kept
    flagged = folder.stop_flag.exists()
    if _is_held(folder.lock_file):
        return replace(kept, state="stopping") if flagged else kept
    kept = folder.read_status()  # it may have finished between the two looks
    if kept.finished:
        return kept
    return replace(
        kept,
        state="stopped" if flagged else "crashed",
        finished_at=kept.updated_at,
        log_tail=folder.log_tail(),
    )


def alive(job: JobStatus) -> bool:
    """Whether the worker was still there when this status was read."""
    return not job.finished


def stop(home: Path, job_id: str) -> None:
    """Ask a job to stop; it does so within 2 seconds. No effect on a finished one.

    Raises:
        JobError: If there is no such job, or its folder cannot be written.
    """
    folder = JobFolder(home, job_id)
    if status(home, job_id).finished:
        return
    try:
        folder.stop_flag.touch()
    except OSError as error:
        raise JobError(f"The work could not be stopped: {error}.") from error


def resume(home: Path, job_id: str) -> JobStatus:
    """Start the same work again, as a new job; what was finished is not done twice.

    Raises:
        JobError: If there is no such job, or it cannot be started.
    """
    asked = JobFolder(home, job_id).read_request()
    return start(home, asked.kind, asked.target, asked.arguments)


def metrics(home: Path, job_id: str, *, skip: int = 0) -> list[dict[str, Any]]:
    """Rows a job recorded for charts, without the first ``skip`` ones.

    Each row has ``phase``, ``t`` (seconds since the start) and the metrics of one report.

    Raises:
        JobError: If the id is no job's id.
    """
    try:
        lines = JobFolder(home, job_id).metrics_file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines[skip:-1]]  # the last one may be half written


def any_alive(home: Path) -> bool:
    """Whether work of any kind is going on in a home."""
    return bool(_living(home))


def stop_all(homes: Iterable[Path], *, timeout_seconds: float) -> None:
    """Stop every living job of these homes; what has not ended in time is killed."""
    waiting = [(home, job_id) for home in homes for job_id in _living(home)]
    for home, job_id in waiting:
        stop(home, job_id)
    deadline = time.monotonic() + timeout_seconds
    while waiting and time.monotonic() < deadline:
        time.sleep(0.05)
        waiting = [(home, job_id) for home, job_id in waiting if alive(status(home, job_id))]
    for home, job_id in waiting:
        _kill(home, job_id)
    _reap()


def _living(home: Path) -> list[str]:
    found = []
    for job_id in all_ids(home):
        try:
            if alive(status(home, job_id)):
                found.append(job_id)
        except JobError:
            continue  # no readable status: nothing that could be stopped
    return found


def _spawn(home: Path, request: Request) -> JobStatus:
    folder = JobFolder(home, new_id(request.kind))
    folder.path.mkdir()
    now = time.time()
    status_at_start = JobStatus(
        id=folder.id,
        kind=request.kind,
        state="starting",
        message="Starting",
        started_at=now,
        updated_at=now,
    )
    folder.write_request(request)
    folder.write_status(status_at_start)
    child = _launch(home, folder)
    _children.append(child)
    _wait_until_it_holds_its_lock(folder, child)
    return status(home, folder.id)


def _launch(home: Path, folder: JobFolder) -> "subprocess.Popen[bytes]":
    environment = dict(os.environ)
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    with folder.log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "core.jobs.worker", str(home.resolve()), folder.id],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=True,
            start_new_session=os.name != "nt",
            creationflags=_windows_flags(),
        )


def _windows_flags() -> int:
    names = ("DETACHED_PROCESS", "CREATE_NEW_PROCESS_GROUP", "BELOW_NORMAL_PRIORITY_CLASS")
    return sum(getattr(subprocess, name, 0) for name in names)


def _wait_until_it_holds_its_lock(folder: JobFolder, child: "subprocess.Popen[bytes]") -> None:
    # The worker writes its number once it holds the lock; asking for the lock here instead
    # would get in its way.
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while (started := folder.read_status()).pid is None:
        late = time.monotonic() > deadline
        if late:
            child.kill()
        if late or child.poll() is not None:
            folder.write_status(
                replace(
                    started,
                    state="failed",
                    error="The work could not be started. The computer may be too busy.",
                    finished_at=time.time(),
                    log_tail=folder.log_tail(),
                )
            )
            return
        time.sleep(0.005)


def _is_about_to_start(kept: JobStatus) -> bool:
    # Whoever starts a job waits for its worker; only if that one is killed too does the
    # record stay like this, and then time tells.
    age = time.time() - (kept.started_at or 0.0)
    return kept.pid is None and 0 <= age < 2 * START_TIMEOUT_SECONDS


def _is_held(lock_file: Path) -> bool:
    lock = FileLock(lock_file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


def _clean_up(home: Path, kind: str) -> None:
    for job_id in ids_of_kind(home, kind)[KEPT_OF_A_KIND - 1 :]:
        shutil.rmtree(JobFolder(home, job_id).path, ignore_errors=True)


def _kill(home: Path, job_id: str) -> None:
    import psutil  # 30 ms, needed only for a worker that will not listen

    pid = status(home, job_id).pid
    try:
        process = psutil.Process(pid)
        if job_id not in process.cmdline():  # the number may belong to another process by now
            return
        for one in [*process.children(recursive=True), process]:
            one.kill()
        process.wait(timeout=2)
    except (psutil.Error, ValueError):
        return  # it ended by itself


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
