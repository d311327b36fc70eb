"""Tables of file and class: each line is used, or named with what is wrong."""

import pytest

from core.collect.imports.csv_lists import read_class_list
from core.errors import DatasetError

NAMES = ["images/a.jpg", "images/b.jpg", "images/c.jpg"]


def read(text: str, names=NAMES, **choices):
    return read_class_list(text.encode(), names, **choices)


@pytest.mark.parametrize(
    "text",
    [
        "filename,label\na.jpg,cat\nb.jpg,dog\n",
        "a.jpg,cat\nb.jpg,dog\n",
        "label;filename\ncat;a.jpg\ndog;b.jpg\n",
        "\ufefffile\tclass\r\nimages/a.jpg\tcat\r\nimages/b.jpg\tdog\r\n",
        "id,breed\na,cat\nb,dog\n",
        'file,class\n"a.jpg"," cat "\n\n"b.jpg",dog',
        "number,image,other,target\n1,A.JPG,x,cat\n2,b.jpg,y,dog\n",
        "file,class\nC:\\data\\images\\a.jpg,cat\n./images/b.jpg,dog\n",
    ],
)
def test_a_table_gives_photos_their_classes(text):
    found = read(text)

    assert found.classes == {"images/a.jpg": "cat", "images/b.jpg": "dog"}
    assert found.unlisted == ("images/c.jpg",)
    assert found.problems == ()
    assert found.new_classes == ("cat", "dog")


def test_a_missing_photo_is_named_with_its_line():
    found = read("file,label\na.jpg,cat\nmissing.jpg,dog\nb.jpg,dog\n")

    assert found.classes == {"images/a.jpg": "cat", "images/b.jpg": "dog"}
    assert found.sentences == ("Line 3: there is no photo missing.jpg.",)


def test_a_missing_photo_in_the_first_line_is_not_taken_for_a_header():
    found = read("missing.jpg,cat\na.jpg,cat\n")

    assert found.sentences == ("Line 1: there is no photo missing.jpg.",)


def test_a_missing_name_without_extension_is_not_taken_for_a_header():
    assert read("zzz,cat\na,cat\n").sentences == ("Line 1: there is no photo zzz.",)


def test_a_class_the_data_set_does_not_have_is_named_with_its_line():
    found = read("a.jpg,cat\nb.jpg,catt\n", known=["cat", "dog"], make_new=False)

    assert found.classes == {"images/a.jpg": "cat"}
    assert found.sentences == ("Line 2: there is no class catt in this data set.",)
    assert "images/b.jpg" in found.unlisted


def test_a_new_class_may_be_made_and_capitals_are_those_of_the_data_set():
    found = read("a.jpg,CAT\nb.jpg,fox\n", known=["cat"])

    assert found.classes == {"images/a.jpg": "cat", "images/b.jpg": "fox"}
    assert found.new_classes == ("fox",)


@pytest.mark.parametrize(
    ("label", "words"),
    [("", "no class is given"), ("a/b", "cannot be called"), ("x" * 200, "too long")],
)
def test_a_label_that_cannot_be_a_class_is_named_with_its_line(label, words):
    found = read(f"a.jpg,cat\nb.jpg,{label}\n")

    assert found.classes == {"images/a.jpg": "cat"}
    assert len(found.problems) == 1
    assert found.problems[0].line == 2
    assert words in found.problems[0].sentence


def test_a_photo_listed_twice_keeps_its_first_class_and_the_second_is_named():
    found = read("a.jpg,cat\nb.jpg,dog\na.jpg,dog\nb.jpg,dog\n")

    assert found.classes == {"images/a.jpg": "cat", "images/b.jpg": "dog"}
    assert found.sentences == ("Line 3: a.jpg is cat by line 1. That one counts.",)


def test_a_name_that_several_photos_have_needs_its_folder():
    names = ["one/a.jpg", "two/a.jpg", "two/b.jpg"]

    found = read("b.jpg,cat\na.jpg,cat\ntwo/a.jpg,dog\n", names)

    assert found.classes == {"two/b.jpg": "cat", "two/a.jpg": "dog"}
    assert found.sentences == ("Line 2: 2 photos are called a.jpg. Give the folder too.",)


def test_lines_are_counted_as_an_editor_shows_them():
    found = read('file,label,note\na.jpg,cat,"two\nlines"\n\nmissing.jpg,dog,\n')

    assert found.sentences == ("Line 5: there is no photo missing.jpg.",)


def test_a_short_line_is_named():
    assert read("a.jpg,cat\nb.jpg\n").sentences == (
        "Line 2: it has fewer columns than the others.",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The list is empty"),
        ("\n\n", "The list is empty"),
        ("a.jpg\nb.jpg\n", "one column"),
        ("x.jpg,cat\ny.jpg,dog\n", "Line 1: there is no photo x.jpg."),
        ('"' + "x" * 200_000 + '",b\n', "Line 1 of the list cannot be read"),
    ],
)
def test_what_is_no_such_table_is_a_sentence(text, words):
    with pytest.raises(DatasetError, match=words):
        read(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_tables_of_other_programs_are_read(encoding):
    data = "file,label\na.jpg,Hündin\n".encode(encoding)

    assert read_class_list(data, NAMES).classes == {"images/a.jpg": "Hündin"}


def test_bytes_that_are_no_text_are_a_sentence():
    with pytest.raises(DatasetError):
        read_class_list(bytes(range(256)) * 10, NAMES)


def test_many_problems_are_told_in_part_and_none_is_forgotten():
    text = "a.jpg,cat\n" + "".join(f"missing{n}.jpg,cat\n" for n in range(700))

    found = read(text)

    assert len(found.problems) == 700
    assert found.sentences[-1] == "200 more lines cannot be used."
