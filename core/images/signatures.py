"""What a file is by its first bytes, where no decoder knows it or the decoder gave up."""

import re
from typing import Literal

# Enough for a web page's or a drawing's opening tag after comments and a licence text.
HEAD_BYTES = 4096

Nature = Literal["picture", "unsupported", "other"]

# Formats that Winnow decodes: what begins like this and fails is damaged.
PICTURES = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\0\x0cjP  ", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"qoif", "QOI"),
    (b"8BPS", "PSD"),
    (b"\x01\xda\0", "SGI"),
    (b"\x01\xda\1", "SGI"),
    (b"icns", "ICNS"),
    (b"DDS ", "DDS"),
)

# Pictures that Winnow does not decode. Converting them is the user's to do.
UNSUPPORTED = (
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"%!PS", "a PostScript drawing"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"gimp xcf", "a GIMP project"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"IIU\0", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"AT&TFORM", "a DjVu document"),
    (b"BPG\xfb", "a BPG picture"),
    (b"SIMPLE  =", "a FITS file"),
)

OTHER = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound file"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
)

HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"))
AVIF_BRANDS = frozenset((b"avif", b"avis"))
# What may stand before a drawing's root: a declaration, comments, a document type.
SVG_ROOT = re.compile(
    rb"(?:<\?xml[^>]*>|<!--.*?-->|<!doctype\s+svg[^>]*(?:\[.*?\]\s*)?>|\s)*<(?:\w+:)?svg[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
HTML_TAG = re.compile(rb"<!doctype\s+html|<html|<head|<body", re.IGNORECASE)
TEXT_BYTES = bytes(set(range(0x20, 0x100)) | {0x07, 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x1B})


def recognise(head: bytes) -> tuple[Nature, str]:
    """What the first ``HEAD_BYTES`` of a file say it is.

    Returns:
        Its nature, and for a picture the decoder's name of its format ("" where that is no
        more than a guess), for anything else words such as "a PDF document".
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if SVG_ROOT.match(text):
        return "unsupported", "an SVG drawing"
    if HTML_TAG.search(text) and text.startswith(b"<"):
        return "other", "a web page"
    for nature, known in (("picture", PICTURES), ("unsupported", UNSUPPORTED), ("other", OTHER)):
        for start, words in known:
            if head.startswith(start):
                return nature, words  # type: ignore[return-value]
    return _by_container(head) or _by_bytes(head, text)


def _by_container(head: bytes) -> tuple[Nature, str] | None:
    """Formats that share a container and name themselves inside it."""
    if head[:4] == b"RIFF":
        return ("picture", "WEBP") if head[8:12] == b"WEBP" else ("other", "a sound or a video")
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in AVIF_BRANDS or brand in HEIF_BRANDS:
            return "picture", "AVIF" if brand in AVIF_BRANDS else "HEIF"
        return ("unsupported", "a camera's raw file") if brand == b"crx " else ("other", "a video")
    return None


def _by_bytes(head: bytes, text: bytes) -> tuple[Nature, str]:
    if not head.strip(b"\0"):
        return "picture", ""  # a picture's place on the disk, its content lost
    if text[:1] in (b"{", b"[") and not head.translate(None, TEXT_BYTES):
        return "other", "a message from a web server"
    if _is_text(head):
        return "other", "text"
    return "other", ""


def _is_text(head: bytes) -> bool:
    if head.translate(None, TEXT_BYTES):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == HEAD_BYTES  # a letter cut in half
    return True
