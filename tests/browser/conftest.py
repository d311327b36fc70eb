"""A running app and a Chromium to look at it with."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
SECONDS_TO_START = 60.0
MILLISECONDS_TO_APPEAR = 30_000

playwright = pytest.importorskip("playwright.sync_api")


@dataclass
class App:
    """One server of the app; it can be killed and started again on the same address."""

    port: int
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def address(self, root: Path, page: str = "") -> str:
        """Where a page shows the data set in a folder."""
        from core.dataset.recent import remember

        return f"{self.url}/{page}?set={remember(root)}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py"]
                + [f"--server.port={self.port}", "--server.headless=true"],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers()

    def stop(self, *, abruptly: bool = False) -> None:
        if self.process is None:
            return
        kill = getattr(signal, "SIGKILL", signal.SIGTERM)
        self.process.send_signal(kill if abruptly else signal.SIGTERM)
        self.process.wait(timeout=20)
        self.process = None

    def restart(self, *, abruptly: bool = False) -> None:
        self.stop(abruptly=abruptly)
        self.start()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                assert self.process is not None and self.process.poll() is None, self.said()
                time.sleep(0.1)
        pytest.fail(f"The app did not answer within {SECONDS_TO_START:.0f} s.\n{self.said()}")

    def said(self) -> str:
        """The last lines of the server's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


@pytest.fixture(scope="session")
def app(user_data_of_its_own: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app on a free port, shared by all browser tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = App(port=port, log=tmp_path_factory.mktemp("server") / "log")
    app.start()
    yield app
    app.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The system's Chromium, or Playwright's own; no browser, no test."""
    found = os.environ.get("WINNOW_CHROMIUM") or next(
        filter(None, map(shutil.which, CHROMIUM)), None
    )
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"needs Chromium: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open tabs, each a visitor of its own: ``new_page(color_scheme="dark")``."""
    contexts = []

    def make(**options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = chromium.new_context(**options)
        context.set_default_timeout(MILLISECONDS_TO_APPEAR)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """One tab."""
    return new_page()
