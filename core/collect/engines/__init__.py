"""Where photos on the web are found: search engines, free collections, lists of addresses.

Importing this is light. icrawler and what it brings are loaded when a search begins.
"""

from core.collect.engines.baidu import read_baidu
from core.collect.engines.bing import read_bing
from core.collect.engines.found import ENGINES, FILTER_TITLES, Choice, Engine
from core.collect.engines.google import read_google
from core.collect.engines.searching import search
from core.collect.engines.terms import Found, Outcome, Search
from core.collect.engines.url_list import Listed, UrlList, read_list, text_of

__all__ = [
    "ENGINES",
    "FILTER_TITLES",
    "Choice",
    "Engine",
    "Found",
    "Listed",
    "Outcome",
    "Search",
    "UrlList",
    "read_baidu",
    "read_bing",
    "read_google",
    "read_list",
    "search",
    "text_of",
]
