"""Long work in a process of its own: it survives the page, the browser and the server.

``core.jobs.control`` starts, watches and stops; ``core.jobs.worker`` is the process;
``core.jobs.record`` is what both keep on disk.
"""

from core.jobs.control import (
    alive,
    any_alive,
    latest,
    metrics,
    resume,
    start,
    status,
    stop,
    stop_all,
)
from core.jobs.record import JobStatus, State

__all__ = [
    "JobStatus",
    "State",
    "alive",
    "any_alive",
    "latest",
    "metrics",
    "resume",
    "start",
    "status",
    "stop",
    "stop_all",
]
