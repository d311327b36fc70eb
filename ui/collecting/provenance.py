"""Where photos came from: beside each photo, in numbers, and to be searched."""

import html
from datetime import datetime

import streamlit as st

from core.dataset import Dataset, FileRow, sources
from core.dataset.sources import Source
from ui.collecting.pictures import link, picture
from ui.words import count, plain, shown

WAYS_IN = {
    "bing": "Bing",
    "google": "Google",
    "baidu": "Baidu",
    "flickr": "Flickr",
    "wikimedia": "Wikimedia Commons",
    "openverse": "Openverse",
    "list": "List of links",
    "upload": "Upload",
    "camera": "Camera",
    "folder": "Folder",
    "set": "Ready-made set",
    "generator": "Drawn by Winnow",
}
ENGINES = frozenset({"bing", "google", "baidu", "flickr", "wikimedia", "openverse"})
A_PAGE = 12
PIXELS = 96
MOST_FOUND = 500


def way_in(via: str) -> str:
    """The way in, as people call it; a text."""
    return WAYS_IN.get(via, via)


def lines(source: Source) -> tuple[str, ...]:
    """What is known of where a photo came from, in short sentences; each a text to show."""
    said = [_came(source)]
    if source.title:
        said.append(f"Title: {shown(source.title, limit=200)}")
    if rights := _rights(source):
        said.append(rights)
    if source.page:
        said.append(f"Page: {shown(source.page, limit=200)}")
    if source.url:
        said.append(f"Address: {shown(source.url, limit=200)}")
    return tuple(said)


def draw(dataset: Dataset) -> None:
    """Draw the tally and the search, folded."""
    key = f"collect_from_{dataset.token}"
    with st.expander(
        "Where photos came from", icon=":material/travel_explore:", key=key, on_change="rerun"
    ) as folded:
        if not folded.open:
            return
        _draw_tally(dataset)
        words = st.text_input(
            "Find photos",
            key="collect_find",
            icon=":material/search:",
            placeholder="search words, a site, a title, an author, a licence, a file",
            max_chars=200,
        ).strip()
        if words:
            _draw_found(dataset, words)


def _draw_tally(dataset: Dataset) -> None:
    counted = sources.tally(dataset)
    if not counted:
        st.caption("These photos were in the folder already; of such photos only names are known.")
        return
    st.dataframe(
        {
            "Came from": [shown(way_in(one.via)) for one in counted],
            "Search words, or name": [shown(one.query or "", limit=80) for one in counted],
            "Photos": [one.photos for one in counted],
        },
        hide_index=True,
        key="collect_tally",
        height="content" if len(counted) <= 12 else 440,
    )


def _draw_found(dataset: Dataset, words: str) -> None:
    ids = sources.search(dataset, words, limit=MOST_FOUND)
    if not ids:
        st.caption(f"No photo holds all of these words: {plain(words, limit=80)}.")
        return
    newest = "The newest " if len(ids) >= MOST_FOUND else ""
    st.markdown(f"**{newest}{count(len(ids), 'photo')}**")
    pages = -(-len(ids) // A_PAGE)
    key = f"collect_found_page_{hash(words)}"
    page = min(st.session_state.get(key, 1), pages)
    part = ids[(page - 1) * A_PAGE : page * A_PAGE]
    rows, known = dataset.get(part), sources.sources_of(dataset, part)
    listed = [_row(dataset, rows[one], known.get(one)) for one in part if one in rows]
    st.html(
        '<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));'
        f'gap:0 1.5rem">{"".join(listed)}</div>'
    )
    if pages > 1:
        st.pagination(pages, key=key)


def _row(dataset: Dataset, row: FileRow, source: Source | None) -> str:
    title = "unsorted" if row.class_name is None else row.class_name
    said = [f"<b>{html.escape(shown(title, limit=60))}</b>"]
    if source is not None:
        said += [html.escape(line) for line in (_came(source), _rights(source)) if line]
        if source.title:
            said.append(html.escape(shown(source.title, limit=120)))
        if source.page:
            said.append(link(source.page))
        if source.url:
            said.append(link(source.url, "The picture there"))
    said.append(f'<span style="opacity:.7">{html.escape(shown(row.path, limit=80))}</span>')
    words = "".join(f'<div style="overflow-wrap:anywhere">{line}</div>' for line in said)
    return (
        '<div style="display:flex;gap:.9rem;align-items:flex-start;padding:.5rem 0;'
        'border-bottom:1px solid rgba(128,128,128,.2)">'
        f"{picture(dataset, row.content, f'A photo of {title}', pixels=PIXELS)}"
        f'<div style="font-size:.875rem;min-width:0">{words}</div></div>'
    )


def _came(source: Source) -> str:
    name = shown(source.query or "", limit=80)
    when = datetime.fromtimestamp(source.at).strftime("%d %b %Y").lstrip("0") if source.at else ""
    if source.via in ENGINES:
        came = f"Found with {way_in(source.via)}" + (f", searching for “{name}”" if name else "")
    elif source.via == "camera":
        came = "Taken with the camera"
    elif source.via == "generator":
        came = "Drawn by Winnow" + (f": {name}" if name else "")
    else:
        leads = {"list": "From a list of links", "upload": "Uploaded", "folder": "From a folder"}
        lead = leads.get(source.via, f"From {shown(way_in(source.via)).lower()}")
        came = lead + (f": {name}" if name else "")
    return f"{came}, {when}" if when else came


def _rights(source: Source) -> str:
    parts = []
    if source.author:
        parts.append(f"By {shown(source.author, limit=100)}")
    if source.licence:
        parts.append(f"Licence: {shown(source.licence, limit=60)}")
    if source.licence_url:
        parts.append(shown(source.licence_url, limit=120))
    return " · ".join(parts)
