"""Lists of addresses, pasted or from a file: one a line, or a table with a column of classes.

Each line is read by itself, so that a bad one spoils no other. The separator is what people's
programs write: a tab, a semicolon or a comma. Addresses may hold commas and semicolons too, so
without a heading a separator only counts where it parts an address from something else.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.collect.engines.tidy import LONGEST_ADDRESS, address, words
from core.dataset.names import canonical, check_class_name
from core.errors import DatasetError

SEPARATORS = "\t;,"
URL_NAMES = {
    *("url", "urls", "link", "links", "address", "src", "source", "href", "image", "images"),
    *(
        "image_url",
        "imageurl",
        "picture_url",
        "photo_url",
        "img_url",
        "picture",
        "photo",
        "file_url",
    ),
}
CLASS_NAMES = {"class", "class_name", "classname", "label", "labels", "category", "tag", "target"}
LINE_END = re.compile(r"\r\n|\r|\n")
BEGINS = re.compile(r"https?://", re.IGNORECASE)
# How addresses of any kind begin: "ftp://", "data:image/png", "//host/path"; and "www.host/path".
OTHER_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:\S|//\S|www\.\S", re.IGNORECASE)
SEVERAL = re.compile(r"\s+(?=https?://)", re.IGNORECASE)
# What may stand around an address in a list copied out of a program or a message.
AROUND = " \t\"'<>[],;"
PICTURE_END = re.compile(r"\.(jpe?g|png|webp|gif|bmp|tiff?|heic|avif)$", re.IGNORECASE)
MOST_PROBLEMS = 200
TO_JUDGE_BY = 500  # lines
BYTE_ORDERS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An address on a list. ``line`` is counted from 1."""

    url: str
    class_name: str | None
    line: int


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """What stands on a list in an address's place and cannot be asked for."""

    written: str
    reason: str  # a sentence
    is_address: bool  # of another kind, such as ftp: or data:, or one with a class that cannot be


@dataclass(frozen=True, kw_only=True)
class UrlList:
    """What a list holds, in its order, and a sentence for each line that cannot be used."""

    rows: tuple[Listed, ...]
    problems: tuple[str, ...]
    unusable: tuple[Unusable, ...] = ()  # of these lines, those that only repeat others aside


@dataclass(frozen=True, kw_only=True)
class Table:
    """How a line is taken apart: by which separator, and which columns are what."""

    separator: str
    columns: int
    url: int
    label: int | None
    announced: bool = False  # by a heading


def text_of(data: bytes) -> str:
    """A list's text: Unicode as it says or as it reads, else Western European. Never raises."""
    for mark, encoding in BYTE_ORDERS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_list(text: str, *, name: str = "") -> UrlList:
    """Read a list of addresses; ``name`` is its file's, for the sentences."""
    lines = [
        (number, line.strip())
        for number, line in enumerate(LINE_END.split(text.removeprefix("\ufeff")), start=1)
    ]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    rows: list[Listed] = []
    problems: list[str] = []
    unusable: list[Unusable] = []
    first_at: dict[tuple[str, str | None], int] = {}
    classes = Classes()
    of_file = f" of {shown}" if (shown := words(name)) else ""
    table = heading(lines[0][1]) if lines else None
    if table is not None:
        if table.label is None and table.columns > 1:
            problems.append(
                f"Line {lines[0][0]}{of_file}: no column is called class or label, so these "
                "photos come without a class."
            )
        lines = lines[1:]
    else:
        table = table_without_heading([line for _, line in lines[:TO_JUDGE_BY]])
    for number, line in lines:
        for url, label in taken_apart(line, table):
            good = address(bare(url))
            class_name, objection = classes.named(label)
            if good is None:
                problems.append(f"Line {number}{of_file}: {complaint(url or line)}")
                unusable.append(no_address(url or line))
            elif objection:
                problems.append(f"Line {number}{of_file}: {objection}")
                unusable.append(Unusable(written=good, reason=objection, is_address=True))
            elif (earlier := first_at.setdefault((good, class_name), number)) != number:
                problems.append(f"Line {number}{of_file} repeats line {earlier}.")
            else:
                rows.append(Listed(url=good, class_name=class_name, line=number))
    if len(problems) > MOST_PROBLEMS:
        more = len(problems) - MOST_PROBLEMS
        problems[MOST_PROBLEMS:] = [f"And {more:,} more lines that cannot be used."]
    return UrlList(rows=tuple(rows), problems=tuple(problems), unusable=tuple(unusable))


class Classes:
    """The classes of a list: of names that differ only in capitals, the first stands for all."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[str | None, str | None]] = {}
        self._first: dict[str, str] = {}  # by what look-alikes share

    def named(self, written: str) -> tuple[str | None, str | None]:
        """The class a label means, if any, and why there cannot be one, if so."""
        if written not in self._named:
            self._named[written] = self._judged(words(written))
        return self._named[written]

    def _judged(self, label: str | None) -> tuple[str | None, str | None]:
        if label is None:
            return None, None
        try:
            check_class_name(label, [])
        except DatasetError as error:
            return None, str(error)
        return self._first.setdefault(canonical(label), label), None


def heading(line: str) -> Table | None:
    """The table that a first line announces, if it names a column of addresses."""
    if BEGINS.search(line):
        return None
    for separator in SEPARATORS:
        names = [field.casefold().replace(" ", "_") for field in fields_of(line, separator)]
        url = column_of_addresses(names)
        if url is None or (len(names) == 1 and separator != SEPARATORS[-1]):
            continue
        label = next((place for place, name in enumerate(names) if name in CLASS_NAMES), None)
        if label is None and len(names) == 2:
            label = 1 - url
        return Table(separator=separator, columns=len(names), url=url, label=label, announced=True)
    return None


def column_of_addresses(names: Sequence[str]) -> int | None:
    """The first column called so, else the first whose name ends like one (picture_url)."""
    called = [place for place, name in enumerate(names) if name in URL_NAMES]
    like = [place for place, name in enumerate(names) if name.endswith("url")]
    return next(iter([*called, *like]), None)


def table_without_heading(lines: Sequence[str]) -> Table | None:
    """The way most lines can be taken apart, or None for a plain list."""
    best: tuple[int, Table] | None = None
    for separator in SEPARATORS:
        for url in (0, 1):
            table = Table(separator=separator, columns=2, url=url, label=1 - url)
            good = sum(parts_well(line, table) for line in lines)
            if good and (best is None or good > best[0]):
                best = (good, table)
    return best[1] if best else None


def parts_well(line: str, table: Table) -> bool:
    """Whether a line is an address and a class, and not an address with a separator inside."""
    fields = fields_of(line, table.separator)
    if len(fields) != 2 or address(bare(fields[table.url])) is None:
        return False
    return is_class(fields[1 - table.url])


def is_class(text: str) -> bool:
    """Whether this can be a class, and not the rest of an address."""
    return bool(text) and not PICTURE_END.search(text) and not re.search(r"[/?=&]", text)


def taken_apart(line: str, table: Table | None) -> Iterator[tuple[str, str]]:
    """The addresses of a line (rarely more than one), with what is written for their class."""
    if table is not None:
        fields = fields_of(line, table.separator)
        extra = len(fields) - table.columns
        if extra > 0:  # the address was written without quotes and holds separators itself
            end = table.url + extra + 1
            fields[table.url : end] = [table.separator.join(fields[table.url : end])]
        if len(fields) == table.columns:
            label = fields[table.label] if table.label is not None else ""
            # With a heading, only what ends like a picture's name is the rest of an address.
            could_be = not PICTURE_END.search(label) if table.announced else is_class(label)
            if could_be or not label or table.columns > 2 or not address(line):
                yield fields[table.url], label
                return
    for one in SEVERAL.split(line):
        yield one, ""


def bare(text: str) -> str:
    """An address without what stands around it; (brackets) of its own stay."""
    text = text.strip(AROUND)
    if text.startswith("(") or (text.endswith(")") and "(" not in text):
        text = text.strip("()").strip(AROUND)
    return text


def fields_of(line: str, separator: str) -> list[str]:
    """The fields of one line; quotes count where they are closed."""
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        fields = line.split(separator)
    return [field.strip() for field in fields]


def complaint(text: str) -> str:
    """Why this is no address, for people."""
    shown = words(text) or ""
    shown = f"{shown[:80]}…" if len(shown) > 80 else shown
    return f"“{shown}” {what_is_wrong(text)}"


def what_is_wrong(text: str) -> str:
    """The end of a sentence about what is no address."""
    if BEGINS.match(text):
        return "is not a complete web address."
    return "is not a web address. It must begin with http:// or https://."


def no_address(text: str) -> Unusable:
    """A line that holds no address, or one of a kind that Winnow never asks."""
    text = text.strip().strip("\"'")
    return Unusable(
        written=text if len(text) <= LONGEST_ADDRESS else f"{text[:LONGEST_ADDRESS]}…",
        reason=f"This {what_is_wrong(text)}",
        is_address=bool(OTHER_ADDRESS.match(text)),
    )
