"""A table of file and class, as from a spreadsheet: which photo gets which class.

Every line counts: one that cannot be used is named, with its number and what is wrong.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.collect.imports.names import cleaned
from core.dataset.names import canonical, check_class_name, photos, shown
from core.errors import DatasetError

FILE_WORDS = frozenset("file filename file_name image image_name img name path photo id".split())
CLASS_WORDS = frozenset("class class_name label labels category target breed species".split())
DELIMITERS = (",", ";", "\t")
MOST_PROBLEMS = 500
ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A line that cannot be used as it is."""

    line: int  # counted from 1, as an editor shows it
    sentence: str  # begins with "Line 7:"


@dataclass(frozen=True, kw_only=True)
class ClassList:
    """What a table says about some photos."""

    classes: dict[str, str]  # class by path
    unlisted: tuple[str, ...]  # paths that no line names
    problems: tuple[Problem, ...]  # by line
    new_classes: tuple[str, ...]  # classes that the data set does not have, by name

    @property
    def sentences(self) -> tuple[str, ...]:
        """The problems in words, the first ``MOST_PROBLEMS``."""
        words = tuple(problem.sentence for problem in self.problems[:MOST_PROBLEMS])
        more = len(self.problems) - len(words)
        return (*words, f"{more:,} more lines cannot be used.") if more else words


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    file: str
    label: str


def read_class_list(
    data: bytes,
    names: Sequence[str],
    *,
    known: Sequence[str] = (),
    make_new: bool = True,
) -> ClassList:
    """Read a table with a column of files and one of classes, with a header or without.

    A file is found by its path, the end of its path, its name, or its name without the extension,
    if that is one photo's alone.

    Args:
        data: The table; commas, semicolons or tabs between columns.
        names: Paths of the photos.
        known: Classes that the data set has.
        make_new: Whether other classes may be made. Else a line with one is a problem.

    Raises:
        DatasetError: If it is no such table.
    """
    finder = _Finder(names)
    lines, problems = _lines(_rows(_text(data)), finder)
    classes: dict[str, str] = {}
    told_by: dict[str, int] = {}
    spelling = {canonical(name): name for name in known}
    for line in lines:
        try:
            path, label = finder.find(line.file), _class(line.label, spelling, make_new=make_new)
        except DatasetError as error:
            problems.append(Problem(line=line.number, sentence=f"Line {line.number}: {error}"))
            continue
        before = classes.setdefault(path, label)
        first = told_by.setdefault(path, line.number)
        if before != label:
            problems.append(
                Problem(
                    line=line.number,
                    sentence=f"Line {line.number}: {shown(line.file)} is {shown(before)} by line "
                    f"{first}. That one counts.",
                )
            )
    if not classes:
        raise DatasetError(_nothing_fits(problems))
    return ClassList(
        classes=classes,
        unlisted=tuple(name for name in names if name not in classes),
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        new_classes=tuple(sorted(set(classes.values()) - set(known))),
    )


def _nothing_fits(problems: Sequence[Problem]) -> str:
    if not problems:
        return "The list names no photo. It needs a column of file names and one of classes."
    return (
        f"No line of the list can be used. {problems[0].sentence} A list needs a column of file "
        "names and one of classes."
    )


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes anything")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """The rows that hold something, each with the line it begins on."""
    head = text[:10_000]
    delimiter = max(DELIMITERS, key=lambda one: (head.count(one), -DELIMITERS.index(one)))
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    rows = []
    begins = 1
    try:
        for row in reader:
            values = [value.strip() for value in row]
            if any(values):
                rows.append((begins, values))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(f"Line {begins} of the list cannot be read ({error}).") from error
    if not rows:
        raise DatasetError("The list is empty.")
    return rows


def _lines(
    rows: list[tuple[int, list[str]]], finder: "_Finder"
) -> tuple[list[_Line], list[Problem]]:
    first = [value.lower() for value in rows[0][1]]
    width = max(len(row) for _, row in rows)
    if width < 2:
        raise DatasetError("The list has one column. It needs file names and classes.")
    has_header = _is_header(rows, finder)
    body = rows[1:] if has_header else rows
    file_at = _file_column(body, width, finder, first if has_header else [])
    class_at = _class_column(width, file_at, first if has_header else [])
    lines, problems = [], []
    for number, row in body:
        if len(row) <= max(file_at, class_at):
            sentence = f"Line {number}: it has fewer columns than the others."
            problems.append(Problem(line=number, sentence=sentence))
        else:
            lines.append(_Line(number=number, file=row[file_at], label=row[class_at]))
    return lines, problems


def _is_header(rows: list[tuple[int, list[str]]], finder: "_Finder") -> bool:
    """Whether the first row names the columns; a line about a missing photo must be told."""
    first = rows[0][1]
    if len(rows) < 2 or any(map(finder.knows, first)):
        return False
    if {value.lower() for value in first} & (FILE_WORDS | CLASS_WORDS):
        return True
    again = {value for _, row in rows[1:] for value in row}
    return not any("." in value or value in again for value in first)


def _file_column(
    body: Iterable[tuple[int, list[str]]], width: int, finder: "_Finder", header: list[str]
) -> int:
    """The column whose values are photos most often; by its title where none is."""
    hits = [0] * width
    for _, row in body:
        for at, value in enumerate(row):
            hits[at] += finder.knows(value)
    if any(hits):
        return hits.index(max(hits))
    return next((at for at, title in enumerate(header) if title in FILE_WORDS), 0)


def _class_column(width: int, file_at: int, header: list[str]) -> int:
    titled = (at for at, title in enumerate(header) if title in CLASS_WORDS and at != file_at)
    return next(titled, next(at for at in range(width) if at != file_at))


def _class(label: str, spelling: dict[str, str], *, make_new: bool) -> str:
    if not label:
        raise DatasetError("no class is given.")
    known = spelling.get(canonical(label))
    if known is not None:
        return known
    if not make_new:
        raise DatasetError(f"there is no class {shown(label)} in this data set.")
    check_class_name(label, [])
    spelling[canonical(label)] = label
    return label


class _Finder:
    """Finds the one photo that a table means."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {name: name for name in names}
        self._by: list[dict[str, list[str]]] = [{}, {}]
        for name in names:
            last = canonical(name.rpartition("/")[2])
            self._by[0].setdefault(last, []).append(name)
            self._by[1].setdefault(last.rpartition(".")[0] or last, []).append(name)

    def knows(self, value: str) -> bool:
        """Whether a value could mean a photo."""
        last = canonical(cleaned(value).rpartition("/")[2])
        return bool(last) and any(last in by for by in self._by)

    def find(self, value: str) -> str:
        """The path that a value means."""
        path = cleaned(value)
        if path in self._exact:
            return path
        last = canonical(path.rpartition("/")[2])
        for by in self._by:
            found = by.get(last, [])
            if len(found) > 1 and "/" in path:
                end = canonical(f"/{path}")
                found = [name for name in found if canonical(f"/{name}").endswith(end)]
            if len(found) == 1:
                return found[0]
            if found:
                raise DatasetError(
                    f"{photos(len(found))} are called {shown(value)}. Give the folder too."
                )
        raise DatasetError(f"there is no photo {shown(value) or 'without a name'}.")
