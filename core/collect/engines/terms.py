"""What a search hands over: addresses of pictures with what is known of them, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Ending = Literal[
    "done",  # as many as were asked for
    "stopped",  # the caller stopped it
    "fewer",  # the site has no more
    "nothing",  # the site says there are no pictures for these words
    "shape",  # an answer that cannot be read
    "captcha",
    "consent",  # a page that asks for agreement to cookies first
    "blocked",
    "limit",  # too many questions in too short a time
    "down",  # the site answers with an error
    "slow",
    "network",  # no network, or the name cannot be found
    "private",  # the address leads to where Winnow does not ask
    "key",  # a key is missing or refused
    "crashed",  # a thread of the search ended by itself
]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A picture's address, http or https. The texts are the site's own: hostile until drawn."""

    url: str
    page: str | None = None
    title: str | None = None
    author: str | None = None
    licence: str | None = None
    licence_url: str | None = None
    width: int | None = None  # in pixels, as the site says
    height: int | None = None
    thumbnail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Search:
    """What to look for.

    Attributes:
        most: How many results at most; more are not asked for.
        filters: By "size", "type", "colour" and "licence", values of ``ENGINES[...].filters``.
            What the engine at hand does not offer is left out, so that one choice can serve
            rows with different engines.
    """

    query: str
    most: int
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a search ended; always its last item.

    Attributes:
        found: Results handed over before this.
        problem: One or two sentences: what happened and what to do next. None when as many were
            found as were asked for, and when the caller stopped the search.
        again: Whether the same search may well do better at another time.
        wait_seconds: How long the site asks to be left alone, where it says.
    """

    found: int
    problem: str | None = None
    ending: Ending = "done"
    again: bool = False
    wait_seconds: float | None = None
