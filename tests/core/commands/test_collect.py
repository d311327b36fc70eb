import json

import pytest

from core.__main__ import main
from core.dataset import Dataset
from tests.search_server import Item, SearchServer

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def played(monkeypatch):
    with SearchServer() as server:
        monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
        monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", server.url)
        yield server


@pytest.fixture
def items(tmp_path, save_image):
    def make(count):
        paths = [
            save_image(tmp_path / "served" / f"{number}.jpg", size=(100, 80), seed=number)
            for number in range(count)
        ]
        return [Item.photo(path) for path in paths]

    return make


def test_a_search_makes_the_data_set_and_its_class(played, items, tmp_path, capsys):
    played.offer("teddy bear", [*items(4), Item.refused()])
    root = tmp_path / "new" / "bears"

    code = main(
        ["collect", str(root), "--class", "teddy", "--query", "teddy bear", "--max", "4", "--json"]
    )

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert (answer["asked"], answer["downloaded"], answer["duplicates"]) == (4, 4, 0)
    assert "problem" not in answer
    assert Dataset.open(root).counts() == {"teddy": 4}


def test_refused_downloads_and_duplicates_are_results_not_failures(played, items, tmp_path, capsys):
    photos = items(2)
    urls = played.offer("unused", [*photos, photos[0], Item.page(), Item.refused(404)])
    listed = tmp_path / "links.txt"
    listed.write_text("\n".join(urls))
    (tmp_path / "set" / "dog").mkdir(parents=True)

    words = ["collect", str(tmp_path / "set"), "--class", "cat", "--urls", str(listed), "--json"]
    code = main(words)

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert (answer["asked"], answer["downloaded"], answer["duplicates"]) == (5, 2, 1)
    assert sorted((row["url"], row["reason"]) for row in answer["rejected"]) == [
        (urls[3], "The site sent a page instead of a picture."),
        (urls[4], "The file is no longer there (404)."),
    ]
    assert Dataset.open(tmp_path / "set").counts() == {"cat": 2, "dog": 0}

    assert main(words) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (again["downloaded"], again["known_before"], again["rejected"]) == (0, 5, [])


def test_an_engine_that_fails_is_exit_0_with_its_problem(played, tmp_path, capsys):
    played.search_answer = lambda query, first: (403, "No.")

    code = main(["collect", str(tmp_path / "set"), "--class", "cat", "--query", "cat", "--json"])

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (code, answer["downloaded"]) == (0, 0)
    assert "refused" in answer["problem"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--query", "cat", "--engine", "altavista"], "no search engine called altavista"),
        (["--query", " "], "words to search for"),
        (["--urls", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["--urls", "."], "cannot be read"),
        (["--urls", "empty.txt"], "no web address in"),
    ],
)
def test_what_can_be_mended_is_one_sentence_and_makes_no_data_set(
    words, sentence, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("")

    code = main(["collect", "set", "--class", "cat", *words])

    said = capsys.readouterr().err
    assert code == 1
    assert sentence in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "set").exists()


def test_a_class_name_that_cannot_be_is_refused_before_a_folder_is_made(tmp_path, capsys):
    code = main(["collect", str(tmp_path / "set"), "--class", "a/b", "--query", "cat"])

    assert (code, (tmp_path / "set").exists()) == (1, False)
    assert "slashes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--query", "cat"],
        ["--class", "cat"],
        ["--class", "cat", "--query", "cat", "--urls", "links.txt"],
        ["--class", "cat", "--query", "cat", "--max", "many"],
        ["--class", "cat", "--query", "cat", "--max", "0"],
    ],
)
def test_wrong_usage_is_exit_2(words, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["collect", str(tmp_path), *words])

    assert ended.value.code == 2


def test_what_is_no_web_address_is_among_the_rejected(played, items, tmp_path, capsys):
    (url,) = played.offer("unused", items(1))
    others = [
        "ftp://example.org/a.jpg",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:image/png;base64,iVBORw0KGgo=",
        "just some words",
        "http://",
    ]
    listed = tmp_path / "links.txt"
    listed.write_text("\n".join([*others[:3], url, *others[3:]]))

    words = ["collect", str(tmp_path / "set"), "--class", "cat", "--urls", str(listed), "--json"]
    assert main(words) == 0

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["asked"], answer["downloaded"]) == (7, 1)
    assert [row["url"] for row in answer["rejected"]] == others
    assert all("not a" in row["reason"] and row["reason"][-1] == "." for row in answer["rejected"])


def test_a_list_of_nothing_but_other_addresses_is_exit_0(tmp_path, capsys):
    listed = tmp_path / "links.txt"
    listed.write_text("file:///etc/passwd\nand words\n")

    words = ["collect", str(tmp_path / "set"), "--class", "cat", "--urls", str(listed), "--json"]
    assert main(words) == 0

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["asked"], answer["downloaded"]) == (2, 0)
    assert [row["url"] for row in answer["rejected"]] == ["file:///etc/passwd", "and words"]
    assert Dataset.open(tmp_path / "set").counts() == {}


def test_an_address_whose_class_cannot_be_is_among_the_rejected(tmp_path, capsys):
    listed = tmp_path / "links.csv"
    listed.write_text("url,label\nhttp://example.org/a.jpg,a/b\n")

    words = ["collect", str(tmp_path / "set"), "--class", "cat", "--urls", str(listed), "--json"]
    assert main(words) == 0

    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    (row,) = answer["rejected"]
    assert row["url"] == "http://example.org/a.jpg"
    assert "slashes" in row["reason"]


def test_a_list_of_nothing_but_words_is_a_mistake(tmp_path, capsys):
    listed = tmp_path / "links.txt"
    listed.write_text("Dear all,\nhere are the photos: enjoy\n")

    assert main(["collect", str(tmp_path / "set"), "--class", "cat", "--urls", str(listed)]) == 1
    assert "no web address in" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
