"""Flickr, through its public interface, which asks for a key."""

import re
from collections.abc import Mapping
from typing import Any

from core.collect.engines.site import Page, Site, Turn, chosen, path
from core.collect.engines.terms import Found, Search
from core.collect.engines.tidy import address, number, parsed, rows, table, words

A_PAGE = 250
KEY_REFUSED = {100, 98, 99, 108, 116, 117}
# Sizes from the best for training downwards: 1024 pixels, 800, 640, 2048, the original, 500.
SIZES = ("l", "c", "z", "k", "o", "m", "n")
A_NAME = re.compile(r"[\w@-]{1,60}", re.ASCII)
CC = "https://creativecommons.org"
LICENCES: Mapping[str, tuple[str, str | None]] = {
    "0": ("All rights reserved", None),
    "1": ("CC BY-NC-SA 2.0", f"{CC}/licenses/by-nc-sa/2.0/"),
    "2": ("CC BY-NC 2.0", f"{CC}/licenses/by-nc/2.0/"),
    "3": ("CC BY-NC-ND 2.0", f"{CC}/licenses/by-nc-nd/2.0/"),
    "4": ("CC BY 2.0", f"{CC}/licenses/by/2.0/"),
    "5": ("CC BY-SA 2.0", f"{CC}/licenses/by-sa/2.0/"),
    "6": ("CC BY-ND 2.0", f"{CC}/licenses/by-nd/2.0/"),
    "7": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "8": ("United States government work", "https://www.usa.gov/government-copyright"),
    "9": ("CC0 1.0", f"{CC}/publicdomain/zero/1.0/"),
    "10": ("Public domain", f"{CC}/publicdomain/mark/1.0/"),
    "11": ("CC BY 4.0", f"{CC}/licenses/by/4.0/"),
    "12": ("CC BY-SA 4.0", f"{CC}/licenses/by-sa/4.0/"),
    "13": ("CC BY-ND 4.0", f"{CC}/licenses/by-nd/4.0/"),
    "14": ("CC BY-NC 4.0", f"{CC}/licenses/by-nc/4.0/"),
    "15": ("CC BY-NC-SA 4.0", f"{CC}/licenses/by-nc-sa/4.0/"),
    "16": ("CC BY-NC-ND 4.0", f"{CC}/licenses/by-nc-nd/4.0/"),
}

FILTERS: Mapping[str, Mapping[str, str]] = {
    "type": {"photo": "content_type=1", "drawing": "content_type=3"},
    "colour": {
        "grey": "styles=blackandwhite",
        **{
            name: f"color_codes={code}"
            for name, code in {
                "red": "0",
                "orange": "2",
                "yellow": "4",
                "green": "5",
                "teal": "7",
                "blue": "8",
                "purple": "9",
                "pink": "a",
                "white": "c",
                "black": "e",
                "brown": "1",
            }.items()
        },
    },
    "licence": {
        "free": "license=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
        "public": "license=7,8,9,10",
        "commercial": "license=4,5,6,7,8,9,10,11,12,13",
        "change": "license=1,2,4,5,7,8,9,10,11,12,14,15",
        "commercial_change": "license=4,5,7,8,9,10,11,12",
    },
}


def read_page(json_text: str) -> Page:
    answer = table(parsed(json_text))
    if answer.get("stat") == "fail":
        return Page(
            known=True, trouble="key" if number(answer.get("code")) in KEY_REFUSED else "down"
        )
    photos = table(answer.get("photos"))
    results = rows(photos.get("photo"))
    page, pages = number(photos.get("page")), number(photos.get("pages"))
    return Page(
        found=tuple(picture for row in results if (picture := from_row(row))),
        rows=len(results),
        known=isinstance(photos.get("photo"), list),
        more=page < pages if page and pages else None,
    )


def from_row(row: Mapping[str, Any]) -> Found | None:
    size = next((size for size in SIZES if address(row.get(f"url_{size}"))), None)
    if size is None:
        return None
    owner, photo = str(row.get("owner")), str(row.get("id"))
    named = A_NAME.fullmatch(owner) and A_NAME.fullmatch(photo)
    licence, licence_url = LICENCES.get(str(row.get("license")), (None, None))
    return Found(
        url=row[f"url_{size}"],
        page=f"https://www.flickr.com/photos/{owner}/{photo}" if named else None,
        title=words(row.get("title")),
        author=words(row.get("ownername")),
        licence=licence,
        licence_url=licence_url,
        width=number(row.get(f"width_{size}")),
        height=number(row.get(f"height_{size}")),
        thumbnail=address(row.get("url_n")) or address(row.get("url_m")),
    )


def ask(wanted: Search, turn: Turn, key: str | None) -> str:
    fields: dict[str, str | int] = {
        "method": "flickr.photos.search",
        "api_key": key or "",
        "format": "json",
        "nojsoncallback": 1,
        "text": wanted.query,
        "sort": "relevance",
        "media": "photos",
        "safe_search": 1,
        "extras": "license,owner_name," + ",".join(f"url_{size}" for size in SIZES),
        "per_page": A_PAGE,
        "page": turn.page + 1,
    }
    return "&".join([path("/services/rest/", fields), *chosen(FILTERS, wanted).values()])


SITE = Site(
    name="flickr",
    title="Flickr",
    home="https://api.flickr.com",
    ask=ask,
    read=read_page,
    filters=FILTERS,
    most_pages=16,  # 4,000 photos; the pages after those repeat
)
