"""Named points between the journal's steps, where a test can end the process."""

from collections.abc import Callable

# Called with the point's name. Tests set it; it is None otherwise.
hook: Callable[[str], None] | None = None


def reached(point: str) -> None:
    """Say that the journal stands at ``point``."""
    if hook is not None:
        hook(point)
