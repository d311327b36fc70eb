"""Values from a stranger's page, made into what they should be, or None. Nothing here raises."""

import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

LONGEST_ADDRESS = 4096
LONGEST_TEXT = 500
MOST_ON_A_PAGE = 2000  # results; what claims more is noise
LARGEST = 1_000_000
INLINE_TAG = re.compile(r"</?(?:strong|em|b|i|mark|font|span)\b[^<>]*>", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")
# Control characters, and the private-use marks Bing sets around the words searched for.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ue000-\uf8ff\ud800-\udfff]+")
# What addresses may not hold; spaces inside are common in the wild and are sent as %20.
NOT_IN_ADDRESS = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def address(value: object) -> str | None:
    """A full http or https address as it was written, or None."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or len(text) > LONGEST_ADDRESS or NOT_IN_ADDRESS.search(text):
        return None
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
    except ValueError:
        return None
    return text if named and parts.scheme.lower() in {"http", "https"} else None


def words(value: object) -> str | None:
    """Plain text in one line, without tags and entities, cut to a sensible length; or None."""
    if not isinstance(value, str):
        return None
    text = INLINE_TAG.sub("", value[: LONGEST_TEXT * 8])
    text = html.unescape(TAG.sub(" ", text))
    text = " ".join(UNSEEN.sub(" ", text).split())
    return text[:LONGEST_TEXT] or None


def number(value: object) -> int | None:
    """A whole number from 1 to a million, such as a side in pixels, or None."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, str):
        if len(value) > 7 or not (value.isascii() and value.isdigit()):
            return None
        value = int(value)
    return value if 0 < value <= LARGEST else None


def parsed(text: str) -> Any:  # noqa: ANN401 - JSON may hold anything
    """What a JSON text says, or None where it is none (as for ``null``)."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def table(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The objects of a JSON list (or of an object's values); [] for anything else."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return []
    return [row for row in value[:MOST_ON_A_PAGE] if isinstance(row, dict)]
