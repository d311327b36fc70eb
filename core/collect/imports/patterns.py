"""Classes read out of file names by a regular expression, as in fast.ai's ``from_name_re``.

A pattern may be written so that trying it takes longer than the universe has existed, and Python
cannot interrupt it. So every pattern a person types runs in a process that is ended in time.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.collect.imports.names import spread
from core.errors import DatasetError

PROGRAM = Path(__file__).with_name("matching_process.py")
SECONDS_FOR_A_PREVIEW = 2.0
SECONDS_FOR_ALL = 30.0
MOST_CHARACTERS = 500
NAMES_TO_SUGGEST_FROM = 2_000
LONGEST_NAME = 255  # an archive's names may have 65,535 characters

TOO_SLOW = (
    "This pattern takes too long to try. A part that may repeat inside another that may repeat, "
    "such as (a+)+, does this. Write it more simply."
)
TOO_COMPLICATED = "This pattern is too long or too complicated. Write it more simply."


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A pattern that fits the names, as it is offered."""

    title: str
    pattern: str
    examples: tuple[tuple[str, str], ...]  # a few names, each with the class found in it
    classes: int
    matched: int  # of the names looked at
    looked_at: int


# From the most particular to the most general: between equals the first wins.
_SHAPES = (
    ("What stands before the last _ and a number", r"^(.+)_\d+\.[^.]+$"),
    ("What stands before the last dot and a number", r"^(.+)\.\d+\.[^.]+$"),
    ("What stands before the last - and a number", r"^(.+)-\d+\.[^.]+$"),
    ("What stands before a number in brackets", r"^(.+?) ?\(\d+\)\.[^.]+$"),
    ("What stands after a number", r"^\d+[_\-. ]+(\D.*)\.[^.]+$"),
    ("The letters before a number", r"^([^\W\d_]+)[ ]?\d+\.[^.]+$"),
    ("The first word", r"^([^\W\d_]+)[_\-. ].*$"),
    ("The last word", r"^.*[_\-. ]([^\W\d_]+)\.[^.]+$"),
)


def class_by_pattern(
    pattern: str, names: Sequence[str], *, seconds: float = SECONDS_FOR_ALL
) -> list[str | None]:
    """The class that a pattern finds in each name: its first group, or else the whole match.

    Args:
        pattern: As the person typed it.
        names: Paths. The last part is looked at, then the whole path with a slash before it.
        seconds: When to give up.

    Raises:
        DatasetError: If it is no pattern, or takes too long; in plain words.
    """
    if len(pattern) > MOST_CHARACTERS:
        raise DatasetError(TOO_COMPLICATED)
    question = json.dumps({"pattern": pattern, "names": list(names)}).encode()
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", str(PROGRAM)],
            input=question,
            capture_output=True,
            timeout=seconds,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired as error:
        raise DatasetError(TOO_SLOW) from error
    if ended.returncode != 0:
        raise DatasetError(TOO_COMPLICATED)
    answer = json.loads(ended.stdout)
    if "problem" in answer:
        raise DatasetError(_in_plain_words(answer["problem"], answer["at"], pattern))
    found: list[str | None] = answer["found"]
    return found


def suggest_patterns(names: Sequence[str]) -> list[Suggestion]:
    """Patterns for common shapes of names, such as great_pyrenees_173.jpg, the best first.

    One that makes a class of nearly every photo, or the same of all, is not offered.
    """
    drawn = spread(names, NAMES_TO_SUGGEST_FROM)
    some = [name.rpartition("/")[2][:LONGEST_NAME] for name in drawn]
    found = [one for title, pattern in _SHAPES if (one := _suggestion(title, pattern, some))]
    found.sort(key=lambda one: -round(one.matched / one.looked_at, 1))
    by_examples = {one.examples: one for one in reversed(found)}
    return [one for one in found if by_examples[one.examples] is one]


def _suggestion(title: str, pattern: str, names: Sequence[str]) -> Suggestion | None:
    compiled = re.compile(pattern)
    matches = [(name, match[1].strip()) for name in names if (match := compiled.search(name))]
    counts = Counter(class_name for _, class_name in matches)
    if len(counts) < 2 or len(matches) * 2 < len(names) or len(counts) * 2 > len(matches):
        return None
    examples = {class_name: name for name, class_name in reversed(matches)}
    return Suggestion(
        title=title,
        pattern=pattern,
        examples=tuple((examples[name], name) for name, _ in counts.most_common(3)),
        classes=len(counts),
        matched=len(matches),
        looked_at=len(names),
    )


_PROBLEMS = (
    ("unterminated subpattern", "A bracket ( is never closed by )"),
    ("unbalanced parenthesis", "A bracket ) closes nothing"),
    ("unterminated character set", "A bracket [ is never closed by ]"),
    ("nothing to repeat", "A *, + or ? has nothing before it that could repeat"),
    ("multiple repeat", "Two signs for repeating stand one after the other"),
    ("min repeat greater than max", "A repeat {from,to} begins higher than it ends"),
    ("bad character range", "A range such as a-z runs the wrong way"),
    ("bad escape (end of pattern)", "The pattern ends in a \\ with nothing after it"),
    ("bad escape", "A \\ stands before a letter that has no meaning with it"),
    ("unknown extension", "A bracket begins with (? and something unknown"),
    ("look-behind requires fixed-width", "A part (?<=...) must be of one fixed length"),
    ("invalid group reference", "A \\ with a number names a bracket that is not there"),
    ("too complicated", TOO_COMPLICATED.removesuffix(".")),
)


def _in_plain_words(problem: str, at: int | None, pattern: str) -> str:
    words = next((plain for known, plain in _PROBLEMS if known in problem), None)
    words = words or f"This is no pattern ({problem})"
    if at is None or at >= len(pattern):
        return f"{words}."
    return f"{words}, at place {at + 1}: {pattern[at : at + 12]}"
