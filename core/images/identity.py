"""What makes two files the same photo: their bytes."""

from pathlib import Path

import xxhash

# A photo is read in one go; a film saved among them must not fill the memory.
CHUNK_BYTES = 4 * 1024 * 1024


def content_hash(path: Path) -> str:
    """The content of a file as 32 hexadecimal digits: equal bytes, equal digits.

    Raises:
        OSError: If the file cannot be read.
    """
    digest = xxhash.xxh3_128()
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
