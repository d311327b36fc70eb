"""Downloads of weights, from a server on this computer."""

import errno
import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from filelock import FileLock

from core.errors import NetworkError
from core.networks import downloads
from core.networks.backbones import BACKBONES, downloaded_file, weights_here

WEIGHTS = bytes(range(256)) * 4096  # 1 MB
RESNET = replace(
    BACKBONES["resnet18"],
    sha256=hashlib.sha256(WEIGHTS).hexdigest()[:8],
    download_bytes=len(WEIGHTS),
)


class Handler(BaseHTTPRequestHandler):
    """Serves WEIGHTS as the site's ``mode`` says, and notes what was asked for."""

    def do_GET(self):
        site = self.server.site
        begin = int(self.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
        site.asked.append((self.path, begin))
        if site.mode == "gone":
            self.send_error(404)
            return
        if begin >= len(WEIGHTS):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(WEIGHTS)}")
            self.end_headers()
            return
        if site.mode == "whole only":
            begin = 0
        body = WEIGHTS[begin:] if site.mode != "other" else bytes(len(WEIGHTS))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(WEIGHTS) - 1}/{len(WEIGHTS)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if site.mode == "breaks off" else body)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """A user who has downloaded nothing."""
    monkeypatch.setenv("WINNOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(downloads, "SECONDS_BETWEEN_REPORTS", 0)


@pytest.fixture
def site(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.site = SimpleNamespace(mode="good", asked=[])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(downloads.BASE, f"http://127.0.0.1:{server.server_port}/models/")
    yield server.site
    server.shutdown()
    server.server_close()


def fetched(backbone=RESNET):
    """All reports, and the file."""
    task, reports = downloads.download(backbone), []
    while True:
        try:
            reports.append(next(task))
        except StopIteration as end:
            return reports, end.value


def part():
    target = downloaded_file(RESNET)
    return target.with_name(target.name + ".part")


def left_from_before(content):
    part().parent.mkdir(parents=True)
    part().write_bytes(content)


def test_weights_come_with_progress_in_bytes_and_are_here_afterwards(site):
    before = weights_here(RESNET)

    reports, file = fetched()

    assert (before, weights_here(RESNET)) == (False, True)
    assert file.read_bytes() == WEIGHTS
    assert site.asked == [("/models/resnet18-f37072fd.pth", 0)]
    counted = [report.done for report in reports if report.total == len(WEIGHTS)]
    assert counted == sorted(counted) and counted[-1] == len(WEIGHTS)
    assert not part().exists()


def test_what_is_here_is_not_fetched_again(site):
    fetched()

    _, file = fetched()

    assert file == downloaded_file(RESNET)
    assert len(site.asked) == 1


def test_a_download_that_was_stopped_goes_on_where_it_was(site):
    left_from_before(WEIGHTS[:300_000])

    reports, file = fetched()

    assert file.read_bytes() == WEIGHTS
    assert site.asked[0][1] == 300_000
    assert reports[0].done == 300_000


def test_leaving_early_keeps_what_has_come(site):
    task = downloads.download(RESNET)
    while not part().exists() or not part().stat().st_size:
        next(task)
    task.close()

    kept = part().stat().st_size
    _, file = fetched()

    assert 0 < kept < len(WEIGHTS)
    assert site.asked[1][1] == kept
    assert file.read_bytes() == WEIGHTS


def test_a_server_that_cannot_go_on_in_the_middle_begins_anew(site):
    left_from_before(b"x" * 300_000)
    site.mode = "whole only"

    _, file = fetched()

    assert file.read_bytes() == WEIGHTS


def test_a_part_that_was_whole_already_is_only_checked(site):
    left_from_before(WEIGHTS)

    _, file = fetched()

    assert file.read_bytes() == WEIGHTS


def test_a_part_that_is_too_long_is_fetched_anew(site):
    left_from_before(WEIGHTS + b"x")

    _, file = fetched()

    assert file.read_bytes() == WEIGHTS


def test_a_download_cut_short_is_explained_and_goes_on_next_time(site):
    site.mode = "breaks off"
    with pytest.raises(NetworkError, match="broke off.*What has come is kept"):
        fetched()
    site.mode = "good"

    _, file = fetched()

    assert site.asked[1][1] > 0
    assert file.read_bytes() == WEIGHTS


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(site):
    site.mode = "other"

    with pytest.raises(NetworkError, match="checksum is another"):
        fetched()

    assert not weights_here(RESNET)
    assert not part().exists()


def test_an_address_that_is_gone_is_explained(site):
    site.mode = "gone"

    with pytest.raises(NetworkError, match="no longer at"):
        fetched()


def test_without_a_network_the_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setenv(downloads.BASE, "http://127.0.0.1:9")  # nobody listens there

    with pytest.raises(NetworkError, match="no connection to 127.0.0.1") as told:
        fetched()

    assert str(downloaded_file(RESNET).parent) in str(told.value)


def test_a_disk_without_room_is_noticed_before_anything_is_written(site, monkeypatch):
    free = SimpleNamespace(free=1000)
    monkeypatch.setattr("core.networks.downloads.shutil.disk_usage", lambda _: free)

    with pytest.raises(NetworkError, match="needs 1 MB.*Make room"):
        fetched()

    assert not part().exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_is_explained_and_the_part_kept(site, monkeypatch, number):
    def full(_):
        raise OSError(number, "full")

    with monkeypatch.context() as patch:
        patch.setattr("core.networks.downloads.os.fsync", full)
        with pytest.raises(NetworkError, match="The disk is full.*47 MB|The disk is full.*1 MB"):
            fetched()

    assert part().exists()
    assert fetched()[1].read_bytes() == WEIGHTS


def test_a_folder_that_cannot_be_written_is_explained(site, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/weights").write_text("in the way")

    with pytest.raises(NetworkError, match="cannot be kept"):
        fetched()


def test_a_second_window_waits_for_the_first(site):
    target = downloaded_file(RESNET)
    target.parent.mkdir(parents=True)
    lock = FileLock(target.with_name(target.name + ".lock"))
    lock.acquire()
    task = downloads.download(RESNET)

    said = [next(task).message for _ in range(3)]
    target.write_bytes(WEIGHTS)  # the first one is done
    lock.release()
    rest = list(task)

    assert set(said) == {"Another window is downloading ResNet-18."}
    assert rest[-1].message == "The weights of ResNet-18 are here."
    assert site.asked == []


def test_weights_another_program_has_fetched_for_pytorch_are_used(tmp_path):
    kept = tmp_path / "torch/hub/checkpoints/resnet18-f37072fd.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(WEIGHTS)

    assert fetched()[1] == kept


def test_the_command_line_fetches_by_name(site, monkeypatch, capsys):
    monkeypatch.setattr(downloads, "backbone_named", lambda _: RESNET)

    assert downloads.main(["resnet18"]) == 0
    site.mode = "gone"
    downloaded_file(RESNET).unlink()

    assert downloads.main(["resnet18"]) == 1
    assert "no longer at" in capsys.readouterr().err
