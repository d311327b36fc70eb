"""Addresses of pictures that name nothing, answered without a browser."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from core.dataset import Dataset
from core.dataset.recent import remember
from core.train import preview
from core.train.augment_choices import PRESETS
from tests.trained_sets import finish, train_on_made_features
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
        "path": path.partition("?")[0],
        "headers": [(b"host", b"localhost:8501")],
        "query_string": path.partition("?")[2].encode(),
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


def seen(root, question):
    dataset = Dataset.open(root)
    content = dataset.rows()[0].content
    return f"/pictures/{remember(root)}/seen/{content}.webp?{question}"


@pytest.fixture
def some_photos(photo_set):
    root = photo_set({"cat": 1})
    finish(Dataset.open(root).reconcile())
    yield root
    preview.close()


def test_a_photo_is_shown_as_the_network_sees_it(some_photos):
    content = Dataset.open(some_photos).rows()[0].content
    dataset = Dataset.open(some_photos)
    remember(some_photos)
    side = PRESETS["side"].choices

    assert status(media.seen_url(dataset, content, size=64)) == 200
    assert status(media.seen_url(dataset, content, size=64, seed=10**17, choices=side)) == 200
    assert status(media.seen_url(dataset, content, size=64, channel="red")) == 200


@pytest.mark.parametrize(
    "question",
    [
        "",
        "size=31",
        "size=1025",
        "size=-64",
        "size=" + "9" * 5000,
        "size=64&seed=x",
        "size=64&change=",
        "size=64&change=sideways",
        "size=64&change=%7B",
        "size=64&change=%5B1%5D",
        "size=64&change=5",
        "size=64&change=" + "%5B" * 5000,
        "size=64&change=%7B%22rotate%22:1e999%7D",
        "size=64&change=%7B%22shear%22:1%7D",
    ],
)
def test_a_question_that_makes_no_sense_is_not_found(some_photos, question):
    assert status(seen(some_photos, question)) == 404


def test_a_photo_that_is_not_there_is_not_found(some_photos):
    token = remember(some_photos)

    assert status(f"/pictures/{token}/seen/{'0' * 32}.webp?size=64") == 404
    assert status(f"/pictures/{'0' * 16}/seen/{'0' * 32}.webp?size=64") == 404
