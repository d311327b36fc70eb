"""Making ``.venv`` hold what Winnow needs."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from launcher.pip_progress import UNPACKING, run_shown
from launcher.places import PYTHON, ROOT, VENV, StartError

Purpose = Literal["app", "test"]
REQUIREMENTS: dict[Purpose, tuple[str, ...]] = {
    "app": ("requirements.txt",),
    "test": ("requirements.txt", "requirements-dev.txt"),
}
CONSTRAINTS = "constraints.txt"
FIT_PYTHONS = ("3.11", "3.12", "3.13")

# Measured on Linux x86-64, where libraries for graphics cards are most of it; an estimate
# elsewhere. The downloads lie beside the unpacked files until pip is done.
INSTALLED_GB, DOWNLOAD_GB = (6.2, 3.3) if sys.platform.startswith("linux") else (2.0, 0.7)

STAMP = VENV / "winnow-installed.json"  # fingerprints of what was installed to the end
UNFINISHED = VENV / "winnow-installing"  # stands while pip works, so an interruption is noticed
LOG = ROOT / "winnow-setup.log"


def install(purpose: Purpose) -> None:
    """Install what the app or the tests need. A glance when that is done already.

    Raises:
        StartError: If there is too little disk, no network, or no build for this computer.
    """
    version, broken = venv_version(), is_half_installed()
    if version and not broken and fingerprint(purpose, version) in stamps():
        return
    keep_downloads = True
    if version is None or broken:
        _remove_unusable()
        keep_downloads = check_disk()
        _make_venv()
        version = venv_version() or ""
    UNFINISHED.touch()
    _run_pip(purpose, keep_downloads=keep_downloads)
    STAMP.write_text(json.dumps(_stamps_after(purpose, version)), encoding="utf-8")
    UNFINISHED.unlink()


def is_half_installed() -> bool:
    """Whether pip was interrupted while it unpacked. Until then it only downloads: no harm done."""
    if not UNFINISHED.exists():
        return False
    try:
        return UNPACKING in LOG.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return True


def venv_version() -> str | None:
    """The Python of ``.venv``, such as "3.12"; None if there is none that works and fits."""
    show = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        shown = subprocess.run([PYTHON, "-c", show], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = shown.stdout.decode().strip()
    return version if shown.returncode == 0 and version in FIT_PYTHONS else None


def fingerprint(purpose: Purpose, version: str) -> str:
    """What stands for the requirements on a Python: other contents, another fingerprint."""
    digest = hashlib.sha256(version.encode())
    for name in (*REQUIREMENTS[purpose], CONSTRAINTS):
        digest.update((ROOT / name).read_bytes())
    return f"{purpose} {digest.hexdigest()}"


def stamps() -> list[str]:
    """Fingerprints of what was installed to the end."""
    try:
        return list(json.loads(STAMP.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def _stamps_after(purpose: Purpose, version: str) -> list[str]:
    """The tests' requirements hold the app's; an older stamp stays only if it still fits."""
    installed = {fingerprint(name, version) for name in ("app", purpose)}
    fitting = {fingerprint(name, version) for name in REQUIREMENTS}
    return sorted(installed | (fitting & set(stamps())))


def _remove_unusable() -> None:
    """Remove a ``.venv`` of ours that is broken or half installed; another's is left alone."""
    if not VENV.exists() and not VENV.is_symlink():
        return
    if VENV.is_symlink() or not (STAMP.exists() or UNFINISHED.exists()):
        raise StartError(
            f"{VENV} is not an environment that Winnow made. Move it away and start again."
        )
    print("The last set-up did not finish, or its Python is gone. Setting up anew.")
    try:
        shutil.rmtree(VENV)
    except OSError as error:
        raise StartError(
            f"{VENV} could not be removed ({error.strerror}). Close what uses it, remove it by "
            "hand and start again."
        ) from error


def check_disk() -> bool:
    """Say how much disk is needed; True if there is room to keep the downloads as well.

    Raises:
        StartError: If there is not enough.
    """
    free = shutil.disk_usage(ROOT).free / 1e9
    needed = INSTALLED_GB + DOWNLOAD_GB
    print(
        f"Setting Winnow up in {VENV}: once, some minutes.\n"
        f"It downloads about {DOWNLOAD_GB} GB and takes {INSTALLED_GB} GB of disk, "
        f"{needed:.0f} GB until it is installed; {free:.0f} GB are free."
    )
    if free < needed:
        raise StartError(
            f"There is not enough free disk: {needed:.0f} GB are needed, {free:.1f} GB are free. "
            "Free some, or move this folder to a larger disk, and start again."
        )
    return free > needed + DOWNLOAD_GB


def _make_venv() -> None:
    VENV.mkdir()
    UNFINISHED.touch()  # so that it is known as ours from the first moment
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True)
    if made.returncode != 0:
        LOG.write_bytes(made.stdout + made.stderr)
        shutil.rmtree(VENV, ignore_errors=True)
        raise StartError(
            "Python could not make an environment. On Debian and Ubuntu, install what is "
            f"missing with `sudo apt install python3-venv` and start again. Details: {LOG}"
        )


def _run_pip(purpose: Purpose, *, keep_downloads: bool) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--prefer-binary", "--progress-bar", "off", "--constraint", CONSTRAINTS]
    # Most of what is installed is never imported: Python compiles what is, when it is.
    command += ["--no-compile"]
    command += [] if keep_downloads else ["--no-cache-dir"]
    for name in REQUIREMENTS[purpose]:
        command += ["--requirement", name]
    # /tmp is small on some systems, or lies in memory: no place for gigabytes.
    with tempfile.TemporaryDirectory(dir=VENV, prefix="pip-") as folder:
        environment = dict(os.environ, TMPDIR=folder, TEMP=folder, TMP=folder)
        code = run_shown(command, cwd=ROOT, environment=environment, log=LOG)
    if code != 0:
        raise StartError(reason_pip_failed(LOG))


REASONS = (
    (
        r"No space left|Errno 28|not enough space|Disk quota",
        "The disk is full. Free some and start again.",
    ),
    (
        r"name resolution|getaddrinfo|NameResolution|ConnectTimeout|ReadTimeout|NewConnection"
        r"|Network is unreachable|ProxyError|SSLError|Connection (refused|reset|aborted|broken)"
        r"|IncompleteRead|RemoteDisconnected",
        "The downloads did not get through. Check the network, and the proxy if you are behind "
        "one, and start again.",
    ),
    (
        r"Failed (to build|building)|Visual C\+\+|error: command '.*' failed|metadata-generation",
        "A package has no ready-made build for this computer, and making one failed. Winnow is "
        "made for 64-bit Linux, macOS on Apple silicon, and Windows.",
    ),
    (
        r"No matching distribution|Could not find a version|ResolutionImpossible",
        "A package that Winnow needs is not offered for this computer and this Python. Try "
        "Python 3.12; Winnow is made for 64-bit Linux, macOS on Apple silicon, and Windows.",
    ),
)


def reason_pip_failed(log: Path) -> str:
    """What to do about it, read from what pip wrote, and where that lies."""
    written = log.read_text(encoding="utf-8", errors="replace")
    fitting = [words for pattern, words in REASONS if re.search(pattern, written, re.IGNORECASE)]
    advice = fitting[0] if fitting else "Installing failed. Start again; it goes on from there."
    return f"{advice} What pip wrote is in {log}"
