"""How much memory a process that decodes foreign files may take."""

import sys
from pathlib import Path

# The largest picture that is let in, turned and brought to 8 bits, takes a third of it.
MEMORY_BYTES = 4 * 2**30


def limit_memory(more_bytes: int = MEMORY_BYTES) -> bool:
    """Let this process take no more than so many bytes from now on, for the rest of its life.

    What asks for more gets a ``MemoryError``, which makes its file a bad one. Linux holds to it and
    macOS nearly so; Windows has no such limit for one process alone, so there the limits on pixels
    and on time stand by themselves.

    Returns:
        Whether the system took the limit.
    """
    if sys.platform == "win32":
        return False
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _address_space() + more_bytes
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
    except (OSError, ValueError):  # macOS refuses it at times
        return False
    return True


def _address_space() -> int:
    """Bytes this process has mapped already; code and libraries count, too."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):  # no Linux: little is lost by guessing
        return 2**30
    import resource

    return pages * resource.getpagesize()
