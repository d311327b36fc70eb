import csv
import os
import threading
import time

import psutil
import pytest
from PIL import Image

from core.clean import sweep
from core.clean.sweep import check, check_job
from core.dataset import Dataset
from core.dataset.verdicts import StoredVerdict, save_verdicts
from core.images.files import is_ignored
from core.images.looking import TAKES_TOO_LONG

pytestmark = pytest.mark.timeout(240)

MEMORY_LIMIT_BYTES = 1_500_000_000


def finished(task):
    while True:
        try:
            next(task)
        except StopIteration as end:
            return end.value


def opened(root):
    dataset = Dataset.open(root)
    finished(dataset.reconcile())
    return dataset


@pytest.fixture
def spoilt(photo_set):
    """A set of six photos and three files that cannot be trained on."""
    root = photo_set({"cat": 3, "dog": 3})
    (root / "cat" / "empty.jpg").write_bytes(b"")
    (root / "dog" / "page.jpg").write_text("<html>")
    Image.new("RGB", (99, 99)).save(root / "black.png")
    return root


@pytest.fixture
def looked_at(monkeypatch):
    """The paths that were really decoded, sweep after sweep."""
    seen = []
    real = sweep.judge_all

    def noting(files, **options):
        seen.append(sorted(os.path.basename(path) for path in files))
        return real(files, **options)

    monkeypatch.setattr(sweep, "judge_all", noting)
    return seen


def test_what_cannot_be_trained_on_is_listed_with_kind_and_reason(spoilt):
    result = finished(check(opened(spoilt)))

    assert result.checked == 9
    assert [(row.file, row.kind) for row in result.rejected] == [
        ("black.png", "blank"),
        ("cat/empty.jpg", "empty"),
        ("dog/page.jpg", "not_an_image"),
    ]
    assert all(row.reason.endswith(".") for row in result.rejected)
    assert not result.suspicious


def test_progress_goes_from_nothing_to_everything(spoilt):
    reports = list(check(opened(spoilt)))

    assert {report.phase for report in reports} == {"check"}
    assert (reports[0].done, reports[0].total) == (0, 9)
    assert reports[-1].done == 9
    assert [report.done for report in reports] == sorted(report.done for report in reports)


def test_a_second_check_decodes_nothing_and_says_the_same(spoilt, looked_at):
    first = finished(check(opened(spoilt)))

    second = finished(check(opened(spoilt)))

    assert second.rejected == first.rejected
    assert second.checked == first.checked
    assert len(looked_at[0]) == 9
    assert looked_at[1:] == [[]]


def test_only_what_is_new_or_changed_is_decoded(spoilt, looked_at, save_image):
    finished(check(opened(spoilt)))
    save_image(spoilt / "cat" / "new.png", seed=77)
    save_image(spoilt / "cat" / "empty.jpg", seed=78)

    result = finished(check(opened(spoilt)))

    assert looked_at[1] == ["empty.jpg", "new.png"]
    assert [row.file for row in result.rejected] == ["black.png", "dog/page.jpg"]


def test_copies_of_one_content_are_decoded_once(photo_set, looked_at):
    root = photo_set({"cat": 2})
    (root / "dog").mkdir()
    (root / "cat" / "broken.jpg").write_bytes(b"nothing")
    (root / "dog" / "again.jpg").write_bytes(b"nothing")

    result = finished(check(opened(root)))
    (root / "dog" / "third.jpg").write_bytes(b"nothing")
    later = finished(check(opened(root)))

    assert [row.file for row in result.rejected] == ["cat/broken.jpg", "dog/again.jpg"]
    assert len(later.rejected) == 3
    assert len(looked_at[0]) == 3
    assert looked_at[1] == []


def test_a_stopped_check_loses_no_verdict(photo_set, looked_at):
    dataset = opened(photo_set({"cat": 400}))
    task = check(dataset)
    done = 0
    while not done:
        done = next(task).done
    task.close()

    finished(check(dataset))

    assert len(looked_at[0]) == 400
    assert len(looked_at[1]) == 400 - done


def test_a_file_deleted_meanwhile_is_not_judged(photo_set):
    root = photo_set({"cat": 3})
    dataset = opened(root)
    task = check(dataset)
    next(task)
    (root / "cat" / "0001.png").unlink()

    result = finished(task)

    assert result.checked == 2
    assert result.rejected == ()


@pytest.mark.parametrize(
    ("good", "bad", "suspicious"), [(9, 10, True), (10, 10, False), (0, 9, False), (0, 10, True)]
)
def test_it_is_suspicious_when_over_half_fail_and_at_least_ten(photo_set, good, bad, suspicious):
    root = photo_set({"cat": good})
    for number in range(bad):
        (root / "cat" / f"bad{number}.jpg").write_bytes(b"bad %d" % number)

    assert finished(check(opened(root))).suspicious is suspicious


def test_a_file_that_cannot_be_opened_is_listed_and_looked_at_again(photo_set, looked_at):
    dataset = opened(photo_set({"cat": 2}))
    path = dataset.root / "cat" / "0001.png"
    body = path.read_bytes()
    path.unlink()
    path.symlink_to(path)  # a loop: there, but nothing can be read from it

    first = finished(check(dataset))
    path.unlink()
    path.write_bytes(body)
    second = finished(check(dataset))

    assert [row.file for row in first.rejected] == ["cat/0001.png"]
    assert "cannot be opened" in first.rejected[0].reason
    assert second.rejected == ()
    assert looked_at[1] == ["0001.png"]


def test_a_file_that_took_too_long_is_looked_at_again(photo_set, looked_at):
    dataset = opened(photo_set({"cat": 2}))
    row = dataset.rows()[0]
    slow = StoredVerdict(file_id=row.id, content=row.content, kind="corrupt", reason=TAKES_TOO_LONG)
    save_verdicts(dataset, [slow])

    assert finished(check(dataset)).rejected == ()
    assert len(looked_at[0]) == 2


def test_the_job_finds_new_files_itself_and_gives_plain_values(spoilt):
    result = finished(check_job(str(spoilt)))

    assert result["checked"] == 9
    assert result["rejected_count"] == 3
    assert result["rejected"][1]["file"] == "cat/empty.jpg"
    assert result["rejected"][1]["kind"] == "empty"
    assert result["suspicious"] is False


def test_removed_photos_are_neither_checked_nor_listed(spoilt):
    dataset = opened(spoilt)
    result = finished(check(dataset))

    dataset.remove([row.file_id for row in result.rejected])

    again = finished(check(dataset))
    assert (again.checked, again.rejected) == (6, ())


class Memory:
    """The most that this process has grown by, and its new children hold, at any time."""

    def __init__(self):
        self.most = 0
        self._before = psutil.Process().memory_info().rss
        # What earlier tests left running, such as a helper that stays for a while, is not ours.
        self._there = {child.pid for child in psutil.Process().children(recursive=True)}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _watch(self):
        while not self._done.wait(0.02):
            total = psutil.Process().memory_info().rss - self._before
            for child in psutil.Process().children(recursive=True):
                if child.pid in self._there:
                    continue
                try:
                    # Its own: until a fork becomes another program, it shares all of ours.
                    total += child.memory_full_info().uss
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            self.most = max(self.most, total)


def test_the_whole_folder_of_odd_files_is_swept_as_the_manifest_says(copied):
    root = copied("bad_files")
    with open(root / "MANIFEST.csv", encoding="utf-8", newline="") as file:
        listed = {row["file"]: row["expected_verdict"] for row in csv.DictReader(file)}
    started = time.monotonic()

    with Memory() as memory:
        result = finished(check(opened(root)))

    refused = {row.file for row in result.rejected}
    mismatches = {
        file: expected
        for file, expected in listed.items()
        if ("ignore" if is_ignored(file.rpartition("/")[2]) else _outcome(file, refused))
        not in expected
    }
    assert len(listed) == 160
    assert mismatches == {}
    assert result.checked == sum("ignore" not in expected for expected in listed.values())
    assert refused <= set(listed)
    assert memory.most < MEMORY_LIMIT_BYTES
    assert time.monotonic() - started < 60


def _outcome(file, refused):
    return "reject" if file in refused else "accept"
