"""Zip archives: what is refused, in a sentence and with nothing written, and what is not."""

import os
import struct
import time
import zipfile
from pathlib import Path

import pytest

from core.collect.imports.archives import MOST_MEMBERS, Unpacker, open_archive
from core.errors import ArchiveError
from core.images.identity import content_hash

PHOTO = b"\xff\xd8 not a whole photo " * 50


@pytest.fixture
def archive_of(tmp_path):
    """Pack members: ``archive_of({"cat/1.jpg": b"..."})``; a name may be a ZipInfo too."""

    def make(members, *, name="photos.zip", compression=zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "zips" / name
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w", compression) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        return path

    return make


def refusal(path: Path) -> str:
    """The sentence with which an archive is refused; its folder holds nothing but it."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ArchiveError) as refused:
        open_archive(path)
    assert sorted(path.parent.rglob("*")) == before
    return str(refused.value)


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    return info


def patched(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data and len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


def test_photos_and_tables_are_listed_and_what_systems_leave_behind_is_not(archive_of):
    path = archive_of(
        {
            "set/cat/1.jpg": PHOTO,
            "set/labels.csv": b"file,class",
            "set/readme.txt": b"hello",
            "__MACOSX/set/cat/._1.jpg": b"x",
            "set/.DS_Store": b"x",
            "set/Thumbs.db": b"x",
            ".hidden/2.jpg": PHOTO,
        }
    )

    archive = open_archive(path)

    assert [member.name for member in archive.members] == ["set/cat/1.jpg"]
    assert [member.name for member in archive.lists] == ["set/labels.csv"]


def test_a_member_is_unpacked_whole_with_its_content_hash(archive_of, tmp_path):
    archive = open_archive(archive_of({"cat/1.jpg": PHOTO}))

    with Unpacker(archive) as unpacker:
        content = unpacker.unpack(archive.members[0], tmp_path / "1")

    assert (tmp_path / "1").read_bytes() == PHOTO
    assert content == content_hash(tmp_path / "1")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.jpg",
        "cat/../../evil.jpg",
        "/etc/evil.jpg",
        "..\\evil.jpg",
        "C:\\evil.jpg",
        "C:evil.jpg",
        "\\\\server\\share\\evil.jpg",
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(archive_of, name):
    assert "outside of its folder" in refusal(archive_of({"cat/1.jpg": PHOTO, name: PHOTO}))


def test_a_name_with_a_null_is_refused(archive_of):
    path = patched(archive_of({"cat/1.jpgX.exe": PHOTO}), b"cat/1.jpgX", b"cat/1.jpg\0")

    assert "outside of its folder" in refusal(path)


def test_a_link_is_refused(archive_of):
    said = refusal(archive_of({"cat/1.jpg": PHOTO, link("cat/2.jpg"): b"/etc/passwd"}))

    assert "cat/2.jpg in it is a link" in said


def test_a_locked_archive_is_refused(archive_of):
    path = archive_of({"cat/1.jpg": PHOTO}, compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 8] |= 1
    path.write_bytes(data)

    assert "locked with a password" in refusal(path)


@pytest.mark.parametrize("inside", ["more.zip", "cat/photos.tar.gz", "old.RAR", "x.7z"])
def test_an_archive_inside_is_refused(archive_of, inside):
    said = refusal(archive_of({"cat/1.jpg": PHOTO, inside: b"PK"}))

    assert f"holds another archive, {inside}" in said


def test_a_bomb_is_refused_by_the_sizes_it_names(archive_of):
    bomb = bytes(40_000_000)
    path = archive_of({f"{number}.jpg": bomb for number in range(3)})
    assert path.stat().st_size < 1_000_000

    assert "would grow to 120 MB" in refusal(path)


def test_a_few_blank_scans_are_no_bomb(archive_of):
    path = archive_of({f"{number}.bmp": bytes(26_000_000) for number in range(3)})
    assert path.stat().st_size < 1_000_000

    assert len(open_archive(path).members) == 3


def test_members_that_share_their_bytes_are_refused(archive_of, tmp_path):
    """As in the bomb without recursion: one kernel of bytes, listed many times."""
    path = archive_of({"1.jpg": os.urandom(1000)}, compression=zipfile.ZIP_STORED)
    data = path.read_bytes()
    begin, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[begin:end]
    tail = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 50, 50, len(entry) * 50, begin, 0)
    path.write_bytes(data[:begin] + entry * 50 + tail)

    assert "would grow" in refusal(path)


def test_a_size_that_is_a_lie_ends_in_a_sentence_and_no_file(archive_of, tmp_path):
    path = archive_of({"1.jpg": bytes(100_000)})
    path = patched(path, struct.pack("<L", 100_000), struct.pack("<L", 50_000))
    archive = open_archive(path)

    with Unpacker(archive) as unpacker, pytest.raises(ArchiveError, match="1.jpg is damaged"):
        unpacker.unpack(archive.members[0], tmp_path / "1")

    assert not (tmp_path / "1").exists()


def test_damaged_bytes_of_one_member_are_told_and_leave_no_file(archive_of, tmp_path):
    path = archive_of({"1.jpg": PHOTO, "2.jpg": PHOTO}, compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    archive = open_archive(path)

    with Unpacker(archive) as unpacker:
        with pytest.raises(ArchiveError, match="1.jpg is damaged inside the archive"):
            unpacker.unpack(archive.members[0], tmp_path / "1")
        unpacker.unpack(archive.members[1], tmp_path / "2")

    assert not (tmp_path / "1").exists()
    assert (tmp_path / "2").read_bytes() == PHOTO


def test_a_truncated_archive_is_refused(archive_of):
    path = archive_of({"cat/1.jpg": os.urandom(5000)})
    path.write_bytes(path.read_bytes()[:-300])

    assert refusal(path) == "photos.zip is damaged or cut short. Download or pack it again."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Rar!\x1a\x07\0", "a RAR archive"),
        (b"<html><body>404", "a web page"),
        (b"", "an empty file"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"\x01\x02\x03\xfe", "something else"),
    ],
)
def test_what_is_no_zip_is_called_what_it_is(tmp_path, data, words):
    path = tmp_path / "photos.zip"
    path.write_bytes(data)

    assert f"photos.zip is {words}, not a zip file" in refusal(path)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ArchiveError, match="cannot be read"):
        open_archive(tmp_path / "gone.zip")


def test_an_archive_without_photos_is_refused(archive_of):
    assert "holds no photos" in refusal(archive_of({"readme.txt": b"hello"}))


def test_a_million_members_are_refused_at_once(tmp_path):
    path = tmp_path / "many.zip"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 16) + b"a"
    entry = entry[:28] + struct.pack("<H", 1) + entry[30:]
    listed = entry * 1_000_000
    tail = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(listed), 0, 0)
    path.write_bytes(listed + tail)

    began = time.monotonic()
    said = refusal(path)

    assert f"more than {MOST_MEMBERS:,} files" in said
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("tail", [b"", b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18])
def test_an_end_without_a_beginning_is_a_sentence(tmp_path, tail):
    path = tmp_path / "photos.zip"
    path.write_bytes(b"PK\3\4" + tail)

    refusal(path)


def test_every_cut_and_every_changed_byte_ends_in_a_sentence_or_in_photos(archive_of, tmp_path):
    """A small archive damaged in every place: never an exception of another kind."""
    path = archive_of({"cat/1.jpg": b"0123456789", "cat/2.jpg": b"abcdefghij"})
    whole = path.read_bytes()
    for place in range(len(whole)):
        for data in (whole[:place], whole[:place] + b"\xff" + whole[place + 1 :]):
            path.write_bytes(data)
            try:
                archive = open_archive(path)
                with Unpacker(archive) as unpacker:
                    for member in archive.members:
                        unpacker.unpack(member, tmp_path / "out")
                        (tmp_path / "out").unlink()
            except ArchiveError as error:
                assert str(error)
            assert not (tmp_path / "out").exists()


def test_names_that_macos_writes_without_saying_they_are_utf_8_are_read_right(archive_of):
    path = archive_of({"caf\xe9/1.jpg": PHOTO})
    name = "café/1.jpg".encode()
    data = path.read_bytes()
    assert name in data
    for marker, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = data.index(marker) + at
        flags = struct.unpack_from("<H", data, start)[0] & ~0x800
        data = data[:start] + struct.pack("<H", flags) + data[start + 2 :]
    path.write_bytes(data)

    assert [member.name for member in open_archive(path).members] == ["café/1.jpg"]


def test_names_that_are_not_utf_8_are_kept_readable(archive_of):
    path = archive_of({"cXt/1.jpg": PHOTO})
    patched(path, b"cXt/", b"c\x84t/")  # "ä" in the code page of old Windows

    assert [member.name for member in open_archive(path).members] == ["cät/1.jpg"]


def test_a_name_said_to_be_utf_8_that_is_not_is_a_sentence(archive_of):
    path = archive_of({"cät/1.jpg": PHOTO})
    patched(path, "cät".encode(), b"c\xff\xfet")

    refusal(path)


def test_two_members_of_one_name_are_both_there(tmp_path):
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.jpg", b"first")
        with pytest.warns(UserWarning):
            archive.writestr("cat/1.jpg", b"second")

    opened = open_archive(path)

    assert [member.name for member in opened.members] == ["cat/1.jpg", "cat/1 (2).jpg"]


def test_backslashes_of_old_programs_are_folders(archive_of):
    path = archive_of({"cat\\1.jpg": PHOTO})

    assert [member.name for member in open_archive(path).members] == ["cat/1.jpg"]


def test_an_archive_behind_a_program_is_opened_as_one(archive_of):
    path = archive_of({"cat/1.jpg": PHOTO})
    path.write_bytes(b"MZ program" * 100 + path.read_bytes())

    assert len(open_archive(path).members) == 1


def test_an_archive_with_large_fields_is_opened(tmp_path):
    path = tmp_path / "large.zip"
    with (
        zipfile.ZipFile(path, "w") as archive,
        archive.open(zipfile.ZipInfo("cat/1.jpg"), "w", force_zip64=True) as member,
    ):
        member.write(PHOTO)

    assert len(open_archive(path).members) == 1


def test_what_needs_more_memory_than_photos_do_is_refused(archive_of):
    said = refusal(archive_of({"cat/1.jpg": PHOTO}, compression=zipfile.ZIP_LZMA))

    assert "packed in an unusual way" in said


def test_hostile_names_are_shown_without_their_control_characters(archive_of):
    said = refusal(archive_of({"../\x1b[31m\n" + "x" * 300: PHOTO}))

    assert "\x1b" not in said and "\n" not in said and len(said) < 300


def test_a_stream_of_many_bytes_is_read_in_pieces(archive_of, tmp_path):
    data = os.urandom(3_500_000)
    archive = open_archive(archive_of({"1.tif": data}))

    with Unpacker(archive) as unpacker:
        unpacker.unpack(archive.members[0], tmp_path / "1")
        assert unpacker.read(archive.members[0]) == data
        with pytest.raises(ArchiveError, match="too large"):
            unpacker.read(archive.members[0], most=10)

    assert (tmp_path / "1").read_bytes() == data
