import json

import pytest
from PIL import Image

from core.__main__ import main
from core.collect.circle_sets import CircleChoices, picture

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


def test_circles_by_choice_are_as_many_as_asked_for_and_all_labelled_right(tmp_path, answer):
    root = tmp_path / "new"

    words = ("--fewest", 2, "--most", 4, "--per-class", 3)
    code, made, _ = answer("sample", "circles", root, *words)

    assert code == 0
    assert made == {"images": 9, "classes": {"2": 3, "3": 3, "4": 3}}
    assert not (root / ".winnow" / "planted.json").exists()
    choices = CircleChoices(fewest=2, most=4, per_class=3)
    for number in choices.counts:
        drawn = {picture(choices, number, at).tobytes() for at in range(3)}
        found = {Image.open(file).convert("RGB").tobytes() for file in root.glob(f"{number}/*.png")}
        assert found == drawn


def test_circles_by_one_choice_have_the_usual_values_of_the_others(tmp_path, answer):
    _, made, _ = answer("sample", "circles", tmp_path / "new", "--per-class", 2)

    assert made["classes"] == {str(number): 2 for number in range(1, 6)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("circles", "--fewest", 9), "as many as the fewest"),
        (("circles", "--per-class", 0), "one picture at least"),
        (("digits", "--most", 3), "--most"),
    ],
)
def test_circles_that_cannot_be_drawn_are_refused_before_a_folder_is_made(
    tmp_path, capsys, words, said
):
    name, *options = map(str, words)

    assert main(["sample", name, str(tmp_path / "new"), *options]) == 1

    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_circles_are_not_drawn_among_other_files(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")

    assert main(["sample", "circles", str(tmp_path), "--most", "2"]) == 1

    assert "not empty" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
