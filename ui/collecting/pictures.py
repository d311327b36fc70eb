"""Small pictures and links as HTML, drawn many at a time. Every word in them is escaped."""

import html
from urllib.parse import urlsplit

from core.dataset import Dataset
from ui import media
from ui.words import shown

LINK_LENGTH = 90


def picture(dataset: Dataset, content: str, title: str, *, pixels: int) -> str:
    """A square cut of a photo; its size is kept free before it has come."""
    alt = html.escape(shown(title, limit=120), quote=True)
    return (
        f'<img src="{html.escape(media.thumb_url(dataset, content))}" alt="{alt}" loading="lazy" '
        f'width="{pixels}" height="{pixels}" '
        'style="object-fit:cover;border-radius:.35rem;flex:none;background:rgba(128,128,128,.15)">'
    )


def whole_picture(dataset: Dataset, content: str, title: str, *, height: int) -> str:
    """A photo in full, within a box of a fixed height."""
    alt = html.escape(shown(title, limit=120), quote=True)
    return (
        f'<img src="{html.escape(media.thumb_url(dataset, content))}" alt="{alt}" loading="lazy" '
        f'style="width:100%;height:{height}px;object-fit:contain;border-radius:.35rem;'
        'background:rgba(128,128,128,.15)">'
    )


def link(url: str, words: str | None = None) -> str:
    """A link that opens in a tab of its own and tells the site nothing; other kinds as text."""
    said = html.escape(shown(words or url, limit=LINK_LENGTH))
    if not leads_to_a_site(url):
        return said
    return (
        f'<a href="{html.escape(url, quote=True)}" target="_blank" '
        f'rel="noopener noreferrer" style="color:inherit;overflow-wrap:anywhere">{said}</a>'
    )


def leads_to_a_site(url: str) -> bool:
    """Whether an address is one a browser may be sent to."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
