"""Showing the app to the person who started it."""

import os
import sys
import webbrowser


def open_browser(address: str, *, wanted: bool) -> None:
    """Open the address, if a browser is wanted and there is a screen to show one on."""
    if wanted and has_screen():
        webbrowser.open(address)


def has_screen() -> bool:
    """False on a Linux without a display, where the only browser may be one in the terminal."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
