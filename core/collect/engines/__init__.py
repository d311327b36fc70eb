"""Where photos on the web are found: search engines, free collections, lists of addresses.

Importing this is light. icrawler and what it brings are loaded when a search begins.
"""

from core.collect.engines.bing import read_bing
from core.collect.engines.found import ENGINES, FILTER_TITLES, Choice, Engine
from core.collect.engines.searching import search
from core.collect.engines.terms import Found, Outcome, Search

__all__ = [
    "ENGINES",
    "FILTER_TITLES",
    "Choice",
    "Engine",
    "Found",
    "Outcome",
    "Search",
    "read_bing",
    "search",
]
