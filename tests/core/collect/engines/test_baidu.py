"""Baidu's answers: the made one, its cipher, and its walls."""

import json

from core.collect.engines import read_baidu


def test_the_made_answer_gives_its_five_pictures_the_hover_only_one_included(test_data):
    text = (test_data / "search_pages" / "baidu_acjson_made.json").read_text(encoding="utf-8")

    found = read_baidu(text)

    assert [one.url for one in found] == [
        "http://127.0.0.1:8000/made/one.jpg",
        "http://127.0.0.1:8000/made/two.png",
        "http://127.0.0.1:8000/made/three.webp",
        "http://127.0.0.1:8000/made/four.jpeg",
        "http://127.0.0.1:8000/made/hover_only.jpg",
    ]
    assert [one.title for one in found] == [f"picture {n}" for n in range(4)] + [None]
    assert (found[0].width, found[0].height) == (400, 300)


def test_an_original_beside_the_cipher_is_preferred_to_baidu_s_copy():
    row = {
        "hoverURL": "https://img0.baidu.example/it/u=1",
        "thumbURL": "https://img0.baidu.example/it/u=2",
        "replaceUrl": [
            {"ObjURL": "https://site.example/a.jpg", "FromURL": "https://site.example/"}
        ],
        "fromPageTitle": "一只<strong>猫</strong>&amp; co",
    }

    (found,) = read_baidu(json.dumps({"data": [row, {}]}))

    assert found.url == "https://site.example/a.jpg"
    assert found.page == "https://site.example/"
    assert found.title == "一只猫& co"
    assert found.thumbnail == "https://img0.baidu.example/it/u=2"


def test_backslashes_that_json_does_not_know_spoil_nothing():
    text = '{"data": [{"hoverURL": "https://a.example/1.jpg", "fromPageTitle": "it\\\'s \\d"}]}'

    (found,) = read_baidu(text)

    assert found.title == "it's d"


def test_baidu_s_wall_for_programs_is_said(run, played, reply):
    played.answers = lambda asked: reply('{"antiFlag": 1, "message": "Forbid spider access"}')

    _, outcome = run("baidu")

    assert outcome.ending == "captcha"


def test_pages_are_asked_for_until_baidu_has_no_more(run, played, reply):
    def answer(asked):
        start = int(asked.fields["pn"])
        rows = [
            {"hoverURL": f"https://a.example/{n}.jpg"} for n in range(start, min(start + 30, 50))
        ]
        return reply(json.dumps({"data": [*rows, {}]}))

    played.answers = answer

    found, outcome = run("baidu", most=100, query="猫", filters={"colour": "grey"})

    assert len(found) == 50
    assert outcome.ending == "fewer"
    assert [asked.fields["pn"] for asked in played.asked] == ["0", "30", "60"]
    assert played.asked[0].fields["word"] == "猫"
    assert played.asked[0].fields["ic"] == "2048"
