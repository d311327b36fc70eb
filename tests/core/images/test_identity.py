import pytest

from core.images.identity import CHUNK_BYTES, content_hash


def test_equal_bytes_have_equal_digits_whatever_the_name(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"same")
    (tmp_path / "b.png").write_bytes(b"same")
    (tmp_path / "c.png").write_bytes(b"other")

    a, b, c = (content_hash(tmp_path / name) for name in ("a.jpg", "b.png", "c.png"))

    assert a == b != c
    assert len(a) == 32
    assert int(a, 16) >= 0


def test_a_file_longer_than_one_read_counts_to_its_last_byte(tmp_path):
    body = bytes(CHUNK_BYTES + 10)
    (tmp_path / "a").write_bytes(body)
    (tmp_path / "b").write_bytes(body[:-1] + b"x")

    assert content_hash(tmp_path / "a") != content_hash(tmp_path / "b")


def test_an_unreadable_file_has_no_content(tmp_path):
    with pytest.raises(OSError):
        content_hash(tmp_path / "missing.jpg")
