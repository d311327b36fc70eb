"""The engines to choose from, with the choices each offers. Light: pages import it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.collect.engines import baidu, bing, flickr, google, openverse, wikimedia
from core.collect.engines.site import Site
from core.collect.engines.terms import Found, Outcome, Search

__all__ = [
    "ENGINES",
    "FILTER_TITLES",
    "SITES",
    "Choice",
    "Engine",
    "Found",
    "Outcome",
    "Search",
]

SITES: Mapping[str, Site] = {
    module.SITE.name: module.SITE for module in (bing, google, baidu, flickr, wikimedia, openverse)
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One value of a filter, and its name for people."""

    value: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A place to search.

    Attributes:
        sentence: What to expect of it.
        filters: What may be chosen, by "size", "type", "colour" and "licence"; none is fine.
        needs_key: Whether it only searches for those who have a key.
        licences: Whether its results name author and licence.
    """

    name: str
    title: str
    sentence: str
    filters: Mapping[str, Sequence[Choice]]
    needs_key: bool = False
    licences: bool = False


FILTER_TITLES: Mapping[str, str] = {
    "size": "Size",
    "type": "Kind of picture",
    "colour": "Colour",
    "licence": "Licence",
}
# One value means one thing on every engine, so that a choice can serve rows of several.
VALUE_TITLES: Mapping[str, Mapping[str, str]] = {
    "size": {
        "small": "Small",
        "medium": "Medium",
        "large": "Large",
        "huge": "Very large",
    },
    "type": {
        "photo": "Photo",
        "face": "Face",
        "clipart": "Clip art",
        "drawing": "Drawing",
        "transparent": "With a transparent ground",
    },
    "colour": {
        "colour": "In colour",
        "grey": "Black and white",
        "red": "Red",
        "orange": "Orange",
        "yellow": "Yellow",
        "green": "Green",
        "teal": "Teal",
        "blue": "Blue",
        "purple": "Purple",
        "pink": "Pink",
        "white": "White",
        "black": "Black",
        "brown": "Brown",
    },
    "licence": {
        "free": "Any free licence",
        "public": "Public domain",
        "share": "Free to share",
        "commercial": "Free to share, also for business",
        "change": "Free to share and to change",
        "commercial_change": "Free to share and to change, also for business",
    },
}
SENTENCES: Mapping[str, str] = {
    "bing": "Finds the most and works best at present. Says nothing of authors and licences.",
    "google": "Often refuses programs. When it does not, about 100 pictures at most.",
    "baidu": "China's search engine; works best with Chinese words.",
    "flickr": "Photos by people who photograph. Needs a free key of yours. Names the licences.",
    "wikimedia": "Free pictures of Wikipedia's library, with author and licence.",
    "openverse": "Free pictures of many collections, with author and licence; 240 at most.",
}


def offered(site: Site) -> Engine:
    return Engine(
        name=site.name,
        title=site.title,
        sentence=SENTENCES[site.name],
        filters={
            kind: tuple(Choice(value=v, title=t) for v, t in titles.items() if v in values)
            for kind, titles in VALUE_TITLES.items()
            if (values := site.filters.get(kind))
        },
        needs_key=site.name == "flickr",
        licences=site.name in {"flickr", "wikimedia", "openverse"},
    )


ENGINES: Mapping[str, Engine] = {name: offered(site) for name, site in SITES.items()}
