import json

import pytest

from core.__main__ import main

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def spoilt(photo_set):
    root = photo_set({"cat": 3, "dog": 2})
    (root / "cat" / "page.jpg").write_text("<html>")
    (root / "dog" / "new\nline.jpg").write_bytes(b"")
    return root


@pytest.fixture
def answer(capsys):
    """Run a command with --json and return its exit code, its object and standard error."""

    def run(*words):
        code = main([*map(str, words), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out.splitlines()[-1]), said.err

    return run


def test_check_lists_what_it_refuses(spoilt, answer):
    code, found, _ = answer("check", spoilt)

    assert code == 0
    assert found["checked"] == 7
    assert [(row["file"], row["kind"]) for row in found["rejected"]] == [
        ("cat/page.jpg", "not_an_image"),
        ("dog/new\nline.jpg", "empty"),
    ]
    assert all(row["reason"] for row in found["rejected"])
    assert found["seconds"] >= 0


def test_check_removes_nothing_unless_told_to(spoilt, answer):
    answer("check", spoilt)

    assert (spoilt / "cat" / "page.jpg").exists()


def test_check_with_remove_is_one_step_that_can_be_undone(spoilt, answer):
    answer("check", spoilt, "--remove")
    assert not (spoilt / "cat" / "page.jpg").exists()
    assert not (spoilt / "dog" / "new\nline.jpg").exists()

    answer("undo", spoilt)

    assert (spoilt / "cat" / "page.jpg").read_text() == "<html>"
    assert (spoilt / "dog" / "new\nline.jpg").exists()
    assert answer("scan", spoilt)[1]["removed"] == 0


def test_a_name_with_a_line_break_stays_on_its_line(spoilt, capsys):
    main(["check", str(spoilt)])

    assert "dog/new\\nline.jpg: This file is empty." in capsys.readouterr().out


def test_check_says_when_something_else_may_be_wrong(photo_set, capsys):
    root = photo_set({"cat": 2})
    for number in range(10):
        (root / "cat" / f"{number}.jpg").write_bytes(b"nothing %d" % number)

    main(["check", str(root)])

    assert "More than half" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["circles", "digits"])
def test_sample_makes_a_set_and_counts_it(tmp_path, answer, name):
    code, made, _ = answer("sample", name, tmp_path / "new")

    assert code == 0
    assert made["images"] == sum(made["classes"].values()) > 0
    assert answer("scan", tmp_path / "new")[1]["images"] == made["images"]


def test_an_unknown_sample_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["sample", "squares", str(tmp_path / "new")])

    assert left.value.code == 2
    assert "circles-hard" in capsys.readouterr().err
