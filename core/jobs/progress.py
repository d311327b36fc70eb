"""What long work reports while it runs."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One report of long work: shown as a bar and a sentence, recorded where it has metrics."""

    phase: str  # a stable key for pages, such as "embed"
    done: int  # units finished in this phase
    total: int  # units in this phase; 0 when unknown
    message: str  # one sentence for the user
    metrics: Mapping[str, float | int | str] = field(default_factory=dict)  # a row for a chart


Result = TypeVar("Result")

# Long work: yields progress at least once a second, and returns its result.
# Leaving it early (``close()``) stops the work at the last report and loses nothing that was
# finished; starting it again continues from there.
Task = Generator[Progress, None, Result]

# What a job's target returns: JSON-able, kept in the job's status.
JobResult = dict[str, Any]
