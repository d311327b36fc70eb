"""Pages of every other shape: nothing is found, nothing is raised, and it does not take long."""

import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from core.collect.engines import Found, read_baidu, read_bing, read_google
from core.collect.engines.found import SITES
from core.collect.engines.site import Page

READERS = {name: site.read for name, site in SITES.items()}
OTHER_PAGES = {
    "empty": "",
    "blank": " \n\t ",
    "another language": "<html lang='fr'><h1>Résultats</h1><p>Rien à voir ici.</p></html>",
    "captcha": '<form id="captcha-form"><div class="g-recaptcha"></div></form>',
    "null": "null",
    "a number": "1e999",
    "a text": '"photos"',
    "a list": "[1, 2, 3]",
    "cut short": '{"data": [{"objURL": "http',
    "too deep": "[" * 200_000,
    "deep inside": '{"data":' + "[" * 100_000 + "]" * 100_000 + "}",
    "a large number": '{"data": [{"width": ' + "9" * 10_000 + "}]}",
    "marks that are none": '<a m="{murl}"></a><a m=\'murl\'></a><a m="[&quot;murl&quot;]"></a>',
    "marks of other types": '<a m="{&quot;murl&quot;: [1], &quot;t&quot;: {}}"></a>',
    "arrays that are none": '<script>["http", 1, 2], ["http://", 1, 2], [null]</script>',
}
WRONG = [None, 0, -1, 1.5, True, "", "x", [], {}, [[]], [None], {"": None}, "\ud800", "http://"]


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("page", OTHER_PAGES.values(), ids=OTHER_PAGES)
def test_a_page_of_another_shape_gives_nothing(name, page):
    assert READERS[name](page).found == ()


@pytest.mark.parametrize("read", [read_bing, read_google, read_baidu])
def test_the_readers_of_the_three_engines_give_a_list(read):
    assert read("<p>something else") == []


@pytest.mark.parametrize("name", ["baidu", "flickr", "wikimedia", "openverse"])
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_json_with_wrong_types_gives_nothing(name, wrong):
    row = dict.fromkeys(
        ("objURL", "url", "url_l", "imageinfo", "index", "id", "owner", "license", "replaceUrl"),
        wrong,
    )
    inside = {"thumburl": wrong, "url": wrong, "extmetadata": wrong}
    shapes = [
        {"data": wrong, "photos": wrong, "query": wrong, "results": wrong, "error": wrong},
        {"error": {"code": wrong}, "stat": "fail", "code": wrong},
        {"photos": {"photo": wrong, "page": wrong, "pages": wrong}, "query": {"pages": wrong}},
        {"data": [wrong, row], "photos": {"photo": [wrong, row]}, "results": [wrong, row]},
        {"query": {"pages": [row, {"imageinfo": [inside]}]}, "continue": wrong},
    ]

    for shape in shapes:
        page = READERS[name](json.dumps(shape))
        assert isinstance(page, Page)
        assert page.found == ()


@settings(max_examples=200, deadline=None)
@given(
    some.recursive(
        some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
        lambda inner: (
            some.lists(inner, max_size=4)
            | some.dictionaries(
                some.sampled_from(
                    "data objURL photos photo page pages query results imageinfo url continue "
                    "error stat code extmetadata Artist value url_l replaceUrl index title".split()
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=25,
    )
)
def test_any_json_at_all_is_read_without_an_exception(value):
    text = json.dumps(value)
    for read in READERS.values():
        assert all(isinstance(one, Found) for one in read(text).found)


@settings(max_examples=200, deadline=None)
@given(
    some.lists(
        some.sampled_from(
            [
                "<a ",
                ' m="',
                " m='",
                "{",
                "&quot;murl&quot;:",
                "http://",
                '"',
                "'",
                ">",
                "[",
                "]",
                ",",
            ]
            + [
                "1",
                "\\x22",
                "\\u003d",
                '"2003":[null,',
                'href="',
                "?mediaurl=",
                "imgurl=",
                "\\",
                "\0",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_any_heap_of_pieces_is_read_without_an_exception(text):
    for read in READERS.values():
        assert all(one.url.startswith("http") for one in read(text).found)


NOISE = {
    "bytes": random.Random(0).randbytes(65536).decode("latin-1"),
    "marks left open": ' m="',
    "marks without sense": ' m="{&quot;murl&quot;:1}"',
    "links left open": 'href="?mediaurl=',
    "arrays left open": '["http',
    "arrays with blanks": '["httpaaaa"' + " " * 5000,
    "records left open": '"2003":[null,"',
    "tags left open": "<a m=<",
    "brackets": '{"data":[',
    "escapes": "\\'",
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_ten_megabytes_of_noise_are_read_in_seconds(noise):
    text = (noise * (10_000_000 // len(noise) + 1))[:10_000_000]

    for name, read in READERS.items():
        at = time.thread_time()
        assert read(text).found == ()
        # A reader that goes over the rest of the page from every piece would take hours.
        assert time.thread_time() - at < 8, name
