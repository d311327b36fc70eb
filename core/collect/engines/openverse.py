"""Openverse: openly licensed pictures of many collections, with author and licence."""

from collections.abc import Mapping
from typing import Any

from core.collect.engines.site import Page, Site, Turn, chosen, path
from core.collect.engines.terms import Found, Search
from core.collect.engines.tidy import address, number, parsed, rows, table, words

A_PAGE = 20  # as many as those without an account may ask for
# One question a second is what those without an account are asked to keep to.
PAUSE_SECONDS = 1.0

FILTERS: Mapping[str, Mapping[str, str]] = {
    "size": {"small": "size=small", "medium": "size=medium", "large": "size=large"},
    "type": {"photo": "category=photograph", "drawing": "category=illustration"},
    "licence": {
        "free": "",  # as all are
        "share": "",
        "public": "license=cc0,pdm",
        "commercial": "license=by,by-sa,by-nd,cc0,pdm",
        "change": "license=by,by-sa,by-nc,by-nc-sa,cc0,pdm",
        "commercial_change": "license=by,by-sa,cc0,pdm",
    },
}


def read_page(json_text: str) -> Page:
    answer = table(parsed(json_text))
    results = rows(answer.get("results"))
    page, pages = number(answer.get("page")), number(answer.get("page_count"))
    return Page(
        found=tuple(picture for row in results if (picture := from_row(row))),
        rows=len(results),
        known=isinstance(answer.get("results"), list),
        more=page < pages if page and pages else None,
    )


def from_row(row: Mapping[str, Any]) -> Found | None:
    url = address(row.get("url"))
    if url is None:
        return None
    return Found(
        url=url,
        page=address(row.get("foreign_landing_url")),
        title=words(row.get("title")),
        author=words(row.get("creator")),
        licence=licence(row),
        licence_url=address(row.get("license_url")),
        width=number(row.get("width")),
        height=number(row.get("height")),
        thumbnail=address(row.get("thumbnail")),
    )


def licence(row: Mapping[str, Any]) -> str | None:
    """As people write it: "by-sa" of version "2.0" is CC BY-SA 2.0."""
    code, version = words(row.get("license")), words(row.get("license_version"))
    if code is None:
        return None
    if code == "pdm":
        return "Public domain"
    name = {"cc0": "CC0"}.get(code, f"CC {code.upper()}")
    return f"{name} {version}" if version else name


def ask(wanted: Search, turn: Turn, key: str | None) -> str:
    fields: dict[str, str | int] = {
        "q": wanted.query,
        "page": turn.page + 1,
        "page_size": A_PAGE,
    }
    return "&".join([path("/v1/images/", fields), *chosen(FILTERS, wanted).values()])


SITE = Site(
    name="openverse",
    title="Openverse",
    home="https://api.openverse.org",
    ask=ask,
    read=read_page,
    filters=FILTERS,
    headers={"Accept": "application/json"},
    pause_seconds=PAUSE_SECONDS,
    most_pages=12,  # further ones are for those with an account
)
