"""Names and numbers as a person reads them. File and class names may hold anything."""

import re
import time

_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")  # ASCII punctuation, all of which \ escapes
_JOINERS = "\u200c\u200d"  # hold emoji and some scripts together; not printable, but harmless
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Emoji codes and bare web addresses are found after escapes were resolved; an invisible
# character in them keeps them text.
_AFTER_ESCAPES = re.compile(r"(:|@|www(?=\.))", re.IGNORECASE)
_INVISIBLE = "\u2060"


def shown(name: str, *, limit: int | None = None) -> str:
    """A name as text: what cannot be seen or is not valid text shown as escapes.

    Args:
        name: File or class name, possibly with bytes that are not UTF-8.
        limit: Characters kept, the middle left out.
    """
    text = "".join(_visible(character) for character in name)
    if limit is not None and len(text) > limit:
        head = (limit - 1) * 2 // 3
        text = f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
    if _RIGHT_TO_LEFT.search(text):
        text = f"\u2068{text}\u2069"  # keeps the words around it in their order
    return text


def plain(name: str, *, limit: int | None = None) -> str:
    """A name for Markdown and widget labels: shown as it is written, nothing in it takes effect."""
    text = _AFTER_ESCAPES.sub(rf"\1{_INVISIBLE}", shown(name, limit=limit))
    return _MARKDOWN.sub(r"\\\1", text)


def count(number: int, thing: str, things: str | None = None) -> str:
    """A number with its noun: "1 photo", "3,412 photos", "2 classes"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def percent(share: float) -> str:
    """A share of one in percent: "3.5 %"; never "0.0 %" for what is not nothing."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f} %"


def ago(moment: float, *, now: float | None = None) -> str:
    """How long ago a moment (seconds since 1970) was: "just now", "5 minutes ago"."""
    seconds = (time.time() if now is None else now) - moment
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return f"{count(int(seconds // size), unit)} ago"
    return "just now"


def duration(seconds: float) -> str:
    """A length of time: "0.8 seconds", "12 seconds", "3 min 5 s"."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    if seconds < 60:
        return f"{seconds:.0f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _visible(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python reads it from a name
        return f"\\x{code - 0xDC00:02x}"
    return ascii(character)[1:-1]
