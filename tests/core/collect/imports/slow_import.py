"""An import that takes its photos in one by one, so that a test can end it in the middle."""

import time

from core.collect.imports import importing
from core.jobs.progress import JobResult, Task

SECONDS_A_PHOTO = 0.05


def import_slowly(**arguments: object) -> Task[JobResult]:
    """As ``import_job``, slowly."""
    importing.MOST_AT_ONCE = 1
    taking_in = importing.take_in

    def slowly(*given: object, **choices: object) -> object:
        time.sleep(SECONDS_A_PHOTO)
        return taking_in(*given, **choices)

    importing.take_in = slowly
    return importing.import_job(**arguments)
