"""Names as text that can be read, whatever a folder holds."""

import unicodedata


def visible(name: str) -> str:
    """A name as it can be shown as plain text (not Markdown).

    Bytes that are not UTF-8, line breaks and other control characters become visible signs.
    """
    return "".join(_sign(character) for character in name)


def _sign(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return "\N{REPLACEMENT CHARACTER}"
    return character
