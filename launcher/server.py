"""Serving the app, and finding the one that is served already."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from launcher.places import PYTHON, ROOT, StartError

FIRST_PORT = 8501
PORTS_TRIED = 100
SECONDS_TO_ANSWER = 120
SECONDS_TO_STOP = 10

# The app runs on this computer: a proxy that the person uses for the web must not be asked.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class Running:
    """An app that answers."""

    port: int
    record: Path  # the file that tells other starts of it
    log: Path
    process: "subprocess.Popen[bytes] | None" = None  # None if another start owns it

    def address(self, token: str | None = None) -> str:
        """What to open in the browser, with the data set it shall show."""
        return f"http://localhost:{self.port}" + (f"/?set={token}" if token else "")

    def end(self) -> None:
        """Stop the server, unless it has ended by itself, and tell other starts."""
        if self.process is not None:
            stop(self.process)
        with contextlib.suppress(FileNotFoundError):
            self.record.unlink()


def running_app() -> Running | None:
    """The app of this folder, if it is running for this user."""
    data = user_data()
    if data is None:
        return None
    record = record_in(data)
    try:
        kept = json.loads(record.read_text(encoding="utf-8"))
        pid, port, root = int(kept["pid"]), int(kept["port"]), kept["root"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if root != str(ROOT) or not is_alive(pid) or not answers(port):
        return None
    return Running(port=port, record=record, log=log_in(data))


def serve(wanted_port: int | None, *, data: Path) -> Running:
    """Start the server and return it once it answers.

    Raises:
        StartError: If the port is taken, or the server does not come up.
    """
    port = free_port(wanted_port)
    with log_in(data).open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
            + ["--server.headless", "true", "--server.fileWatcherType", "none"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    running = Running(port=port, record=record_in(data), log=log_in(data), process=process)
    try:
        _wait_for(running)
    except BaseException:  # Ctrl-C too must not leave a server behind
        stop(process)
        raise
    kept = {"root": str(ROOT), "pid": process.pid, "port": port}
    running.record.write_text(json.dumps(kept), encoding="utf-8")
    return running


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server, by force if it does not go by itself."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(running: Running) -> None:
    assert running.process is not None
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while not answers(running.port):
        if running.process.poll() is not None:
            raise StartError(f"Winnow could not be served. What it wrote is in {running.log}")
        if time.monotonic() > deadline:
            raise StartError(
                f"Winnow did not answer within {SECONDS_TO_ANSWER} s. Start again; what it wrote "
                f"is in {running.log}"
            )
        time.sleep(0.1)


def answers(port: int) -> bool:
    """Whether a Streamlit server answers on this port."""
    try:
        with _direct.open(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as reply:
            return bool(reply.status == 200 and reply.read().strip() == b"ok")
    except (OSError, urllib.error.URLError, ValueError):
        return False


def free_port(wanted: int | None) -> int:
    """The wanted port, or 8501 or the next free one.

    Raises:
        StartError: If the wanted one is taken, or none is free.
    """
    if wanted is not None:
        if not 1 <= wanted <= 65535 or not is_free(wanted):
            raise StartError(f"Port {wanted} is not free. Leave --port out to get one that is.")
        return wanted
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        if is_free(port):
            return port
    raise StartError(f"No port from {FIRST_PORT} to {port} is free. Choose one with --port.")


def is_free(port: int) -> bool:
    """Whether nothing on this computer serves on this port."""
    with socket.socket() as caller:
        caller.settimeout(1)
        # A server on all addresses does not keep others from binding to this one everywhere.
        if caller.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as candidate:
        if os.name == "posix":  # a port whose last user has just ended is free
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs."""
    if os.name == "nt":  # os.kill(pid, 0) would end it there
        listed = subprocess.run(["tasklist", "/FI", f"PID eq {pid}", "/NH"], capture_output=True)
        return str(pid).encode() in listed.stdout.split()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def user_data() -> Path | None:
    """The user's data folder; None while Winnow is not installed."""
    ask = (
        "import os, sys; from core.user_folders import user_data; "
        "sys.stdout.buffer.write(os.fsencode(user_data()))"
    )
    try:
        asked = subprocess.run([PYTHON, "-c", ask], cwd=ROOT, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(os.fsdecode(asked.stdout)) if asked.returncode == 0 else None


def record_in(data: Path) -> Path:
    """The file that tells other starts which app is running."""
    return data / "running.json"


def log_in(data: Path) -> Path:
    """What the server writes."""
    return data / "server.log"
