"""Lists of addresses: plain ones, tables, and what people really paste."""

import pytest

from core.collect.engines import Listed, read_list, text_of


def rows(text):
    listed = read_list(text)
    assert listed.problems == ()
    return [(one.url, one.class_name) for one in listed.rows]


def test_a_plain_list_keeps_its_order_and_lines():
    listed = read_list("https://a.example/1.jpg\n\n# mine\nhttp://b.example/2.png?x=1&y=2\r\n")

    assert listed.rows == (
        Listed(url="https://a.example/1.jpg", class_name=None, line=1),
        Listed(url="http://b.example/2.png?x=1&y=2", class_name=None, line=4),
    )
    assert listed.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "url,class\nhttps://a.example/1.jpg,cat\nhttps://a.example/2.jpg,dog",
        "\ufeffurl;class\r\nhttps://a.example/1.jpg;cat\r\nhttps://a.example/2.jpg;dog\r\n",
        "Label\tImage URL\ncat\thttps://a.example/1.jpg\ndog\thttps://a.example/2.jpg",
        'id,picture_url,label\n1,"https://a.example/1.jpg",cat\n2,https://a.example/2.jpg,"dog"',
        "url,animal\nhttps://a.example/1.jpg,cat\nhttps://a.example/2.jpg,dog",
        "https://a.example/1.jpg,cat\nhttps://a.example/2.jpg,dog",
        "https://a.example/1.jpg, cat\nhttps://a.example/2.jpg, dog",
        "cat;https://a.example/1.jpg\ndog;https://a.example/2.jpg",
        '"cat"\t"https://a.example/1.jpg"\n"dog"\t"https://a.example/2.jpg"',
    ],
)
def test_a_table_with_a_column_of_classes_is_read_with_a_heading_and_without(text):
    assert rows(text) == [("https://a.example/1.jpg", "cat"), ("https://a.example/2.jpg", "dog")]


def test_separators_inside_an_address_are_kept():
    address = "https://ih1.example/image.36/flat,750x,075,f-pad,750x1000,f8.jpg"

    assert rows(address) == [(address, None)]
    assert rows(f"{address}\nhttps://a.example/2.jpg") == [
        (address, None),
        ("https://a.example/2.jpg", None),
    ]
    assert rows(f'url,class\n"{address}",cat') == [(address, "cat")]
    assert rows(f"url,class\n{address},cat") == [(address, "cat")]
    assert rows("https://a.example/x;jsessionid=1?a=1;b=2") == [
        ("https://a.example/x;jsessionid=1?a=1;b=2", None)
    ]


def test_lists_copied_out_of_a_program_are_read():
    text = (
        '["https://a.example/1.jpg",\n'
        "  'https://a.example/2.jpg',\n"
        "<https://a.example/3_(dog).jpg>\n"
        "(https://a.example/4.jpg)]"
    )

    assert [url for url, _ in rows(text)] == [
        "https://a.example/1.jpg",
        "https://a.example/2.jpg",
        "https://a.example/3_(dog).jpg",
        "https://a.example/4.jpg",
    ]


def test_several_addresses_on_a_line_are_several():
    assert rows("https://a.example/1 http://a.example/2\thttps://a.example/3") == [
        ("https://a.example/1", None),
        ("http://a.example/2", None),
        ("https://a.example/3", None),
    ]


def test_a_bad_line_is_named_and_spoils_no_other():
    text = (
        "url,class\n"
        "https://a.example/1.jpg,cat\n"
        '"https://a.example/2.jpg,cat\n'  # a quote that is never closed
        "ftp://a.example/3.jpg,cat\n"
        "C:\\photos\\4.jpg,cat\n"
        "https://,cat\n"
        "https://a.example/5.jpg,dog\n"
        "https://a.example/1.jpg,cat\n"
        "https://a.example/1.jpg,dog\n"
    )

    listed = read_list(text, name="my list.csv")

    assert [(one.url[-5:], one.class_name, one.line) for one in listed.rows] == [
        ("1.jpg", "cat", 2),
        ("2.jpg", "cat", 3),
        ("5.jpg", "dog", 7),
        ("1.jpg", "dog", 9),
    ]
    assert listed.problems == (
        "Line 4 of my list.csv: “ftp://a.example/3.jpg” is not a web address. "
        "It must begin with http:// or https://.",
        "Line 5 of my list.csv: “C:\\photos\\4.jpg” is not a web address. "
        "It must begin with http:// or https://.",
        "Line 6 of my list.csv: “https://” is not a complete web address.",
        "Line 8 of my list.csv repeats line 2.",
    )


def test_a_class_that_cannot_be_is_said_line_by_line():
    listed = read_list(
        "url,class\nhttps://a.example/1.jpg,cat/dog\nhttps://a.example/2.jpg,.cat\n"
        "https://a.example/3.jpg,cat\nhttps://a.example/4.jpg,Cat"
    )

    assert [(one.url[-5:], one.class_name) for one in listed.rows] == [
        ("3.jpg", "cat"),
        ("4.jpg", "cat"),
    ]
    assert listed.problems == (
        "Line 2: A class cannot be called cat/dog: slashes separate folders. Leave them out.",
        "Line 3: A class cannot be called .cat: names that begin with a dot are hidden. "
        "Leave the dot out.",
    )


def test_a_table_without_a_column_of_classes_says_so():
    listed = read_list("id,url,width\n1,https://a.example/1.jpg,300")

    assert [(one.url, one.class_name) for one in listed.rows] == [("https://a.example/1.jpg", None)]
    assert listed.problems == (
        "Line 1: no column is called class or label, so these photos come without a class.",
    )


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "# nothing"])
def test_an_empty_list_is_empty(text):
    listed = read_list(text)

    assert (listed.rows, listed.problems) == ((), ())


def test_a_file_that_is_no_list_gives_a_bounded_number_of_sentences():
    text = "\n".join(f"\0\x01{number} <b>no</b>" for number in range(100_000))

    listed = read_list(text)

    assert listed.rows == ()
    assert len(listed.problems) == 201
    assert listed.problems[0].startswith("Line 1: “0 no” is not a web address.")
    assert listed.problems[-1] == "And 99,800 more lines that cannot be used."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_list_is_read_however_it_was_saved(encoding):
    data = "https://a.example/1.jpg,Bärentatze\n".encode(encoding)

    (row,) = read_list(text_of(data)).rows

    assert row.class_name == "Bärentatze"


def test_the_real_table_of_results_is_read_whole(test_data):
    path = test_data / "search_pages" / "bing_images_real.expected.csv"

    listed = read_list(text_of(path.read_bytes()), name=path.name)

    assert len(listed.rows) + sum("repeats" in one for one in listed.problems) == 47
    assert listed.rows[2].url == (
        "https://gopher.golangmarket.com/cdn/shop/products/blue_angle.jpg?v=1557053976&width=1445"
    )
