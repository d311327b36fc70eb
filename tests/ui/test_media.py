"""Addresses of pictures that name nothing, answered without a browser."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from core.dataset.recent import remember
from tests.trained_sets import train_on_made_features
from ui import media


def status(path: str) -> int:
    """What an address is answered with."""
    sent = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(b"host", b"localhost:8501")],
        "query_string": b"",
    }

    async def answer() -> None:
        await Starlette(routes=media.ROUTES)(scope, receive, send)

    # In a thread of its own: Playwright keeps an event loop in this one after a browser test.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, answer()).result()
    return sent[0]["status"]


@pytest.mark.parametrize(
    "numbers", [f"{2**63}/0", f"1/{2**63}", "9" * 5000 + "/0", "-1/0", "x/0", "999999/0", "1/99"]
)
def test_a_heat_map_of_no_photo_or_class_is_not_found(photo_set, numbers):
    root = photo_set({"cat": 12, "dog": 12})
    run = train_on_made_features(root)

    assert status(f"/pictures/{remember(root)}/heat/{run.id}/{numbers}.webp") == 404
