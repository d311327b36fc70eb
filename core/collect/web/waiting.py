"""How long a site asks to be left alone."""

import math
import time
from email.utils import parsedate_to_datetime


def asked_wait(header: str | None) -> float | None:
    """Seconds from now, of a Retry-After in seconds or as a date; None where it says neither."""
    if header is None:
        return None
    try:
        seconds = float(header.strip())
    except ValueError:
        return _until_date(header)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until_date(header: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def wait_words(seconds: float) -> str:
    """Such as "4 seconds", "3 minutes", "2 hours", "more than a week"."""
    if seconds > 7 * 86_400:
        return "more than a week"
    if seconds > 5400:
        count, unit = math.ceil(seconds / 3600), "hour"
    elif seconds > 90:
        count, unit = math.ceil(seconds / 60), "minute"
    else:
        count, unit = math.ceil(seconds), "second"
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
