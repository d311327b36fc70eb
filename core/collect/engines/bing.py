"""Bing's image search: the address of each page, and our reading of it.

icrawler's parser looks for ``murl":"….jpg`` and so misses every PNG and cuts query strings off.
Here the JSON that Bing puts beside each picture is read as JSON, wherever it stands on the page.
"""

import html
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core.collect.engines.site import Page, Site, Turn, chosen, path
from core.collect.engines.terms import Found, Search
from core.collect.engines.tidy import MOST_ON_A_PAGE, address, number, parsed, table, words

A_PAGE = 35  # what Bing's own pages ask for
MARKED = re.compile(r"""\sm=(?:"([^"]*)"|'([^']*)')""")
REACH = 6000  # characters from a mark to the end of its tag, at most
LINKED = re.compile(r'href="([^"]*)"')
# Stands on Bing's answers whether or not a picture was found.
SHAPE = re.compile(r"dgControl|mmComponent|b_no\b|iusc|no_?results", re.IGNORECASE)

FILTERS: Mapping[str, Mapping[str, str]] = {
    "size": {
        "small": "imagesize-small",
        "medium": "imagesize-medium",
        "large": "imagesize-large",
        "huge": "imagesize-wallpaper",
    },
    "type": {
        "photo": "photo-photo",
        "clipart": "photo-clipart",
        "drawing": "photo-linedrawing",
        "transparent": "photo-transparent",
    },
    "colour": {
        "colour": "color2-color",
        "grey": "color2-bw",
        **{
            name: f"color2-FGcls_{code}"
            for name, code in {
                "red": "RED",
                "orange": "ORANGE",
                "yellow": "YELLOW",
                "green": "GREEN",
                "teal": "TEAL",
                "blue": "BLUE",
                "purple": "PURPLE",
                "pink": "PINK",
                "white": "WHITE",
                "black": "BLACK",
                "brown": "BROWN",
            }.items()
        },
    },
    "licence": {
        "free": "licenseType-Any",
        "public": "license-L1",
        "share": "license-L2_L3_L4_L5_L6_L7",
        "commercial": "license-L2_L3_L4",
        "change": "license-L2_L3_L5_L6",
        "commercial_change": "license-L2_L3",
    },
}


def read_bing(page: str) -> list[Found]:
    """The pictures on a result page of Bing, in its order; [] for a page of another shape."""
    return list(read_page(page).found)


def read_page(page: str) -> Page:
    marked = list(marks(page))
    found = [picture for mark, sizes in marked if (picture := from_mark(mark, sizes))]
    # Should Bing drop its marks one day, the links to its own viewer still name the pictures.
    found = found or list(islice(linked(page), MOST_ON_A_PAGE))
    known = bool(found or SHAPE.search(page))
    return Page(found=tuple(found), rows=len(marked) or len(found), known=known)


def marks(page: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """What Bing notes beside each picture, and the fields of the link that follows in its tag.

    The link's own address may be Bing's copy of the picture; its sizes are the picture's.
    """
    matches = (match for match in MARKED.finditer(page) if "murl" in match.group())
    for match in islice(matches, MOST_ON_A_PAGE):
        mark = table(parsed(html.unescape(match.group(1) or match.group(2))))
        if "murl" in mark:
            tag_end = page.find(">", match.end(), match.end() + REACH)
            link = LINKED.search(page, match.end(), max(tag_end, match.end()))
            yield mark, viewer_link(link.group(1)) if link else {}


def linked(page: str) -> Iterator[Found]:
    for match in LINKED.finditer(page):
        link = viewer_link(match.group(1))
        if url := address(link.get("mediaurl")):
            yield Found(url=url, width=number(link.get("expw")), height=number(link.get("exph")))


def viewer_link(text: str) -> Mapping[str, str]:
    """The fields of a link to Bing's viewer; none for another link."""
    if "mediaurl=" not in text:
        return {}
    try:
        fields = parse_qs(urlsplit(html.unescape(text)).query, max_num_fields=100)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def from_mark(mark: Mapping[str, Any], sizes: Mapping[str, str]) -> Found | None:
    url = address(mark["murl"])
    if url is None:
        return None
    return Found(
        url=url,
        page=address(mark.get("purl")),
        title=words(mark.get("t")),
        width=number(sizes.get("expw")),
        height=number(sizes.get("exph")),
        thumbnail=address(mark.get("turl")),
    )


def ask(wanted: Search, turn: Turn, key: str | None) -> str:
    fields: dict[str, str | int] = {
        "q": wanted.query,
        "first": turn.seen + 1,
        "count": A_PAGE,
    }
    filters = "".join(f"+filterui:{value}" for value in chosen(FILTERS, wanted).values())
    return path("/images/async", {**fields, "qft": filters} if filters else fields)


SITE = Site(
    name="bing",
    title="Bing",
    home="https://www.bing.com",
    ask=ask,
    read=read_page,
    filters=FILTERS,
    headers={"Accept-Language": "en"},
)
