import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core import jobs
from core.errors import JobError
from core.jobs.control import KEPT_OF_A_KIND, ROOT

TARGETS = "tests.core.jobs.targets"


@pytest.fixture
def home(tmp_path: Path):
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    jobs.stop_all([folder], timeout_seconds=5)


def wait_for(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def finished(home: Path, job: jobs.JobStatus) -> jobs.JobStatus:
    wait_for(lambda: not jobs.alive(jobs.status(home, job.id)))
    return jobs.status(home, job.id)


def reported(home: Path, job: jobs.JobStatus) -> None:
    wait_for(lambda: jobs.status(home, job.id).phase != "")


def test_a_job_ends_with_its_result_and_its_last_report(home):
    job = jobs.start(home, "count", f"{TARGETS}:count", {"steps": 300, "name": "x\udcff\n<b>"})

    end = finished(home, job)

    assert (end.state, end.done, end.total) == ("done", 300, 300)
    assert end.result == {"counted": 300, "name": "x\udcff\n<b>"}
    assert end.finished_at is not None and end.started_at is not None
    assert jobs.latest(home, "count") == end


def test_every_row_of_metrics_is_kept_though_the_status_is_written_rarely(home):
    job = jobs.start(home, "count", f"{TARGETS}:count", {"steps": 1000})
    finished(home, job)

    rows = jobs.metrics(home, job.id)

    assert [row["step"] for row in rows] == list(range(1, 1001))
    assert rows[0]["phase"] == "count" and rows[0]["t"] >= 0
    assert jobs.metrics(home, job.id, skip=997) == rows[997:]


def test_a_half_written_row_of_metrics_is_left_for_later(home):
    job = jobs.start(home, "count", f"{TARGETS}:count", {"steps": 2})
    finished(home, job)

    with (home / "jobs" / job.id / "metrics.jsonl").open("a") as rows:
        rows.write('{"step": 3, "lo')

    assert [row["step"] for row in jobs.metrics(home, job.id)] == [1, 2]


def test_two_starts_from_two_processes_give_one_worker(home, tmp_path):
    flag, kept = tmp_path / "flag", tmp_path / "begun"
    script = (
        "import sys; from pathlib import Path; from core import jobs;"
        f"job = jobs.start(Path({str(home)!r}), 'wait', '{TARGETS}:until',"
        f" {{'flag': {str(flag)!r}, 'kept': {str(kept)!r}}}); print(job.id)"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    ids = {starter.communicate(timeout=60)[0] for starter in starters}
    wait_for(kept.exists)
    flag.touch()

    assert len(ids) == 1
    assert finished(home, jobs.latest(home, "wait")).state == "done"
    assert kept.read_text() == "begun\n"


def test_jobs_of_two_kinds_run_side_by_side(home, tmp_path):
    arguments = {"flag": str(tmp_path / "flag")}

    one = jobs.start(home, "check", f"{TARGETS}:until", arguments)
    other = jobs.start(home, "train", f"{TARGETS}:until", arguments)

    assert one.id != other.id
    assert jobs.alive(jobs.status(home, one.id)) and jobs.alive(jobs.status(home, other.id))


def test_a_stopped_job_closes_its_task_in_good_order(home, tmp_path):
    released = tmp_path / "released"
    job = jobs.start(home, "hold", f"{TARGETS}:lets_go", {"released": str(released)})
    reported(home, job)

    jobs.stop(home, job.id)

    assert finished(home, job).state == "stopped"
    assert released.exists()


def test_a_task_that_does_not_listen_is_stopped_within_two_seconds(home):
    job = jobs.start(home, "deaf", f"{TARGETS}:deaf", {})
    reported(home, job)
    asked_at = time.monotonic()

    jobs.stop(home, job.id)

    assert jobs.status(home, job.id).state == "stopping"
    assert finished(home, job).state == "stopped"
    wait_for(lambda: not _runs(job.pid))
    assert time.monotonic() - asked_at < 2.0


def test_a_stopped_job_resumes_with_the_same_request(home, tmp_path):
    flag, kept = tmp_path / "flag", tmp_path / "begun"
    asked = {"flag": str(flag), "kept": str(kept)}
    job = jobs.start(home, "wait", f"{TARGETS}:until", asked)
    reported(home, job)
    jobs.stop(home, job.id)
    finished(home, job)
    flag.touch()

    again = jobs.resume(home, job.id)

    assert again.id != job.id
    assert finished(home, again).state == "done"
    assert kept.read_text() == "begun\nbegun\n"


def test_a_killed_worker_shows_as_crashed_and_can_be_started_again(home, tmp_path):
    flag = tmp_path / "flag"
    job = jobs.start(home, "wait", f"{TARGETS}:until", {"flag": str(flag)})
    reported(home, job)
    (home / "jobs" / job.id / "log").write_text("the last words\n")

    os.kill(job.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    crashed = finished(home, job)
    assert crashed.state == "crashed"
    assert "the last words" in crashed.log_tail
    flag.touch()
    assert finished(home, jobs.resume(home, job.id)).state == "done"


def test_a_job_outlives_the_process_that_started_it(home, tmp_path):
    flag = tmp_path / "flag"
    script = (
        "import os; from pathlib import Path; from core import jobs;"
        f"jobs.start(Path({str(home)!r}), 'wait', '{TARGETS}:until', {{'flag': {str(flag)!r}}});"
        "os.kill(os.getpid(), 9)"
    )

    parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False)
    job = jobs.latest(home, "wait")
    reported(home, job)

    assert parent.returncode != 0
    assert jobs.alive(jobs.status(home, job.id))
    flag.touch()
    assert finished(home, job).state == "done"


def test_what_the_user_can_mend_is_told_in_its_own_sentence(home):
    job = jobs.start(home, "fail", f"{TARGETS}:mendable", {})

    end = finished(home, job)

    assert (end.state, end.error) == ("failed", "The folder holds no photos. Choose another one.")


def test_a_mistake_of_ours_fails_with_a_plain_sentence_and_the_log(home):
    job = jobs.start(home, "fail", f"{TARGETS}:broken", {})

    end = finished(home, job)

    assert end.state == "failed"
    assert end.error is not None and "unexpected" in end.error
    assert "a rare mistake" in end.log_tail


def test_a_target_that_cannot_be_imported_fails_instead_of_hanging(home):
    job = jobs.start(home, "fail", "core.no_such_module:job", {})

    end = finished(home, job)

    assert end.state == "failed"
    assert "no_such_module" in end.log_tail


def test_stopping_all_leaves_no_worker_behind(home, tmp_path):
    flag = {"flag": str(tmp_path / "flag")}
    started = [
        jobs.start(home, "deaf", f"{TARGETS}:deaf", {}),
        jobs.start(home, "wait", f"{TARGETS}:until", flag),
    ]
    for job in started:
        reported(home, job)

    jobs.stop_all([home, tmp_path / "elsewhere"], timeout_seconds=5)

    assert [jobs.status(home, job.id).state for job in started] == ["stopped", "stopped"]
    wait_for(lambda: not any(_runs(job.pid) for job in started))


def test_only_the_newest_records_of_a_kind_are_kept(home):
    started = [
        finished(home, jobs.start(home, "count", f"{TARGETS}:count", {"steps": 1}))
        for _ in range(KEPT_OF_A_KIND + 2)
    ]

    kept = {folder.name for folder in (home / "jobs").iterdir() if folder.is_dir()}

    assert kept == {job.id for job in started[2:]}


def test_a_first_report_comes_within_half_a_second(home):
    seconds = []
    for number in range(5):
        began = time.monotonic()
        job = jobs.start(home, f"count{number}", f"{TARGETS}:count", {"steps": 1})
        reported(home, job)
        seconds.append(time.monotonic() - began)

    assert min(seconds) < 0.5


def test_the_worker_imports_nothing_heavy():
    script = "import sys, core.jobs.worker; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    heavy = {"numpy", "pandas", "torch", "streamlit", "sklearn", "PIL", "asyncio", "psutil"}
    assert heavy.isdisjoint(loaded.stdout.split())


@pytest.mark.parametrize("job_id", ["..", "../x", "", "a/b", "A B"])
def test_an_id_that_is_a_path_is_refused(home, job_id):
    with pytest.raises(JobError):
        jobs.status(home, job_id)


def _runs(pid: int | None) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
