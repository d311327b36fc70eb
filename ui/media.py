"""Pictures over HTTP: made once, kept by the browser, given only to Winnow's own pages.

An address names a recent data set by its token and a photo by its content, both looked up, so
that no address reaches a file outside a data set. A content never changes, so the browser may
keep its picture for good.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from core.dataset import Dataset
from core.errors import WinnowError
from core.images.shrinking import thumbnail_apart
from core.images.thumbnails import LARGE_SIDE
from core.train import preview
from core.train.augment_choices import VERSION, AugmentChoices, choices_of
from core.train.settings import LARGEST_SIZE, SMALLEST_SIZE
from ui import open_sets

FOR_GOOD = "private, max-age=31536000, immutable"
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
GOODBYE = "/goodbye"

_CONTENT = re.compile(r"[0-9a-f]{32}")
_TOKEN = re.compile(r"[0-9a-f]{16}")
_RUN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,80}")
_NUMBER = re.compile(r"[0-9]{1,18}")  # SQLite takes no whole number of 2**63 or more

# Shown where a file holds no picture, such as in the list of damaged files.
NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="256" height="256">'
    '<rect width="64" height="64" rx="6" fill="#9993"/>'
    '<path d="M18 20h28v24H18z M18 38l8-8 6 6 5-5 9 9" fill="none" stroke="#888" '
    'stroke-width="2" stroke-linejoin="round"/>'
    '<path d="M14 50L50 14" stroke="#888" stroke-width="3" stroke-linecap="round"/></svg>'
)


def thumb_url(dataset: Dataset, content: str) -> str:
    """Address of a photo's small picture, longest side 256 pixels."""
    return f"/pictures/{dataset.token}/thumb/{content}.webp"


def photo_url(dataset: Dataset, content: str) -> str:
    """Address of a photo's large view."""
    return f"/pictures/{dataset.token}/photo/{content}.webp"


def heat_url(dataset: Dataset, run: str, file_id: int, class_index: int) -> str:
    """Address of a photo with its heat map for one class of a run drawn over it."""
    return f"/pictures/{dataset.token}/heat/{run}/{file_id}/{class_index}.webp"


def seen_url(
    dataset: Dataset,
    content: str,
    *,
    size: int,
    seed: int = 0,
    choices: AugmentChoices | None = None,
    channel: preview.Channel | None = None,
) -> str:
    """Address of a photo as the network sees it; the arguments are those of ``preview.picture``."""
    asked: dict[str, str | int] = {"size": size, "v": VERSION}
    if choices is not None:
        asked |= {"seed": seed, "change": json.dumps(choices.to_json(), separators=(",", ":"))}
    if channel is not None:
        asked["channel"] = channel
    return f"/pictures/{dataset.token}/seen/{content}.webp?{urlencode(asked)}"


def _thumb(request: Request) -> Response:
    return _photo_as(request, thumbnail_apart, "thumbs")


def _photo(request: Request) -> Response:
    return _photo_as(request, partial(thumbnail_apart, side=LARGE_SIDE), "thumbs/large")


def _photo_as(request: Request, make: Callable[[Path, str, Path], Path], folder: str) -> Response:
    content = request.path_params["content"]
    dataset = _dataset_for(request)
    if dataset is None or not _CONTENT.fullmatch(content):
        return _refused(404)
    try:
        source = dataset.by_content(content)
        if source is None:
            return _refused(404)
        return _picture(make(source, content, dataset.home / folder))
    except (WinnowError, OSError):
        return _no_picture()


def _heat(request: Request) -> Response:
    run, numbers = request.path_params["run"], _numbers(request, "file_id", "class_index")
    dataset = _dataset_for(request)
    if dataset is None or numbers is None or not _RUN.fullmatch(run):
        return _refused(404)
    # Numbers and the engine are loaded only once someone asks for a map.
    from core.review.heat_map import heat_map_file

    try:
        return _picture(heat_map_file(dataset, run, *numbers))
    except (WinnowError, OSError, IndexError, KeyError):
        return _refused(404)  # no stand-in: the page says in a sentence that there is no map


def _seen(request: Request) -> Response:
    content = request.path_params["content"]
    dataset, asked = _dataset_for(request), _asked_to_see(request)
    if dataset is None or asked is None or not _CONTENT.fullmatch(content):
        return _refused(404)
    try:
        source = dataset.by_content(content)
        if source is None:
            return _refused(404)
        made = preview.picture(source, content, **asked)
    except (WinnowError, OSError):
        return _no_picture()
    headers = {**SAFE_HEADERS, "Cache-Control": FOR_GOOD}
    return Response(made, media_type="image/webp", headers=headers)


def _asked_to_see(request: Request) -> preview.Asked | None:
    """How a photo is to be shown, or None where the address makes no sense."""
    given = request.query_params
    size, seed = given.get("size", ""), given.get("seed", "0")
    if not (_NUMBER.fullmatch(size) and _NUMBER.fullmatch(seed)):
        return None
    if not SMALLEST_SIZE <= int(size) <= LARGEST_SIZE:
        return None
    try:
        choices = choices_of(json.loads(given["change"])) if "change" in given else None
    except (WinnowError, ValueError, TypeError, RecursionError):
        return None
    channel = next((one for one in preview.CHANNELS if one == given.get("channel")), None)
    return {"size": int(size), "seed": int(seed), "choices": choices, "channel": channel}


def _goodbye(request: Request) -> Response:
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Winnow has ended</title>'
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;"
        "padding:0 1.5rem;color-scheme:light dark;background:Canvas;color:CanvasText}</style>"
        "<h1>Winnow has ended</h1><p>Everything is saved. You can close this tab.</p>"
        "<p>To come back, start Winnow again the way you started it before.</p></html>"
    )
    return HTMLResponse(page, headers=SAFE_HEADERS)


def _numbers(request: Request, *names: str) -> list[int] | None:
    """Whole numbers from the address, or None where one is none or too large to be one of ours."""
    given = [request.path_params[name] for name in names]
    if not all(_NUMBER.fullmatch(one) for one in given):
        return None
    return [int(one) for one in given]


def _dataset_for(request: Request) -> Dataset | None:
    token = request.path_params["token"]
    if not _host_is_ours(request) or not _TOKEN.fullmatch(token):
        return None
    try:
        return open_sets.by_token(token)
    except WinnowError:
        return None


def _host_is_ours(request: Request) -> bool:
    """Whether the browser asked this computer by its own name.

    A page elsewhere can point its own name at this computer (DNS rebinding); then the Host
    header still has that other name.
    """
    from streamlit import config

    host = re.sub(r":\d+$", "", request.headers.get("host", "")).lower()
    return host in LOCAL_HOSTS or host in (config.get_option("server.allowedHosts") or ())


def _picture(path: Path) -> Response:
    headers = {**SAFE_HEADERS, "Cache-Control": FOR_GOOD}
    return FileResponse(path, media_type="image/webp", headers=headers)


def _no_picture() -> Response:
    headers = {**SAFE_HEADERS, "Cache-Control": "no-store"}
    return Response(NO_PICTURE, media_type="image/svg+xml", headers=headers)


def _refused(status: int) -> Response:
    return Response(status_code=status, headers={**SAFE_HEADERS, "Cache-Control": "no-store"})


# Plain functions, so Starlette runs them in threads and decoding holds up nobody.
# Streamlit keeps "/media/" for itself.
ROUTES = [
    Route("/pictures/{token}/thumb/{content}.webp", _thumb),
    Route("/pictures/{token}/photo/{content}.webp", _photo),
    Route("/pictures/{token}/heat/{run}/{file_id}/{class_index}.webp", _heat),
    Route("/pictures/{token}/seen/{content}.webp", _seen),
    Route(GOODBYE, _goodbye),
]
