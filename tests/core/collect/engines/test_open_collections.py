"""Wikimedia Commons, Openverse and Flickr: pictures whose author and licence are known."""

import json
import threading

import pytest

from core.collect.engines import Found
from core.collect.engines.found import SITES


def commons_file(number, **more):
    name = f"https://upload.example/thumb/{number}.jpg"
    info = {
        "url": f"https://upload.example/{number}.jpg",
        "width": 4000,
        "height": 3000,
        "thumburl": f"{name}/960px-{number}.jpg",
        "thumbwidth": 960,
        "thumbheight": 720,
        "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{number}.jpg",
        "extmetadata": {
            "Artist": {"value": '<a href="//x" title="User:Jane">Jane <b>Doe</b></a>'},
            "LicenseShortName": {"value": "CC BY-SA 4.0"},
            "LicenseUrl": {"value": "https://creativecommons.org/licenses/by-sa/4.0"},
            "ObjectName": {"value": f"Muffin {number} &amp; tea"},
        },
    }
    return {"index": number, "title": f"File:{number}.jpg", "imageinfo": [info | more]}


def test_commons_gives_a_scaled_picture_with_author_licence_and_page():
    answer = {"query": {"pages": [commons_file(2), commons_file(1)]}, "batchcomplete": True}

    first, second = SITES["wikimedia"].read(json.dumps(answer)).found

    assert first == Found(
        url="https://upload.example/thumb/1.jpg/960px-1.jpg",
        page="https://commons.wikimedia.org/wiki/File:1.jpg",
        title="Muffin 1 & tea",
        author="Jane Doe",
        licence="CC BY-SA 4.0",
        licence_url="https://creativecommons.org/licenses/by-sa/4.0",
        width=960,
        height=720,
        thumbnail="https://upload.example/thumb/1.jpg/960px-1.jpg",
    )
    assert second.title == "Muffin 2 & tea"


def test_commons_files_without_a_scaled_picture_or_details_are_taken_as_they_are():
    bare = commons_file(1, thumburl=None, extmetadata=None)
    old = {"query": {"pages": {"17": bare}}}  # the interface's first format: by page number

    (found,) = SITES["wikimedia"].read(json.dumps(old)).found

    assert found.url == "https://upload.example/1.jpg"
    assert (found.title, found.author, found.width) == ("File:1.jpg", None, 4000)


def test_commons_is_asked_on_with_what_it_said_to_send_along(run, played, reply):
    def answer(asked):
        start = int(asked.fields.get("gsroffset", 0))
        pages = [commons_file(number) for number in range(start + 1, min(start + 51, 81))]
        more = {"continue": {"gsroffset": start + 50, "continue": "gsroffset||"}}
        return reply(json.dumps({"query": {"pages": pages}} | (more if start == 0 else {})))

    played.answers = answer

    found, outcome = run("wikimedia", most=200, query="muffin", filters={"size": "large"})

    assert len(found) == 80
    assert outcome.ending == "fewer"
    assert len(played.asked) == 2
    first, second = played.asked
    assert first.path == "/w/api.php"
    assert first.fields["gsrsearch"] == "muffin filetype:bitmap filew:>1600"
    assert first.fields["gsrnamespace"] == "6"
    assert second.fields["continue"] == "gsroffset||"


def test_commons_answers_whose_details_follow_later_do_not_end_the_search(run, played, reply):
    def answer(asked):
        if "iicontinue" not in asked.fields:
            bare = [{"index": 1, "title": "File:1.jpg"}]
            return reply(json.dumps({"query": {"pages": bare}, "continue": {"iicontinue": "1"}}))
        return reply(json.dumps({"query": {"pages": [commons_file(1)]}, "batchcomplete": True}))

    played.answers = answer

    assert len(run("wikimedia", most=10)[0]) == 1


def test_commons_that_sends_us_on_for_ever_without_pictures_ends(run, played, reply):
    played.answers = lambda asked: reply(
        json.dumps({"query": {"pages": []}, "continue": {"gsroffset": len(played.asked)}})
    )

    found, outcome = run("wikimedia", most=10)

    assert found == []
    assert outcome.ending == "nothing"
    assert len(played.asked) == 3


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        ({"error": {"code": "ratelimited", "info": "x"}}, "limit"),
        ({"error": {"code": "internal_api_error", "info": "x"}}, "down"),
        ({"batchcomplete": True}, "nothing"),
        ({"batchcomplete": True, "query": {"pages": []}}, "nothing"),
        ({"other": 1}, "shape"),
    ],
)
def test_what_commons_says_of_itself_is_said(run, played, reply, answer, ending):
    played.answers = lambda asked: reply(json.dumps(answer))

    assert run("wikimedia")[1].ending == ending


def verse(number, **more):
    return {
        "id": str(number),
        "title": f"Muffin {number}",
        "url": f"https://photos.example/{number}.jpg",
        "foreign_landing_url": f"https://photos.example/page/{number}",
        "creator": "Jane Doe",
        "license": "by-sa",
        "license_version": "2.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
        "width": 1024,
        "height": 768,
        "thumbnail": f"https://api.openverse.org/v1/images/{number}/thumb/",
    } | more


def test_openverse_gives_author_licence_and_page():
    answer = {"results": [verse(1)], "page": 1, "page_count": 1}

    (found,) = SITES["openverse"].read(json.dumps(answer)).found

    assert found == Found(
        url="https://photos.example/1.jpg",
        page="https://photos.example/page/1",
        title="Muffin 1",
        author="Jane Doe",
        licence="CC BY-SA 2.0",
        licence_url="https://creativecommons.org/licenses/by-sa/2.0/",
        width=1024,
        height=768,
        thumbnail="https://api.openverse.org/v1/images/1/thumb/",
    )


@pytest.mark.parametrize(
    ("code", "version", "licence"),
    [
        ("cc0", "1.0", "CC0 1.0"),
        ("pdm", "1.0", "Public domain"),
        ("by", None, "CC BY"),
        (None, "1.0", None),
    ],
)
def test_openverse_s_licences_are_written_as_people_write_them(code, version, licence):
    row = verse(1, license=code, license_version=version)

    assert SITES["openverse"].read(json.dumps({"results": [row]})).found[0].licence == licence


def test_openverse_is_asked_page_by_page_until_it_has_no_more(run, played, reply, impatient):
    def answer(asked):
        page = int(asked.fields["page"])
        rows = [verse(number) for number in range(page * 20, page * 20 + 20)]
        return reply(json.dumps({"results": rows, "page": page, "page_count": 3}))

    played.answers = answer

    found, outcome = run("openverse", most=500, filters={"licence": "commercial", "type": "photo"})

    assert len(found) == 60
    assert outcome.ending == "fewer"
    assert [asked.fields["page"] for asked in played.asked] == ["1", "2", "3"]
    assert {asked.fields["page_size"] for asked in played.asked} == {"20"}
    assert played.asked[0].fields["license"] == "by,by-sa,by-nd,cc0,pdm"
    assert played.asked[0].fields["category"] == "photograph"


def test_openverse_is_not_asked_beyond_what_is_open_to_all(run, played, reply, impatient):
    def answer(asked):
        page = int(asked.fields["page"])
        rows = [verse(number) for number in range(page * 20, page * 20 + 20)]
        return reply(json.dumps({"results": rows, "page": page, "page_count": 500}))

    played.answers = answer

    found, outcome = run("openverse", most=1000)

    assert len(found) == 240
    assert outcome.ending == "fewer"


def test_openverse_is_asked_once_a_second_at_most(run, played, reply):
    def answer(asked):
        page = int(asked.fields["page"])
        return reply(json.dumps({"results": [verse(page)], "page": page, "page_count": 2}))

    played.answers = answer

    run("openverse", most=2)

    first, second = played.asked
    assert second.at - first.at >= 0.95


def test_searches_beside_one_another_ask_openverse_once_a_second_together(begin, played, reply):
    played.answers = lambda asked: reply(
        json.dumps({"results": [verse(1)], "page": 1, "page_count": 1})
    )
    searches = [begin("openverse", most=1, query=words) for words in ("cat", "dog")]
    takers = [threading.Thread(target=list, args=(one,)) for one in searches]

    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(10)

    first, second = played.asked
    assert second.at - first.at >= 0.95


def test_a_key_for_another_engine_is_not_shown_to_openverse(run, played, reply, impatient):
    played.answers = lambda asked: reply(status=401)

    _, outcome = run("openverse", key="a-secret-key")

    assert outcome.ending == "blocked"
    assert "a-secret-key" not in str(played.asked)


def test_a_key_that_flickr_refuses_is_said(run, played, reply):
    played.answers = lambda asked: reply(status=401)

    _, outcome = run("flickr", key="a-secret-key")

    assert outcome.ending == "key"
    assert outcome.problem.startswith("Flickr does not accept the key. Enter another.")
    assert "a-secret-key" not in outcome.problem


def flickr_photo(number, **more):
    return {
        "id": str(number),
        "owner": "12345678@N00",
        "title": f"Muffin {number}",
        "ownername": "Jane Doe",
        "license": "4",
        "url_l": f"https://live.example/{number}_b.jpg",
        "width_l": 1024,
        "height_l": "768",
        "url_n": f"https://live.example/{number}_n.jpg",
        "url_o": f"https://live.example/{number}_o.jpg",
    } | more


def test_flickr_gives_a_handy_size_with_author_licence_and_page(run, played, reply):
    answer = {"stat": "ok", "photos": {"page": 1, "pages": 1, "photo": [flickr_photo(1)]}}
    played.answers = lambda asked: reply(json.dumps(answer))

    found, outcome = run("flickr", key="k", query="muffin", filters={"licence": "public"})

    assert found == [
        Found(
            url="https://live.example/1_b.jpg",
            page="https://www.flickr.com/photos/12345678@N00/1",
            title="Muffin 1",
            author="Jane Doe",
            licence="CC BY 2.0",
            licence_url="https://creativecommons.org/licenses/by/2.0/",
            width=1024,
            height=768,
            thumbnail="https://live.example/1_n.jpg",
        )
    ]
    assert outcome.ending == "fewer"
    assert played.asked[0].path == "/services/rest/"
    assert played.asked[0].fields["text"] == "muffin"
    assert played.asked[0].fields["license"] == "7,8,9,10"


def test_flickr_s_owner_is_not_trusted_in_an_address():
    row = flickr_photo(1, owner="../../evil?x")
    answer = {"stat": "ok", "photos": {"photo": [row]}}

    assert SITES["flickr"].read(json.dumps(answer)).found[0].page is None


@pytest.mark.parametrize(("code", "ending"), [(100, "key"), (105, "down")])
def test_flickr_s_complaints_are_said(run, played, reply, code, ending):
    played.answers = lambda asked: reply(json.dumps({"stat": "fail", "code": code, "message": "x"}))

    _, outcome = run("flickr", key="k")

    assert outcome.ending == ending


def test_stop_ends_a_search_that_leaves_time_between_its_questions(begin, played, reply):
    stop = threading.Event()

    def answer(asked):
        page = int(asked.fields["page"])
        return reply(json.dumps({"results": [verse(page)], "page": page, "page_count": 50}))

    played.answers = answer
    results = begin("openverse", most=100, stop=stop)
    next(results)

    stop.set()

    assert next(results).ending == "stopped"
    assert len(played.asked) <= 2
