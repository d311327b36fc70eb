"""Baidu's image search: the address of each page, and our reading of it.

Baidu writes a picture's address and its page in a simple cipher, and leaves them out now and
then; its own copy, which it shows while the pointer rests on a result, then has to do.
"""

import re
from collections.abc import Mapping
from typing import Any

from core.collect.engines.site import Page, Site, Turn, chosen, path
from core.collect.engines.terms import Found, Search
from core.collect.engines.tidy import address, number, parsed, rows, table, words

A_PAGE = 30
SIGNS = {"_z2C$q": ":", "_z&e3B": ".", "AzdH3F": "/"}
LETTERS = str.maketrans(
    "wkv1ju2it3hs4g5rq6fp7eo8dn9cm0bla",
    "abcdefghijklmnopqrstuvw1234567890",
)
# JSON knows no \' and no lone backslash; Baidu sends both.
BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')

FILTERS: Mapping[str, Mapping[str, str]] = {
    "size": {"small": "z=1", "medium": "z=2", "large": "z=3", "huge": "z=9"},
    "type": {
        "face": "s=0&lm=0&st=-1&face=1",
        "clipart": "s=0&lm=0&st=1&face=0",
        "drawing": "s=0&lm=0&st=2&face=0",
    },
    "colour": {
        name: f"ic={code}"
        for name, code in {
            "grey": 2048,
            "red": 1,
            "orange": 256,
            "yellow": 2,
            "green": 4,
            "teal": 8,
            "blue": 16,
            "purple": 32,
            "pink": 64,
            "white": 1024,
            "black": 512,
            "brown": 12,
        }.items()
    },
}


def read_baidu(json_text: str) -> list[Found]:
    """The pictures in an answer of Baidu, in its order; [] for one of another shape."""
    return list(read_page(json_text).found)


def read_page(json_text: str) -> Page:
    answer = table(parsed(json_text) or parsed(BAD_ESCAPE.sub("", json_text)))
    if answer.get("antiFlag"):
        return Page(known=True, trouble="captcha")
    results = [row for row in rows(answer.get("data")) if row]
    found = tuple(picture for row in results if (picture := from_row(row)))
    return Page(found=found, rows=len(results), known=isinstance(answer.get("data"), list))


def from_row(row: Mapping[str, Any]) -> Found | None:
    replaced = next(iter(rows(row.get("replaceUrl"))), {})
    candidates = [
        deciphered(row.get("objURL")),
        deciphered(replaced.get("ObjURL")),
        *(row.get(name) for name in ("hoverURL", "middleURL", "thumbURL")),
    ]
    url = next((url for one in candidates if (url := address(one))), None)
    if url is None:
        return None
    return Found(
        url=url,
        page=address(deciphered(row.get("fromURL"))) or address(replaced.get("FromURL")),
        title=words(row.get("fromPageTitle")) or words(row.get("fromPageTitleEnc")),
        width=number(row.get("width")),
        height=number(row.get("height")),
        thumbnail=address(row.get("thumbURL")),
    )


def deciphered(value: object) -> str | None:
    """An address out of Baidu's cipher; one that is plain stays as it is."""
    if not isinstance(value, str) or value.startswith(("http://", "https://")):
        return value if isinstance(value, str) else None
    for cipher, sign in SIGNS.items():
        value = value.replace(cipher, sign)
    return value.translate(LETTERS)


def ask(wanted: Search, turn: Turn, key: str | None) -> str:
    fields: dict[str, str | int] = {
        "tn": "resultjson_com",
        "ipn": "rj",
        "ie": "utf-8",
        "oe": "utf-8",
        "word": wanted.query,
        "queryWord": wanted.query,
        "pn": turn.page * A_PAGE,
        "rn": A_PAGE,
    }
    return "&".join([path("/search/acjson", fields), *chosen(FILTERS, wanted).values()])


SITE = Site(
    name="baidu",
    title="Baidu",
    home="https://image.baidu.com",
    ask=ask,
    read=read_page,
    filters=FILTERS,
    headers={"Accept-Language": "zh-CN,zh;q=0.9", "Accept": "application/json, text/plain, */*"},
)
