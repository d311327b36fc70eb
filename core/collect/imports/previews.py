"""Small pictures of a few photos that are to be brought in, before any of them is."""

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from core.collect.imports.bundles import Bundle
from core.collect.imports.layouts import Recognised, class_folder
from core.collect.imports.names import spread
from core.errors import WinnowError
from core.images.decode import open_rgb
from core.images.identity import content_hash
from core.images.shrinking import thumbnail_apart

SIDE = 112  # pixels
ROUGH = 4 * SIDE  # of the copy that it is cut from
QUALITY = 75


def examples(
    names: Sequence[str], found: Recognised, *, unsorted: str, most: int = 6
) -> dict[str, str | None]:
    """A photo of each class, or some photos from all over where there are no classes; by path."""
    if len(found.classes) < 2:
        return dict.fromkeys(spread(names, most))
    chosen: dict[str, str] = {}
    for name in names:
        inside = name.removeprefix(found.prefix)
        folder = class_folder(inside, split=found.layout == "split", unsorted=unsorted)
        if folder is not None:
            chosen.setdefault(folder, name)
    return {chosen[folder]: folder for folder in sorted(chosen)[:most]}


def small_pictures(bundle: Bundle, names: Sequence[str]) -> Mapping[str, bytes]:
    """Small JPEGs of some photos, by path; without those that cannot be read."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        for number, name in enumerate(names):
            path = Path(folder) / str(number)
            try:
                bundle.write(name, path)
                # Nobody has looked at these files yet: one that crashes its reader must not take
                # the program with it that shows them.
                copy = thumbnail_apart(path, content_hash(path), Path(folder) / "small", side=ROUGH)
                found[name] = _small(copy)
            except (WinnowError, OSError):
                continue  # it is told after arrival
    return found


def _small(path: Path) -> bytes:
    picture = open_rgb(path, at_least=SIDE)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = (left, top, left + side, top + side)
    small = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC, square, reducing_gap=2.0)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
