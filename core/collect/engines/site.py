"""What the search machinery needs to know of one site: which address to ask, how to read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from core.collect.engines.terms import Ending, Found, Search


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Which page is asked for next.

    Attributes:
        page: Counted from 0.
        seen: Results read on the pages before, duplicates included.
        carried: What the last answer wants to be sent along.
    """

    page: int = 0
    seen: int = 0
    carried: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer, read.

    Attributes:
        rows: How many results stood on it, those that cannot be used included.
        known: Whether it has this site's shape, even if no result stands on it.
        carry: For the next turn.
        more: True where the answer says that there is more, False where it says that this was
            all, None where it says neither.
        trouble: What the answer itself complains of.
        empty: Whether there was nothing in it at all.
    """

    found: tuple[Found, ...] = ()
    rows: int = 0
    known: bool = False
    carry: Mapping[str, str] = field(default_factory=dict)
    more: bool | None = None
    trouble: Ending | None = None
    empty: bool = False


@dataclass(frozen=True, kw_only=True)
class Site:
    """One search site.

    Attributes:
        title: Its name for people.
        home: Scheme and host, replaced by ``base`` in tests and labs.
        ask: The path and query of a page, from what is wanted, the turn and the key.
        read: Makes a page of an answer's text. Never raises.
        filters: For each kind of choice, the values offered and what stands for each in a request.
        headers: Sent along, besides the session's own.
        pause_seconds: Between two questions, where the site asks for it.
        most_pages: After these it has no more, or should not be asked for more.
    """

    name: str
    title: str
    home: str
    ask: Callable[[Search, Turn, str | None], str]
    read: Callable[[str], Page]
    filters: Mapping[str, Mapping[str, str]]
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    most_pages: int = 500


def chosen(filters: Mapping[str, Mapping[str, str]], wanted: Search) -> dict[str, str]:
    """What stands in a request for each filter wanted; none for what is true of all there."""
    stands_for = {kind: filters.get(kind, {}).get(v) for kind, v in wanted.filters.items()}
    return {kind: value for kind, value in stands_for.items() if value}


def path(start: str, fields: Mapping[str, str | int]) -> str:
    """A path with its query; a lone surrogate in the words is sent as a question mark."""
    return f"{start}?{urlencode(fields, errors='replace')}"
