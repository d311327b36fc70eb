import pytest

from core.images.files import is_ignored


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._cat.jpg", ".keep", ".", ".."),
        *("Thumbs.db", "THUMBS.DB", "desktop.ini", "Desktop.ini"),
        *("notes.txt", "README.MD", "labels.csv", "a.b.json", "x.xml", "x.ini", "x.Db"),
    ],
)
def test_what_lies_beside_photos_is_ignored(name):
    assert is_ignored(name)


@pytest.mark.parametrize(
    "name",
    ["cat.jpg", "cat", "cat.txt.jpg", "txt", "photo.db.png", "cat.svg", "cat.html", "a\udcff"],
)
def test_every_other_file_is_judged(name):
    assert not is_ignored(name)
