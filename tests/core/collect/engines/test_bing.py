"""Bing's pages as they really are, as they were made to trip readers, and as they are not."""

import csv

import pytest

from core.collect.engines import read_bing


@pytest.fixture
def pages(test_data):
    return test_data / "search_pages"


def test_the_real_page_gives_all_its_47_pictures_in_order(pages):
    with open(pages / "bing_images_real.expected.csv", encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))

    found = read_bing((pages / "bing_images_real.html").read_text(encoding="utf-8"))

    assert len(expected) == 47
    assert [one.url for one in found] == [row["picture_url"] for row in expected]
    assert [one.page or "" for one in found] == [row["page_url"] for row in expected]
    assert [one.thumbnail or "" for one in found] == [row["thumbnail_url"] for row in expected]
    assert [one.title or "" for one in found] == [row["title"] for row in expected]
    assert (found[0].width, found[0].height) == (1000, 1000)
    assert sum(one.width is not None and one.height is not None for one in found) == 47


def test_the_made_page_gives_its_six_pictures_with_full_addresses(pages):
    found = read_bing((pages / "bing_async_made.html").read_text(encoding="utf-8"))

    assert [one.url for one in found] == [
        "http://127.0.0.1:8000/made/one.jpg",
        "http://127.0.0.1:8000/made/two.png",
        "http://127.0.0.1:8000/made/three.webp?w=300&h=200",
        "http://127.0.0.1:8000/made/four.jpeg",
        "http://127.0.0.1:8000/made/five.jpg?v=1&width=1445",
        "http://127.0.0.1:8000/made/no_extension",
    ]
    assert {one.page for one in found} == {"http://127.0.0.1:8000/"}
