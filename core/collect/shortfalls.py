"""What a collection came to lack, and which searches to ask for it. Light: pages use it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.collect.engines.found import ENGINES
from core.collect.kept import LIST, ClassState

NO_USE_AGAIN = ("done", "fewer", "nothing")  # the engine gave all that it has
# Tried in this order where another engine found too little: those with licences first. None of
# them asks for a key.
NEXT_BEST = ("wikimedia", "openverse", "bing", "google")


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """Classes for which one engine brought too little, for one reason."""

    engine: str
    problem: str  # a sentence or two
    searches: tuple[ClassState, ...]  # one a class
    missing: tuple[int, ...]  # photos of each
    tried: frozenset[str]  # engines, for any of the classes
    ending: str | None = None  # of the searches, where they told

    @property
    def next_best(self) -> tuple[str, ...]:
        """Engines not tried yet, best first; none where there are no search words."""
        if self.engine == LIST:
            return ()
        return tuple(engine for engine in NEXT_BEST if engine not in self.tried)

    @property
    def is_offline(self) -> bool:
        """Whether the network was the trouble, so that another engine will hardly do better."""
        return self.ending == "network"

    @property
    def may_mend(self) -> bool:
        """Whether the same search may do better another time."""
        return self.ending not in NO_USE_AGAIN

    def again(self) -> list[dict[str, Any]]:
        """The same searches once more, as ``collect_job`` wants them."""
        return [search_of(one, most=one.asked) for one in self.searches]

    def with_engine(self, engine: str) -> list[dict[str, Any]]:
        """Searches of another engine for what is missing."""
        pairs = zip(self.searches, self.missing, strict=True)
        return [{**search_of(one, most=missing), "engine": engine} for one, missing in pairs]


def shortfalls(states: Sequence[ClassState]) -> list[Shortfall]:
    """What fell short and was made up for by no other search, by engine and reason.

    Of several searches for a class the last one's reason counts.
    """
    by_class: dict[str | None, list[ClassState]] = {}
    for state in states:
        by_class.setdefault(state.class_name, []).append(state)
    alike: dict[tuple[str, str], list[ClassState]] = {}
    for searches in by_class.values():
        failed = [one for one in searches if one.problem]
        if failed and _missing(searches) > 0:
            last = failed[-1]
            alike.setdefault((last.engine, last.problem or ""), []).append(last)
    return [
        Shortfall(
            engine=engine,
            problem=problem,
            searches=tuple(last),
            missing=tuple(_missing(by_class[one.class_name]) for one in last),
            ending=last[-1].ending,
            tried=frozenset(other.engine for one in last for other in by_class[one.class_name]),
        )
        for (engine, problem), last in alike.items()
    ]


def searches_for_more(states: Sequence[ClassState], more: int) -> list[dict[str, Any]]:
    """Searches for so many more photos of each class, as ``collect_job`` wants them.

    Of several for a class one is asked: one without a problem, else the most fruitful.
    """
    best: dict[str | None, ClassState] = {}
    for one in states:
        other = best.get(one.class_name)
        if one.engine in ENGINES and (other is None or _rank(one) > _rank(other)):
            best[one.class_name] = one
    return [search_of(one, most=one.kept + more) for one in best.values()]


def search_of(state: ClassState, *, most: int) -> dict[str, Any]:
    """A search like one that was made."""
    kept = asdict(state)
    return {**{name: kept[name] for name in ("class_name", "query", "engine")}, "most": most}


def _missing(searches: Sequence[ClassState]) -> int:
    """How many photos of a class were asked for and did not come with any search."""
    return max(one.asked for one in searches) - sum(one.kept for one in searches)


def _rank(state: ClassState) -> tuple[bool, int]:
    return (state.problem is None, state.kept)
