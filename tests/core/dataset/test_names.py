import os

import pytest

from core.dataset import Dataset
from core.dataset.names import check_class_name, class_of, look_alikes, shown, with_suffix
from core.errors import DatasetError

HOSTILE_CLASSES = [
    "<img src=x onerror=alert(1)>",
    "![x](https:)",
    'it\'s "quoted" `code` $math$',
    "🐈‍⬛ katze",
    "قطة",
    "\u202etac",
    "a" * 100,
    "%s {name} ; DROP TABLE file;--",
]
HOSTILE_FILES = [
    "<script>alert(1)<script>.jpg",
    "![](x).jpg",
    "new\nline\ttab.jpg",
    "quote'\"`.jpg",
    "🐈.jpg",
    "صورة.jpg",
    "x" * 196 + ".jpg",
    "not utf-8 \udcff\udcfe.jpg",
    "no extension",
    "back\\slash.jpg",
    " space first and last .jpg ",
    "-rf.jpg",
    "CON.jpg",
]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "..",
        ".",
        ".hidden",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "\x1b[31m",
        "not utf-8 \udcff",
        "ends with a dot.",
        "ends with a space ",
        "con",
        "LPT1.txt",
        "é" * 51,
    ],
)
def test_a_class_name_that_some_system_cannot_have_is_refused(name):
    with pytest.raises(DatasetError, match="A class cannot be called"):
        check_class_name(name, [])


@pytest.mark.parametrize("name", HOSTILE_CLASSES)
def test_a_strange_class_name_works(name, make_set, run):
    dataset = make_set({"cat": 1})
    (photo,) = dataset.rows()

    dataset.relabel([photo.id], name, new=True)

    assert dataset.counts() == {"cat": 0, name: 1}
    assert Dataset.open(dataset.root).undo().changes[0].source == name
    assert dataset.classes() == ["cat"]


@pytest.mark.parametrize("pair", [("cat", "CAT"), ("café", "cafe\u0301"), ("Straße", "STRASSE")])
def test_two_names_that_differ_only_in_case_or_unicode_form_are_refused(pair):
    with pytest.raises(DatasetError, match="already"):
        check_class_name(pair[0], [pair[1]])


def test_classes_easily_taken_for_one_are_reported_on_opening(make_set, run):
    dataset = make_set({"cat": 1, "dog": 1})
    (dataset.root / "Cat").mkdir()
    if len(list(dataset.root.glob("[cC]at"))) < 2:
        pytest.skip("this file system cannot hold both names")

    found = run(dataset.reconcile())

    assert found.look_alikes == (("Cat", "cat"),)
    assert dataset.counts() == {"Cat": 0, "cat": 1, "dog": 1}


def test_names_alike_are_grouped():
    assert look_alikes(["b", "café", "A", "cafe\u0301", "a"]) == (
        ("A", "a"),
        ("cafe\u0301", "café"),
    )


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_strange_file_name_survives_every_kind_of_step(name, make_set, run, tree):
    dataset = make_set({"cat": 0, "dog": 0})
    path = dataset.root / "cat" / name
    try:
        path.write_text("photo")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system cannot hold the name")
    if os.listdir(dataset.root / "cat") != [name]:
        pytest.skip("this file system stores the name otherwise")
    (dataset.root / "dog" / name).write_text("in the way")
    run(dataset.reconcile())
    photo = dataset.find(f"cat/{name}")

    dataset.relabel([photo.id], "dog")
    dataset.remove([photo.id])
    dataset.restore([photo.id])
    for _ in range(3):
        dataset.undo()

    assert tree(dataset.root) == {f"cat/{name}": "photo", f"dog/{name}": "in the way"}
    assert dataset.rows(class_name="cat") == [photo]
    assert run(dataset.reconcile()).photos == 2


def test_a_class_folder_whose_name_is_not_utf_8_is_shown_and_readable(make_set, run):
    dataset = make_set({"cat": 1})
    name = "chat \udce9t\udce9"
    try:
        (dataset.root / name).mkdir()
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system cannot hold the name")
    run(dataset.reconcile())

    step = dataset.relabel([row.id for row in dataset.rows()], name)

    assert dataset.counts() == {"cat": 0, name: 1}
    assert step.changes[0].target == name
    assert dataset.path_of(dataset.rows()[0]).is_file()
    assert step.words.encode() == rb"Relabelled 1 photo: cat to chat \udce9t\udce9"


def test_a_data_set_may_have_a_strange_name_itself(tmp_path, make_set, run):
    name = "set \udcff\n<b>"
    try:
        (tmp_path / name).mkdir()
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system cannot hold the name")

    dataset = make_set({"cat": 1, "dog": 0}, name=name)
    dataset.relabel([dataset.rows()[0].id], "dog")

    assert dataset.counts() == {"cat": 0, "dog": 1}


def test_suffixes_keep_the_extension_and_the_length_a_file_system_takes():
    assert with_suffix("a.jpg", 1) == "a.jpg"
    assert with_suffix("a.jpg", 2) == "a (2).jpg"
    assert with_suffix("a", 3) == "a (3)"
    assert with_suffix("a.b.jpg", 2) == "a.b (2).jpg"
    long = with_suffix("é" * 125 + ".jpg", 12)
    assert long.endswith("é (12).jpg")
    assert len(long.encode()) <= 255


def test_the_class_of_a_path():
    assert class_of("cat/a.jpg", "unsorted") == "cat"
    assert class_of("cat/winter/a.jpg", "unsorted") == "cat"
    assert class_of("a.jpg", "unsorted") is None
    assert class_of("unsorted/a.jpg", "unsorted") is None
    assert class_of(".winnow/removed/cat/a.jpg", "unsorted") == "cat"


def test_a_name_is_shown_without_control_characters_and_never_too_long():
    assert shown("a\n\x1b\udcff") == r"a\n\x1b\udcff"
    assert len(shown("x" * 500)) <= 80
