"""Google's pages: the made one, and the shapes in which real ones hold their results."""

import pytest

from core.collect.engines import Found, read_google

RESULT = (
    '[0,"Id",["https://encrypted-tbn0.gstatic.com/images?q\\u003dtbn:A",225,225],'
    '["https://site.example/a\\u0026b.webp?x\\u003d1",1125,1500],null,0,"rgb(1,2,3)",null,0,'
    '{"2000":[null,"site.example","143KB"],'
    '"2003":[null,"ref","https://site.example/page",'
    '"A \\"muffin\\" \\u003cb\\u003etop\\u003c/b\\u003e"'
)
AS_READ = Found(
    url="https://site.example/a&b.webp?x=1",
    page="https://site.example/page",
    title='A "muffin" top',
    width=1500,
    height=1125,
    thumbnail="https://encrypted-tbn0.gstatic.com/images?q=tbn:A",
)


def test_the_made_page_gives_its_four_pictures_with_full_addresses(test_data):
    page = (test_data / "search_pages" / "google_images_made.html").read_text(encoding="utf-8")

    found = read_google(page)

    assert [one.url for one in found] == [
        "http://127.0.0.1:8000/made/one.jpg",
        "http://127.0.0.1:8000/made/two.png",
        "http://127.0.0.1:8000/made/five.jpg?w=400&h=300",
        "http://127.0.0.1:8000/made/three.webp",
    ]
    assert {(one.width, one.height) for one in found} == {(400, 300)}


def test_page_title_size_and_small_copy_are_those_of_the_picture():
    second = RESULT.replace("site.example", "other.example")

    found = read_google(f"<script>x={RESULT},{second}</script>")

    assert found[0] == AS_READ
    assert [one.page for one in found] == [
        "https://site.example/page",
        "https://other.example/page",
    ]


def test_results_inside_a_script_s_string_are_read_too():
    page = RESULT.replace('\\"', "").replace('"', "\\x22").replace("[", "\\x5b")

    found = read_google(page.replace("]", "\\x5d").replace("\\u003d", "\\x3d"))

    assert [one.url for one in found] == [AS_READ.url]
    assert found[0].width == 1500


def test_the_plain_page_for_old_browsers_is_read():
    page = (
        '<a href="/imgres?imgurl=https%3A%2F%2Fsite.example%2Fa.png%3Fx%3D1&amp;imgrefurl='
        'https%3A%2F%2Fsite.example%2F&amp;h=300&amp;w=400">'
    )

    assert read_google(page) == [
        Found(
            url="https://site.example/a.png?x=1",
            page="https://site.example/",
            width=400,
            height=300,
        )
    ]


def test_google_s_own_pictures_are_none():
    assert (
        read_google('["https://www.google.com/logo.png",1,1],["https://x.gstatic.com/y",2,2]') == []
    )


def test_the_page_for_browsers_with_scripts_is_a_refusal(run, played, reply):
    page = '<noscript><a href="/httpservice/retry/enablejs?sei=x">here</a></noscript>'
    played.answers = lambda asked: reply(page)

    _, outcome = run("google")

    assert outcome.ending == "blocked"
    assert "Try Bing" in outcome.problem


def test_pages_are_asked_for_by_hundreds_with_filters(run, played, reply):
    def answer(asked):
        start = int(asked.fields["start"])
        return reply(
            "".join(f'["https://a.example/{n}.jpg",1,2]' for n in range(start, start + 100))
        )

    played.answers = answer

    found, outcome = run("google", most=250, filters={"size": "large", "colour": "red"})

    assert len(found) == 250
    assert outcome.problem is None
    assert [asked.fields["start"] for asked in played.asked] == ["0", "100", "200"]
    assert played.asked[0].fields["tbs"] == "isz:l,ic:specific,isc:red"


@pytest.mark.parametrize("engine", ["google", "bing", "baidu"])
def test_a_real_looking_answer_of_another_engine_is_not_taken(engine, run, played, reply):
    played.answers = lambda asked: reply('{"results": [{"url": "https://x.example/a.jpg"}]}')

    assert run(engine)[1].ending == "shape"
