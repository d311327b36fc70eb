"""start.py and what it hands over to, launcher/."""

import ast
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from launcher import browser, commands, install, pip_progress, server
from launcher.places import StartError

ROOT = Path(__file__).resolve().parents[1]
DEADLINE_SECONDS = 90


# --- What runs before anything is installed ---------------------------------------------------


def test_old_pythons_can_read_start_py():
    source = (ROOT / "start.py").read_text(encoding="utf-8")

    tree = ast.parse(source, feature_version=(3, 6))

    assert "annotations" not in {name for name, _ in imports(tree)}  # unknown to Python 3.6


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 9), (3, 14, 0)])
def test_another_python_gets_one_sentence(version):
    run_as = (
        f"import sys, runpy; sys.version_info = {version}; "
        "runpy.run_path('start.py', run_name='__main__')"
    )

    ended = subprocess.run(
        [sys.executable, "-c", run_as], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("Winnow needs Python 3.11, 3.12 or 3.13, and this is Python 3.")
    assert ended.stderr.count("\n") == 1


def test_nothing_but_the_standard_library_is_imported():
    files = [ROOT / "start.py", *(ROOT / "launcher").glob("*.py")]

    for file in files:
        for _, module in imports(ast.parse(file.read_text(encoding="utf-8"))):
            assert module.split(".")[0] in {*sys.stdlib_module_names, "launcher"}, (file, module)


def test_words_that_mean_nothing_are_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main(["--prot", "8501"])

    assert ended.value.code == 2
    assert "--prot" in capsys.readouterr().err


# --- Installing -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A checkout of its own, where making an environment and pip are only noted down."""
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt"):
        (tmp_path / name).write_text("# nothing\n")
    venv, done = tmp_path / ".venv", []
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", venv)
    monkeypatch.setattr(install, "STAMP", venv / "stamp.json")
    monkeypatch.setattr(install, "UNFINISHED", venv / "installing")
    monkeypatch.setattr(install, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(install, "venv_version", lambda: "3.12" if venv.is_dir() else None)

    def make_venv():
        done.append("venv")
        venv.mkdir()
        install.UNFINISHED.touch()

    def run_pip(purpose, *, keep_downloads):
        done.append(f"pip {purpose}")

    monkeypatch.setattr(install, "_make_venv", make_venv)
    monkeypatch.setattr(install, "_run_pip", run_pip)
    return tmp_path, done


def test_the_second_start_installs_nothing(folder):
    _, done = folder

    install.install("app")
    install.install("app")

    assert done == ["venv", "pip app"]


def test_the_tests_need_more_than_the_app_and_the_app_nothing_more(folder):
    _, done = folder

    for purpose in ("app", "test", "app", "test"):
        install.install(purpose)

    assert done == ["venv", "pip app", "pip test"]


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt"])
def test_changed_requirements_are_installed_over_what_is_there(folder, name):
    root, done = folder
    install.install("test")

    (root / name).write_text("pillow\n")
    install.install("app")
    install.install("app")

    assert done == ["venv", "pip test", "pip app"]


def test_going_back_to_older_requirements_installs_them_again(folder):
    root, done = folder
    install.install("app")
    (root / "requirements.txt").write_text("pillow\n")
    install.install("app")

    (root / "requirements.txt").write_text("# nothing\n")
    install.install("app")

    assert done == ["venv", "pip app", "pip app", "pip app"]


def interrupted_by(root, monkeypatch, ending):
    """Install, with a pip that unpacks one file, writes its log so far and ends early."""
    whole = install._run_pip

    def run_pip(purpose, *, keep_downloads):
        (root / ".venv" / "half").touch()
        (root / "setup.log").write_text(ending)
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "_run_pip", run_pip)
    with pytest.raises(KeyboardInterrupt):
        install.install("app")
    monkeypatch.setattr(install, "_run_pip", whole)


def test_an_installation_interrupted_while_unpacking_is_made_anew(folder, monkeypatch):
    root, done = folder
    interrupted_by(root, monkeypatch, "Installing collected packages: numpy, torch")

    install.install("app")

    assert done == ["venv", "venv", "pip app"]
    assert not (root / ".venv" / "half").exists()


def test_an_installation_killed_before_its_first_line_is_made_anew(folder):
    root, done = folder
    (root / ".venv").mkdir()
    (root / ".venv" / "installing").touch()

    install.install("app")

    assert done == ["venv", "pip app"]


def test_a_download_that_fails_leaves_a_working_installation_alone(folder, monkeypatch):
    root, done = folder
    install.install("app")
    (root / ".venv" / "works").touch()
    (root / "requirements.txt").write_text("pillow\n")
    interrupted_by(root, monkeypatch, "Collecting pillow\nERROR: no network")

    install.install("app")

    assert done == ["venv", "pip app", "pip app"]
    assert (root / ".venv" / "works").exists()


def test_a_folder_that_winnow_did_not_make_is_left_alone(folder, monkeypatch):
    root, _ = folder
    (root / ".venv").mkdir()
    (root / ".venv" / "mine.txt").write_text("mine")
    monkeypatch.setattr(install, "venv_version", lambda: None)

    with pytest.raises(StartError, match="Move it away"):
        install.install("app")

    assert (root / ".venv" / "mine.txt").read_text() == "mine"


def test_too_little_disk_is_said_before_anything_is_made(folder, monkeypatch, capsys):
    root, done = folder
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: FakeDisk(free=1_500_000_000))

    with pytest.raises(StartError, match=r"1\.5 GB are free"):
        install.install("app")

    assert f"{install.INSTALLED_GB} GB of disk" in capsys.readouterr().out
    assert done == []
    assert not (root / ".venv").exists()


def test_downloads_are_kept_only_where_there_is_room(monkeypatch):
    needed = (install.INSTALLED_GB + install.DOWNLOAD_GB) * 1e9

    kept = []
    for free in (needed * 1.01, needed * 2):
        monkeypatch.setattr(install.shutil, "disk_usage", lambda _, free=free: FakeDisk(free=free))
        kept.append(install.check_disk())

    assert kept == [False, True]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "full"),
        (
            "WARNING: Retrying: NewConnectionError: Temporary failure in name resolution\n"
            "ERROR: No matching distribution found for streamlit==1.67.0",
            "Check the network",
        ),
        ("ERROR: Failed building wheel for onnx", "no ready-made build"),
        ("ERROR: No matching distribution found for torch", "not offered"),
        ("Segmentation fault", "Start again"),
    ],
)
def test_a_failed_installation_says_what_to_do_and_where_the_log_is(tmp_path, written, words):
    log = tmp_path / "setup.log"
    log.write_text(written)

    reason = install.reason_pip_failed(log)

    assert words in reason
    assert str(log) in reason


def test_an_environment_that_cannot_be_made_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "UNFINISHED", tmp_path / ".venv" / "installing")
    monkeypatch.setattr(install, "LOG", tmp_path / "setup.log")
    monkeypatch.setattr(
        install.subprocess,
        "run",
        lambda *_, **__: subprocess.CompletedProcess([], 1, b"", b"ensurepip is not available"),
    )

    with pytest.raises(StartError, match="python3-venv"):
        install._make_venv()

    assert "ensurepip" in (tmp_path / "setup.log").read_text()
    assert not (tmp_path / ".venv").exists()


def test_what_pip_does_is_told_in_words_and_kept_in_full(tmp_path, capsys):
    script = "print('Collecting torch'); print('  Downloading torch-2.14.1-cp311.whl (554.6 MB)')"

    code = pip_progress.run_shown(
        [sys.executable, "-c", script + "; raise SystemExit(3)"],
        cwd=tmp_path,
        environment=os.environ,
        log=tmp_path / "log",
    )

    assert code == 3
    assert "Downloading torch-2.14.1" in (tmp_path / "log").read_text()
    assert "Installing took" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("  Downloading torch-2.14.1-cp311-linux.whl (554.6 MB)", "downloading torch (554.6 MB)"),
        ("Collecting pillow<14,>=11 (from -r requirements.txt)", "looking at pillow"),
        ("Installing collected packages: a, b, c", "unpacking 3 packages"),
        ("Requirement already satisfied: pip", "looking up what is needed"),
    ],
)
def test_pip_s_lines_in_plain_words(line, words):
    doing = pip_progress.Doing()

    doing.take(line)

    assert doing.words == words


# --- Serving ----------------------------------------------------------------------------------


def test_a_taken_port_is_passed_over(monkeypatch):
    with listening() as taken:
        monkeypatch.setattr(server, "FIRST_PORT", taken)

        assert taken < server.free_port(None) < taken + server.PORTS_TRIED


def test_a_taken_port_that_was_asked_for_is_refused():
    with listening() as taken, pytest.raises(StartError, match=str(taken)):
        server.free_port(taken)


@pytest.mark.parametrize("record", ["", "[]", '{"pid": 1}', "not JSON"])
def test_a_damaged_record_of_a_running_app_is_no_running_app(tmp_path, monkeypatch, record):
    monkeypatch.setattr(server, "user_data", lambda: tmp_path)
    server.record_in(tmp_path).write_text(record)

    assert server.running_app() is None


def test_an_app_that_was_killed_is_not_running(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "user_data", lambda: tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record = {"root": str(server.ROOT), "pid": ended.pid, "port": 8501}
    server.record_in(tmp_path).write_text(json.dumps(record))

    assert server.running_app() is None


def test_the_app_of_another_checkout_is_not_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "user_data", lambda: tmp_path)
    monkeypatch.setattr(server, "answers", lambda port: True)
    record = {"root": str(server.ROOT), "pid": os.getpid(), "port": 8501}
    server.record_in(tmp_path).write_text(json.dumps(record))
    ours = server.running_app()

    server.record_in(tmp_path).write_text(json.dumps({**record, "root": "/elsewhere"}))

    assert ours is not None and ours.address("ab") == "http://localhost:8501/?set=ab"
    assert server.running_app() is None


def test_no_browser_is_opened_without_a_screen(monkeypatch):
    opened = []
    monkeypatch.setattr(browser.webbrowser, "open", opened.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(browser.sys, "platform", "linux")

    browser.open_browser("http://localhost:8501", wanted=True)
    monkeypatch.setenv("DISPLAY", ":0")
    browser.open_browser("http://localhost:8502", wanted=True)
    browser.open_browser("http://localhost:8503", wanted=False)

    assert opened == ["http://localhost:8502"]


def test_one_start_waits_for_another(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    order = []

    def second():
        with commands.one_at_a_time():
            order.append("second")

    with commands.one_at_a_time():
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(1.2)  # long enough for it to get in, if it were not kept out
        order.append("first")
    waiting.join(DEADLINE_SECONDS)

    assert order == ["first", "second"]
    assert "Waiting" in capsys.readouterr().out


def test_the_app_starts_is_found_by_a_second_start_and_ends_when_it_is_quit(tmp_path):
    version = install.venv_version()
    if version is None or install.fingerprint("app", version) not in install.stamps():
        pytest.skip("needs .venv as start.py makes it: python3 start.py test")
    data = tmp_path / "data"
    data.mkdir()
    (data / "greeted").touch()  # no sample: its making has tests of its own
    environment = dict(os.environ, WINNOW_DATA_DIR=str(data))

    began = time.monotonic()
    first = start(environment)
    try:
        first_words = until(first, "Keep this window open")
        seconds = time.monotonic() - began
        second = start(environment)
        second_words = second.communicate(timeout=DEADLINE_SECONDS)[0]
        record = json.loads(server.record_in(data).read_text())
        os.kill(record["pid"], signal.SIGTERM)  # what the app's Quit does
        last_words = first.communicate(timeout=DEADLINE_SECONDS)[0]
    finally:
        first.kill()

    address = f"http://localhost:{record['port']}"
    assert address in first_words and address in second_words
    assert seconds < 30  # 2 s on a quiet machine; the networks are prepared already
    assert (second.returncode, first.returncode) == (0, 0)
    assert "Winnow has ended" in last_words
    assert not server.record_in(data).exists()


def test_ctrl_c_at_any_moment_leaves_no_server_behind(tmp_path, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running = server.Running(
        port=8501, record=tmp_path / "running.json", log=tmp_path / "log", process=process
    )
    running.record.touch()

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the tests keep their own handlers
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(commands, "running_app", lambda: None)
    monkeypatch.setattr(commands, "install", lambda purpose: None)
    monkeypatch.setattr(commands, "ask_winnow", lambda: {"data": str(tmp_path), "token": None})
    monkeypatch.setattr(commands, "serve", lambda port, data: running)
    monkeypatch.setattr(commands, "open_browser", interrupted)

    code = commands.main([])

    assert code == 0
    assert process.poll() is not None
    assert not running.record.exists()


def start(environment):
    return subprocess.Popen(
        [sys.executable, "-u", "start.py", "--no-browser"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(process, words):
    """Read what a process writes until a line with these words; fail if it ends before."""
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"ended without {words!r}: {read}")


@contextlib.contextmanager
def listening():
    """A port on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as open_socket:
        yield open_socket.getsockname()[1]


class FakeDisk:
    def __init__(self, *, free):
        self.free = free


def imports(tree):
    """What a module imports, anywhere in it: pairs of name and the module it comes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.module or "") for alias in node.names)
