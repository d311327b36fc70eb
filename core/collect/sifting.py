"""What arrives is sorted: kept, set aside or rejected, and taken in batch by batch."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.collect.incoming import Came
from core.dataset import Dataset
from core.dataset.arrivals import Arrival, Aside, AsideKind, TakenIn, step_to_join, take_in
from core.dataset.catalogue import PRESENT, REMOVED
from core.dataset.fetched import Fetched, note_fetched
from core.dataset.names import decoded, shown
from core.dataset.near_hashes import load_near_hashes, save_near_hashes
from core.dataset.rows import rows_by_id
from core.dataset.sources import Source
from core.dataset.verdicts import StoredVerdict, save_verdicts
from core.images.damage import CONVERT
from core.images.similar import NearIndex
from core.images.verdict import Verdict

SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "GIF": ".gif",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "DIB": ".bmp",
    "ICO": ".ico",
    "JPEG2000": ".jp2",
    "PPM": ".ppm",
    "QOI": ".qoi",
    "PSD": ".psd",
    "SGI": ".sgi",
    "ICNS": ".icns",
    "DDS": ".dds",
    "HEIF": ".heic",
}
LONGEST_STEM = 60
# What Check asks of a photo; one that passed here need not be decoded there again.
CHECKED_SIDE = 32
A_PAGE = "The site sent a page instead of a picture."
# Advice that is good for a file in the data set and not for one that was not taken in.
ADVICE = (
    " Download it again or remove it.",
    " Remove it.",
    " Save it smaller to use it.",
    f" {CONVERT}",
)


@dataclass(kw_only=True)
class Known:
    """A photo that later ones may be the same as."""

    file: int | None  # None until it is taken in
    is_removed: bool = False


@dataclass(kw_only=True)
class Waiting:
    """A photo that is to be taken in with the next batch."""

    came: Came
    arrival: Arrival
    known: Known | None = None  # its own entry, of one that is kept
    like: Known | None = None  # what it is the same as, of one that is set aside


class Sifter:
    """Decides about each arrival in turn. Used by one thread."""

    def __init__(self, dataset: Dataset, collection: str) -> None:
        self._dataset = dataset
        self._collection = collection
        self._step = step_to_join(dataset, collection)
        self._seen = _last_row(dataset)
        self._contents = _known_contents(dataset)
        self._near = NearIndex(load_near_hashes(dataset).items())
        self._last: dict[str | None, int] = {}  # numbers in names, by class
        self._last_aside: dict[str | None, int] = {}
        self._kept: list[Waiting] = []
        self._aside: list[Waiting] = []
        self._rejected: list[Fetched] = []

    def sift(self, came: Came) -> None:
        """Decide about one: it is kept, set aside or rejected with the next ``flush``."""
        hunt = came.candidate.hunt
        if came.look is None:
            self._reject(came, came.fetch.reason or "", again=came.fetch.again)
            return
        if hunt.is_full:  # it came late, and another was kept in its place
            _discard(came)
            hunt.settle(came.candidate.found, kept=False)
            return
        verdict, content = came.look.verdict, came.look.content
        if verdict.kind not in ("good", "too_small") or not content:
            self._reject(came, _reason(verdict), again=not verdict.lasting)
            return
        like = self._contents.get(content)
        if like is not None:
            self._set_aside(came, "duplicate", like)
        elif verdict.kind == "too_small":
            self._set_aside(came, "too_small", None, reason=verdict.reason or "")
        elif (like := self._nearly(came.look.near)) is not None:
            self._set_aside(came, "near_duplicate", like)
        else:
            self._keep(came)
            return
        hunt.settle(came.candidate.found, kept=False)

    @property
    def has_news(self) -> bool:
        """Whether there is something to write down."""
        return bool(self._kept or self._aside or self._rejected)

    def flush(self) -> None:
        """Take in what was decided, as part of the collection's one step, and write it down."""
        kept, rejected = self._kept, self._rejected
        self._kept, self._rejected = [], []
        if kept:
            with self._dataset.editing():  # so that nobody brings the same in between
                kept = self._without_what_others_brought(kept)
                if kept:
                    taken, rejected = self._take_in(kept, rejected), []
            if kept:
                self._note_kept(kept, taken)
        note_fetched(self._dataset, rejected)
        aside, self._aside = self._aside, []
        if aside:
            self._take_in(self._with_reasons(aside), [])

    def _without_what_others_brought(self, waiting: list[Waiting]) -> list[Waiting]:
        """Those to keep, without copies of photos that came in meanwhile from elsewhere."""
        others = self._brought_by_others()
        hashes = load_near_hashes(self._dataset) if others else {}
        near = NearIndex((content, hashes[content]) for content in others.keys() & hashes.keys())
        kept = []
        for one in waiting:
            look = one.came.look
            assert look is not None
            nearest = None if look.near is None else near.nearest(look.near)
            if look.content in others:
                self._put_aside_after_all(one, "duplicate", others[look.content])
            elif nearest is not None:
                self._put_aside_after_all(one, "near_duplicate", others[nearest[0]])
            else:
                kept.append(one)
        for content, known in others.items():
            self._contents[content] = known
            if content in hashes:
                self._near.add(content, hashes[content])
        return kept

    def _brought_by_others(self) -> dict[str, Known]:
        """What is new in the data set and not from here: another command's, or put in by hand."""
        before, self._seen = self._seen, _last_row(self._dataset)
        rows = self._dataset.connection().execute(
            f"SELECT content, id FROM file WHERE id>? AND place={PRESENT} AND content<>''",
            (before,),
        )
        known = {content: Known(file=file_id) for content, file_id in rows}
        ours = {one.file for content in known if (one := self._contents.get(content))}
        return {content: one for content, one in known.items() if one.file not in ours}

    def _put_aside_after_all(self, one: Waiting, kind: AsideKind, like: Known) -> None:
        aside = Aside(kind=kind, reason="")
        self._aside.append(replace(one, arrival=replace(one.arrival, aside=aside), like=like))
        if one.known is not None:
            one.known.file = like.file  # for those that are set aside as copies of this one
        one.came.candidate.hunt.lose()

    def _reject(self, came: Came, reason: str, *, again: bool) -> None:
        self._rejected.append(self._fetched(came, "rejected", reason=reason, again=again))
        _discard(came)
        came.candidate.hunt.settle(came.candidate.found, kept=False)

    def _keep(self, came: Came) -> None:
        assert came.look is not None
        known = Known(file=None)
        self._contents[came.look.content] = known
        if came.look.near is not None:
            self._near.add(came.look.content, came.look.near)
        self._kept.append(Waiting(came=came, arrival=self._arrival(came, None), known=known))
        came.candidate.hunt.settle(came.candidate.found, kept=True)

    def _set_aside(
        self, came: Came, kind: AsideKind, like: Known | None, *, reason: str = ""
    ) -> None:
        aside = Aside(kind=kind, reason=reason)
        self._aside.append(Waiting(came=came, arrival=self._arrival(came, aside), like=like))

    def _nearly(self, near: bytes | None) -> Known | None:
        """A photo that shows the same picture."""
        nearest = None if near is None else self._near.nearest(near)
        return None if nearest is None else self._contents.get(nearest[0])

    def _arrival(self, came: Came, aside: Aside | None) -> Arrival:
        assert came.look is not None and came.fetch.path is not None
        hunt, found = came.candidate.hunt, came.candidate.found
        suffix = SUFFIXES.get(came.look.verdict.format, ".jpg")
        number = self._number(hunt.class_name, is_kept=aside is None)
        return Arrival(
            staged=came.fetch.path,
            name=f"{_stem(hunt.class_name)}_{number:04}{suffix}",
            class_name=hunt.class_name,
            content=came.look.content,
            source=Source(
                via=hunt.engine,
                query=hunt.query or None,
                url=found.url,
                page=found.page,
                title=found.title,
                author=found.author,
                licence=found.licence,
                licence_url=found.licence_url,
                at=time.time(),
                collection=self._collection,
            ),
            aside=aside,
        )

    def _number(self, class_name: str | None, *, is_kept: bool) -> int:
        """The next number for a photo's name. What is set aside leaves no gap among the kept."""
        if class_name not in self._last:
            self._last[class_name] = _last_number(self._dataset, class_name)
        if is_kept:
            self._last[class_name] += 1
            return self._last[class_name]
        after = max(self._last[class_name], self._last_aside.get(class_name, 0))
        self._last_aside[class_name] = after + 1
        return after + 1

    def _take_in(self, waiting: list[Waiting], rejected: list[Fetched]) -> TakenIn:
        arrivals = [one.arrival for one in waiting]
        fetched = [
            self._fetched(
                one.came,
                one.arrival.aside.kind if one.arrival.aside else "kept",
                reason=one.arrival.aside.reason if one.arrival.aside else None,
            )
            for one in waiting
        ]
        taken = take_in(
            self._dataset,
            arrivals,
            collection=self._collection,
            step=self._step,
            fetched=[*fetched, *rejected],
        )
        self._step = taken.step
        return taken

    def _note_kept(self, kept: list[Waiting], taken: TakenIn) -> None:
        """Remember which files they became, and what the look at them found."""
        verdicts, hashes = [], []
        for one, file_id in zip(kept, taken.ids, strict=True):
            look = one.came.look
            assert look is not None and one.known is not None
            if file_id is None:  # it could not be put into place: another may come instead
                self._contents.pop(look.content, None)
                one.came.candidate.hunt.lose()
                continue
            one.known.file = file_id
            hashes.append((look.content, look.near))
            if min(look.verdict.width, look.verdict.height) >= CHECKED_SIDE:
                verdicts.append(
                    StoredVerdict(file_id=file_id, content=look.content, kind="good", reason=None)
                )
        save_verdicts(self._dataset, verdicts)
        save_near_hashes(self._dataset, hashes)

    def _with_reasons(self, aside: list[Waiting]) -> list[Waiting]:
        """Those set aside, each with a sentence that names what it is like."""
        likes = [one.like.file for one in aside if one.like and one.like.file is not None]
        names = _names(self._dataset, likes)
        told = []
        for one in aside:
            assert one.arrival.aside is not None
            like, kind = one.like, one.arrival.aside.kind
            if like is not None:
                name = shown(names.get(like.file or 0, "a photo that is gone by now"))
                reason = (
                    f"The same file as {name}"
                    if kind == "duplicate"
                    else f"Nearly the same picture as {name}"
                )
                reason += ", which is among the removed ones." if like.is_removed else "."
                noted = replace(one.arrival.aside, reason=reason, resembles=like.file)
                one = replace(one, arrival=replace(one.arrival, aside=noted))
            told.append(one)
        return told

    def _fetched(
        self, came: Came, outcome: str, *, reason: str | None = None, again: bool = False
    ) -> Fetched:
        hunt = came.candidate.hunt
        return Fetched(
            class_name=hunt.class_name,
            url=came.candidate.found.url,
            outcome=outcome,  # type: ignore[arg-type]
            reason=reason,
            again=again,
            via=hunt.engine,
            collection=self._collection,
        )


def _discard(came: Came) -> None:
    """Delete what was fetched."""
    if came.fetch.path is not None:
        came.fetch.path.unlink(missing_ok=True)


def _reason(verdict: Verdict) -> str:
    """Why a file was rejected, in words for one that was not taken in."""
    reason = verdict.reason or ""
    if verdict.kind == "not_an_image" and "web page" in reason:
        return A_PAGE
    for advice in ADVICE:
        reason = reason.removesuffix(advice)
    return reason


def _stem(class_name: str | None) -> str:
    """The first part of our names for photos of a class."""
    words = re.sub(r"[^\w-]+", "_", (class_name or "").lower()).strip("_")
    return words[:LONGEST_STEM] or "photo"


def _last_number(dataset: Dataset, class_name: str | None) -> int:
    """The highest number in our names among the photos of a class, those a person removed too."""
    pattern = re.compile(rf"{re.escape(_stem(class_name))}_(\d{{1,9}})\b")
    rows = dataset.connection().execute(
        f"SELECT path FROM file WHERE (place={PRESENT} OR place={REMOVED} AND id NOT IN "
        "(SELECT file FROM aside)) AND class IS ?",
        (None if class_name is None else class_name.encode("utf-8", "surrogateescape"),),
    )
    numbers = (pattern.match(decoded(path).rpartition("/")[2]) for (path,) in rows)
    return max((int(found[1]) for found in numbers if found), default=0)


def _last_row(dataset: Dataset) -> int:
    (last,) = dataset.connection().execute("SELECT coalesce(max(id), 0) FROM file").fetchone()
    return int(last)


def _known_contents(dataset: Dataset) -> dict[str, Known]:
    """The photos there are by content: present ones before removed ones."""
    rows = dataset.connection().execute(
        f"SELECT content, id, place FROM file WHERE place IN ({PRESENT}, {REMOVED}) "
        "AND content<>'' ORDER BY place DESC, id DESC"
    )
    return {
        content: Known(file=file_id, is_removed=place == REMOVED)
        for content, file_id, place in rows
    }


def _names(dataset: Dataset, ids: Iterable[int]) -> dict[int, str]:
    """Where some photos lie, or lay before they were removed."""
    connection = dataset.connection()
    wanted = set(ids)
    names = {row.id: row.path for row in rows_by_id(connection, wanted).values()}
    for one in wanted - names.keys():
        row = connection.execute("SELECT was FROM file WHERE id=? AND was IS NOT NULL", (one,))
        if (found := row.fetchone()) is not None:
            names[one] = decoded(found[0])
    return names
