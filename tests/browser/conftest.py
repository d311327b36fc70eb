"""A real server and a real Chromium for tests that click and type."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from core import jobs
from core.dataset import recent

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 60
MILLISECONDS_TO_APPEAR = 30_000

# Ends once an element has had the same place for ten looks, or after five seconds.
STOOD_STILL = """element => new Promise(done => {
  let last = "", same = 0;
  const until = performance.now() + 5000;
  const look = () => {
    const {x, y, width, height} = element.getBoundingClientRect();
    const now = [x, y, width, height].join();
    same = now === last ? same + 1 : 0;
    last = now;
    if (same >= 10 || !element.isConnected || performance.now() > until) done();
    else setTimeout(look, 16);
  };
  look();
})"""

CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark of these tests known."""
    config.addinivalue_line("markers", "browser: drives a real Chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder, so that ``-m "not browser"`` leaves them out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Add to the report of a failed test what its tabs showed and what its server printed."""
    report = yield
    if report.when == "call" and report.failed:
        for number, page in enumerate(getattr(item, "open_pages", ()), 1):
            report.sections.append((f"tab {number}", _looks(page)))
        for name in ("app", "own_app"):
            if name in getattr(item, "funcargs", {}):
                report.sections.append((f"{name}'s server", item.funcargs[name].said()[-5000:]))
    return report


def _looks(page: Page) -> str:
    from playwright.sync_api import Error

    try:
        return f"{page.url}\n{page.inner_text('body', timeout=2000)}"
    except Error as error:
        return f"{page.url}: {error}"


class App:
    """The app on a port of its own. It can be killed and started again on the same port."""

    script = ROOT / "app.py"

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.url = f"http://localhost:{port}"
        self._log = log  # of all its lives; its folder is where the server runs
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the app and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "streamlit",
                    "run",
                    str(self.script),
                    f"--server.port={self.port}",
                    "--server.headless=true",
                    "--server.fileWatcherType=none",
                    "--runner.postScriptGC=false",  # as for app.py; stand-ins have no settings
                ],
                cwd=self._log.parent,  # it must work from any folder
                stdout=log,
                stderr=log,
                env=dict(os.environ),
            )
        self.wait_until_it_answers()

    def address(self, root: Path, page: str = "", **parameters: str) -> str:
        """Where a page shows a data set, which becomes a recent one by this."""
        query = urllib.parse.urlencode({"set": recent.remember(root), **parameters})
        return f"{self.url}/{page}?{query}"

    def wait_until_it_answers(self) -> None:
        """Wait for the health address, or fail with what the server printed."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                assert self.running(), f"the server ended:\n{self.said()}"
                assert time.monotonic() < deadline, f"the server does not answer:\n{self.said()}"
                time.sleep(0.05)

    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End the server as a power cut would. Workers go on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=10)

    def restart(self) -> None:
        """Kill the server and start it again on the same port."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """End the server as Ctrl-C would."""
        if self.running() and self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=20)

    def process(self) -> psutil.Process:
        """The server's process, to look into."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def wait_until_it_ends(self, seconds: float = 20) -> int:
        """Wait until the server has ended by itself; return its exit code."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def said(self) -> str:
        """What the server printed so far."""
        return self._log.read_text(errors="replace")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def app(user_data_of_its_own: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all browser tests, with a user's folder of its own."""
    one = App(free_port(), tmp_path_factory.mktemp("server") / "server.log")
    one.start()
    yield one
    one.stop()
    homes = [entry.root / ".winnow" for entry in recent.recent()]
    jobs.stop_all([user_data_of_its_own, *homes], timeout_seconds=5)


@pytest.fixture
def own_app(user_data_of_its_own: Path, tmp_path: Path) -> Iterator[App]:
    """A server for one test alone, which may kill, restart or quit it."""
    folder = tmp_path / "server"
    folder.mkdir()
    one = App(free_port(), folder / "server.log")
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, whose clicks wait for what they hit to stand still."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs Chromium: install the system's package")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_OPTIONS))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sync_api.Locator, "click", _steady(sync_api.Locator.click))
            yield browser
        browser.close()


def _steady(click: Callable[..., None]) -> Callable[..., None]:
    """Let a click wait until its element has stood still for a while, as a person does.

    Playwright looks at two frames only. Tables and charts are loaded late, and one that came
    between pressing the button of the mouse and letting it go moved another thing below it.
    """

    def steady_click(locator: Locator, **options: object) -> None:
        locator.evaluate(STOOD_STILL, timeout=options.get("timeout"))
        click(locator, **options)

    return steady_click


@pytest.fixture
def new_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open tabs, each in a profile of its own: ``new_page(viewport={"width": 420, ...})``."""
    contexts = []
    request.node.open_pages = []

    def make(**options: object) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(MILLISECONDS_TO_APPEAR)
        contexts.append(context)
        page = context.new_page()
        request.node.open_pages.append(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A tab of 1280 by 900 pixels."""
    return new_page()


@pytest.fixture
def settled() -> Callable[[Page], None]:
    """Wait until a tab's script has run to its end: ``settled(page)``."""

    def wait(tab: Page) -> None:
        tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()

    return wait
