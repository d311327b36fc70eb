"""Google's image search: the address of each page, and our reading of it.

Google ships its results as arrays inside scripts: ``["address",height,width]`` for the small
copy, then for the picture itself, and further on ``"2003":[null,"id","page","title"``. Where
these stand on the page has changed often; the shape of the arrays has not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from urllib.parse import parse_qs, urlsplit

from core.collect.engines.site import Page, Site, Turn, chosen, path
from core.collect.engines.terms import Ending, Found, Search
from core.collect.engines.tidy import MOST_ON_A_PAGE, address, number, parsed, words

A_PAGE = 100
# A JSON string without what opens another one, so that noise is read once.
TEXT = r'"((?:[^"\\\n]|\\.){0,4096})"'
PICTURE_OR_PAGE = re.compile(
    rf'\[\s*"(http(?:[^"\\\n]|\\.){{4,4096}})"\s*,\s*(\d{{1,7}})\s*,\s*(\d{{1,7}})\s*\]'
    rf'|"2003"\s*:\s*\[\s*null\s*,\s*{TEXT}\s*,\s*{TEXT}\s*,\s*{TEXT}'
)
SMALL_COPIES = ("gstatic.com", "googleusercontent.com", "google.com")
OLD_LINK = re.compile(r'href="([^"]{0,8192})"')
# A page for browsers that run scripts: Google sends it to programs it does not like.
SCRIPTS_ONLY = re.compile(r"/httpservice/retry/enablejs|enablejs\?", re.IGNORECASE)
OLD_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")
SHAPE = re.compile(r"AF_initDataCallback|google\.ldi|/imgres\?")

FILTERS: Mapping[str, Mapping[str, str]] = {
    "size": {"small": "isz:i", "medium": "isz:m", "large": "isz:l", "huge": "isz:lt,islt:4mp"},
    "type": {
        "photo": "itp:photo",
        "face": "itp:face",
        "clipart": "itp:clipart",
        "drawing": "itp:lineart",
    },
    "colour": {
        "colour": "ic:color",
        "grey": "ic:gray",
        **{
            name: f"ic:specific,isc:{name}"
            for name in (
                "red",
                "orange",
                "yellow",
                "green",
                "teal",
                "blue",
                "purple",
                "pink",
                "white",
                "black",
                "brown",
            )
        },
    },
    "licence": {"free": "il:cl"},
}


def read_google(page: str) -> list[Found]:
    """The pictures on a result page of Google, in its order; [] for a page of another shape."""
    return list(read_page(page).found)


def read_page(page: str) -> Page:
    # Older pages hold the same arrays inside a string of a script, with its quotes as \x22.
    plain = page.replace(r"\x22", '"').replace(r"\x5b", "[").replace(r"\x5d", "]")
    found = list(islice(pictures(plain), MOST_ON_A_PAGE))
    found = found or list(islice(linked(page), MOST_ON_A_PAGE))
    known = bool(found or SHAPE.search(page))
    trouble: Ending | None = "blocked" if not found and SCRIPTS_ONLY.search(page) else None
    return Page(found=tuple(found), rows=len(found), known=known, trouble=trouble)


def pictures(page: str) -> Iterator[Found]:
    small: str | None = None
    last: Found | None = None
    for match in PICTURE_OR_PAGE.finditer(page):
        written, height, width, _, source, title = match.groups()
        if written is None:
            if last is not None:
                last = replace(last, page=address(text(source)), title=words(text(title)))
            continue
        url = address(text(written))
        if url is None:
            continue
        if is_small_copy(url):
            small = url
            continue
        if last is not None:
            yield last
        last = Found(url=url, width=number(width), height=number(height), thumbnail=small)
        small = None
    if last is not None:
        yield last


def text(written: str) -> str | None:
    r"""What stands between a script's quotes: \u003d is read as JSON, \x3d made so before."""
    json_text = OLD_ESCAPE.sub(r"\\u00\1", written)
    read = parsed(f'"{json_text}"')
    return read if isinstance(read, str) else None


def is_small_copy(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return any(host == name or host.endswith(f".{name}") for name in SMALL_COPIES)


def linked(page: str) -> Iterator[Found]:
    """Pictures of the plain pages for old browsers, which name them in links to the viewer."""
    for match in OLD_LINK.finditer(page):
        if "imgurl=" in match.group(1):
            try:
                fields = parse_qs(
                    urlsplit(match.group(1).replace("&amp;", "&")).query, max_num_fields=100
                )
            except ValueError:
                continue
            one = {name: values[0] for name, values in fields.items()}
            if url := address(one.get("imgurl")):
                yield Found(
                    url=url,
                    page=address(one.get("imgrefurl")),
                    width=number(one.get("w")),
                    height=number(one.get("h")),
                )


def ask(wanted: Search, turn: Turn, key: str | None) -> str:
    fields: dict[str, str | int] = {
        "q": wanted.query,
        "tbm": "isch",
        "ijn": turn.page,
        "start": turn.page * A_PAGE,
    }
    filters = ",".join(chosen(FILTERS, wanted).values())
    return path("/search", {**fields, "tbs": filters} if filters else fields)


SITE = Site(
    name="google",
    title="Google",
    home="https://www.google.com",
    ask=ask,
    read=read_page,
    filters=FILTERS,
    headers={"Accept-Language": "en"},
)
