"""How far a step has come, for whoever called for it and waits: a page, or a command.

A step is one call, by a class being merged or by Undo, and 50,000 photos take it seconds. It says
how far it is to the function that its caller left here, if any; the thread is the same.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

SECONDS_BETWEEN_WORDS = 0.2

Tell = Callable[[float], None]
Item = TypeVar("Item")

_tell: ContextVar[Tell | None] = ContextVar("tell", default=None)


@contextmanager
def watched(tell: Tell) -> Iterator[None]:
    """Have the steps called for inside tell how far they are, from 0 to 1.

    Args:
        tell: Must not raise: a step would stop in its middle, to be finished by the next one.
    """
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def counted(items: Sequence[Item], *, part: int, parts: int) -> Iterator[Item]:
    """The items, told about as they are taken.

    Args:
        items: What one part of the work goes through.
        part: Which part it is, from 0.
        parts: How many there are of it.
    """
    tell = _tell.get()
    if tell is None:
        yield from items
        return
    told_at = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - told_at >= SECONDS_BETWEEN_WORDS:
            tell((part + done / len(items)) / parts)
            told_at = now
        yield item
