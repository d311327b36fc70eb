"""Zip archives: everything is looked at before anything is written.

An archive is somebody else's program for the unpacker: names that lead elsewhere, links, sizes
that are a lie. What is checked here is the list of members; what a member really holds is counted
again while it is unpacked.
"""

import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import xxhash

from core.collect.imports.names import cleaned, each_once, is_label_list, is_passed_over, is_unsafe
from core.dataset.names import photos, shown
from core.errors import ArchiveError
from core.images.signatures import HEAD_BYTES, recognise

MOST_MEMBERS = 200_000
MOST_EXPANSION = 100  # times the archive's size; photos hardly shrink at all
ALWAYS_ALLOWED_BYTES = 100_000_000  # a few scans of blank pages may shrink more than that
MOST_LABEL_BYTES = 50_000_000
CHUNK_BYTES = 1024 * 1024

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".cab", ".jar")
OPENED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
# What zipfile and the decompressors raise for bytes that are not what they say.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    MemoryError,
)

END, END_64, LOCATOR_64, ENTRY = b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\1\2"
END_BYTES, END_64_BYTES, LOCATOR_BYTES, ENTRY_BYTES = 22, 56, 20, 46


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of an archive."""

    name: str  # path inside it, with forward slashes; no two members share one
    bytes: int  # unpacked, as the archive says
    info: zipfile.ZipInfo


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An archive that may be unpacked, as its own list of contents has it."""

    path: Path
    members: tuple[Member, ...]  # what may be photos, in the archive's order
    lists: tuple[Member, ...]  # tables that may say which photo is of which class

    @property
    def bytes(self) -> int:
        """How much the photos take once they are unpacked."""
        return sum(member.bytes for member in self.members)


def open_archive(path: Path, *, title: str | None = None) -> Archive:
    """Look through an archive's list of contents. Nothing is unpacked.

    Args:
        path: The zip file.
        title: What the person calls it, if that is not the file's own name.

    Raises:
        ArchiveError: If it is no zip, or must not be unpacked: encrypted, an archive inside it, a
            path that leads out of it, a link, too many members, too much when unpacked.
    """
    name = shown(title or path.name)
    with _sentences(path, name):
        _refuse_too_many(path, name)
        with zipfile.ZipFile(path) as opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
            for info in opened.infolist():
                _refuse_member(info, name)
            _refuse_too_large(infos, path, name)
    wanted = [(info, cleaned(_name_of(info))) for info in infos]
    archive = Archive(
        path=path,
        members=_members([pair for pair in wanted if pair[1] and not is_passed_over(pair[1])]),
        lists=_members([pair for pair in wanted if is_label_list(pair[1])]),
    )
    if not archive.members:
        raise ArchiveError(f"{name} holds no photos. Choose another file.")
    return archive


class Unpacker:
    """Unpacks members of an archive one by one; close it afterwards."""

    def __init__(self, archive: Archive) -> None:
        with _sentences(archive.path, shown(archive.path.name)):
            self._zip = zipfile.ZipFile(archive.path)

    def __enter__(self) -> "Unpacker":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def unpack(self, member: Member, target: Path) -> str:
        """Write a member to a new file and return its content hash.

        Raises:
            ArchiveError: If its bytes are damaged; nothing is left of it then.
            OSError: If the file cannot be written.
        """
        digest = xxhash.xxh3_128()
        with target.open("xb") as file:
            try:
                for chunk in self._chunks(member):
                    digest.update(chunk)
                    file.write(chunk)
            except BaseException:
                file.close()
                target.unlink(missing_ok=True)
                raise
        return digest.hexdigest()

    def read(self, member: Member, *, most: int = MOST_LABEL_BYTES) -> bytes:
        """What a small member holds.

        Raises:
            ArchiveError: If its bytes are damaged, or more than ``most``.
        """
        if member.bytes > most:
            raise ArchiveError(f"{shown(member.name)} is too large to be read.")
        return b"".join(self._chunks(member))

    def _chunks(self, member: Member) -> Iterator[bytes]:
        left = member.bytes
        try:
            with self._zip.open(member.info) as source:
                while chunk := source.read(CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise zipfile.BadZipFile
                    yield chunk
        except BROKEN as error:
            raise ArchiveError(
                f"{shown(member.name)} is damaged inside the archive and cannot be unpacked."
            ) from error
        if left:
            raise ArchiveError(f"{shown(member.name)} is cut short inside the archive.")


@contextmanager
def _sentences(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except BROKEN as error:
        raise ArchiveError(_what_it_is(path, name)) from error


def _what_it_is(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"{name} cannot be read ({error.strerror or error}). Choose it again."
    if head.startswith(b"PK"):
        return f"{name} is damaged or cut short. Download or pack it again."
    words = recognise(head)[1] if head else "an empty file"
    if words.isupper():
        words = f"a {words} picture"
    return f"{name} is {words or 'something else'}, not a zip file. Pack the photos as a zip."


def _refuse_too_many(path: Path, name: str) -> None:
    """Count the members before a list of them is made: a million take a gigabyte of memory."""
    with path.open("rb") as file:
        if _count_members(file, stop_above=MOST_MEMBERS) > MOST_MEMBERS:
            raise ArchiveError(
                f"{name} holds more than {MOST_MEMBERS:,} files, which is too many for one "
                "archive. Unpack it yourself and choose the folder."
            )


def _count_members(file: BinaryIO, *, stop_above: int) -> int:
    start, size = _place_of_list(file)
    file.seek(start)
    end = start + size
    count = 0
    while file.tell() < end and count <= stop_above:
        entry = file.read(ENTRY_BYTES)
        if len(entry) < ENTRY_BYTES or not entry.startswith(ENTRY):
            break  # zipfile says what is wrong with it
        file.seek(sum(struct.unpack_from("<HHH", entry, 28)), os.SEEK_CUR)
        count += 1
    return count


def _place_of_list(file: BinaryIO) -> tuple[int, int]:
    """Where the list of members begins and how many bytes it takes, as zipfile finds it."""
    length = file.seek(0, os.SEEK_END)
    tail_start = max(0, length - END_BYTES - 65_535)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_BYTES:
        raise zipfile.BadZipFile
    (size,) = struct.unpack_from("<L", tail, at + 12)
    end = tail_start + at
    before = end - LOCATOR_BYTES - END_64_BYTES
    if before >= 0:
        file.seek(before)
        record = file.read(END_64_BYTES + LOCATOR_BYTES)
        if record.startswith(END_64) and record[END_64_BYTES:].startswith(LOCATOR_64):
            (size,) = struct.unpack_from("<Q", record, 40)
            end = before
    if size > end:
        raise zipfile.BadZipFile
    return end - size, size


def _refuse_member(info: zipfile.ZipInfo, name: str) -> None:
    inside = _name_of(info)
    member = shown(inside)
    if is_unsafe(inside) or "\0" in info.orig_filename:
        raise ArchiveError(
            f"{name} was not opened: {member} in it would be written outside of its folder. "
            "Do not trust this file."
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(
            f"{name} was not opened: {member} in it is a link to another place or no plain file. "
            "Pack the photos themselves."
        )
    if info.is_dir() or is_passed_over(cleaned(inside)):
        return
    if info.flag_bits & 0x2041:
        raise ArchiveError(
            f"{name} is locked with a password. Unpack it yourself and choose the folder, or pack "
            "it again without a password."
        )
    if inside.lower().endswith(ARCHIVES):
        raise ArchiveError(
            f"{name} holds another archive, {member}. Unpack that one first, then pack the photos "
            "alone."
        )
    if info.compress_type not in OPENED:
        raise ArchiveError(
            f"{name} is packed in an unusual way that cannot be opened here. Unpack it yourself "
            "and choose the folder, or pack it again as a plain zip."
        )


def _refuse_too_large(infos: list[zipfile.ZipInfo], path: Path, name: str) -> None:
    size = path.stat().st_size
    unpacked = sum(info.file_size for info in infos)
    overlap = sum(info.compress_size for info in infos) > size
    if overlap or unpacked > max(ALWAYS_ALLOWED_BYTES, MOST_EXPANSION * size):
        raise ArchiveError(
            f"{name} was not opened: its {photos(len(infos)).replace('photo', 'file')} would grow "
            f"to {_in_words(unpacked)} when unpacked, which photos do not. Do not trust this file."
        )
    free = shutil.disk_usage(path.parent).free
    if unpacked > free:
        raise ArchiveError(
            f"{name} takes {_in_words(unpacked)} when unpacked, and there are {_in_words(free)} "
            "left on the disk. Make room first."
        )


def _in_words(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def _name_of(info: zipfile.ZipInfo) -> str:
    """A member's path. macOS writes UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except ValueError:
        return info.filename


def _members(wanted: list[tuple[zipfile.ZipInfo, str]]) -> tuple[Member, ...]:
    names = each_once(name for _, name in wanted)
    return tuple(
        Member(name=name, bytes=info.file_size, info=info)
        for (info, _), name in zip(wanted, names, strict=True)
    )
