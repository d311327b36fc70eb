import errno
import os

import pytest

from core.dataset import moving


class BusyError(OSError):
    """What Windows answers while another program holds a file open."""

    winerror = 32


@pytest.fixture
def files(tmp_path):
    source, target, part = (tmp_path / name for name in ("a.jpg", "b.jpg", ".part"))
    source.write_bytes(b"photo")
    return source, target, part


@pytest.fixture
def other_device(monkeypatch):
    """Have every rename but that of the finished copy cross to another file system."""
    replace = os.replace

    def across(source, target):
        if not str(source).endswith(".part"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", across)


def test_a_move_never_replaces_a_file(files):
    source, target, part = files
    target.write_bytes(b"other")

    with pytest.raises(FileExistsError):
        moving.move(source, target, part)

    assert (source.read_bytes(), target.read_bytes()) == (b"photo", b"other")


def test_a_move_to_another_file_system_keeps_bytes_and_time(files, other_device):
    source, target, part = files
    os.utime(source, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))

    moving.move(source, target, part)

    assert target.read_bytes() == b"photo"
    assert os.stat(target).st_mtime_ns == 1_700_000_000_000_000_000
    assert not source.exists()
    assert not part.exists()


def test_a_copy_that_differs_leaves_the_file_where_it_was(files, other_device, monkeypatch):
    source, target, part = files
    monkeypatch.setattr(moving, "content_hash", lambda path: path.name)

    with pytest.raises(OSError, match="differs"):
        moving.move(source, target, part)

    assert source.read_bytes() == b"photo"
    assert not target.exists()
    assert not part.exists()


def test_a_failed_move_leaves_no_reservation(files, monkeypatch):
    source, target, part = files

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)

    with pytest.raises(OSError, match="No space"):
        moving.move(source, target, part)

    assert source.exists()
    assert not target.exists()


def test_a_busy_file_is_tried_again_until_it_is_free(files, monkeypatch):
    source, target, part = files
    replace = os.replace
    answers = [BusyError(13, "in use")] * 3

    def busy_at_first(source, target):
        if answers:
            raise answers.pop()
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy_at_first)
    monkeypatch.setattr(moving.time, "sleep", lambda seconds: None)

    moving.move(source, target, part)

    assert target.read_bytes() == b"photo"


def test_a_file_busy_for_two_seconds_is_one_sentence(files, monkeypatch):
    source, target, part = files
    clock = iter(range(100))

    def busy(source, target):
        raise BusyError(13, "in use")

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(moving.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(moving.time, "monotonic", lambda: next(clock) * 0.1)

    with pytest.raises(BusyError) as caught:
        moving.move(source, target, part)

    assert next(clock) >= 20
    assert "Another program has this file open" in moving.why_not(caught.value)
    assert not target.exists()


def test_an_empty_photo_is_told_from_a_reservation(tmp_path):
    source, target, part = (tmp_path / name for name in ("a.jpg", "b.jpg", ".part"))
    target.touch()

    assert moving.finish_interrupted(source, target, part, size=0)
    assert target.exists()
    assert not moving.finish_interrupted(source, target, part, size=5)
    assert not target.exists()


def test_a_file_with_the_same_bytes_on_the_same_file_system_is_no_leftover(files):
    source, target, part = files
    target.write_bytes(b"photo")

    assert not moving.finish_interrupted(source, target, part, size=5)
    assert source.exists()
    assert target.exists()
