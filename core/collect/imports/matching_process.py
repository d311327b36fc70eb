"""A program that matches one pattern against names, and may be ended when it takes too long.

It reads ``{"pattern": "...", "names": [...]}`` from standard input and writes ``{"found": [...]}``,
a class or null for each name, or ``{"problem": "...", "at": 3}``. Nothing but the standard library
is imported, so that it starts at once; it is run by its path.
"""

import json
import re
import sys


def main() -> None:
    """Answer one question."""
    asked = json.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(answer(asked["pattern"], asked["names"])))


def answer(pattern: str, names: list[str]) -> dict[str, object]:
    """The class in each name, or what is wrong with the pattern."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        return {"problem": error.msg, "at": error.pos}
    except (RecursionError, OverflowError, MemoryError):
        return {"problem": "too complicated", "at": None}
    return {"found": [class_in(compiled, name) for name in names]}


def class_in(pattern: "re.Pattern[str]", name: str) -> str | None:
    """The first group of the first match, or the whole match where there is no group.

    The file's name is looked at; where it does not match, the whole path with a slash before it,
    for patterns such as ``/([^/]+)_\\d+.jpg$``.
    """
    match = pattern.search(name.rpartition("/")[2]) or pattern.search(f"/{name}")
    if match is None:
        return None
    found = match.group(1 if pattern.groups else 0)
    return (found or "").strip() or None


if __name__ == "__main__":
    main()
