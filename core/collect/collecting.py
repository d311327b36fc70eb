"""Collecting photos from the web: search, fetch, look, sort out and take in, all at the same time.

What was asked for, and what came of each address, is in the catalogue. So a collection that was
stopped or killed goes on when it is started again, and one that is done can be asked for more.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.collect.engines.found import ENGINES
from core.collect.engines.searching import search
from core.collect.engines.terms import Found, Outcome, Search
from core.collect.engines.url_list import Listed
from core.collect.hunts import Hunt
from core.collect.incoming import ENDS_ALL, Incoming
from core.collect.kept import LIST, ClassState, load_searches, remember, save_searches, state
from core.collect.keys import kept_key
from core.collect.sifting import Sifter
from core.collect.web.fetch import Fetcher
from core.collect.web.limits import Limits
from core.collect.web.session import guarded_session
from core.dataset import Dataset
from core.dataset.claims import claimed
from core.dataset.fetched import known
from core.dataset.names import shown
from core.dataset.near_hashes import hash_photos
from core.dataset.plans import require_class
from core.errors import CollectError, DatasetError
from core.images.looking import Lookers
from core.jobs.progress import JobResult, Progress, Task

PHASE = "collect"
MIN_SIDE = 64  # pixels; thumbnails and icons are smaller
SECONDS_A_BATCH = 0.4
MOST_PHOTOS = 100_000  # of one search
# Some results are broken, gone or there already: a search goes on to so many more than wanted.
RESULTS_A_PHOTO = 20
RESULTS_AT_LEAST = 1000
CLASSES_NAMED = 3  # in one report
FEWER = "Too few of the results could be kept. For more, try other words or another engine."

Identity = tuple[str | None, str, str]  # class, engine, query: the same search in a later run


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One search: photos for one class."""

    class_name: str | None  # None for photos without a class; a new one is made
    query: str
    engine: str  # a name of ``core.collect.engines.ENGINES``
    most: int  # photos to keep


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What came of a collection, its earlier runs included."""

    collection: str
    searches: tuple[ClassState, ...]
    seconds: float  # of this run

    def total(self, count: str) -> int:
        """A count over all searches: such as "asked", "kept", "rejected", "known"."""
        return sum(int(getattr(search, count)) for search in self.searches)

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with searches, each sentence once."""
        return tuple(dict.fromkeys(one.problem for one in self.searches if one.problem))


def collect(
    dataset: Dataset,
    wanted: Sequence[Wanted],
    *,
    listed: Sequence[Listed] = (),
    collection: str,
    list_name: str = "",
    filters: Mapping[str, str] | None = None,
    min_side: int = MIN_SIDE,
    key: str | None = None,
    limits: Limits | None = None,
) -> Task[Collected]:
    """Bring photos from search engines and lists of addresses into a data set; phase ``collect``.

    Each search goes on until as many photos as wanted are kept, or the engine has no more. All of
    one run is one undo step. Started again under the same collection, it goes on where it was; no
    address is asked for twice for a class, except those whose failure may have passed.

    Args:
        dataset: The data set, up to date with its folder.
        wanted: The searches.
        listed: Addresses to fetch, with their classes.
        collection: Letters and digits that name this collection.
        list_name: Where the addresses were listed, to be remembered with the photos.
        filters: For the engines that offer them.
        min_side: Photos with a shorter side are set aside; 0 keeps all.
        key: For an engine that needs one; else the one kept with the user is taken.
        limits: How much is asked of the web.

    Raises:
        CollectError: If there is nothing to ask for, or no such engine.
        DatasetError: If a class name is refused, or the data set cannot be written.
    """
    started = time.monotonic()
    require_sense(wanted, listed)
    _require_classes(dataset, wanted, listed)
    yield Progress(phase=PHASE, done=0, total=0, message="Starting")
    try:
        # Claiming the folder finishes what a crash left half taken in.
        with claimed(dataset, collection) as folder, closing(Lookers()) as lookers:
            stop = threading.Event()
            before = {_identity(one): one for one in state(dataset, collection)}
            searches = [
                *(_hunt(one, filters or {}, key, stop) for one in _each_once(wanted)),
                *_listed_hunts(listed, list_name),
            ]
            for hunt in searches:
                if (earlier := before.get(_identity(hunt))) is not None:
                    hunt.kept = earlier.kept
            remember(dataset, collection)
            _keep_states(dataset, collection, searches, before)
            yield from hash_photos(
                dataset, lookers, phase=PHASE, message="Looking at the photos already there"
            )
            incoming = Incoming(
                searches,
                fetcher=Fetcher(folder, limits=limits, stop=stop),
                lookers=lookers,
                min_side=min_side,
                is_known=_Memory(dataset).is_known,
                stop=stop,
            )
            yield from _run(dataset, collection, searches, before, incoming)
    except OSError as error:
        raise DatasetError(
            f"Nothing more can be written into {shown(str(dataset.root))} "
            f"({error.strerror or error}). What has arrived is kept. Check the folder and the room "
            "on the disk, then start again."
        ) from error
    return Collected(
        collection=collection,
        searches=tuple(state(dataset, collection)),
        seconds=time.monotonic() - started,
    )


def collect_job(
    root: str,
    collection: str,
    wanted: Sequence[Mapping[str, Any]],
    urls: Sequence[Mapping[str, Any]] = (),
    filters: Mapping[str, str] | None = None,
    min_side: int = MIN_SIDE,
    key_name: str | None = None,
    list_name: str = "",
) -> Task[JobResult]:
    """As ``collect``, for a process of its own: bring the catalogue up to date, then collect.

    Args:
        wanted: ``class_name``, ``query``, ``engine`` and ``most`` of each search.
        urls: ``url`` and ``class_name`` of each address of a list.
        key_name: Under which name a key is kept with the user, where it is not the engine's.

    The result holds ``collection``, ``asked``, ``kept``, ``rejected``, ``duplicates``, ``near``,
    ``small``, ``problems`` and ``seconds``; ``core.collect.kept.state`` tells of each search.
    """
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    done = yield from collect(
        dataset,
        [Wanted(**one) for one in wanted],
        listed=[Listed(**{"class_name": None, "line": 0, **one}) for one in urls],
        collection=collection,
        list_name=list_name,
        filters=filters,
        min_side=min_side,
        key=kept_key(key_name) if key_name else None,
    )
    counts = ("asked", "kept", "rejected", "duplicates", "near", "small")
    return {
        "collection": collection,
        **{count: done.total(count) for count in counts},
        "problems": list(done.problems),
        "seconds": round(done.seconds, 3),
    }


def _run(
    dataset: Dataset,
    collection: str,
    searches: Sequence[Hunt],
    before: Mapping[Identity, ClassState],
    incoming: Incoming,
) -> Task[None]:
    """Read what comes until there is no more, taking it in about twice a second."""
    sifter = Sifter(dataset, collection)
    incoming.start()
    try:
        while not incoming.done:
            for came in incoming.results(SECONDS_A_BATCH):
                sifter.sift(came)
                if (came.fetch.reason or "").startswith(ENDS_ALL):
                    _end_all(searches, came.fetch.reason or "")
            sifter.flush()
            _keep_states(dataset, collection, searches, before)
            yield _progress(searches)
        _keep_states(dataset, collection, searches, before)  # some end before the first look
    except (GeneratorExit, KeyboardInterrupt):  # stopped: what is here already is kept
        incoming.stop()
        for came in incoming.left():
            sifter.sift(came)
        sifter.flush()
        _keep_states(dataset, collection, searches, before)
        raise
    finally:
        incoming.close()


class _Memory:
    """Which addresses were asked for, in this run and before. Shared by threads."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._lock = threading.Lock()
        self._met: set[tuple[str | None, str]] = set()

    def is_known(self, class_name: str | None, url: str) -> bool:
        """Whether an address was asked for before, for this class; it counts as asked for now."""
        was_asked = bool(known(self._dataset, class_name, [url]))
        with self._lock:
            was_met = (class_name, url) in self._met
            self._met.add((class_name, url))
        return was_asked or was_met


def require_sense(wanted: Sequence[Wanted], listed: Sequence[Listed] = ()) -> None:
    """Refuse what cannot be asked for, whatever the data set.

    Raises:
        CollectError: With what is wrong and what to do.
    """
    if not wanted and not listed:
        raise CollectError("There is nothing to collect: name search words, or list addresses.")
    for one in wanted:
        if one.engine not in ENGINES:
            raise CollectError(
                f"There is no search engine called {shown(one.engine)}. "
                f"Choose one of {', '.join(ENGINES)}."
            )
        if not one.query.strip():
            raise CollectError("A search needs words to search for.")
        if not 1 <= one.most <= MOST_PHOTOS:
            raise CollectError(f"The number of photos must be from 1 to {MOST_PHOTOS:,}.")


def _require_classes(dataset: Dataset, wanted: Sequence[Wanted], listed: Sequence[Listed]) -> None:
    """Refuse a class name now rather than when the first photo has come."""
    classes = dataset.classes()
    asked = [one.class_name for one in wanted] + [one.class_name for one in listed]
    for name in dict.fromkeys(asked):
        if name is not None:
            require_class(name, classes, unsorted=dataset.unsorted, new=True)
            classes.append(name)


def _each_once(wanted: Sequence[Wanted]) -> list[Wanted]:
    """The searches; of those that are the same, the one that wants most."""
    found: dict[Identity, Wanted] = {}
    for one in wanted:
        place = (one.class_name, one.engine, one.query)
        if place not in found or found[place].most < one.most:
            found[place] = one
    return list(found.values())


def _hunt(
    one: Wanted,
    filters: Mapping[str, str],
    key: str | None,
    stop: threading.Event,
) -> Hunt:
    # One engine's key is no other's to see.
    own_key = (key or kept_key(one.engine)) if ENGINES[one.engine].needs_key else None
    wanted = Search(
        query=one.query,
        most=max(RESULTS_AT_LEAST, RESULTS_A_PHOTO * one.most),
        filters=dict(filters),
    )

    def results() -> Iterator[Found | Outcome]:
        with guarded_session(stopped=stop.is_set) as session:
            yield from search(one.engine, wanted, session=session, stop=stop, key=own_key)

    return Hunt(
        class_name=one.class_name,
        engine=one.engine,
        query=one.query,
        most=one.most,
        results=results,
    )


def _listed_hunts(listed: Sequence[Listed], list_name: str) -> list[Hunt]:
    """The addresses of a list, class by class."""
    by_class: dict[str | None, list[str]] = {}
    for one in listed:
        by_class.setdefault(one.class_name, []).append(one.url)

    def handing_out(urls: Sequence[str]) -> Callable[[], Iterator[Found | Outcome]]:
        return lambda: (Found(url=url) for url in urls)

    return [
        Hunt(
            class_name=class_name,
            engine=LIST,
            query=list_name,
            most=len(urls),
            takes_all=True,
            results=handing_out(urls),
        )
        for class_name, urls in by_class.items()
    ]


def _identity(one: Hunt | ClassState) -> Identity:
    return (one.class_name, one.engine, one.query)


def _end_all(searches: Sequence[Hunt], problem: str) -> None:
    for hunt in searches:
        hunt.end(problem)


def _keep_states(
    dataset: Dataset,
    collection: str,
    searches: Sequence[Hunt],
    before: Mapping[Identity, ClassState],
) -> None:
    """Write down how the searches stand, those of earlier runs that were not asked for too."""
    now = {_identity(hunt): _state_of(hunt, before.get(_identity(hunt))) for hunt in searches}
    others = [one for key, one in before.items() if key not in now]
    states = [replace(one, kept=0, rejected=0, duplicates=0, near=0, small=0) for one in others]
    states += now.values()
    if states != load_searches(dataset, collection):
        save_searches(dataset, collection, states)


def _state_of(hunt: Hunt, earlier: ClassState | None) -> ClassState:
    done = hunt.done
    # A search that has ended is no trouble while what is under way may still be enough.
    problem = hunt.problem or (FEWER if done and hunt.engine != LIST else None)
    if problem and hunt.known:
        problem += f" Passed over, being asked for before: {hunt.known:,}."
    return ClassState(
        class_name=hunt.class_name,
        engine=hunt.engine,
        query=hunt.query,
        asked=hunt.most,
        found=max(hunt.found, earlier.found if earlier else 0),
        known=hunt.known,
        problem=problem if hunt.falls_short else None,
        ending=hunt.ending,
        done=done,
    )


def _progress(searches: Sequence[Hunt]) -> Progress:
    going_on = [hunt for hunt in searches if not hunt.done] or list(searches)
    named = [
        shown(hunt.class_name or "photos")
        + (f": {hunt.kept} of {hunt.most}" if len(searches) > 1 else "")
        for hunt in going_on[:CLASSES_NAMED]
    ]
    more = " and others" if len(going_on) > CLASSES_NAMED else ""
    return Progress(
        phase=PHASE,
        done=sum(min(hunt.kept, hunt.most) for hunt in searches),
        total=sum(hunt.most for hunt in searches),
        message=f"Fetching {', '.join(named)}{more}",
    )
