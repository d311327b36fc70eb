"""Wikimedia Commons, the library behind Wikipedia: free pictures with author and licence."""

from collections.abc import Mapping
from typing import Any

from core.collect.engines.site import Page, Site, Turn, chosen, path
from core.collect.engines.terms import Ending, Found, Search
from core.collect.engines.tidy import address, number, parsed, rows, table, words

A_PAGE = 50
FILES = 6  # the namespace of files
# One of the widths that Commons keeps ready; others are made on demand, which it limits strictly.
WIDTH = 960
DETAILS = "Artist|LicenseShortName|UsageTerms|LicenseUrl|ObjectName"
PICTURES = "filetype:bitmap"
LIMITS = {"maxlag", "ratelimited", "toomanyrequests"}
MOST_CARRIED = 20
ALL = ""  # what all of Commons allows needs no filter

FILTERS: Mapping[str, Mapping[str, str]] = {
    "size": {
        "small": "filew:<640",
        "medium": "filew:640,1600",
        "large": "filew:>1600",
        "huge": "filew:>4000",
    },
    "type": {"photo": "filemime:image/jpeg", "drawing": "filetype:drawing"},
    "licence": {
        "public": "haslicense:unrestricted",
        **dict.fromkeys(("free", "share", "commercial", "change", "commercial_change"), ALL),
    },
}


def read_page(json_text: str) -> Page:
    answer = table(parsed(json_text))
    if "error" in answer:
        code = str(table(answer["error"]).get("code"))
        trouble: Ending = "limit" if code in LIMITS else "down"
        return Page(known=True, trouble=trouble)
    results = rows(table(answer.get("query")).get("pages"))
    results.sort(key=lambda row: number(row.get("index")) or 0)
    carry = {
        str(name): str(value)
        for name, value in list(table(answer.get("continue")).items())[:MOST_CARRIED]
        if isinstance(value, str | int)
    }
    known = "query" in answer or "batchcomplete" in answer
    return Page(
        found=tuple(picture for row in results if (picture := from_row(row))),
        rows=len(results),
        known=known,
        carry=carry,
        more=bool(carry) if known else None,
    )


def from_row(row: Mapping[str, Any]) -> Found | None:
    info = next(iter(rows(row.get("imageinfo"))), {})
    scaled = address(info.get("thumburl"))
    url = scaled or address(info.get("url"))
    if url is None:
        return None
    details = table(info.get("extmetadata"))

    def detail(name: str) -> str | None:
        return words(table(details.get(name)).get("value"))

    licence_url = detail("LicenseUrl")
    if licence_url and licence_url.startswith("//"):
        licence_url = f"https:{licence_url}"
    return Found(
        url=url,
        page=address(info.get("descriptionurl")),
        title=detail("ObjectName") or words(row.get("title")),
        author=detail("Artist"),
        licence=detail("LicenseShortName") or detail("UsageTerms"),
        licence_url=address(licence_url),
        width=number(info.get("thumbwidth" if scaled else "width")),
        height=number(info.get("thumbheight" if scaled else "height")),
        thumbnail=scaled,
    )


def ask(wanted: Search, turn: Turn, key: str | None) -> str:
    filters = chosen(FILTERS, wanted)
    kind = filters.pop("type", PICTURES)
    fields: dict[str, str | int] = {
        "action": "query",
        "format": "json",
        "formatversion": 2,
        "generator": "search",
        "gsrsearch": " ".join([wanted.query, kind, *filters.values()]),
        "gsrnamespace": FILES,
        "gsrlimit": A_PAGE,
        "prop": "imageinfo",
        "iiprop": "url|size|extmetadata",
        "iiextmetadatafilter": DETAILS,
        "iiextmetadatalanguage": "en",
        "iiurlwidth": WIDTH,
    }
    return path("/w/api.php", {**fields, **turn.carried})


SITE = Site(
    name="wikimedia",
    title="Wikimedia Commons",
    home="https://commons.wikimedia.org",
    ask=ask,
    read=read_page,
    filters=FILTERS,
)
