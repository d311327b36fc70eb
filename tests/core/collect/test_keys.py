"""Keys of search engines: kept with the user, for nobody else to read."""

import os
import stat

import pytest

from core.collect.keys import keep_key, kept_key
from core.errors import WinnowError


@pytest.fixture(autouse=True)
def a_user_s_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_DATA_DIR", str(tmp_path / "user"))
    return tmp_path / "user"


def test_a_key_is_kept_until_it_is_forgotten():
    assert kept_key("flickr") is None

    keep_key("flickr", "  abc123 ")
    keep_key("other", "xyz")

    assert kept_key("flickr") == "abc123"
    keep_key("flickr", None)
    assert kept_key("flickr") is None
    assert kept_key("other") == "xyz"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_owner_may_read_it(a_user_s_folder):
    keep_key("flickr", "abc123")

    mode = stat.S_IMODE((a_user_s_folder / "keys.json").stat().st_mode)
    assert mode == 0o600


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff{", b'{"flickr": 7}'])
def test_a_damaged_file_of_keys_holds_none_and_is_replaced(a_user_s_folder, content):
    a_user_s_folder.mkdir()
    (a_user_s_folder / "keys.json").write_bytes(content)

    assert kept_key("flickr") is None
    keep_key("flickr", "abc")
    assert kept_key("flickr") == "abc"


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(a_user_s_folder):
    a_user_s_folder.mkdir()
    (a_user_s_folder / "keys.json").mkdir()

    with pytest.raises(WinnowError, match="could not be kept"):
        keep_key("flickr", "abc")
    assert [path.name for path in a_user_s_folder.iterdir()] == ["keys.json"]
